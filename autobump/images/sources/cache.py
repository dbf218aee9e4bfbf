"""Remembers what sources answered, between runs and processes."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from autobump.images.choice import TagRecord
from autobump.support.sqlite_file import SqliteCache

CACHE_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tag_lists (
    source TEXT NOT NULL, repository TEXT NOT NULL,
    fetched REAL NOT NULL, etag TEXT NOT NULL, changed TEXT NOT NULL, tags TEXT NOT NULL,
    PRIMARY KEY (source, repository)
) WITHOUT ROWID
"""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(tuple[TagRecord, ...])


class CachedTags(Struct, frozen=True):
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
    """Tag lists by source and image; what does not read back as written is never trusted."""

    def __init__(self, folder: Path | None, *, refresh: bool = False) -> None:
        """Open the cache.

        Args:
            folder: Where it lies, made when missing; None for no cache.
            refresh: Read nothing from it, but write what is fetched.
        """
        self._refresh = refresh
        path = folder / "tags.sqlite" if folder else None
        self._file = SqliteCache(path, CACHE_VERSION, _SCHEMA, ["tag_lists"])

    def find(self, source: str, repository: str) -> CachedTags | None:
        """Return what is remembered of an image, or None."""
        return self._find("source = ? AND repository = ?", source, repository).get(repository)

    def find_all(self, source: str) -> dict[str, CachedTags]:
        """Return what is remembered of all images of a source."""
        return self._find("source = ?", source)

    def _find(self, which: str, *values: str) -> dict[str, CachedTags]:
        if self._refresh:
            return {}
        query = f"SELECT repository, fetched, etag, changed, tags FROM tag_lists WHERE {which}"  # noqa: S608 - fixed texts
        try:
            return {
                str(name): CachedTags(float(fetched), str(etag), str(changed), _DECODER.decode(text))
                for name, fetched, etag, changed, text in self._file.rows(query, values)
            }
        except (ValueError, TypeError) as exc:
            self._file.give_up(f"an entry does not read back: {exc}")
            return {}

    def store(self, source: str, repository: str, cached: CachedTags) -> None:
        """Remember an image's tags."""
        self.store_many(source, [(repository, cached)])

    def store_many(self, source: str, entries: Iterable[tuple[str, CachedTags]]) -> None:
        """Remember the tags of several images, all or none."""
        self._file.write(
            "INSERT OR REPLACE INTO tag_lists VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    source,
                    repository,
                    cached.fetched,
                    cached.etag,
                    cached.changed,
                    _ENCODER.encode(cached.tags).decode(),
                )
                for repository, cached in entries
            ],
        )

    def forget(self, source: str, repository: str) -> None:
        """Drop what is remembered of an image, because it turned out to be wrong."""
        statement = "DELETE FROM tag_lists WHERE source = ? AND repository = ?"
        self._file.write(statement, [(source, repository)])

    def forget_other_sources(self, prefix: str, source: str) -> None:
        """Drop what is remembered of all sources that begin with a prefix, but for one."""
        statement = "DELETE FROM tag_lists WHERE substr(source, 1, ?) = ? AND source <> ?"
        self._file.write(statement, [(len(prefix), prefix, source)])
