"""Remembers what blobs say, by their hash: what git names alike never has to be read again."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from msgspec.json import Decoder, Encoder

from autobump import __version__
from autobump.content.imports import Import
from autobump.content.item import ItemFields
from autobump.content.listing import Listing
from autobump.content.pack import PackMetadata
from autobump.content.yaml.events import YamlFault
from autobump.support.sqlite_file import SqliteCache

CACHE_VERSION = 6
"""Raised whenever reading an item or a pack gives other fields than before."""

MAX_ROWS = 400_000
"""More than this, and what was not used for the longest time goes; some 100 MB."""

_DAY_SECONDS = 86_400
_STALE_DAYS = 30
_BATCH = 900
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    kind TEXT NOT NULL, blob TEXT NOT NULL, used INTEGER NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (kind, blob)
) WITHOUT ROWID
"""
_PACK = "pack"
_LISTING = "listing"

ItemResult = ItemFields | YamlFault
PackResult = tuple[PackMetadata | None, str, int | None, int | None]
"""What metadata says, or why it cannot be used, with line and column."""

_ItemRow = ItemFields | tuple[str, str, int, int]
_Row = TypeVar("_Row")
_ENCODER = Encoder()
_ITEM = Decoder(_ItemRow)
_METADATA = Decoder(PackResult)
_IMPORTS = Decoder(tuple[Import, ...] | None)
_FILES = Decoder(Listing)


class ContentCache:
    """What items and packs say; may be deleted at any time."""

    def __init__(self, folder: Path | None) -> None:
        """Open the cache in a folder, or none."""
        path = folder / "facts.sqlite" if folder else None
        self._file = SqliteCache(path, _version(), _SCHEMA, ["facts"])
        self._today = int(time.time()) // _DAY_SECONDS

    def find_items(self, kind: str, blobs: Iterable[str]) -> dict[str, ItemResult]:
        """Return what is remembered of items of one kind, by blob."""
        return {blob: _result(row) for blob, row in self._find(kind, blobs, _ITEM).items()}

    def store_items(self, kind: str, results: Mapping[str, ItemResult]) -> None:
        """Remember what items say, or why they cannot be read."""
        self._store(kind, {blob: encode_item(result) for blob, result in results.items()})

    def find_packs(self, blobs: Iterable[str]) -> dict[str, PackResult]:
        """Return what is remembered of pack metadata, by blob."""
        return self._find(_PACK, blobs, _METADATA)

    def store_packs(self, results: Mapping[str, PackResult]) -> None:
        """Remember what pack metadata says, or why it cannot be read."""
        self._store(_PACK, _encode_all(results))

    def find_imports(self, form: str, blobs: Iterable[str]) -> dict[str, tuple[Import, ...] | None]:
        """Return what is remembered of the imports of code in one form, by blob; None for no code."""
        return self._find(f"imports-{form}", blobs, _IMPORTS)

    def store_imports(self, form: str, imports: Mapping[str, tuple[Import, ...] | None]) -> None:
        """Remember what code imports."""
        self._store(f"imports-{form}", _encode_all(imports))

    def find_listings(self, trees: Iterable[str]) -> dict[str, Listing]:
        """Return what is remembered of packs, by the name of their tree."""
        return self._find(_LISTING, trees, _FILES)

    def store_listings(self, listings: Mapping[str, Listing]) -> None:
        """Remember what packs hold."""
        self._store(_LISTING, _encode_all(listings))

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

    def _store(self, kind: str, entries: Mapping[str, bytes]) -> None:
        if not entries:
            return
        rows = [(kind, blob, self._today, text.decode()) for blob, text in entries.items()]
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
    if isinstance(result, YamlFault):
        return _ENCODER.encode((result.reason, result.detail, result.line, result.column))
    return _ENCODER.encode(result)


def decode_item(text: bytes) -> ItemResult:
    """Return what `encode_item` was given."""
    return _result(_ITEM.decode(text))


def _result(row: _ItemRow) -> ItemResult:
    return YamlFault(*row) if isinstance(row, tuple) else row


def _encode_all(values: Mapping[str, object]) -> dict[str, bytes]:
    """Return values as JSON, but for those with a path that is not UTF-8: they are read each time."""
    encoded: dict[str, bytes] = {}
    for blob, value in values.items():
        with suppress(UnicodeEncodeError):
            encoded[blob] = _ENCODER.encode(value)
    return encoded
