"""Reads HTTP answers, bounded in time and in size."""

import http.client
import io
import time
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError

from autobump.support.http.addresses import origin

_CHUNK = 1 << 16


class UnboundedAnswerError(Exception):
    """An answer has no end within its bounds; the message goes on from who answered."""


def read_body(response: requests.Response, most_bytes: int, deadline: float, seconds: float) -> bytes:
    """Read a body to its end, unpacked.

    Args:
        response: One whose body was not read, as `stream=True` gives it.
        most_bytes: Largest body, unpacked.
        deadline: Until when, as `time.monotonic` tells it.
        seconds: How long that was, for the error.

    Raises:
        UnboundedAnswerError: It is larger, or takes longer.
        requests.RequestException: It broke off.

    Source: requests speaks of a body that breaks off with errors of its own, but reads chunks that a drip
    takes for ever to fill; urllib3's `read1` returns what has arrived, and has errors of its own.
    """
    body = bytearray()
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > most_bytes:
                unit, name = (1 << 20, "MiB") if most_bytes >= 1 << 20 else (1 << 10, "KiB")
                raise UnboundedAnswerError(f"answered more than {most_bytes // unit} {name}")
            if time.monotonic() > deadline:
                raise UnboundedAnswerError(f"took more than {seconds:.0f} s to answer")
    except ReadTimeoutError as exc:
        raise requests.exceptions.ReadTimeout(exc) from exc
    except ProtocolError as exc:
        raise requests.exceptions.ChunkedEncodingError(exc) from exc
    except DecodeError as exc:
        raise requests.exceptions.ContentDecodingError(exc) from exc
    return bytes(body)


class BoundedSession(requests.Session):
    """A session whose answers are bounded.

    Of the environment it takes proxies and certificates alone, and looks for them once for each host.
    """

    def __init__(self, most_bytes: int, seconds: float, **options: Any) -> None:
        """Make a session.

        Args:
            most_bytes: Largest answer as it is sent, headers included.
            seconds: For one whole answer.
            options: Those of `requests.adapters.HTTPAdapter`.
        """
        super().__init__()
        # An auth of its own keeps requests from sending what a .netrc says to any host it has a line for.
        self.auth = _no_auth
        self._environment: dict[tuple[str, str, int], Any] = {}
        for scheme in ("https://", "http://"):
            self.mount(scheme, _BoundedAdapter(most_bytes, seconds, **options))

    def merge_environment_settings(self, url: Any, *arguments: Any, **options: Any) -> Any:
        """Return what the environment says for a host; arguments are the same for every request of ours."""
        host = origin(str(url))
        if host not in self._environment:
            self._environment[host] = super().merge_environment_settings(url, *arguments, **options)
        return dict(self._environment[host])

    def resolve_redirects(self, *_arguments: Any, **_options: Any) -> Any:
        """Follow nothing: looking for the next request, requests would read the whole body of this answer."""
        return iter(())


def _no_auth(request: Any) -> Any:
    return request


class _BoundedAdapter(HTTPAdapter):
    """Sends requests whose answers are bounded from their first byte, so that headers end as well.

    Source: http.client reads any number of interim answers (1xx) before the real one, and any number of lines
    behind the last chunk, and a timeout of requests is one for each piece that arrives, however small.
    """

    def __init__(self, most_bytes: int, seconds: float, **options: Any) -> None:
        super().__init__(**options)
        respond = {"response_class": staticmethod(partial(_Response, most_bytes, seconds))}
        self._connections = {
            "http": type("BoundedConnection", (HTTPConnection,), respond),
            "https": type("BoundedSecureConnection", (HTTPSConnection,), respond),
        }

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        """Return the pool that requests would use, with connections of ours."""
        pool: Any = super().get_connection_with_tls_context(*arguments, **options)
        pool.ConnectionCls = self._connections[pool.scheme]
        return pool


class _Response(http.client.HTTPResponse):
    def __init__(self, most_bytes: int, seconds: float, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fp = io.BufferedReader(_BoundedStream(self.fp.detach(), most_bytes, seconds))


class _BoundedStream(io.RawIOBase):
    def __init__(self, stream: io.RawIOBase, most_bytes: int, seconds: float) -> None:
        self._stream = stream
        self._bytes_left = most_bytes
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._deadline:
            raise UnboundedAnswerError(f"took more than {self._seconds:.0f} s to answer")
        count: int | None = self._stream.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise UnboundedAnswerError("answered without end")
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()
