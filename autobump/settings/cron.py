"""Reads cron lines: when they are due, and what they mean in words."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError
from cronsim.cronsim import FIELD_NAMES

_FIELDS = (5, 6)
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def check_cron(text: str) -> None:
    """Make sure that a text is a cron line, and comes at all.

    Args:
        text: Minute, hour, day, month and weekday; with six fields the second comes first.

    Raises:
        ValueError: Says what is wrong, as the rest of a sentence that begins with the text.

    Source: crontab(5) of Debian, as cronsim reads it: a day counts by either field when both are given.
    """
    parts = text.split()
    if len(parts) not in _FIELDS:
        raise ValueError(
            "must have five fields (minute, hour, day, month, weekday), or six with the second first"
        )
    try:
        CronSim(text, _SOME_DAY)
    except CronSimError as exc:
        raise ValueError(_describe(str(exc), parts)) from exc
    except ValueError as exc:  # a number of more digits than Python reads
        raise ValueError("has a number that is too long") from exc


def find_next(text: str, after: datetime) -> datetime | None:
    """Return the first time later than a moment that a cron line means, or None if there is none.

    Args:
        text: A cron line that `check_cron` takes.
        after: With its timezone, whose clock the line is about.
    """
    return next(CronSim(text, after), None)


def explain_cron(text: str) -> str:
    """Return what a cron line means, in words; its text where there are none for it."""
    if len(text.split()) == len(_FIELDS) and text.split()[0] == "0":
        text = text.split(maxsplit=1)[1]
    return CronSim(text, _SOME_DAY).explain()


def _describe(problem: str, parts: list[str]) -> str:
    """Name the field that cronsim calls bad, and what stands in it."""
    names = FIELD_NAMES[-len(parts) :]
    field = next((name for name in names if problem.endswith(name)), None)
    if field is None:
        return f"is no cron line: {problem}"
    value = parts[names.index(field)]
    if field == "day-of-month" and all(part.isdigit() and 1 <= int(part) <= 31 for part in value.split(",")):
        return "never comes: none of its months has that day"
    return f"has the {field} {value!r}, which cron does not know"
