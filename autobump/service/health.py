"""Says whether a service that repeats passes is well: a pure function of what happened."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct


class PassEnd(StrEnum):
    """How a pass ended: `incomplete` is done but for something that failed, `failed` could not be done."""

    DONE = "done"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    STOPPED = "stopped"


class FinishedPass(Struct, frozen=True):
    """A pass that came to an end.

    Attributes:
        started: When it began, with timezone.
        seconds: How long it took.
        end: How it ended.
        detail: What failed, or empty.
    """

    started: datetime
    seconds: float
    end: PassEnd
    detail: str = ""


class ServiceState(Struct, frozen=True):
    """What happened so far.

    Attributes:
        due: When the next pass is due, or the one under way was; None when none will come.
        last: The last pass, or None.
        last_success: When the last pass that was done ended, or None.
        running_since: When the pass under way began, or None.
    """

    due: datetime | None = None
    last: FinishedPass | None = None
    last_success: datetime | None = None
    running_since: datetime | None = None


class Health(Struct, frozen=True):
    """Whether all is well, and what tells it as plain data."""

    is_well: bool
    details: dict[str, Any]


def check_health(state: ServiceState, now: datetime, grace: timedelta) -> Health:
    """Tell whether a service is well.

    Args:
        state: What happened so far.
        now: The time, with timezone.
        grace: A pass that has not ended this long after it was due is overdue.
    """
    last = state.last
    if state.due is not None and now > state.due + grace:
        status = "overdue"
    elif last is None:
        status = "waiting"
    else:
        status = "failed" if last.end in (PassEnd.INCOMPLETE, PassEnd.FAILED) else "ok"
    details = {
        "status": status,
        "next_run": _shown(state.due),
        "running_since": _shown(state.running_since),
        "last_success": _shown(state.last_success),
        "last_pass": None
        if last is None
        else {
            "started": _shown(last.started),
            "seconds": round(last.seconds, 3),
            "end": str(last.end),
            "detail": last.detail or None,
        },
    }
    return Health(status in ("ok", "waiting"), details)


def _shown(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None
