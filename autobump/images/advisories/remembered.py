"""Remembers advisories between runs and processes, in the short form that matching and telling need."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.version import Version

from autobump.images.advisories.record import Affected, Installed, Record, Severity
from autobump.support.sqlite_file import SqliteCache

CACHE_VERSION = 1
"""Raised with every change of how records are read or matched, too."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    source TEXT NOT NULL, id TEXT NOT NULL, modified TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (source, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS matches (
    source TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL, ids TEXT NOT NULL,
    PRIMARY KEY (source, package, version)
) WITHOUT ROWID
"""

Matches = Mapping[Installed, tuple[Record, ...]]


class RememberedAdvisories:
    """Records of one source, and which of them affect what; what does not read back is not trusted."""

    def __init__(self, folder: Path | None, source: str) -> None:
        """Open the cache.

        Args:
            folder: Where it lies, made when missing; None for no cache.
            source: Tells this source from others in the cache.
        """
        path = folder / "advisories.sqlite" if folder else None
        self._file = SqliteCache(path, CACHE_VERSION, _SCHEMA, ["records", "matches"])
        self._source = source

    def find_records(self, wanted: Mapping[str, str]) -> dict[str, Record | None]:
        """Return the records that are remembered as they were when last modified; None for withdrawn ones.

        Args:
            wanted: For each id, when it was last modified.
        """
        query = "SELECT id, modified, record FROM records WHERE source = ?"
        found: dict[str, Record | None] = {}
        try:
            for name, modified, text in self._file.rows(query, (self._source,)):
                if wanted.get(name) == modified:
                    found[name] = _decode(text)
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            self._file.give_up(f"an entry does not read back: {exc}")
        return found

    def store_record(self, name: str, modified: str, record: Record | None) -> None:
        """Remember a record by its id and when it was last modified."""
        self._store_records([(name, modified, record)])

    def find_matches(self) -> dict[Installed, tuple[Record, ...]]:
        """Return what is remembered of packages and versions; nothing affects those with no records."""
        query = "SELECT id, record FROM records WHERE source = ?"
        found: dict[Installed, tuple[Record, ...]] = {}
        try:
            records = {name: _decode(text) for name, text in self._file.rows(query, (self._source,))}
            query = "SELECT package, version, ids FROM matches WHERE source = ?"
            for package, version, ids in self._file.rows(query, (self._source,)):
                hits = [records[name] for name in ids.split()]
                found[package, version] = tuple(record for record in hits if record)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            self._file.give_up(f"an entry does not read back: {exc}")
            return {}
        return found

    def store_matches(self, matches: Matches) -> None:
        """Remember which records affect what, without what else they affect."""
        records = {record.id: record for hits in matches.values() for record in hits}
        # An id with white space could not be told from two; such a record is found anew each time.
        told = {name: record for name, record in records.items() if name.split() == [name]}
        self._store_records((name, "", _bare(record)) for name, record in told.items())
        rows = [
            (self._source, *one, " ".join(record.id for record in hits))
            for one, hits in matches.items()
            if all(record.id in told for record in hits)
        ]
        self._file.write("INSERT OR REPLACE INTO matches VALUES (?, ?, ?, ?)", rows)

    def forget_others(self, prefix: str) -> None:
        """Drop what is remembered of other sources whose names begin with a prefix."""
        for statement in (
            "DELETE FROM matches WHERE substr(source, 1, ?) = ? AND source <> ?",
            "DELETE FROM records WHERE substr(source, 1, ?) = ? AND source <> ?",
        ):
            self._file.write(statement, [(len(prefix), prefix, self._source)])

    def _store_records(self, records: Iterable[tuple[str, str, Record | None]]) -> None:
        rows = [(self._source, name, modified, _encode(record)) for name, modified, record in records]
        self._file.write("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)


def _bare(record: Record) -> Record:
    return Record(record.id, record.aliases, record.summary, record.severity)


def _encode(record: Record | None) -> str:
    if record is None:
        return "null"
    affected = {
        package: [sorted(one.versions), [[[at and str(at), kind] for at, kind in r] for r in one.ranges]]
        for package, one in record.affected.items()
    }
    return json.dumps([record.id, record.aliases, record.summary, record.severity, affected])


def _decode(text: str) -> Record | None:
    data = json.loads(text)
    if data is None:
        return None
    name, aliases, summary, severity, packages = data
    affected = {
        package: Affected(
            frozenset(versions),
            tuple(tuple((at and Version(at), str(kind)) for at, kind in events) for events in ranges),
        )
        for package, (versions, ranges) in packages.items()
    }
    return Record(str(name), tuple(aliases), str(summary), Severity(severity), affected)
