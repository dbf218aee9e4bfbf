"""Reads cron lines: which seconds, minutes, hours, days, months and weekdays they mean."""

from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Cron:
    """The times a cron line means, each field in rising order.

    Attributes:
        seconds: 0 to 59; only 0 where the line does not say.
        minutes: 0 to 59.
        hours: 0 to 23.
        days: 1 to 31.
        months: 1 to 12.
        weekdays: 0 to 6, where 0 is Sunday.
        either_day: A day counts when it is among `days` or among `weekdays`; else it must be among both.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool


def parse_cron(text: str) -> Cron:
    """Read the five fields of cron, or six with the seconds first.

    Raises:
        ValueError: Says what is wrong, as the rest of a sentence that begins with the text.

    Source: crontab(5) of Debian's cron: lists, ranges, steps, names of months and weekdays, 7 for Sunday, and
    a day counts by either field when both are given.
    """
    parts = text.lower().split()
    if len(parts) not in (5, 6):
        raise ValueError(
            "must have five fields (minute, hour, day, month, weekday), or six with the second first"
        )
    second, minute, hour, day, month, weekday = parts if len(parts) == 6 else ["0", *parts]
    cron = Cron(
        seconds=_parse_field(second, "second", 0, 59),
        minutes=_parse_field(minute, "minute", 0, 59),
        hours=_parse_field(hour, "hour", 0, 23),
        days=_parse_field(day, "day", 1, 31),
        months=_parse_field(month, "month", 1, 12, _MONTHS),
        weekdays=tuple(sorted({number % 7 for number in _parse_field(weekday, "weekday", 0, 7, _WEEKDAYS)})),
        either_day=not day.startswith("*") and not weekday.startswith("*"),
    )
    if not cron.either_day and cron.days[0] > max(_LONGEST[month - 1] for month in cron.months):
        raise ValueError("never comes: none of its months has that day")
    return cron


def _parse_field(text: str, name: str, low: int, high: int, names: tuple[str, ...] = ()) -> tuple[int, ...]:
    numbers: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = ("*", "", "") if span == "*" else span.partition("-")
        start = low if first == "*" else _parse_number(first, part, name, low, high, names)
        if dash:
            end = _parse_number(last, part, name, low, high, names)
        else:
            end = high if first == "*" or slash else start
        if start > end:
            raise ValueError(f"has the {name} {part!r}, which runs backwards")
        if slash and not (step.isascii() and step.isdigit() and int(step[:9])):
            raise ValueError(f"has the {name} {part!r}, whose step is no number above 0")
        numbers.update(range(start, end + 1, int(step[:9]) if slash else 1))
    return tuple(sorted(numbers))


def _parse_number(text: str, part: str, name: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return low + names.index(text)
    if not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
        hint = f" or {names[0]} to {names[-1]}" if names else ""
        raise ValueError(f"has the {name} {part!r}, which is not within {low} to {high}{hint}")
    return int(text[:9])
