"""Fits Markdown into the length that GitHub takes: long lists are cut, and say so."""

from collections.abc import Iterable, Sequence

from autobump.support.markdown import count, table

MAX_BODY = 65_536
"""Longest body of an issue or a pull request that GitHub takes, in characters."""


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
