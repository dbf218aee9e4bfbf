"""Writes Markdown in which text from outside stays text, and fits it into the length that GitHub takes."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BACKTICKS = re.compile(r"`+")
_PIPE = "\\|"
MAX_BODY = 65_536
"""Longest body of an issue or a pull request that GitHub takes, in characters."""
MAX_NAMED = 10
"""Most texts that are named one by one in a sentence."""
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


def list_some(texts: Sequence[str]) -> str:
    """Return the first of some texts, and how many more there are."""
    shown = ", ".join(texts[:MAX_NAMED])
    return f"{shown} and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else shown


class LongList:
    """Lines that can be cut, between a head and a tail that stay."""

    def __init__(self, head: str, lines: Sequence[str], noun: str, tail: str = "") -> None:
        self._head, self._lines, self._noun, self._tail = head, lines, noun, tail
        self._kept = len(lines)

    def __str__(self) -> str:
        parts = [self._head, *self._lines[: self._kept]]
        left = len(self._lines) - self._kept
        if left:
            parts.append(
                f"\n… and {count(left, self._noun)} more, left out because GitHub limits the length."
            )
        return "\n".join([*parts, self._tail] if self._tail else parts)

    @property
    def can_shrink(self) -> bool:
        """Whether there is a line left to cut."""
        return self._kept > 0

    def shrink(self) -> None:
        """Cut a tenth of the lines, from the end."""
        self._kept -= max(1, self._kept // 10)


def long_table(
    head: str, headers: Sequence[str], rows: Iterable[Sequence[str]], noun: str, tail: str = ""
) -> LongList:
    """Return a table whose rows can be cut; cells are Markdown already."""
    lines = table(headers, rows).split("\n")
    return LongList(head + "\n".join(lines[:2]), lines[2:], noun, tail)


def join_within(sections: Sequence[str | LongList], room: int) -> str:
    """Join sections to a text of at most `room` characters; the longest list is cut, again and again."""
    lengths = {section: len(str(section)) for section in sections if isinstance(section, LongList)}
    total = sum(len(str(section)) + 2 for section in sections)
    while total > room:
        shrinkable = [section for section in lengths if section.can_shrink]
        if not shrinkable:
            break
        longest = max(shrinkable, key=lambda section: lengths[section])
        longest.shrink()
        total -= lengths[longest]
        lengths[longest] = len(str(longest))
        total += lengths[longest]
    return "\n\n".join(str(section) for section in sections)
