"""What one value of the settings may look like: a duration, a day, a tag, a time zone."""

import re
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from autobump.cron import parse_cron
from autobump.images.reference import Tag, find_immutable_tag

_DURATION = re.compile(r"(\d{1,5}) (second|minute|hour|day|week)s?")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})")


def _parse_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and a unit, such as 3 days (seconds, minutes, hours, days, weeks)")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def _check_cron(value: str) -> str:
    parse_cron(value)
    return value


def _check_timezone(value: str) -> str:
    # UTC needs no time zone data, which small container images lack.
    if value != "UTC":
        from zoneinfo import ZoneInfo, available_timezones

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as exc:  # a folder of zones, such as Europe, is an OSError
            close = get_close_matches(value, available_timezones(), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"is no time zone such as Europe/Berlin{hint}") from exc
    return value


def _check_address(value: str | None) -> str | None:
    match = _ADDRESS.fullmatch(value) if value else None
    if value and (match is None or int(match[2]) > 65_535):
        raise ValueError("must be an address and a port, such as 127.0.0.1:9464, or null for none")
    return value or None


def _parse_tag(value: object) -> object:
    tag = find_immutable_tag(value) if isinstance(value, str) else value
    if not isinstance(tag, Tag):
        raise ValueError("must be an immutable tag: three or more numbers with dots between them")
    return tag


def _parse_day(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _refuse_day()
    except ValueError:
        return _refuse_day()


def _refuse_day() -> object:
    raise ValueError("must be a day, such as 2026-12-31")


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Labels = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=50)], ...], Field(strict=False)]
SupportLevels = Annotated[
    tuple[Literal["xsoar", "partner", "developer", "community"], ...], Field(strict=False)
]
Percent = Annotated[float, Field(ge=0, le=100, strict=False)]
ImmutableTag = Annotated[Tag, BeforeValidator(_parse_tag)]
Day = Annotated[date, BeforeValidator(_parse_day)]
CronLine = Annotated[str, AfterValidator(_check_cron)]
TimeZone = Annotated[str, AfterValidator(_check_timezone)]
Address = Annotated[str | None, AfterValidator(_check_address)]
