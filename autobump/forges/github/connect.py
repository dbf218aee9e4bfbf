"""Connects to GitHub with what the environment holds: a token, or an App's id and key."""

from urllib.parse import quote, urlsplit

from msgspec.structs import replace

from autobump.forges.github import client
from autobump.forges.github.api import GitHubApi, GitHubPace
from autobump.forges.github.errors import RefusedError
from autobump.settings.model import Settings
from autobump.support.errors import UsageError
from autobump.support.http.request_count import RequestCount
from autobump.support.secrets import Secret, find_secret, find_text

_WAIT_SECONDS = 3.0
_SILENCE_SECONDS = 5
"""How long a look whether GitHub answers waits: what does not answer now may do so when a pass is due."""


def check_environment() -> None:
    """See to it, before anything is asked, that the environment holds what GitHub needs.

    Raises:
        UsageError: It does not.
    """
    app_id, key = find_text("AUTOBUMP_APP_ID"), find_secret("AUTOBUMP_APP_PRIVATE_KEY")
    if bool(app_id) is not bool(key):
        raise UsageError("set both AUTOBUMP_APP_ID and AUTOBUMP_APP_PRIVATE_KEY, or neither")
    if key is None and find_secret("GITHUB_TOKEN") is None:
        raise UsageError("set GITHUB_TOKEN, or AUTOBUMP_APP_ID and AUTOBUMP_APP_PRIVATE_KEY")
    url = find_text("GITHUB_API_URL")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if url and not whole:
        raise UsageError(f"GITHUB_API_URL is no address of an API: {url!r}")


def find_git_token(settings: Settings) -> Secret | None:
    """Return what git may read the repository with: a token of the App, or `GITHUB_TOKEN`, if there is one.

    Raises:
        UsageError: The environment holds half of what an App needs.
        ForgeError: GitHub gives the App no token.
    """
    if find_secret("AUTOBUMP_APP_PRIVATE_KEY") is None:
        return find_secret("GITHUB_TOKEN")
    return connect(settings, None).fetch_token()


def check_access(settings: Settings) -> None:
    """Make sure that GitHub answers, and lets the token see the repository and its base branch.

    Raises:
        UsageError: The environment lacks what GitHub needs, or GitHub refuses it.
        ForgeError: GitHub cannot be reached, or cannot answer now.
    """
    try:
        api = connect(settings, None, briefly=True)
        base = settings.content.base
        api.get(f"/git/ref/heads/{quote(base)}", f"look at the branch {base} of {api.repository}")
    except RefusedError as exc:
        raise UsageError(str(exc)) from exc


def connect(settings: Settings, request_count: RequestCount | None, *, briefly: bool = False) -> GitHubApi:
    """Return calls for the repository of the settings; nothing is asked yet with a token.

    Args:
        settings: The settings in force.
        request_count: Told of every call.
        briefly: Wait for GitHub much shorter than a pass does.

    Raises:
        UsageError: The environment lacks what GitHub needs.
        ForgeError: GitHub does not accept what the environment holds.
    """
    check_environment()
    url = find_text("GITHUB_API_URL") or client.DEFAULT_URL
    pace = GitHubPace(write_seconds=settings.pull_requests.write_pause.total_seconds())
    if briefly:
        pace = replace(pace, total_wait_seconds=_WAIT_SECONDS, silence_seconds=_SILENCE_SECONDS)
    repository = settings.content.repository
    if (key := find_secret("AUTOBUMP_APP_PRIVATE_KEY")) is not None:
        app_id = find_text("AUTOBUMP_APP_ID")
        return client.connect_as_app(app_id, key, url, repository, pace, request_count)
    token = find_secret("GITHUB_TOKEN") or Secret("")
    return client.connect_with_token(token, url, repository, pace, request_count)
