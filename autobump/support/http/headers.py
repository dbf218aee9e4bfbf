"""Reads the headers of a server, each in one go over its text.

None of the patterns here tries a place of the text twice, and no header longer than `MAX_LENGTH` gets here.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_LENGTH = 8192
"""Most characters of a header that is read, all lines of that name together; real ones have hundreds."""

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_TIME = "[0-9]{2}:[0-9]{2}:[0-9]{2}"
_DATE = re.compile(
    rf"[A-Z][a-z]{{2,8}}, [0-9]{{2}}[ -][A-Z][a-z]{{2}}[ -][0-9]{{2,4}} {_TIME} (?:GMT|UTC|[+-][0-9]{{4}})"
    rf"|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ 0-9][0-9] {_TIME} [0-9]{{4}}"
)
_MOMENT = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt ]({_TIME})([.,][0-9]{{1,9}})?"
    r" ?(?:([+-][0-9]{2}):?([0-9]{2}))?(?: ?(?:[Zz]|UTC|GMT))?"
)
_NUMBER = re.compile(r"[0-9]+(?:[.][0-9]{1,9})?")
_ETAG = re.compile(r"[\x21-\x7e]{1,256}")

_LONGEST = 999_999_999_999.0
"""What a number stands for that is no wait and no moment: longer than anybody waits."""


def find_next_link(text: str) -> str | None:
    """Return the address of the next page that a `Link` header names, or None.

    Source: RFC 8288.
    """
    for match in _LINK.finditer(text):
        for parameter in match[2].replace(",", ";").split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "rel" and "next" in value.replace('"', " ").lower().split():
                return match[1]
    return None


def find_etag(text: str) -> str:
    """Return an `ETag` as it may be sent back, or nothing when it is none."""
    return text if _ETAG.fullmatch(text) else ""


def find_seconds_asked(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds a server asks to wait, or None when it does not say.

    Args:
        headers: By name in lower case.
        now: Seconds since the epoch.

    Source: Retry-After in RFC 9110 (seconds, or a date in one of its three forms); X-Retry-After of the
    Docker Hub API (the moment, as seconds since the epoch); X-RateLimit-Remaining with X-RateLimit-Reset as
    Docker Hub and GitHub send them (epoch). Other servers write a moment as ISO 8601, or in milliseconds.
    """
    for name in ("retry-after", "x-retry-after"):
        seconds = _read_wait(headers.get(name, "").strip(), now)
        if seconds is not None:
            return seconds
    if headers.get("x-ratelimit-remaining", "").strip() == "0":
        moment = _read_number(headers.get("x-ratelimit-reset", "").strip())
        return None if moment is None else max(moment - now, 0.0)
    return None


def _read_wait(text: str, now: float) -> float | None:
    """Return the seconds until what a text says: a number of seconds, or a moment in any of its spellings."""
    number = _read_number(text)
    if number is None:
        moment = _read_date(text)
        return None if moment is None else max(moment - now, 0.0)
    if number < 1e9 or number == _LONGEST:
        return number
    return max(number - now, 0.0)  # nobody asks for thirty years


def _read_number(text: str) -> float | None:
    """Return a number, one of milliseconds since the epoch as seconds."""
    if not _NUMBER.fullmatch(text):
        return None
    digits = len(text.partition(".")[0].lstrip("0"))
    if digits > 13:
        return _LONGEST
    return float(text) / (1000 if digits == 13 else 1)


def _read_date(text: str) -> float | None:
    """Return the moment of an HTTP date or an ISO 8601 one, which is UTC unless it says otherwise."""
    try:
        if iso := _MOMENT.fullmatch(text):
            zone = f"{iso[4]}:{iso[5]}" if iso[4] else "+00:00"
            return datetime.fromisoformat(f"{iso[1]}T{iso[2]}{zone}").timestamp()
        if _DATE.fullmatch(text):
            date = parsedate_to_datetime(text)
            return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):  # such as the 99th of a month
        return None
    return None
