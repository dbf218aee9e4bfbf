"""OSV records: what one says, and which versions of a package it affects.

Source: the OSV schema, and how osv.dev compares versions of PyPI; see `affects`.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from packaging.utils import canonicalize_version
from packaging.version import Version

from autobump.images.advisories.cvss import base_score
from autobump.images.inside.changes import package_key

PYPI = "PyPI"
MALICIOUS = "MAL-"
"""Begins the id of a record of a package that does harm."""

Installed = tuple[str, str]
"""A package by its `package_key`, and the version that an image has."""

MAX_SUMMARY = 200
_EVENTS = ("introduced", "fixed", "last_affected")
_RANGES = frozenset({"ECOSYSTEM", "SEMVER"})
_CVSS = ("CVSS_V3", "CVSS_V2", "CVSS_V4")
_MAX_TEXT = 200


class Severity(StrEnum):
    """How bad it is; the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Higher is worse; what is not known is lowest, and never low."""
        return _RANKS[self]

    def reaches(self, other: "Severity") -> bool:
        """Whether it is at least as bad as another; what is not known reaches nothing."""
        return self is not Severity.UNKNOWN and self.rank >= other.rank


_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
}


Event = tuple[Version | None, str]
"""A version, None for the beginning of all of them, and what happens there: one of `_EVENTS`."""


class Affected(Struct, frozen=True):
    """Versions of one package.

    Attributes:
        versions: Named one by one, each by its `version_key`; one that is no version is not here.
        ranges: Events of each range, by version.
    """

    versions: frozenset[str] = frozenset()
    ranges: tuple[tuple[Event, ...], ...] = ()


class Record(Struct, frozen=True, eq=False):
    """One OSV record; one that is remembered as found equals the one that was read.

    Attributes:
        id: Its id.
        aliases: Ids of the same vulnerability elsewhere.
        summary: A line of text from outside.
        severity: How bad it is.
        affected: What it affects, by `package_key`; empty for one that is remembered as found.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity
    affected: Mapping[str, Affected] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._told == other._told

    def __hash__(self) -> int:
        return hash(self._told)

    @property
    def _told(self) -> tuple[object, ...]:
        return self.id, self.aliases, self.summary, self.severity

    @property
    def is_malicious(self) -> bool:
        """Whether it says that a package does harm."""
        return self.id.startswith(MALICIOUS)

    def affects(self, package: str, version: str) -> bool:
        """Whether it affects a version of a package, given by its `package_key`.

        A version is affected when the record names it or one of its ranges holds it. Versions are compared as
        PEP 440 does, without their local part, which says who built it.

        Source: "Evaluation" in the OSV schema.
        """
        affected = self.affected.get(package)
        if affected is None or (key := version_key(version)) is None:
            return False
        if key in affected.versions:
            return True
        parsed = parse_version(version)
        return parsed is not None and any(_in_range(events, parsed) for events in affected.ranges)


@lru_cache(maxsize=1 << 15)
def parse_version(text: str) -> Version | None:
    """Return a version without its local part, or None for what is no version."""
    try:
        return Version(Version(text).public)
    except ValueError:  # a number in it may also be longer than Python reads
        return None


@lru_cache(maxsize=1 << 16)
def version_key(text: str) -> str | None:
    """Return a text that is the same for versions that are equal, or None for what is no version.

    Records name half a million versions, nearly all of them numbers alone; those need no parser.
    """
    if text.isascii() and text.replace(".", "").isdigit():
        parts = text.split(".")
        if all(parts) and not any(len(part) > 1 and part[0] == "0" for part in parts):
            while len(parts) > 1 and parts[-1] == "0":
                parts.pop()
            return ".".join(parts)
    version = parse_version(text)
    return None if version is None else canonicalize_version(version)


def packages_of(data: object) -> frozenset[str]:
    """Return the packages of PyPI that a record is about, by `package_key`; none when it counts for nothing.

    Args:
        data: The record as JSON has it.
    """
    return frozenset(key for key, _ in _entries(data))


def parse_record(data: object) -> Record | None:
    """Read a record; None for one that is withdrawn, is about no package of PyPI, or is none.

    Args:
        data: The record as JSON has it.
    """
    affected: dict[str, Affected] = {}
    for key, entry in _entries(data):
        own = _affected(entry)
        before = affected.get(key, Affected())
        affected[key] = Affected(before.versions | own.versions, before.ranges + own.ranges)
    if not affected or not isinstance(data, dict):
        return None
    return _record(data, _texts(data.get("aliases")), affected)


def parse_system_record(data: object) -> Record | None:
    """Read a record of an operating system, without what it affects; None for one that is withdrawn or none.

    Each record of Alpine is about the one record that it is made from.
    """
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or data.get("withdrawn"):
        return None
    return _record(data, [*_texts(data.get("aliases")), *_texts(data.get("upstream"))], {})


def _record(data: Mapping[str, Any], aliases: Iterable[str], affected: Mapping[str, Affected]) -> Record:
    summary = " ".join(str(data.get("summary") or data.get("details") or "").split())
    return Record(
        data["id"][:_MAX_TEXT],
        tuple(sorted({alias[:_MAX_TEXT] for alias in aliases})),
        summary if len(summary) <= MAX_SUMMARY else f"{summary[: MAX_SUMMARY - 1]}…",
        _severity(data),
        affected,
    )


def _entries(data: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each package of PyPI that a record is about, and what it says of it."""
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or data.get("withdrawn"):
        return
    for entry in _dicts(data.get("affected")):
        package = entry.get("package")
        if not isinstance(package, dict) or package.get("ecosystem") != PYPI:
            continue
        if isinstance(name := package.get("name"), str):
            yield package_key(name), entry


def _affected(entry: Mapping[str, Any]) -> Affected:
    named = frozenset(map(version_key, _texts(entry.get("versions"))))
    ranges = []
    for one in _dicts(entry.get("ranges")):
        if one.get("type") in _RANGES:
            try:
                ranges.append(tuple(sorted(_events(one), key=_order)))
            except ValueError:
                continue  # without one of its ends it would hold every version, or none
    return Affected(frozenset(filter(None, named)), tuple(ranges))


def _events(one: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events of a range.

    Raises:
        ValueError: One is at no version, such as `2.6.0-cu124`.
    """
    for event in _dicts(one.get("events")):
        for kind in _EVENTS:
            if isinstance(text := event.get(kind), str):
                if text == "0":
                    yield None, kind
                elif version := parse_version(text):
                    yield version, kind
                else:
                    raise ValueError("an event is at no version")


def _order(event: Event) -> tuple[bool, Version, int]:
    version, kind = event
    return version is not None, version or Version("0"), _EVENTS.index(kind)


def _in_range(events: tuple[Event, ...], version: Version) -> bool:
    affected = False
    for at, kind in events:
        if kind == "introduced":
            affected = affected or at is None or version >= at
        elif at is not None and (version >= at if kind == "fixed" else version > at):
            affected = False
    return affected


def _severity(data: Mapping[str, Any]) -> Severity:
    """Return the severity that a record tells of itself, as CVSS or in a word."""
    entries = [*_dicts(data.get("severity"))]
    for entry in _dicts(data.get("affected")):
        entries += _dicts(entry.get("severity"))
    for kind in _CVSS:
        for entry in entries:
            if entry.get("type") == kind and isinstance(vector := entry.get("score"), str):
                score = base_score(vector)
                if score is not None:
                    return _of_score(score)
    specific = data.get("database_specific")
    word = specific.get("severity") if isinstance(specific, dict) else None
    return _WORDS.get(str(word).lower(), Severity.UNKNOWN)


def _of_score(score: float) -> Severity:
    """Return the word of a base score.

    Source: "Qualitative Severity Rating Scale" of CVSS 3.1; a score of 0 is none, which is told as low.
    """
    if score >= 9:
        return Severity.CRITICAL
    if score >= 7:
        return Severity.HIGH
    return Severity.MEDIUM if score >= 4 else Severity.LOW


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
