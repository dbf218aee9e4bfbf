"""Remembers what sources answered, between runs and processes."""

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autobump.images.choice import TagRecord

_log = logging.getLogger(__name__)

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tag_lists (
    source TEXT NOT NULL, repository TEXT NOT NULL,
    fetched REAL NOT NULL, etag TEXT NOT NULL, changed TEXT NOT NULL, tags TEXT NOT NULL,
    PRIMARY KEY (source, repository)
)
"""


@dataclass(frozen=True, slots=True)
class CachedTags:
    """An image's tags as they were.

    Attributes:
        fetched: When they were asked for, seconds since the epoch.
        etag: What the server called that version, or empty.
        changed: What the source's own list of images said of its last change, or empty.
        tags: The tags.
    """

    fetched: float
    etag: str
    changed: str
    tags: tuple[TagRecord, ...]


class TagCache:
    """A SQLite file; a cache that cannot be used is told once and then does nothing.

    SQLite keeps it whole through a kill at any moment and lets several processes share it. What does not read
    back as written is dropped and fetched again, never trusted.
    """

    def __init__(self, folder: Path | None, *, refresh: bool = False) -> None:
        """Open the cache.

        Args:
            folder: Where it lies, made when missing; None for no cache.
            refresh: Read nothing from it, but write what is fetched.
        """
        self._path = folder / "tags.sqlite" if folder else None
        self._refresh = refresh
        self._lock = threading.Lock()
        self._connection = self._open()

    def find(self, source: str, repository: str) -> CachedTags | None:
        """Return what is remembered of an image, or None."""
        if self._refresh:
            return None
        query = "SELECT fetched, etag, changed, tags FROM tag_lists WHERE source = ? AND repository = ?"
        with self._guarded() as connection:
            if connection is None:
                return None
            row = connection.execute(query, (source, repository)).fetchone()
            if row is not None:
                return _decode(row)
        return None

    def store(self, source: str, repository: str, cached: CachedTags) -> None:
        """Remember an image's tags."""
        tags = json.dumps(
            [[t.name, t.created.isoformat() if t.created else None, t.digest] for t in cached.tags]
        )
        values = (source, repository, cached.fetched, cached.etag, cached.changed, tags)
        with self._guarded() as connection:
            if connection is not None:
                connection.execute("INSERT OR REPLACE INTO tag_lists VALUES (?, ?, ?, ?, ?, ?)", values)

    def _open(self) -> sqlite3.Connection | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect()
        except sqlite3.OperationalError as exc:
            self._say_without(str(exc))
        except sqlite3.DatabaseError as exc:
            return self._rebuild(str(exc))
        except OSError as exc:
            self._say_without(exc.strerror or str(exc))
        return None

    def _connect(self) -> sqlite3.Connection:
        # Every use is under the lock, so threads may share the connection.
        connection = sqlite3.connect(
            self._path or "", timeout=10, isolation_level=None, check_same_thread=False
        )
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            connection.execute("DROP TABLE IF EXISTS tag_lists")
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        # Reads every page, so that damage shows now and not in the middle of a pass.
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            connection.close()
            raise sqlite3.DatabaseError(str(verdict).splitlines()[0])
        return connection

    def _rebuild(self, why: str) -> sqlite3.Connection | None:
        _log.warning("the cache is damaged and is built anew", extra={"cache": str(self._path), "cause": why})
        try:
            if self._path is not None:
                self._path.unlink(missing_ok=True)
            return self._connect()
        except (sqlite3.Error, OSError) as exc:
            self._say_without(str(exc))
            return None

    def _say_without(self, why: str) -> None:
        _log.warning("going on without a cache", extra={"cache": str(self._path), "cause": why})

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection | None]:
        """Give the connection to one thread; a failure ends the use of the cache, never the pass."""
        with self._lock:
            try:
                yield self._connection
            except (sqlite3.Error, ValueError, TypeError, KeyError) as exc:
                self._say_without(str(exc))
                self._connection = None


def _decode(row: Sequence[object]) -> CachedTags:
    fetched, etag, changed, text = row
    tags = [
        TagRecord(str(name), datetime.fromisoformat(created) if created else None, digest)
        for name, created, digest in json.loads(str(text))
    ]
    return CachedTags(float(str(fetched)), str(etag), str(changed), tuple(tags))
