"""What one value of the settings may look like: a duration, a day, a tag, a time zone.

Each type tells its JSON Schema, too, which may take what a look at the text alone cannot refuse.
"""

import re
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, PlainSerializer, WithJsonSchema

from autobump.images.reference import Tag, find_immutable_tag, is_registry
from autobump.images.spelling import ADVISORIES, DEPRECATED_IMAGES, FACTS_SOURCE, TAG_SOURCE, SourceGrammar

_DURATION = r"([0-9]{1,5}) (second|minute|hour|day|week)s?"
_SIZE = r"([1-9][0-9]{0,5}) (MiB|GiB)"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TAG = r"[0-9]+(\.[0-9]+){2,}"
_ADDRESS = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})"
_CRON = r"\s*\S+(\s+\S+){4,5}\s*"


def write_duration(duration: timedelta) -> str:
    """Return a duration as the settings write it, such as `3 days`."""
    seconds = int(duration.total_seconds())
    sizes = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    unit = next(unit for unit, size in sizes.items() if seconds % size == 0 and (seconds or unit == "day"))
    number = seconds // sizes[unit]
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _parse_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and a unit, such as 3 days (seconds, minutes, hours, days, weeks)")
    return timedelta(**{f"{match[2]}s": int(match[1])})


def write_size(size: int) -> str:
    """Return a number of bytes as the settings write it, such as `1 GiB`."""
    return f"{size >> 30} GiB" if size and size % (1 << 30) == 0 else f"{size >> 20} MiB"


def _parse_size(value: object) -> object:
    match = re.fullmatch(_SIZE, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and a unit, such as 512 MiB or 1 GiB")
    return int(match[1]) << (30 if match[2] == "GiB" else 20)


def _parse_tag(value: object) -> object:
    tag = find_immutable_tag(value) if isinstance(value, str) else value
    if not isinstance(tag, Tag):
        raise ValueError("must be an immutable tag: three or more numbers with dots between them")
    return tag


def _parse_day(value: object) -> object:
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(_DAY, value):
        try:
            return date.fromisoformat(value)
        except ValueError as exc:
            raise ValueError(f"is no day of the calendar: {exc}") from exc
    raise ValueError("must be a day, such as 2026-12-31")


def _check_cron(value: str) -> str:
    from autobump.settings.cron import check_cron  # the default is one, and needs no look

    check_cron(value)
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


def _check_folder(value: str) -> str:
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if value.startswith("/") or ".." in parts or "\\" in value or not value.isprintable():
        raise ValueError("must be a folder of the repository, such as Packs, or . for its top")
    return "/".join(parts) or "."


def _check_address(value: str | None) -> str | None:
    match = re.fullmatch(_ADDRESS, value) if value else None
    if value and (match is None or int(match[2]) > 65_535):
        raise ValueError("must be an address and a port, such as 127.0.0.1:9464, or null for none")
    return value or None


def _check_host(value: str) -> str:
    if not is_registry(value):
        raise ValueError("is no host of a registry, such as registry.example.com or localhost:5000")
    return value


def _text(*patterns: str, **more: object) -> WithJsonSchema:
    """Return the schema of a text that is one of these, as a whole."""
    return WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(patterns)})$", **more})


def _spelled(grammar: SourceGrammar) -> tuple[AfterValidator, WithJsonSchema]:
    """Return what checks the spelling of a source, and tells it to editors."""

    def check(value: str) -> str:
        if not re.fullmatch(grammar.pattern, value):
            raise ValueError(grammar.refusal)
        return value

    return AfterValidator(check), _text(grammar.pattern, maxLength=255)


Duration = Annotated[
    timedelta, BeforeValidator(_parse_duration), PlainSerializer(write_duration), _text(_DURATION)
]
Size = Annotated[int, BeforeValidator(_parse_size), PlainSerializer(write_size), _text(_SIZE)]
ImmutableTag = Annotated[
    InstanceOf[Tag], BeforeValidator(_parse_tag), PlainSerializer(str), _text(_TAG, maxLength=128)
]
Day = Annotated[date, BeforeValidator(_parse_day), _text(_DAY, format="date")]
CronLine = Annotated[str, AfterValidator(_check_cron), _text(_CRON)]
TimeZone = Annotated[str, AfterValidator(_check_timezone), WithJsonSchema({"type": "string", "minLength": 1})]
Address = Annotated[
    str | None,
    AfterValidator(_check_address),
    WithJsonSchema({"type": ["string", "null"], "pattern": f"^({_ADDRESS})?$"}),
]
RepositoryFolder = Annotated[
    str,
    Field(min_length=1, max_length=255),
    AfterValidator(_check_folder),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
PythonVersion = Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,3}$")]
Percent = Annotated[float, Field(ge=0, le=100)]
SupportLevel = Literal["xsoar", "partner", "developer", "community", "xsiam", "internal", "none"]

HostName = Annotated[str, AfterValidator(_check_host), WithJsonSchema({"type": "string"})]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Label = Annotated[str, Field(min_length=1, max_length=50)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Labels = Annotated[tuple[Label, ...], Field(strict=False)]
SupportLevels = Annotated[tuple[SupportLevel, ...], Field(strict=False)]

TagSourceName = Annotated[Name, *_spelled(TAG_SOURCE)]
FactsSourceName = Annotated[Name, *_spelled(FACTS_SOURCE)]
DeprecatedImagesName = Annotated[Name, *_spelled(DEPRECATED_IMAGES)]
AdvisoriesName = Annotated[Name, *_spelled(ADVISORIES)]
