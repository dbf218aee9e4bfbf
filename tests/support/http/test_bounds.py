import time
from itertools import repeat
from pathlib import Path

import pytest
import requests

from autobump.support.http.bounds import BoundedSession, UnboundedAnswerError, read_body
from tests.fixtures.certificates import self_signed
from tests.fixtures.servers import Reply, packed, send_raw, serve


def read(reply: Reply, most_bytes: int = 1 << 20, seconds: float = 60) -> bytes:
    with serve(lambda _: reply) as server, requests.get(server.url, stream=True, timeout=5) as response:
        return read_body(response, most_bytes, time.monotonic() + seconds, seconds)


def test_body_is_read_to_its_end_and_unpacked() -> None:
    assert read(Reply(body=b"x" * 300_000)) == b"x" * 300_000
    assert read(packed(b"y" * 300_000)) == b"y" * 300_000
    assert read(Reply(204)) == b""


def test_body_may_be_as_large_as_allowed_and_no_larger() -> None:
    assert len(read(Reply(body=b"x" * (1 << 20)))) == 1 << 20
    with pytest.raises(UnboundedAnswerError, match="answered more than 1 MiB"):
        read(Reply(body=b"x" * ((1 << 20) + 1)))


def test_body_that_comes_after_its_time_is_not_taken() -> None:
    with pytest.raises(UnboundedAnswerError, match="took more than 0 s"):
        read(Reply(body=b"x"), seconds=0)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(body=b"half", promised=100), requests.exceptions.ChunkedEncodingError),
        (
            Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
            requests.exceptions.ContentDecodingError,
        ),
    ],
)
def test_body_that_breaks_off_is_an_error_of_requests(reply: Reply, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(reply)


def get_bounded(url: str, seconds: float = 60) -> bytes:
    with BoundedSession(1 << 20, seconds) as session, session.get(url, stream=True, timeout=5) as response:
        return read_body(response, 1 << 20, time.monotonic() + seconds, seconds)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def test_answer_within_its_bounds_is_read_to_its_end() -> None:
    with send_raw([b"HTTP/1.1 100 Continue\r\n\r\n", CHUNKED, b"2\r\nok\r\n0\r\nX: y\r\n\r\n"]) as url:
        assert get_bounded(url) == b"ok"


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        (b"", b"HTTP/1.1 100 " + b"x" * 60_000 + b"\r\n\r\n"),
        (OK, b"X: " + b"x" * 60_000 + b"\r\n"),
        (CHUNKED + b"0\r\n", b"X: " + b"x" * 60_000 + b"\r\n"),
        (CHUNKED, b"1;" + b"x" * 60_000 + b"\r\nx\r\n"),
    ],
    ids=["interim answers", "headers", "behind the last chunk", "words on chunks"],
)
def test_answer_that_never_ends_ends(head: bytes, endless: bytes) -> None:
    with (
        send_raw([head, *repeat(endless, 200)]) as url,
        pytest.raises(UnboundedAnswerError, match="without end"),
    ):
        get_bounded(url)


@pytest.mark.parametrize("head", [b"", OK, CHUNKED], ids=["status", "headers", "chunks"])
def test_answer_that_drips_before_its_body_is_given_up(head: bytes) -> None:
    """It would come to its end, were it waited for."""
    rest = b"".join((OK, b"Content-Length: 0\r\nX: ", b"x" * 100, b"\r\n\r\n"))
    if head:
        rest = b"X: " + b"x" * 100 + b"\r\nContent-Length: 0\r\n\r\n"
    if head == CHUNKED:
        rest = b"0\r\nX: " + b"x" * 100 + b"\r\n\r\n"
    drip = [rest[at : at + 1] for at in range(len(rest))]
    with (
        send_raw([head, *drip], 0.01) as url,
        pytest.raises(UnboundedAnswerError, match="took more than 0 s"),
    ):
        get_bounded(url, seconds=0.3)


def test_connection_serves_one_answer_after_the_other_with_tls_as_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    for secured in (None, certificate):
        with serve(lambda _: Reply(body=b"ok"), secured) as server, BoundedSession(1000, 60) as session:
            assert [session.get(server.url, timeout=5).content for _ in range(50)] == [b"ok"] * 50
        assert server.connections == 1


def test_proxy_of_the_environment_serves_every_host_but_those_that_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve(lambda _: Reply(body=b"proxy")) as proxy, serve(lambda _: Reply(body=b"direct")) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with BoundedSession(1000, 60) as session:
            urls = ["http://one.example/", server.url, "http://two.example/", "http://one.example/again"]
            answers = [session.get(url, timeout=5).text for url in urls]
    assert answers == ["proxy", "direct", "proxy", "proxy"]
    assert len(server.requests) == 1
