"""Calls of the GitHub API: paced, tried again where that is safe, and with errors a person can act on.

PyGithub's objects fetch themselves again when looked at; its requester does one call
at a time, which is what a bot that counts its calls needs.
"""

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import requests
from github import Github, GithubException
from msgspec import Struct
from pydantic import BaseModel, ValidationError

from autobump.forges.github.errors import (
    LostAnswerError,
    OutOfBudgetError,
    RefusedError,
    find_limit_seconds,
    is_graphql_limit,
    one_line,
    refused,
    text_of,
)
from autobump.forges.github.models import User
from autobump.support.errors import ForgeError
from autobump.support.http.bounds import UnboundedAnswerError
from autobump.support.http.certificates import blames_certificate
from autobump.support.http.reach import say_why
from autobump.support.http.request_count import RequestCount
from autobump.support.http.retry import MAX_PAGES, Retrier, RetryLater, Wait
from autobump.support.secrets import Secret

ACTIONS_LOGIN = "github-actions[bot]"

_log = logging.getLogger(__name__)
# PyGithub writes lines of its own to stderr, which are neither redacted nor in the format that was asked for.
logging.getLogger("github").setLevel(logging.CRITICAL)


class GitHubPace(Struct, frozen=True):
    """How fast to write and how long to wait.

    Attributes:
        write_seconds: Least time between two writes.
        total_wait_seconds: All waiting for limits together, in one pass.
        answer_seconds: For the body of one answer.
        silence_seconds: How long GitHub may say nothing.
    """

    write_seconds: float = 1.0
    total_wait_seconds: float = 900.0
    answer_seconds: float = 60.0
    silence_seconds: int = 30


class _GraphQlError(BaseModel):
    message: str = "no reason given"


class _GraphQlAnswer(BaseModel):
    errors: list[_GraphQlError] = []


class GitHubApi:
    """Calls for one repository, on behalf of one account."""

    def __init__(
        self,
        github: Github,
        repository: str,
        pace: GitHubPace | None = None,
        *,
        login: str = "",
        request_count: RequestCount | None = None,
    ) -> None:
        """Use a client made by `connect_with_token` or `connect_as_app`.

        Args:
            github: The client.
            repository: `owner/name`.
            pace: How fast to write.
            login: The account the calls are made for; empty to ask GitHub when it is needed.
            request_count: Told of every call.
        """
        self.repository = repository
        self.owner = repository.partition("/")[0]
        self._requester = github.requester
        self._pace = pace or GitHubPace()
        self._login = login
        self._request_count = request_count or RequestCount()
        self._retrier = Retrier(self._pace.total_wait_seconds, _no_time_left)

    def login(self) -> str:
        """Return the account the calls are made for.

        Source: GET /user answers 403 to the token of a workflow, whose account is github-actions[bot].
        """
        if not self._login:
            try:
                what = "ask who the token is"
                self._login = parse(User, self._send("GET", "/user", what=what), what).login
            except RefusedError as exc:
                if exc.status != 403 or "integration" not in exc.text:
                    raise
                self._login = ACTIONS_LOGIN
        return self._login

    def fetch_token(self) -> Secret:
        """Return the token the calls are made with; an App's is asked for.

        Raises:
            ForgeError: GitHub gives none.
        """
        try:
            return Secret(str(self._requester.auth.token if self._requester.auth else ""))
        except GithubException as exc:
            raise ForgeError(f"GitHub gives the App no token: {text_of(exc)}") from exc
        except UnboundedAnswerError as exc:
            raise ForgeError(f"GitHub {exc}") from exc
        except requests.RequestException as exc:
            raise ForgeError(f"GitHub cannot be reached: {say_why(exc)}") from exc

    def get(self, path: str, what: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Read one thing below the repository.

        Args:
            path: Such as `/git/ref/heads/x`.
            what: What is being done, for errors: "list the branches".
            parameters: Of the query.
        """
        return self._send("GET", f"/repos/{self.repository}{path}", what=what, parameters=parameters)

    def list_pages(
        self, path: str, what: str, parameters: Mapping[str, Any] | None = None, *, first: int | None = None
    ) -> list[Any]:
        """Read a list.

        Args:
            path: Such as `/pulls`.
            what: What is being done, for errors.
            parameters: Of the query.
            first: How many pages of 100 are wanted; None for all.

        Raises:
            ForgeError: It has more pages than a list may.
        """
        found: list[Any] = []
        for page in range(1, (first or MAX_PAGES) + 1):
            query = dict(parameters or {}) | {"per_page": 100} | ({"page": page} if page > 1 else {})
            elements = self._list(path, what, query)
            found += elements
            if len(elements) < 100:
                return found
        if first is None:
            raise ForgeError(f"cannot {what}: GitHub lists more than {MAX_PAGES} pages")
        return found

    def list_at_once(self, path: str, what: str) -> list[Any]:
        """Read a list that GitHub answers as a whole."""
        return self._list(path, what, None)

    def _list(self, path: str, what: str, parameters: Mapping[str, Any] | None) -> list[Any]:
        elements = self.get(path, what, parameters)
        if not isinstance(elements, list):
            raise ForgeError(f"GitHub answered something unexpected to: {what}")
        return elements

    def write(self, verb: str, path: str, what: str, body: Any = None, *, once: bool = False) -> Any:
        """Write something below the repository.

        Args:
            verb: `POST`, `PATCH`, `PUT` or `DELETE`.
            path: Such as `/git/trees`.
            what: What is being done, for errors.
            body: Sent as JSON.
            once: Sending it twice would do it twice; a lost answer is raised instead of tried again.

        Raises:
            LostAnswerError: It may or may not have happened (only with `once`).
            RefusedError: GitHub refused.
            OutOfBudgetError: Waiting for a limit would take too long.
            ForgeError: GitHub could not be reached.
        """
        return self._send(verb, f"/repos/{self.repository}{path}", what=what, body=body, once=once)

    def graphql(self, query: str, variables: Mapping[str, Any], what: str) -> None:
        """Run a GraphQL mutation that may be sent twice; its answer does not matter.

        Raises:
            RefusedError: GitHub refused.
            ForgeError: GitHub could not be reached.
        """
        body = {"query": query, "variables": dict(variables)}
        answer = self._send("POST", self._requester.graphql_url, what=what, body=body)
        if errors := parse(_GraphQlAnswer, answer, what).errors:
            text = one_line("; ".join(error.message for error in errors))
            raise RefusedError(f"cannot {what}: {text}", 200, text)

    def _send(
        self,
        verb: str,
        path: str,
        *,
        what: str,
        parameters: Mapping[str, Any] | None = None,
        body: Any = None,
        once: bool = False,
    ) -> Any:
        limits = 0

        def attempt() -> Any:
            nonlocal limits
            lost = LostAnswerError if once else ForgeError
            try:
                return self._request(verb, path, what, parameters, body)
            except GithubException as exc:
                if (seconds := find_limit_seconds(exc, time.time(), limits)) is not None:
                    limits += 1
                    limit = OutOfBudgetError(f"cannot {what}: GitHub keeps answering with its rate limit")
                    raise RetryLater(limit, seconds) from exc
                if exc.status < 500:
                    raise refused(exc, what, self.repository) from exc
                failure = lost(f"cannot {what}: GitHub answered {exc.status}")
            except UnboundedAnswerError as exc:
                raise lost(f"cannot {what}: GitHub {exc}") from exc
            except (requests.RequestException, ValueError) as exc:
                if blames_certificate(exc):
                    raise ForgeError(f"cannot {what}: the certificate of GitHub cannot be verified") from exc
                trouble = _trouble(exc, self._requester.hostname_and_port)
                failure = lost(f"cannot {what}: GitHub {trouble}")
            finally:
                self._count()
            # What must not be done twice is not sent again before a look whether it was done.
            raise failure if once else RetryLater(failure)

        return self._retrier.call(attempt)

    def _request(
        self, verb: str, path: str, what: str, parameters: Mapping[str, Any] | None, body: Any
    ) -> Any:
        """Send one request and return what the JSON of the answer says, None for an empty one.

        Raises:
            GithubException: GitHub refused.
            ForgeError: It redirects.
            ValueError: It answered something else than JSON, such as the page of a proxy.

        Source: PyGithub follows 301 on the same host, raises RuntimeError for another one, and takes any
        other redirect for an answer. Of a repository that was renamed GitHub says 301, and 307 to a write.
        """
        moved = f"cannot {what}: GitHub redirects it, which is not followed; was the repository renamed?"
        try:
            query = dict(parameters) if parameters else None
            status, headers, text = self._requester.requestJson(verb, path, parameters=query, input=body)
        except RuntimeError as exc:
            raise ForgeError(moved) from exc
        if 300 <= status < 400:
            raise ForgeError(moved)
        try:
            data = json.loads(text) if text else None
        except (ValueError, RecursionError) as exc:
            if status < 400:
                raise ValueError("no JSON") from exc
            data = None
        if status >= 400 or is_graphql_limit(data):
            raise GithubException(max(status, 400), data, headers)
        return data

    def _count(self) -> None:
        left, _ = self._requester.rate_limiting  # as the last answer said; -1 when none did
        self._request_count.count_github_call(left if left >= 0 else None)


def parse(model: type[BaseModel], data: Any, what: str) -> Any:
    """Validate something GitHub answered.

    Raises:
        ForgeError: It is something else.
    """
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        field = ".".join(str(part) for part in exc.errors(include_url=False, include_input=False)[0]["loc"])
        raise ForgeError(f"GitHub answered something unexpected ({field}) to: {what}") from exc


def _trouble(exc: Exception, host: str) -> str:
    if isinstance(exc, requests.RequestException):
        return f"cannot be reached at {host}: {say_why(exc)}"
    return f"answered no JSON ({type(exc).__name__})"


def _no_time_left(wait: Wait) -> OutOfBudgetError:
    what = str(wait.failure).partition(":")[0]
    asked = f"GitHub asks to wait {wait.seconds:.0f} s and {wait.left:.0f} s are left"
    return OutOfBudgetError(f"{what}: {asked}")
