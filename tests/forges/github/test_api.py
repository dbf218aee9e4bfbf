"""Calls to a server that claims to be GitHub and means harm, or is in trouble."""

import json
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import pytest

from autobump.forges.github.api import GitHubApi, GitHubPace
from autobump.forges.github.client import connect_as_app, connect_with_token
from autobump.forges.github.errors import LostAnswerError
from autobump.support.errors import ForgeError
from autobump.support.secrets import Secret
from tests.fixtures.certificates import self_signed
from tests.fixtures.emulator import APP_ID, APP_KEY
from tests.fixtures.servers import Reply, Request, packed, send_raw, serve

JSON = {"Content-Type": "application/json"}
FLOOD = Reply(body=b"x" * 1024, repeat=100 * 1024)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    told: list[float] = []
    monkeypatch.setattr("time.sleep", told.append)
    return told


def connect(url: str, answer_seconds: float = 60) -> GitHubApi:
    pace = GitHubPace(write_seconds=0, answer_seconds=answer_seconds)
    return connect_with_token(Secret("sesame"), url, "demisto/content", pace)


def read(api: GitHubApi) -> object:
    return api.list_pages("/pulls", "list the open pull requests")


def write(api: GitHubApi) -> object:
    return api.write("POST", "/issues/1/labels", "label #1", {"labels": ["x"]})


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_not_followed(
    call: Callable[[GitHubApi], object], status: int, waits: list[float]
) -> None:
    with serve(lambda _: Reply(body=b"[]")) as elsewhere:
        redirect = Reply(status, headers={"Location": f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/x"})
        with serve(lambda _: redirect) as server, pytest.raises(ForgeError, match="redirects"):
            call(connect(server.url))
    assert server.requests[0].headers["authorization"] == "token sesame"
    assert (len(server.requests), elsewhere.requests, waits) == (1, [], [])


def test_redirect_in_circles_ends_and_only_autobump_tells(
    waits: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    def answer(request: Request) -> Reply:
        return Reply(301, headers={"Location": f"{server.url}{request.path}"})

    with serve(answer) as server, pytest.raises(ForgeError, match="redirects"):
        read(connect(server.url))
    assert capfd.readouterr().err == ""


def test_token_leaves_tls_for_no_redirect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serve(lambda _: Reply(body=b"[]")) as plain:
        redirect = Reply(301, headers={"Location": f"{plain.url}/repos/demisto/content/pulls"})
        with serve(lambda _: redirect, certificate) as server, pytest.raises(ForgeError, match="redirects"):
            read(connect(server.url))
    assert (len(server.requests), plain.requests) == (1, [])


@pytest.mark.parametrize("call", [read, write])
def test_certificate_nobody_vouches_for_is_told_and_not_tried_again(
    tmp_path: Path, call: Callable[[GitHubApi], object], waits: list[float]
) -> None:
    with (
        serve(lambda _: Reply(body=b"[]"), self_signed(tmp_path)) as server,
        pytest.raises(ForgeError, match="the certificate of GitHub cannot be verified"),
    ):
        call(connect(server.url))
    assert (server.connections, server.requests, waits) == (1, [], [])


def test_pages_without_end_are_an_error(waits: list[float]) -> None:
    page = Reply(body=b"[" + b"{}," * 99 + b"{}]", headers={**JSON, "Link": '</x>; rel="next"'})
    with (
        serve(lambda _: page) as server,
        pytest.raises(ForgeError, match="cannot list: GitHub lists more than 200 pages"),
    ):
        connect(server.url).list_pages("/pulls", "list")
    assert len(server.requests) == 200


def test_first_pages_are_taken_when_more_are_not_wanted(waits: list[float]) -> None:
    page = Reply(body=b"[" + b"{}," * 99 + b"{}]", headers=JSON)
    with serve(lambda _: page) as server:
        found = connect(server.url).list_pages("/pulls", "list", first=2)
    assert (len(server.requests), len(found)) == (2, 200)


@pytest.mark.parametrize(
    ("reply", "attempts"),
    [
        (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), 4),
        (Reply(body=b'[{"number": 1', headers=JSON), 4),
        (Reply(body=b"[" * 100_000, headers=JSON), 4),
        (Reply(body=b'{"message": "a list was asked for"}', headers=JSON), 1),
        (Reply(body=b"\xff\xfe", headers={"Content-Type": "image/png"}), 1),
        (Reply(204), 1),
    ],
    ids=["html", "cut off", "deep", "object", "image", "empty"],
)
def test_answer_that_is_no_list_is_told(reply: Reply, attempts: int, waits: list[float]) -> None:
    with serve(lambda _: reply) as server, pytest.raises(ForgeError, match="GitHub answered"):
        read(connect(server.url))
    assert len(server.requests) == attempts


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'"text"', b'{"message": 5, "errors": 7}', b'{"errors": [1, {"message": 2}]}']
)
def test_refusal_of_any_shape_is_told(body: bytes, waits: list[float]) -> None:
    with (
        serve(lambda _: Reply(422, body, JSON)) as server,
        pytest.raises(ForgeError, match="cannot label #1"),
    ):
        write(connect(server.url))


@pytest.mark.parametrize(
    "headers",
    [{f"X-{number}": "x" for number in range(1000)}, {"X-Long": "x" * 100_000}],
    ids=["many", "long"],
)
def test_flood_of_headers_is_not_taken_in(headers: dict[str, str], waits: list[float]) -> None:
    flood = Reply(body=b"[]", headers=headers)
    with serve(lambda _: flood) as server, pytest.raises(ForgeError, match="GitHub cannot be reached"):
        read(connect(server.url))
    assert (len(server.requests), waits) == (4, [1, 2, 4])


@pytest.mark.parametrize(
    ("reply", "seconds", "told"),
    [
        (FLOOD, 60, "more than 64 MiB"),
        (packed(b"x" * (100 << 20)), 60, "more than 64 MiB"),
        (Reply(body=b"x" * (1 << 17), drip_seconds=0.00005), 1, "took more than 1 s"),
    ],
    ids=["flood", "packed flood", "drip"],
)
@pytest.mark.parametrize("once", [False, True], ids=["any number of times", "once"])
def test_flood_and_drip_of_a_body_are_given_up(reply: Reply, seconds: float, told: str, once: bool) -> None:
    with serve(lambda _: reply) as server:
        api = connect(server.url, seconds)
        with pytest.raises(LostAnswerError if once else ForgeError, match=told):
            api.write("POST", "/issues/1/comments", "comment on #1", {}, once=once)
    assert len(server.requests) == 1


@pytest.mark.parametrize("flooded", ["installation", "access_tokens", "pulls"])
def test_flood_is_not_taken_in_by_an_app_either(
    flooded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))

    def answer(request: Request) -> Reply:
        if request.path.endswith(flooded):
            return FLOOD
        if request.path.endswith("installation"):
            return Reply(body=b'{"id": 1, "app_slug": "autobump"}', headers=JSON)
        return Reply(201, b'{"token": "t", "expires_at": "2099-01-01T00:00:00Z"}', JSON)

    with serve(answer, certificate) as server, pytest.raises(ForgeError, match="more than 64 MiB"):
        read(connect_as_app(str(APP_ID), Secret(APP_KEY), server.url, "demisto/content", GitHubPace()))
    assert server.requests[-1].path.endswith(flooded)


@pytest.mark.parametrize(
    ("granted", "asked"),
    [
        ({}, {"contents", "pull_requests", "issues"}),
        ({"statuses": "read"}, {"contents", "pull_requests", "issues"}),
        ({"statuses": "write"}, {"contents", "pull_requests", "issues", "statuses"}),
    ],
)
def test_app_asks_for_statuses_where_it_has_them(granted: dict[str, str], asked: set[str]) -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("installation"):
            told = {"id": 1, "app_slug": "autobump", "permissions": granted}
            return Reply(body=json.dumps(told).encode(), headers=JSON)
        if request.path.endswith("access_tokens"):
            return Reply(201, b'{"token": "t", "expires_at": "2099-01-01T00:00:00Z"}', JSON)
        return Reply(body=b"[]", headers=JSON)

    with serve(answer) as server:
        read(connect_as_app(str(APP_ID), Secret(APP_KEY), server.url, "demisto/content", GitHubPace()))
    (body,) = (json.loads(each.body) for each in server.requests if each.path.endswith("access_tokens"))
    assert body["permissions"] == dict.fromkeys(asked, "write")


def test_calls_share_a_connection() -> None:
    with serve(lambda _: Reply(body=b"[]", headers=JSON)) as server:
        api = connect(server.url)
        for _ in range(3):
            read(api)
    assert (len(server.requests), server.connections) == (3, 1)


def test_answer_that_never_comes_to_its_headers_is_given_up() -> None:
    interim = b"HTTP/1.1 100 " + b"x" * 60_000 + b"\r\n\r\n"
    with (
        send_raw(repeat(interim, 2_000)) as url,
        pytest.raises(ForgeError, match="GitHub answered without end"),
    ):
        read(connect(url))
