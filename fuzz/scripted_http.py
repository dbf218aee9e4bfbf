"""Answers the requests of the real HTTP client from a list, without a network."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from autobump.support.http.client import HttpClient, HttpLimits

ROOT = "https://registry.example"
_END = b"\n--\n"
_STATUSES = {b"2": 200, b"3": 302, b"4": 404, b"1": 401, b"0": 403, b"9": 429, b"5": 503, b"n": 304}
_HEADERS = {
    b"a": "WWW-Authenticate",
    b"l": "Link",
    b"d": "Docker-Content-Digest",
    b"L": "Location",
    b"r": "Retry-After",
    b"e": "ETag",
    b"z": "Content-Encoding",
}


@contextmanager
def answer_from(data: bytes) -> Iterator[tuple[HttpClient, list[requests.PreparedRequest]]]:
    """Give a client whose requests are answered one by one, and the requests it made.

    Args:
        data: Answers separated by `--` lines. Each has a letter for its status, lines of a letter and a value for
            its headers, an empty line, and the body.
    """
    answers = data.split(_END)[:20]
    seen: list[requests.PreparedRequest] = []

    def send(_adapter: HTTPAdapter, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        seen.append(request)
        # The last one is given again, so that something that never ends is found.
        return _response(request, answers[min(len(seen), len(answers)) - 1])

    limits = HttpLimits(attempts=2, total_wait_seconds=10)
    with patch.object(HTTPAdapter, "send", send):
        yield HttpClient(limits, sleep=lambda _seconds: None), seen


def _response(request: requests.PreparedRequest, text: bytes) -> requests.Response:
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    headers = {
        _HEADERS[line[:1]]: line[1:].decode("latin-1").strip() for line in lines if line[:1] in _HEADERS
    }
    response = requests.Response()
    response.status_code = _STATUSES.get(first[:1], 200)
    response.headers = CaseInsensitiveDict(headers)
    response.request = request
    response.url = str(request.url)
    response.raw = HTTPResponse(
        io.BytesIO(body), headers=headers, status=response.status_code, preload_content=False
    )
    return response
