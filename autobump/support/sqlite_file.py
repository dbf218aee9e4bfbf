"""One SQLite file as a cache: shared by processes, whole after a kill, rebuilt when damaged."""

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)


class SqliteCache:
    """A SQLite file whose loss costs time and nothing else.

    A file that cannot be used is told once and then done without; one that is damaged is built anew.
    """

    def __init__(self, path: Path | None, version: int, schema: str, tables: Sequence[str]) -> None:
        """Open the file, making it and its folder when missing.

        Args:
            path: Where it lies; None for no cache.
            version: Of the schema and of what is stored; another one drops everything.
            schema: One `CREATE TABLE IF NOT EXISTS` statement a table, separated by semicolons.
            tables: Names of the tables.
        """
        self._path = path
        self._version = version
        self._schema = schema
        self._tables = tables
        self._lock = threading.Lock()
        self._connection = self._open()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds; nothing when there is no cache."""
        found: list[tuple[Any, ...]] = []
        with self._guarded() as connection:
            if connection is not None:
                found = connection.execute(query, values).fetchall()
        return found

    def write(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for every row, all or none."""
        with self._guarded() as connection:
            if connection is not None:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    connection.executemany(statement, rows)
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")

    def give_up(self, why: str) -> None:
        """Do without the cache from now on, and tell why."""
        _log.warning("going on without a cache", extra={"cache": str(self._path), "cause": why})
        self._connection = None

    def _open(self) -> sqlite3.Connection | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect()
        except sqlite3.OperationalError as exc:
            self.give_up(str(exc))
        except sqlite3.DatabaseError as exc:
            return self._rebuild(str(exc))
        except OSError as exc:
            self.give_up(exc.strerror or str(exc))
        return None

    def _connect(self) -> sqlite3.Connection:
        # Every use is under the lock, so threads may share the connection.
        connection = sqlite3.connect(
            self._path or "", timeout=10, isolation_level=None, check_same_thread=False
        )
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != self._version:
                for table in self._tables:
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
                connection.executescript(self._schema)
                connection.execute(f"PRAGMA user_version = {self._version:d}")
            # Safe against a killed process; a power cut could damage the file, which then is built anew.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            # Reads every page, so that damage shows now and not in the middle of a pass.
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(str(verdict).splitlines()[0])
        except BaseException:
            connection.close()
            raise
        return connection

    def _rebuild(self, why: str) -> sqlite3.Connection | None:
        _log.warning("the cache is damaged and is built anew", extra={"cache": str(self._path), "cause": why})
        try:
            if self._path is not None:
                self._path.unlink(missing_ok=True)
            return self._connect()
        except (sqlite3.Error, OSError) as exc:
            self.give_up(str(exc))
            return None

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection | None]:
        """Give the connection to one thread; a failure ends the use of the cache, never the pass."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as exc:
                self.give_up(str(exc))
