"""Reads the challenges of a `WWW-Authenticate` header, all of its lines together, in one go over its text."""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

_GAP = re.compile(r"[\s,]*")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_PLAIN = re.compile(r'[^\s,"=][^\s,"]*')
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)")


class Challenge(Struct, frozen=True):
    """One way to log in that a server offers.

    Attributes:
        scheme: Its name in lower case, such as `bearer`.
        parameters: Its parameters by name in lower case, such as `realm`; of one that stands twice the first.
    """

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(text: str) -> tuple[Challenge, ...]:
    """Return the challenges of a header in their order; what cannot be read is left out. Never raises.

    Source: RFC 9110, section 11: several challenges in one line or in several lines, which together are one
    list; values that are quoted, with escapes, or not. Values that should be quoted and are not, such as
    addresses, are read up to the next comma or space.
    """
    found: list[tuple[str, dict[str, str]]] = []
    place = _end(_GAP.match(text), 0)
    while place < len(text):
        name = _NAME.match(text, place)
        if name is None:
            place = _next_element(text, place)
            continue
        if equals := _EQUALS.match(text, name.end()):
            value = _QUOTED.match(text, equals.end()) or _PLAIN.match(text, equals.end())
            if value is None:
                place = _next_element(text, equals.end())
                continue
            if found:
                found[-1][1].setdefault(name[0].lower(), _value_of(value))
            place = value.end()
        else:
            found.append((name[0].lower(), {}))
            place = _end(_TOKEN68.match(text, name.end()), name.end())
        place = _end(_GAP.match(text, place), place)
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)


def find_challenge(challenges: Iterable[Challenge], scheme: str) -> Challenge | None:
    """Return the first challenge of a scheme, wherever it stands, or None."""
    return next((one for one in challenges if one.scheme == scheme), None)


def _value_of(match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL) if match.re is _QUOTED else match[0]


def _next_element(text: str, place: int) -> int:
    comma = text.find(",", place)
    return len(text) if comma < 0 else _end(_GAP.match(text, comma), comma + 1)


def _end(match: re.Match[str] | None, otherwise: int) -> int:
    return match.end() if match else otherwise
