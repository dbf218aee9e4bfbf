"""Repeats passes on a cron schedule until it is told to stop; the only importer of apscheduler."""

import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from autobump.service.due_passes import RunPass, Runs
from autobump.service.metrics import CONTENT_TYPE
from autobump.service.signals import SignalRequest, Signals
from autobump.service.status_server import StatusServer
from autobump.settings.cron import find_next
from autobump.settings.load import LoadedSettings
from autobump.settings.model import ScheduleSettings
from autobump.support.errors import AutobumpError, ExitCode

_PROMPT_SECONDS = 0.5
STOP_SECONDS = 25.0
"""How long a pass may take to end the pull request it is at, once it is told to stop."""

_log = logging.getLogger(__name__)

_JOB = "pass"

Load = Callable[[], LoadedSettings]


class CronTrigger(BaseTrigger):  # type: ignore[misc] # apscheduler ships no types
    """Fires when a cron line says so; APScheduler's own trigger of that name takes 0 for Monday."""

    def __init__(self, settings: ScheduleSettings) -> None:
        """Fire at the times that the settings mean."""
        self._line = settings.cron
        self._zone: tzinfo = UTC if settings.timezone == "UTC" else ZoneInfo(settings.timezone)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first time behind the previous one, or from now on if there is none."""
        # cronsim goes on behind a whole second, which is to count as well where nothing fired yet.
        after = min(now, previous_fire_time) if previous_fire_time else now - timedelta(microseconds=1)
        return find_next(self._line, after.astimezone(self._zone))


def find_next_due(settings: ScheduleSettings, after: datetime) -> datetime | None:
    """Return the first time from a moment on that the settings mean, or None if there is none."""
    return CronTrigger(settings).get_next_fire_time(None, after)


def run_schedule(
    load: Load,
    perform: RunPass,
    *,
    loaded: LoadedSettings | None = None,
    repository: str | None = None,
    at_once: bool = False,
) -> ExitCode:
    """Repeat passes until SIGTERM or Ctrl-C; SIGHUP loads the settings again.

    Args:
        load: Finds and loads the settings.
        perform: Makes one pass.
        loaded: The settings to begin with; None to load them.
        repository: What the log calls the repository; None for what the settings say.
        at_once: Make the first pass now.

    Raises:
        SettingsError: The settings cannot be used.
        UsageError: The address for /healthz and /metrics cannot be used.
    """
    loaded = loaded or load()
    due = datetime.now(UTC) if at_once else None
    service = _Service(
        load, loaded, Runs(perform, find_next_due, loaded, repository=repository, first_due=due)
    )
    return service.run(due)


class _Service:
    """The process around the passes: its signals, its scheduler and its status server."""

    def __init__(self, load: Load, loaded: LoadedSettings, runs: Runs) -> None:
        self._load = load
        self._loaded = loaded
        self._runs = runs
        self._signals = Signals()
        self._reloading = threading.Lock()
        self._status: StatusServer | None = None
        # What it has to tell comes by its events; without a handler Python would print its own lines.
        logging.getLogger("apscheduler").addHandler(logging.NullHandler())
        self._scheduler = BackgroundScheduler(
            executors={"default": _DaemonExecutor()}, timezone=UTC, job_defaults={"coalesce": True}
        )
        self._scheduler.add_listener(self._hear, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)

    def run(self, first: datetime | None) -> ExitCode:
        """Work until told to stop."""
        with self._signals.caught():
            self._status = self._open_status(self._loaded)
            options = {"next_run_time": first} if first else {}
            self._scheduler.add_job(
                self._runs.run_due, **_job_options(self._loaded), **options, id=_JOB, max_instances=1
            )
            self._scheduler.start()
            self._tell("schedule started")
            try:
                while self._signals.wait() is SignalRequest.RELOAD:
                    # On a thread: settings in the repository are fetched, which must not hold up a stop.
                    threading.Thread(target=self._reload, name="reload", daemon=True).start()
                self._stop()
            finally:
                if self._status:
                    self._status.close()
        return ExitCode.INTERRUPTED if self._signals.interrupted else ExitCode.DONE

    def _stop(self) -> None:
        self._runs.stop.set()
        _log.info("stopping")
        self._scheduler.shutdown(wait=False)
        if not self._runs.idle.wait(_PROMPT_SECONDS):
            fields = {"at": self._runs.at, "at_most_seconds": STOP_SECONDS}
            _log.info("waiting for the pass under way; a second Ctrl-C ends it at once", extra=fields)
        if self._runs.idle.wait(STOP_SECONDS):
            _log.info("stopped")
        else:
            _log.warning("the pass did not stop in time and is cut off; the next one ends what it began")

    def _reload(self) -> None:
        with self._reloading:
            try:
                loaded = self._load()
                moved = loaded.settings.schedule.listen != self._loaded.settings.schedule.listen
                status = self._open_status(loaded) if moved else self._status
            except AutobumpError as exc:
                extra = {"cause": str(exc)}
                _log.error("the new settings cannot be used; the old ones stay", extra=extra)
                return
            except Exception:
                _log.exception("the settings cannot be read; the old ones stay")
                return
            if self._runs.stop.is_set():
                return
            if moved and self._status:
                self._status.close()
            self._status, self._loaded = status, loaded
            self._runs.use(loaded)
            options = _job_options(loaded)
            self._scheduler.reschedule_job(_JOB, trigger=options.pop("trigger"))
            self._scheduler.modify_job(_JOB, **options)
            self._tell("settings reloaded")

    def _tell(self, message: str) -> None:
        schedule = self._loaded.settings.schedule
        fields = {"settings": self._loaded.origin, "cron": schedule.cron, "timezone": schedule.timezone}
        _log.info(message, extra=fields | {"next": _shown(self._runs.state.due)})

    def _open_status(self, loaded: LoadedSettings) -> StatusServer | None:
        address = loaded.settings.schedule.address
        if address is None:
            return None
        runs = self._runs
        status = StatusServer(address, runs.health, lambda: (CONTENT_TYPE, runs.metrics.render()))
        _log.info("listening", extra={"host": status.address[0], "port": status.address[1]})
        return status

    def _hear(self, event: Any) -> None:
        self._runs.leave_out("busy" if event.code == EVENT_JOB_MAX_INSTANCES else "missed")


class _DaemonExecutor(BaseExecutor):  # type: ignore[misc] # apscheduler ships no types
    """Runs jobs on daemon threads: a pass that hangs must not keep the process alive, as a pool's would."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        threading.Thread(target=self._work, args=(job, run_times), name=_JOB, daemon=True).start()

    def _work(self, job: Any, run_times: list[datetime]) -> None:
        try:
            events = run_job(job, "default", run_times, self._logger.name)
        except BaseException:
            self._run_job_error(job.id, *sys.exc_info()[1:])
        else:
            self._run_job_success(job.id, events)


def _job_options(loaded: LoadedSettings) -> dict[str, Any]:
    schedule = loaded.settings.schedule
    # APScheduler takes whole seconds, one at least.
    grace = max(1, int(schedule.misfire_grace.total_seconds()))
    return {"trigger": CronTrigger(schedule), "misfire_grace_time": grace}


def _shown(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
