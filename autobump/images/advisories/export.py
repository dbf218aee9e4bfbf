"""Advisories from an export of OSV records: a zip file, a folder of JSON, or the records in one JSON file."""

import json
import lzma
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from autobump.images.advisories.record import Record, parse_record
from autobump.images.advisories.source import Installed
from autobump.support.errors import UsageError
from autobump.support.json_file import read_members

_RECORDS = "records"
_MOST_BYTES = 2 * 1024**3
"""Most bytes of all records together; those of PyPI have a hundredth of it."""

_MOST_RECORD = 32 * 1024 * 1024


class Export:
    """The records of an export, by package."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Take records."""
        self._by_package: dict[str, list[Record]] = {}
        for record in records:
            for package in record.affected:
                self._by_package.setdefault(package, []).append(record)

    @classmethod
    def open(cls, path: Path, cache: Path | None) -> Self:
        """Read an export.

        Args:
            path: `all.zip` of osv.dev, a folder with a file for each record, or JSON with `records`, which
                may end in `.gz` or `.xz`.
            cache: Folder of the cache, or none.

        Raises:
            UsageError: It cannot be read, or holds no record of a package of PyPI.
        """
        try:
            found = cls(record for data in _read(path) if (record := parse_record(data)))
        except OSError as exc:
            raise UsageError(f"cannot read the advisories {path}: {exc.strerror or exc}") from exc
        except (ValueError, EOFError, RecursionError, zipfile.BadZipFile, lzma.LZMAError) as exc:
            raise UsageError(f"the advisories {path} are damaged: {exc}") from exc
        if not found._by_package:
            raise UsageError(f"the advisories {path} hold no record of a package of PyPI")
        return found

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        """Return the records that affect each package and version."""
        found: dict[Installed, tuple[Record, ...]] = {}
        for package, version in wanted:
            known = self._by_package.get(package, ())
            if hits := tuple(record for record in known if record.affects(package, version)):
                found[package, version] = hits
        return found


def _read(path: Path) -> Iterator[object]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield _parse(file.read_bytes(), file.name)
    elif zipfile.is_zipfile(path):
        yield from _read_zip(path)
    else:
        for name, value in read_members(path):
            if name == _RECORDS and isinstance(value, list):
                yield from value


def _read_zip(path: Path) -> Iterator[object]:
    with zipfile.ZipFile(path) as archive:
        total = 0
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            if not entry.filename.endswith(".json"):
                continue
            with archive.open(entry) as file:
                data = file.read(_MOST_RECORD + 1)  # what the archive says of its size may be untrue
            total += len(data)
            if len(data) > _MOST_RECORD or total > _MOST_BYTES:
                raise ValueError(f"{entry.filename} unpacks to more than any record has")
            yield _parse(data, entry.filename)


def _parse(data: bytes, name: str) -> object:
    try:
        return json.loads(data)
    except ValueError as exc:
        raise ValueError(f"{name}: {exc}") from exc
