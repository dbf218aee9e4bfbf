"""GitHub's limits, told by status, header or message, and how long they are waited for."""

import json
import time

import pytest

from autobump.forges.github.api import GitHubApi, GitHubPace
from autobump.forges.github.client import connect_with_token
from autobump.forges.github.errors import OutOfBudgetError, RefusedError
from autobump.support.secrets import Secret
from tests.fixtures.servers import Reply, Server, serve

MUTATION = "mutation($id: ID!) { x(id: $id) { clientMutationId } }"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    told: list[float] = []
    monkeypatch.setattr("time.sleep", told.append)
    return told


def connect(server: Server, total_wait_seconds: float = 900) -> GitHubApi:
    pace = GitHubPace(write_seconds=0, total_wait_seconds=total_wait_seconds)
    return connect_with_token(Secret("sesame"), server.url, "demisto/content", pace)


def said(status: int, message: str, *errors: object, **headers: str) -> Reply:
    body = json.dumps({"message": message, "errors": list(errors)}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body, {"Content-Type": "application/json", **named})


QUICK = {"resource": "PullRequest", "code": "custom", "message": "was submitted too quickly"}
LIMITS = {
    "422, as an object": (said(422, "Validation Failed", QUICK), 60),
    "422, as a text": (said(422, "Validation Failed", "Content was submitted too quickly."), 60),
    "422, as the message": (said(422, "Comment was submitted too quickly"), 60),
    "422, with seconds": (said(422, "Validation Failed", QUICK, Retry_After="7"), 7),
    "403, secondary": (said(403, "You have exceeded a secondary rate limit. Please wait."), 60),
    "403, abuse": (said(403, "You have triggered an abuse detection mechanism. Please retry."), 60),
    "403, quickly": (said(403, "was submitted too quickly"), 60),
    "403, with seconds": (said(403, "Forbidden", Retry_After="30"), 30),
    "429 alone": (Reply(429, b"{}"), 60),
    "429, of a proxy": (Reply(429, b"<html>slow down</html>"), 60),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limit_is_waited_for_and_the_write_is_sent_again(limit: str, waits: list[float]) -> None:
    reply, seconds = LIMITS[limit]
    answers = [reply, Reply(201, b'{"number": 1}')]
    with serve(lambda _: answers.pop(0)) as server:
        assert connect(server).write("POST", "/pulls", "open", {}, once=True) == {"number": 1}
    assert (waits, answers) == ([seconds], [])


def test_limit_that_names_its_end_is_waited_for_until_then(
    waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000.0)
    reset = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1090"}
    answers = [said(403, "API rate limit exceeded", **reset), Reply(201, b"{}")]
    with serve(lambda _: answers.pop(0)) as server:
        connect(server).write("POST", "/git/trees", "write", {})
    assert waits == [90]


def test_limit_that_names_no_end_is_waited_for_longer_each_time(waits: list[float]) -> None:
    answers = [said(422, "was submitted too quickly")] * 3 + [Reply(201, b"{}")]
    with serve(lambda _: answers.pop(0)) as server:
        connect(server).write("POST", "/pulls", "open", {}, once=True)
    assert waits == [60, 120, 240]


def test_limit_that_does_not_end_is_told_and_waits_no_longer_than_a_pass_may(waits: list[float]) -> None:
    reply = said(422, "Validation Failed", QUICK)
    with serve(lambda _: reply) as server, pytest.raises(OutOfBudgetError, match="cannot open: GitHub"):
        connect(server, total_wait_seconds=100).write("POST", "/pulls", "open", {}, once=True)
    assert waits == [60]


@pytest.mark.parametrize(
    "reply",
    [
        said(422, "Validation Failed", {"message": "No commits between master and x"}),
        said(422, "Validation Failed", {"message": "body is too long"}),
        said(403, "Resource not accessible by integration"),
        said(404, "Not Found"),
    ],
    ids=["no commits", "too long", "permission", "missing"],
)
def test_refusal_is_no_limit(reply: Reply, waits: list[float]) -> None:
    with serve(lambda _: reply) as server, pytest.raises(RefusedError):
        connect(server).write("POST", "/pulls", "open", {})
    assert (waits, len(server.requests)) == ([], 1)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "RATE_LIMITED", "message": "API rate limit exceeded"},
        {"message": "You have exceeded a secondary rate limit"},
        {"message": "was submitted too quickly"},
    ],
)
def test_limit_that_graphql_tells_with_200_is_waited_for(error: object, waits: list[float]) -> None:
    answers = [
        Reply(200, json.dumps({"data": None, "errors": [error]}).encode()),
        Reply(200, b'{"data": {}}'),
    ]
    with serve(lambda _: answers.pop(0)) as server:
        connect(server).graphql(MUTATION, {"id": "PR_1"}, "turn on auto-merge")
    assert (waits, answers) == ([60], [])


def test_refusal_that_graphql_tells_with_200_is_no_limit(waits: list[float]) -> None:
    reply = Reply(
        200, b'{"data": null, "errors": [{"type": "UNPROCESSABLE", "message": "is in clean status"}]}'
    )
    with serve(lambda _: reply) as server, pytest.raises(RefusedError, match="clean status"):
        connect(server).graphql(MUTATION, {"id": "PR_1"}, "turn on auto-merge")
    assert waits == []
