"""Sets of Python versions, as ranges."""

import re

Version = tuple[int, int, int]

Versions = tuple[tuple[Version, Version | None], ...]
"""Ranges that do not touch, each from a version to before another one, or to no end; sorted."""

ALL: Versions = (((0, 0, 0), None),)
NONE: Versions = ()

_MAX_RANGES = 8
"""No person's code tells more ranges apart; what would have more counts as every version."""

_VERSION = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:\.([0-9]{1,4}))?")


def since(version: tuple[int, ...]) -> Versions:
    """Return a version and all above it; what it does not say is 0."""
    return ((_padded(version), None),)


def series(version: tuple[int, ...]) -> Versions:
    """Return all versions that begin with some numbers."""
    return ((_padded(version), _padded(following(version))),)


def following(version: tuple[int, ...]) -> tuple[int, ...]:
    """Return the first version behind a series."""
    return (*version[:-1], version[-1] + 1)


def both(one: Versions, other: Versions) -> Versions:
    """Return what is in both."""
    if one is ALL or one == other:
        return other
    if other is ALL:
        return one
    found = []
    for start, end in one:
        for other_start, other_end in other:
            first, last = max(start, other_start), _earlier(end, other_end)
            if last is None or first < last:
                found.append((first, last))
    return _bounded(tuple(sorted(found, key=lambda part: part[0])))


def opposite(versions: Versions) -> Versions:
    """Return all others; of few ranges alone, as what is too many counts as all."""
    found: list[tuple[Version, Version | None]] = []
    start: Version | None = (0, 0, 0)
    for first, end in versions:
        if start is not None and start < first:
            found.append((start, first))
        start = end
    if start is not None:
        found.append((start, None))
    return _bounded(tuple(found))


def either(one: Versions, other: Versions) -> Versions:
    """Return what is in any of both."""
    if one == other:
        return one
    found: list[tuple[Version, Version | None]] = []
    for start, end in sorted((*one, *other), key=lambda part: part[0]):
        if not found:
            found.append((start, end))
            continue
        last_start, last_end = found[-1]
        if last_end is None:
            break
        if start > last_end:
            found.append((start, end))
        else:
            found[-1] = (last_start, None if end is None else max(end, last_end))
    return _bounded(tuple(found))


def may_be_in(versions: Versions, python: str | None) -> bool:
    """Whether a Python may be one of these versions; a part that its version does not say may be anything.

    Args:
        versions: The set.
        python: Such as `3.10.1`; None or what is no version may be any.
    """
    match = None if versions == ALL else _VERSION.match(python or "")
    if match is None:
        return bool(versions)
    return bool(both(versions, series(tuple(int(part) for part in match.groups() if part))))


def _padded(version: tuple[int, ...]) -> Version:
    major, minor, micro = (*version, 0, 0, 0)[:3]
    return major, minor, micro


def _earlier(one: Version | None, other: Version | None) -> Version | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _bounded(versions: Versions) -> Versions:
    return ALL if len(versions) > _MAX_RANGES or versions == ALL else versions
