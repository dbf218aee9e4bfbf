"""Makes passes when they are due, and remembers how they went."""

import gc
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from autobump.passes.result import PassResult
from autobump.service.health import FinishedPass, Health, PassEnd, ServiceState, check_health
from autobump.service.metrics import Metrics
from autobump.settings.load import LoadedSettings
from autobump.settings.model import ScheduleSettings
from autobump.support.errors import AutobumpError
from autobump.support.http.request_count import RequestCount
from autobump.support.lock import LockTakenError
from autobump.support.logs import log_fields, name_run
from autobump.support.markdown import count
from autobump.support.progress import Progress
from autobump.support.secrets import redact

LONGEST_BACK_OFF = timedelta(hours=12)
"""A daily pass is never left out."""

_log = logging.getLogger(__name__)

RunPass = Callable[[LoadedSettings, Progress, RequestCount], PassResult]
NextDue = Callable[[ScheduleSettings, datetime], datetime | None]


class PassStopped(BaseException):
    """The pass was told to stop, and did so between two pull requests or before the first."""


class StoppableProgress:
    """Ends the pass at its next step once an event is set; each pull request is a step."""

    def __init__(self, stop: threading.Event) -> None:
        """Watch an event."""
        self._stop = stop
        self._task, self._done, self._total = "", 0, 0

    @property
    def at(self) -> str:
        """How far the pass is, such as `Asking for tags, 3 of 12`; empty before its first part."""
        return f"{self._task}, {self._done} of {self._total}" if self._task else ""

    def begin(self, task: str, total: int) -> None:
        """Remember a part, and stop if it is time."""
        self._task, self._done, self._total = task, 0, total
        self._end_if_told()

    def step(self) -> None:
        """Count a step, and stop if it is time."""
        self._done += 1
        self._end_if_told()

    def _end_if_told(self) -> None:
        if self._stop.is_set():
            raise PassStopped


class Runs:
    """Makes a pass when one is due, and remembers how it went; what a pass raises goes no further.

    Attributes:
        metrics: The numbers so far.
        stop: Once set, no pass begins and the one under way stops soon.
        idle: Set while no pass is under way.
    """

    def __init__(
        self,
        perform: RunPass,
        next_due: NextDue,
        loaded: LoadedSettings,
        *,
        repository: str | None = None,
        first_due: datetime | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make no pass yet.

        Args:
            perform: Makes one pass with the settings in force.
            next_due: Says when the settings want a pass, from a moment on.
            loaded: The settings.
            repository: What the log calls the repository; None for what the settings say.
            first_due: When the first pass is due, if that is not as the schedule says.
            clock: Tells the time, with timezone.
        """
        self.metrics = Metrics()
        self.stop = threading.Event()
        self.idle = threading.Event()
        self.idle.set()
        self._perform = perform
        self._next_due = next_due
        self._repository = repository
        self._clock = clock
        self._lock = threading.Lock()
        self._state = ServiceState()
        self._progress = StoppableProgress(self.stop)
        self._failures = 0
        self._resume_at: datetime | None = None
        self._use(loaded, first_due)

    @property
    def state(self) -> ServiceState:
        """What happened so far."""
        return self._state

    @property
    def at(self) -> str:
        """How far the pass under way is, or the last one was; empty before its first part."""
        return self._progress.at

    def use(self, loaded: LoadedSettings) -> None:
        """Take other settings from the next pass on; what failed before does not hold it up."""
        with self._lock:
            self._use(loaded, None)

    def health(self) -> Health:
        """Judge how the service is."""
        return check_health(self._state, self._clock(), self._loaded.settings.schedule.misfire_grace)

    def run_due(self) -> None:
        """Make a pass, unless those before it failed so often that it has to wait."""
        started = self._clock()
        if self._resume_at is not None and started < self._resume_at:
            self.leave_out("backing-off")
            return
        self.idle.clear()
        try:
            if not self.stop.is_set():
                loaded = self._loaded
                repository = self._repository or loaded.settings.content.repository
                with log_fields(run=name_run(), repository=repository):
                    self._run(loaded, started)
                # Connections and caches of a pass refer to each other; the next one must not find them open.
                gc.collect()
        finally:
            self.idle.set()

    def leave_out(self, reason: str, detail: str = "") -> None:
        """Note that a due run makes no pass."""
        self.metrics.count_left_out(reason)
        with self._lock:
            if reason != "busy":  # else the pass under way is the one that is awaited
                self._await_next()
        fields = {"reason": reason, "next": _shown(self._state.due)}
        level = logging.INFO if reason in ("busy", "backing-off") else logging.WARNING
        _log.log(level, "run left out", extra=fields | ({"detail": detail} if detail else {}))

    def _run(self, loaded: LoadedSettings, started: datetime) -> None:
        with self._lock:
            self._state = replace(self._state, running_since=started)
        self._progress = StoppableProgress(self.stop)
        began, request_count, result = time.monotonic(), RequestCount(), None
        end, detail = PassEnd.FAILED, ""
        try:
            result = self._perform(loaded, self._progress, request_count)
            end, detail = _end_of(result)
        except LockTakenError as exc:
            with self._lock:
                self._state = replace(self._state, running_since=None)
            self.leave_out("locked", str(exc))
            return
        except PassStopped:
            end = PassEnd.STOPPED
        except AutobumpError as exc:
            detail = redact(str(exc))
            _log.error("pass failed", extra={"cause": detail})
        except Exception as exc:
            detail = redact(f"{type(exc).__name__}: {exc}")
            _log.exception("pass failed unexpectedly", extra={"cause": detail})
        finished = FinishedPass(started, time.monotonic() - began, end, detail)
        self.metrics.count_pass(finished, result, request_count)
        self._finish(finished)

    def _finish(self, finished: FinishedPass) -> None:
        now = self._clock()
        with self._lock:
            success = now if finished.end is PassEnd.DONE else self._state.last_success
            self._state = replace(self._state, last=finished, last_success=success, running_since=None)
            self._failures = self._failures + 1 if finished.end is PassEnd.FAILED else 0
            pause = back_off(self._failures)
            self._resume_at = now + pause if pause else None
            self._await_next()
        if pause:
            fields = {"failures": self._failures, "until": _shown(self._resume_at)}
            _log.warning("due runs are left out for a while", extra=fields)

    def _use(self, loaded: LoadedSettings, due: datetime | None) -> None:
        self._loaded = loaded
        self._failures, self._resume_at = 0, None
        self._await_next(due)

    def _await_next(self, due: datetime | None = None) -> None:
        now = self._clock()
        due = due or self._next_due(self._loaded.settings.schedule, max(now, self._resume_at or now))
        self._state = replace(self._state, due=due)
        self.metrics.set_next(due)


def back_off(failures: int) -> timedelta:
    """Return how long due runs are left out after this many failed passes in a row.

    Nothing after the first, then 2, 4, 8 minutes and so on, half a day at most.
    """
    if failures < 2:
        return timedelta()
    return min(timedelta(minutes=2 ** min(failures - 1, 20)), LONGEST_BACK_OFF)


def _end_of(result: PassResult) -> tuple[PassEnd, str]:
    if not result.failed:
        return PassEnd.DONE, ""
    parts = [redact(f"{failure.what}: {failure.cause}") for failure in result.failures]
    if pulls := sum(1 for outcome in result.outcomes or () if outcome.failure):
        parts.append(f"{count(pulls, 'pull request')} failed")
    if items := len(result.evaluation.unknown):
        parts.append(f"{count(items, 'item')} without an answer of the registry or git")
    return PassEnd.INCOMPLETE, "; ".join(parts)


def _shown(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
