"""Writes Markdown in which text from outside stays text."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BACKTICKS = re.compile(r"`+")
_PIPE = "\\|"
MAX_INLINE = 200
"""Longest run of outside text shown in one place, in characters."""


@lru_cache(maxsize=1 << 14)
def code(text: str) -> str:
    """Show outside text as a code span: no mention, link, reference or markup in it comes to life.

    Line ends and control characters become one space, direction overrides go, and long text is cut.
    """
    plain = _CONTROL.sub(" ", _BIDI.sub("", text)).strip()
    if len(plain) > MAX_INLINE:
        plain = plain[: MAX_INLINE - 1] + "…"
    if not plain:
        return "-"
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown already."""
    lines = [f"| {' | '.join(headers)} |", f"|{' --- |' * len(headers)}"]
    # A pipe would end a cell even inside a code span; in a table GitHub takes the backslash away again.
    lines += [f"| {' | '.join(cell.replace('|', _PIPE) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def count(number: int, noun: str) -> str:
    """Return `1 item`, `2 items`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
