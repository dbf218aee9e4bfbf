"""When a call is tried again, and how long all of the waiting may take: one policy for every server."""

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from autobump.support.progress import tell_wait

ATTEMPTS = 4
"""Tries of one call, the first one included."""

MAX_PAGES = 200
"""Most pages of one list; a longer one is an error, never cut short without a word."""

_LONGEST_PAUSE = 30.0

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


def is_transient(status: int) -> bool:
    """Whether an answer says that the same request may succeed later: 408, and 5xx other than 501 and 505.

    Source: RFC 9110, section 15: 501 and 505 say what a server cannot do. 520 to 530 are Cloudflare's, about
    the server behind it.
    """
    return status == 408 or (500 <= status <= 599 and status not in (501, 505))


def is_limit(status: int, seconds: float | None) -> bool:
    """Whether an answer says that too much was asked.

    Args:
        status: Its HTTP status.
        seconds: How long the server asks to wait, see `find_seconds_asked`; None when it does not say.

    Source: RFC 6585 for 429; GitHub's documentation on rate limits for 403 with a header that says how long.
    """
    return status == 429 or (status == 403 and seconds is not None)


class RetryLater(Exception):
    """A call may succeed later."""

    def __init__(self, failure: Exception, seconds: float | None = None) -> None:
        """Say what went wrong.

        Args:
            failure: Raised when trying again does not help.
            seconds: How long the server asks to wait, if it does.
        """
        super().__init__(str(failure))
        self.failure = failure
        self.seconds = seconds


class Wait(NamedTuple):
    """A wait that does not fit into what is left of all waiting.

    Attributes:
        failure: Why it is wanted.
        seconds: How long.
        left: Seconds that are left.
    """

    failure: Exception
    seconds: float
    left: float


class Retrier:
    """Tries calls again, within one budget of waiting for all of them; safe to share between threads."""

    def __init__(
        self,
        total_wait_seconds: float,
        too_long: Callable[[Wait], Exception],
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Begin with the whole budget.

        Args:
            total_wait_seconds: All waiting between tries together.
            too_long: Makes the error for a wait that does not fit into the budget.
            attempts: Tries of one call.
            sleep: Waits, as `time.sleep`; tests count instead.
        """
        self._total = total_wait_seconds
        self._too_long = too_long
        self._attempts = attempts
        self._sleep = sleep or time.sleep
        self._waited = 0.0
        self._lock = threading.Lock()

    def call(self, attempt: Callable[[], _Result]) -> _Result:
        """Return what an attempt returns, trying again while it raises `RetryLater`.

        Raises:
            Exception: The failure of the last attempt, or what `too_long` makes of a wait.
        """
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            retry=retry_if_exception_type(RetryLater),
            wait=self._reserve,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except RetryLater as exc:
            raise exc.failure from exc

    def _reserve(self, state: RetryCallState) -> float:
        """Return how long to wait, or give up when no waiting time is left."""
        later = state.outcome.exception() if state.outcome else None
        if not isinstance(later, RetryLater):
            raise TypeError("only what may succeed later is waited for")
        seconds = later.seconds
        if seconds is None:
            seconds = min(2.0 ** (state.attempt_number - 1), _LONGEST_PAUSE)
        with self._lock:
            left = self._total - self._waited
            if seconds > left:
                raise self._too_long(Wait(later.failure, seconds, max(left, 0.0))) from later.failure
            self._waited += seconds
        tell_wait(f"waits {seconds:.0f} s: {later}")
        _log.info("waiting before another try", extra={"seconds": seconds, "cause": str(later)})
        return seconds
