"""One HTTP layer for every source: pooled, bounded in time and size, careful with credentials and retries."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
from msgspec import Struct
from urllib3.exceptions import HTTPError

from autobump import __version__
from autobump.support.errors import RegistryError
from autobump.support.http.addresses import origin, resolve_address, shown_url
from autobump.support.http.answer import Answer
from autobump.support.http.bounds import BoundedSession, UnboundedAnswerError, read_body
from autobump.support.http.certificates import blames_certificate
from autobump.support.http.headers import MAX_LENGTH, find_seconds_asked
from autobump.support.http.reach import say_why
from autobump.support.http.request_count import RequestCount
from autobump.support.http.retry import (
    ATTEMPTS,
    MAX_PAGES,
    Retrier,
    RetryLater,
    Wait,
    is_limit,
    is_transient,
)

_log = logging.getLogger(__name__)

_REDIRECTS = (301, 302, 303, 307, 308)
_READ_HEADERS = (
    "content-type",
    "docker-content-digest",
    "etag",
    "link",
    "location",
    "retry-after",
    "www-authenticate",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-retry-after",
)

_AROUND_BYTES = 16 * 1024 * 1024
"""Most bytes of an answer on its way beside those of its body: headers, the ends of chunks, packing."""

_ANSWER_BYTES = 2 * 1024 * 1024


class HttpLimits(Struct, frozen=True):
    """Bounds on what a source may cost.

    Attributes:
        connect_seconds: For the connection to stand.
        idle_seconds: Longest silence within an answer.
        answer_seconds: For one whole answer, headers included, however steadily it drips.
        answer_bytes: Largest answer, unpacked; a list of the 615 tags of a real image has 9 KB.
        list_pages: Most pages of one list.
        list_seconds: For all pages of one list, waiting between tries included.
        attempts: Tries of one request.
        total_wait_seconds: All waiting between tries together, over all requests of a pass.
        total_seconds: All requests of a pass together, those at the same time each for itself.
        connections: Pooled connections a host.
    """

    connect_seconds: float = 10
    idle_seconds: float = 30
    answer_seconds: float = 60
    answer_bytes: int = _ANSWER_BYTES
    list_pages: int = MAX_PAGES
    list_seconds: float = 300
    attempts: int = ATTEMPTS
    total_wait_seconds: float = 120
    total_seconds: float = 1800
    connections: int = 8


class _Request(Struct, frozen=True):
    """What is asked, wherever redirects lead."""

    method: str
    headers: Mapping[str, str]
    json: object
    most_bytes: int


class HttpClient:
    """Sends requests; safe to share between threads.

    Credentials are given per request and never follow a redirect to another host. Nothing of them is logged.
    """

    def __init__(
        self,
        limits: HttpLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        request_count: RequestCount | None = None,
    ) -> None:
        """Make a client.

        Args:
            limits: Bounds; the defaults suit public registries.
            sleep: Waits between tries; tests count instead.
            request_count: Told of every request.
        """
        self.limits = limits or HttpLimits()
        self._request_count = request_count or RequestCount()
        self._retrier = Retrier(self.limits.total_wait_seconds, _no_time_left, self.limits.attempts, sleep)
        self._asked = 0.0
        self._lock = threading.Lock()
        self._session = BoundedSession(
            self.limits.answer_bytes + _AROUND_BYTES,
            self.limits.answer_seconds,
            pool_connections=8,
            pool_maxsize=self.limits.connections,
        )
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = f"autobump/{__version__}"

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorization: str | None = None,
        json: object = None,
        most_bytes: int | None = None,
    ) -> Answer:
        """Send one request, trying again where that is safe and can help.

        Args:
            method: `GET`, `HEAD` or `POST`.
            url: Where to.
            headers: Beside the usual ones.
            authorization: Value of the `Authorization` header; goes to this URL's own host only.
            json: Body of a POST.
            most_bytes: Largest answer in place of that of the limits.

        Returns:
            Any final answer, also 4xx; never one that `is_transient` or `is_limit` tells of.

        Raises:
            RegistryError: No answer, one that broke the limits, or one that trying again did not change.
        """

        def attempt() -> Answer:
            request = _Request(method, headers or {}, json, most_bytes or self.limits.answer_bytes)
            answer = self._follow(request, url, authorization)
            seconds = find_seconds_asked(answer.headers, time.time())
            if is_transient(answer.status) or is_limit(answer.status, seconds):
                failure = RegistryError(f"{shown_url(url)} answered {answer.status}{answer.said}")
                raise RetryLater(failure, seconds)
            return answer

        return self._retrier.call(attempt)

    def count_pages(self, what: str) -> Iterator[int]:
        """Yield the numbers of the pages of a list that goes on, beginning with 0.

        Args:
            what: The list, for the error.

        Raises:
            RegistryError: It takes more pages, or more time, than a list may.
        """
        deadline = time.monotonic() + self.limits.list_seconds
        for number in range(self.limits.list_pages):
            if time.monotonic() > deadline:
                raise RegistryError(f"{what} took more than {self.limits.list_seconds:.0f} s")
            yield number
        raise RegistryError(f"{what} has more than {self.limits.list_pages} pages")

    def _follow(self, request: _Request, url: str, authorization: str | None) -> Answer:
        first = origin(url)
        for _ in range(5):
            credentials = authorization if origin(url) == first else None
            answer = self._once(request, url, credentials)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            target = resolve_address(url, location)
            if urlsplit(target).scheme not in ("https", urlsplit(url).scheme) or request.method == "POST":
                raise RegistryError(
                    f"{shown_url(url)} redirects to {shown_url(target)}, which is not followed"
                )
            url = target
        raise RegistryError(f"{shown_url(url)} redirects in circles")

    def _once(self, request: _Request, url: str, authorization: str | None) -> Answer:
        limits = self.limits
        sent = dict(request.headers) | ({"Authorization": authorization} if authorization else {})
        started = time.monotonic()
        left = limits.total_seconds - self._asked
        if left <= 0:
            raise RegistryError(
                f"{shown_url(url)} is asked no more: this pass gave {limits.total_seconds:.0f} s"
            )
        deadline = started + min(limits.answer_seconds, left)
        self._request_count.count_registry_request()
        try:
            with self._session.request(
                request.method,
                url,
                headers=sent,
                json=request.json,
                timeout=(limits.connect_seconds, limits.idle_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = read_body(response, request.most_bytes, deadline, limits.answer_seconds)
                fields = {"method": request.method, "url": shown_url(url), "status": response.status_code}
                spent = round((time.monotonic() - started) * 1000)
                _log.debug("asked", extra=fields | {"bytes": len(body), "milliseconds": spent})
                return Answer(response.status_code, _pick_headers(response.headers, url), body, url)
        except UnboundedAnswerError as exc:
            raise RegistryError(f"{shown_url(url)} {exc}") from exc
        except requests.exceptions.ConnectionError as exc:
            if blames_certificate(exc):
                raise RegistryError(f"{shown_url(url)}: the certificate cannot be verified") from exc
            raise RetryLater(RegistryError(f"{shown_url(url)} cannot be reached: {say_why(exc)}")) from exc
        except requests.exceptions.Timeout as exc:
            raise RetryLater(RegistryError(f"{shown_url(url)} did not answer in time")) from exc
        except requests.exceptions.ChunkedEncodingError as exc:
            raise RetryLater(RegistryError(f"{shown_url(url)} broke off its answer")) from exc
        except (requests.exceptions.RequestException, HTTPError, ValueError) as exc:
            raise RegistryError(f"{shown_url(url)} cannot be asked: {type(exc).__name__}") from exc
        finally:
            with self._lock:
                self._asked += time.monotonic() - started


def _pick_headers(headers: Mapping[str, str], url: str) -> dict[str, str]:
    """Return the headers that are read; one that is too long is an error, as half a `Link` is no link."""
    found = {name: headers[name] for name in _READ_HEADERS if name in headers}
    for name, value in found.items():
        if len(value) > MAX_LENGTH:
            raise RegistryError(f"{shown_url(url)} answered more than {MAX_LENGTH} characters of {name}")
    return found


def download(url: str, most_bytes: int = _ANSWER_BYTES) -> bytes:
    """Return one file, read within bounds.

    Args:
        url: Where it is.
        most_bytes: Largest file.

    Raises:
        RegistryError: It cannot be had.
    """
    answer = HttpClient(HttpLimits(connections=1, answer_bytes=most_bytes)).send("GET", url)
    if answer.status != 200:
        raise RegistryError(f"{shown_url(url)} answered {answer.status}")
    return answer.body


def _no_time_left(wait: Wait) -> RegistryError:
    asked = f"it asks to wait {wait.seconds:.0f} s and {wait.left:.0f} s are left"
    return RegistryError(f"{wait.failure}; {asked}")
