"""Reads the headers of a server, each in one go over its text.

None of the patterns here tries a place of the text twice, and no header longer than `MAX_LENGTH` gets here.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

MAX_LENGTH = 8192
"""Most characters of a header that is read, all lines of that name together; real ones have hundreds."""

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_PARAMETER = re.compile(r'(?<![a-zA-Z])([a-zA-Z]+)="([^"]*)"')
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
_ETAG = re.compile(r"[\x21-\x7e]{1,256}")


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


def parse_challenge(text: str) -> dict[str, str]:
    """Return the quoted parameters of a `WWW-Authenticate` header by name, such as `realm`."""
    return dict(_PARAMETER.findall(text))


def find_etag(text: str) -> str:
    """Return an `ETag` as it may be sent back, or nothing when it is none."""
    return text if _ETAG.fullmatch(text) else ""


def find_seconds_asked(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds a server asks to wait, or None when it does not say.

    Args:
        headers: By name in lower case.
        now: Seconds since the epoch.

    Source: Retry-After in RFC 9110 (seconds, or a date as servers must send it); X-RateLimit-Reset as
    Docker Hub sends it (epoch).
    """
    asked = headers.get("retry-after", "").strip()
    if asked:
        return _whole_number(asked) if asked.isdigit() else _seconds_until(asked, now)
    if headers.get("x-ratelimit-remaining") == "0":
        reset = _whole_number(headers.get("x-ratelimit-reset", ""))
        return None if reset is None else max(reset - now, 0.0)
    return None


def _whole_number(text: str) -> float | None:
    return float(text[:12]) if text.isascii() and text.isdigit() else None


def _seconds_until(text: str, now: float) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except ValueError:  # such as the 99th of a month
        return None
