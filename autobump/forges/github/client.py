"""PyGithub's clients, made with a token or as an App, whose answers are bounded."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from github import Auth, Github, GithubException, GithubIntegration
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
from pydantic import BaseModel

from autobump.forges.github.api import GitHubApi, GitHubPace
from autobump.forges.github.errors import RefusedError
from autobump.support.errors import ForgeError, UsageError
from autobump.support.http.bounds import BoundedSession, UnboundedAnswerError, read_body
from autobump.support.http.reach import say_why
from autobump.support.http.request_count import RequestCount
from autobump.support.secrets import Secret

DEFAULT_URL = "https://api.github.com"

_APP_PERMISSIONS = {"contents": "write", "pull_requests": "write", "issues": "write"}
_STATUSES = {"statuses": "write"}
"""Asked for where the App has it: GitHub refuses a token for what it has not."""

_ANSWER_BYTES = 64 * 1024 * 1024
"""More than a hundred pull requests whose texts are as long as GitHub lets them be."""
_AROUND_BYTES = 16 * 1024 * 1024
"""For headers, and for the sizes of the pieces that a body comes in."""


class _App(BaseModel):
    id: int
    app_slug: str
    permissions: dict[str, str] = {}


def connect_with_token(
    token: Secret, url: str, repository: str, pace: GitHubPace, request_count: RequestCount | None = None
) -> GitHubApi:
    """Connect with a token: of a person, a machine user or a workflow."""
    return GitHubApi(
        _client(Auth.Token(token.reveal()), url, pace), repository, pace, request_count=request_count
    )


def connect_as_app(
    app_id: str,
    key: Secret,
    url: str,
    repository: str,
    pace: GitHubPace,
    request_count: RequestCount | None = None,
) -> GitHubApi:
    """Connect as a GitHub App, with the installation that has the repository.

    Raises:
        ForgeError: The App is not installed there, or its id and key are not accepted.
        UsageError: They cannot be such ones.

    Source: GET /repos/{owner}/{repo}/installation answers `id`, `app_slug` and `permissions`; an App acts as
    `<slug>[bot]`.
    """
    try:
        # A file of variables holds one line each: there the ends of a key's lines are written out.
        auth = Auth.AppAuth(int(app_id), key.reveal().replace("\\n", "\n"))
        with _bounded_answers(pace.answer_seconds):
            integration = GithubIntegration(auth=auth, base_url=url, retry=None, seconds_between_requests=0)
        _, data = integration.requester.requestJsonAndCheck("GET", f"/repos/{repository}/installation")
        app = _App.model_validate(data)
        wanted = _APP_PERMISSIONS | (_STATUSES if _STATUSES.items() <= app.permissions.items() else {})
        return GitHubApi(
            _client(auth.get_installation_auth(app.id, wanted), url, pace),
            repository,
            pace,
            login=f"{app.app_slug}[bot]",
            request_count=request_count,
        )
    except GithubException as exc:
        if exc.status >= 500:
            raise ForgeError(f"GitHub answered {exc.status} to a question for the GitHub App") from exc
        if exc.status == 404:
            why = f"the GitHub App is not installed on {repository}"
        else:
            why = "GitHub does not accept AUTOBUMP_APP_ID with AUTOBUMP_APP_PRIVATE_KEY"
        raise RefusedError(why, exc.status, str(exc)) from exc
    except UnboundedAnswerError as exc:
        raise ForgeError(f"GitHub {exc}") from exc
    except requests.RequestException as exc:
        raise ForgeError(f"GitHub cannot be reached: {say_why(exc)}") from exc
    except Exception as exc:  # PyJWT and cryptography have many words for a key that is none
        raise UsageError(
            "AUTOBUMP_APP_ID is no number, or AUTOBUMP_APP_PRIVATE_KEY is not the text of a PEM file "
            f"({type(exc).__name__})"
        ) from exc


def _client(auth: Any, url: str, pace: GitHubPace) -> Github:
    with _bounded_answers(pace.answer_seconds):
        return Github(
            auth=auth,
            base_url=url,
            timeout=pace.silence_seconds,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=pace.write_seconds,
        )


@contextmanager
def _bounded_answers(seconds: float) -> Iterator[None]:
    """Let the clients that are made meanwhile read answers within bounds, however steadily they drip.

    Source: PyGithub reads an answer to its end. A client takes the classes of its connections when it is
    made, so do those that fetch its tokens, and a connection is kept only while no classes are given.
    """

    def read(response: requests.Response, **_: Any) -> requests.Response:
        try:
            body = read_body(response, _ANSWER_BYTES, time.monotonic() + seconds, seconds)
        except UnboundedAnswerError:
            response.close()
            raise
        response.raw = io.BytesIO(body)
        return response

    def bounded() -> requests.Session:
        session = BoundedSession(_ANSWER_BYTES + _AROUND_BYTES, seconds)
        session.hooks["response"].append(read)
        return session

    class Plain(HTTPRequestsConnectionClass):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.session = bounded()

    class Secure(HTTPSRequestsConnectionClass):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.session = bounded()

    Requester.injectConnectionClasses(Plain, Secure)
    try:
        yield
    finally:
        Requester.resetConnectionClasses()
