"""Opens the forge that a command names, with what the environment holds for it."""

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from autobump.forges import Forge
from autobump.settings.model import Settings
from autobump.support.errors import UsageError
from autobump.support.git import Git
from autobump.support.http.request_count import RequestCount
from autobump.support.secrets import Secret, find_secret, find_text

if TYPE_CHECKING:
    from autobump.forges.github.api import GitHubApi


def open_forge(
    name: str, git: Git, settings: Settings, now: datetime, request_count: RequestCount | None = None
) -> Forge:
    """Open a forge.

    Args:
        name: `local` or `github`.
        git: The analysed repository, where `local` keeps its branches.
        settings: The settings in force.
        now: Time of the pass.
        request_count: Told of every call.

    Raises:
        UsageError: The environment lacks what the forge needs.
        ForgeError: GitHub does not accept what the environment holds.
    """
    prs = settings.pull_requests
    if name == "local":
        from autobump.forges.local_git import LocalGitForge

        return LocalGitForge(git, branch_prefix=prs.branch_prefix, now=now)
    from autobump.forges.github.pull_requests import GitHubForge, GitHubOptions

    options = GitHubOptions(
        base=settings.content.base,
        branch_prefix=prs.branch_prefix,
        labels=prs.labels,
    )
    return GitHubForge(_connect(settings, request_count), options)


def identify_forge(name: str, git: Git, settings: Settings) -> str:
    """Return a text that is the same for every pass that writes to the same place, and no other."""
    if name == "local":
        folder = git.directory / git.line("rev-parse", "--git-common-dir")
        return str(folder.resolve())
    repository = settings.content.repository.lower()
    url = find_text("GITHUB_API_URL").rstrip("/")
    return f"{repository} at {url}" if url else f"{repository} on GitHub"


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
    return _connect(settings, None).fetch_token()


def _connect(settings: Settings, request_count: RequestCount | None) -> "GitHubApi":
    from autobump.forges.github import api as github_api

    check_environment()
    url = find_text("GITHUB_API_URL") or github_api.DEFAULT_URL
    pace = github_api.GitHubPace(write_seconds=settings.pull_requests.write_pause.total_seconds())
    repository = settings.content.repository
    if (key := find_secret("AUTOBUMP_APP_PRIVATE_KEY")) is not None:
        app_id = find_text("AUTOBUMP_APP_ID")
        return github_api.connect_as_app(app_id, key, url, repository, pace, request_count)
    token = find_secret("GITHUB_TOKEN") or Secret("")
    return github_api.connect_with_token(token, url, repository, pace, request_count)
