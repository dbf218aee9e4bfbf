import pytest

from autobump.forges.github.api import GitHubPace
from autobump.forges.github.client import connect_with_token
from autobump.support.errors import ForgeError
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.http.request_count import RequestCount
from autobump.support.secrets import Secret
from tests.fixtures.servers import Reply, serve


def test_every_request_to_a_registry_counts_also_those_tried_again() -> None:
    request_count = RequestCount()
    answers = [Reply(503), Reply(200), Reply(404)]
    with serve(lambda _: answers.pop(0)) as server:
        client = HttpClient(HttpLimits(), sleep=lambda _: None, request_count=request_count)
        client.send("GET", f"{server.url}/a")
        client.send("HEAD", f"{server.url}/b")
    assert request_count.registry_requests == 3


def test_every_call_to_github_counts_and_its_limit_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    request_count = RequestCount()
    limit = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4321"}
    answers = [
        Reply(200, b'{"login": "me"}'),
        Reply(502, b"{}"),
        Reply(200, b"[]", limit),
        Reply(404, b"{}"),
    ]
    with serve(lambda _: answers.pop(0)) as server:
        api = connect_with_token(
            Secret("t"), server.url, "demisto/content", GitHubPace(write_seconds=0), request_count
        )
        api.login()
        assert (request_count.github_calls, request_count.github_left) == (1, None)
        api.get("/pulls", "list the pull requests")
        assert (request_count.github_calls, request_count.github_left) == (3, 4321)
        with pytest.raises(ForgeError):
            api.get("/none", "read nothing")
    assert (request_count.github_calls, request_count.github_left) == (4, 4321)
