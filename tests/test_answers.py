import time

import pytest
import requests

from autobump.answers import UnboundedAnswerError, read_body
from tests.support.servers import Reply, packed, serve


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
