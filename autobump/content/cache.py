"""Remembers what packs and blobs say, by their names in git: what git names alike is never read again."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from autobump import __version__
from autobump.content.imports import Use
from autobump.content.item import CodePlace, ItemKind, ItemResult
from autobump.content.pack import PackMetadata
from autobump.support.sqlite_file import SqliteCache

CACHE_VERSION = 8
"""Raised whenever reading an item or a pack gives other fields than before."""

MAX_ROWS = 400_000
"""More than this, and what was not used for the longest time goes; some 100 MB."""

_DAY_SECONDS = 86_400
_STALE_DAYS = 30
_BATCH = 900
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    kind TEXT NOT NULL, blob TEXT NOT NULL, used INTEGER NOT NULL, facts BLOB NOT NULL,
    PRIMARY KEY (kind, blob)
) WITHOUT ROWID
"""
_PACK = "pack"

PackResult = tuple[PackMetadata | None, str, int | None, int | None]
"""What metadata says, or why it cannot be used, with line and column."""


class RememberedItem(Struct, frozen=True, array_like=True):
    """One item file of a pack.

    Attributes:
        path: Below the pack.
        kind: From the folder it lies in.
        blob: Its name in git.
        mode: Its mode in git.
        result: What it says, or why it cannot be read.
        code: Where its Python code is.
    """

    path: str
    kind: ItemKind
    blob: str
    mode: str
    result: ItemResult
    code: CodePlace


class RememberedPack(Struct, frozen=True, array_like=True):
    """What a pack says, which follows from the name of its tree.

    Attributes:
        items: Its item files, in git's order.
        metadata: Mode and blob of its metadata file, if it has one.
        result: What that says, or why it cannot be used.
        notes: The names in `ReleaseNotes/`.
        notes_blocked: `ReleaseNotes` is no folder.
    """

    items: tuple[RememberedItem, ...]
    metadata: tuple[str, str] | None
    result: PackResult
    notes: tuple[str, ...]
    notes_blocked: bool


_Row = TypeVar("_Row")
_ENCODER = Encoder()
_ITEM: Decoder[ItemResult] = Decoder(ItemResult)
_PACKS = Decoder(RememberedPack)
_IMPORTS = Decoder(tuple[Use, ...] | None)


class ContentCache:
    """What items and packs say; may be deleted at any time."""

    def __init__(self, folder: Path | None) -> None:
        """Open the cache in a folder, or none."""
        path = folder / "facts.sqlite" if folder else None
        self._file = SqliteCache(path, _version(), _SCHEMA, ["facts"])
        self._today = int(time.time()) // _DAY_SECONDS

    def find_items(self, kind: str, blobs: Iterable[str]) -> dict[str, ItemResult]:
        """Return what is remembered of items of one kind, by blob."""
        return self._find(kind, blobs, _ITEM)

    def store_items(self, kind: str, results: Mapping[str, ItemResult]) -> None:
        """Remember what items say, or why they cannot be read."""
        self._store(kind, results)

    def find_packs(self, trees: Iterable[str]) -> dict[str, RememberedPack]:
        """Return what is remembered of whole packs, by the name of their tree."""
        return self._find(_PACK, trees, _PACKS)

    def store_packs(self, packs: Mapping[str, RememberedPack]) -> None:
        """Remember what packs say, by the name of their tree."""
        self._store(_PACK, packs)

    def find_imports(self, form: str, blobs: Iterable[str]) -> dict[str, tuple[Use, ...] | None]:
        """Return what is remembered of the imports of code in one form, by blob; None for no code."""
        return self._find(f"imports-{form}", blobs, _IMPORTS)

    def store_imports(self, form: str, imports: Mapping[str, tuple[Use, ...] | None]) -> None:
        """Remember what code imports."""
        self._store(f"imports-{form}", imports)

    def _find(self, kind: str, blobs: Iterable[str], decoder: Decoder[_Row]) -> dict[str, _Row]:
        wanted = list(blobs)
        found: dict[str, _Row] = {}
        stale: list[tuple[object, ...]] = []
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            holes = ",".join("?" * len(batch))
            query = f"SELECT blob, used, facts FROM facts WHERE kind = ? AND blob IN ({holes})"  # noqa: S608 - holes only
            for blob, used, text in self._file.rows(query, (kind, *batch)):
                try:
                    found[blob] = decoder.decode(text)
                except (ValueError, TypeError) as exc:
                    self._file.give_up(f"an entry does not read back: {exc}")
                    return {}
                if used < self._today - _STALE_DAYS:
                    stale.append((self._today, kind, blob))
        if stale:
            self._file.write("UPDATE facts SET used = ? WHERE kind = ? AND blob = ?", stale)
        return found

    def _store(self, kind: str, values: Mapping[str, object]) -> None:
        if not values:
            return
        # Encoded one by one: all of them at once would take as much memory again.
        rows = ((kind, blob, self._today, text) for blob, text in _encode(values))
        self._file.write("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", rows)
        for (count,) in self._file.rows("SELECT count(*) FROM facts"):
            if count > MAX_ROWS:
                # Older than the median goes; if everything is of one day, all of it: it is only a cache.
                median = "SELECT used FROM facts ORDER BY used LIMIT 1 OFFSET ?"
                self._file.write(f"DELETE FROM facts WHERE used < ({median})", [(count // 2,)])  # noqa: S608 - fixed text
                self._file.write("DELETE FROM facts WHERE (SELECT count(*) FROM facts) > ?", [(MAX_ROWS,)])


def _version() -> int:
    """Return a number that differs between releases, because each may read items in its own way."""
    major, minor, patch = (int(part) for part in __version__.split(".")[:3])
    return ((major * 100 + minor) * 100 + patch) * 100 + CACHE_VERSION


def encode_item(result: ItemResult) -> bytes:
    """Return what an item says, or why it cannot be read, as JSON."""
    return _ENCODER.encode(result)


def decode_item(text: bytes) -> ItemResult:
    """Return what `encode_item` was given."""
    return _ITEM.decode(text)


def _encode(values: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    """Yield values as JSON, but for those with a path that is not UTF-8: they are read each time."""
    for blob, value in values.items():
        with suppress(UnicodeEncodeError):
            yield blob, _ENCODER.encode(value)
