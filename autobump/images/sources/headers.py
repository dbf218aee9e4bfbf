"""Reads the headers of a server, each in one go over its text.

None of the patterns here tries a place of the text twice, and no header longer than `MAX_LENGTH` gets here.
"""

import re

MAX_LENGTH = 8192
"""Most characters of a header that is read, all lines of that name together; real ones have hundreds."""

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_PARAMETER = re.compile(r'(?<![a-zA-Z])([a-zA-Z]+)="([^"]*)"')
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
