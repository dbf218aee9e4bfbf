"""Advisories from an export of OSV records: a zip file, a folder of JSON, or the records in one JSON file."""

import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from autobump.images.advisories.record import Installed, Record, packages_of, parse_record
from autobump.images.advisories.remembered import RememberedAdvisories
from autobump.images.inside.system import InstalledOfSystem
from autobump.support.errors import RegistryError, UsageError
from autobump.support.files import identify_file
from autobump.support.json_file import read_object
from autobump.support.printable import printable

_RECORDS = "records"
_MOST_BYTES = 2 * 1024**3
"""Most bytes of all records together; those of PyPI have a hundredth of it."""

_MOST_RECORD = 32 * 1024 * 1024
_DAMAGE = (
    ValueError,
    EOFError,
    RecursionError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


class Export:
    """The records of an export.

    An export is read to the end once: what it tells of a package and its version is remembered by the file's
    name, size and time. Of a file that is remembered only what nobody asked for before is looked up in it.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        """Take records."""
        self._path: Path | None = None
        self._unread: dict[str, list[object]] = {}
        self._by_package: dict[str, list[Record]] = {}
        self._matches: dict[Installed, tuple[Record, ...]] = {}
        self._remembered: RememberedAdvisories | None = None
        for record in records:
            for package in record.affected:
                self._by_package.setdefault(package, []).append(record)

    @classmethod
    def open(cls, path: Path, cache: Path | None) -> Self:
        """Read an export, unless it is remembered.

        Args:
            path: `all.zip` of osv.dev, a folder with a file for each record, or JSON with `records`, which
                may end in `.gz` or `.xz`.
            cache: Folder of the cache, or none.

        Raises:
            UsageError: It cannot be read, or holds no record of a package of PyPI.
        """
        export = cls(())
        export._path = path
        name = _identify(path)
        remembered = RememberedAdvisories(cache, name)
        export._matches = remembered.find_matches()
        if not export._matches:
            export._read(path)
        if _identify(path) == name:  # or somebody put another one in its place
            export._remembered = remembered
        return export

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        """Return the records that affect each package and version.

        Raises:
            RegistryError: The export is remembered, and cannot be read any more.
        """
        wanted = set(wanted)
        if missing := wanted - self._matches.keys():
            learnt = {one: self._match(*one) for one in missing}
            self._matches |= learnt
            if self._remembered is not None:
                self._remembered.store_matches(learnt)
                self._remembered.forget_others("file:")
        return {one: hits for one in wanted if (hits := self._matches[one])}

    def find_of_system(self, wanted: Iterable[InstalledOfSystem]) -> None:
        """Return nothing: an export of PyPI has no such records."""

    def _match(self, package: str, version: str) -> tuple[Record, ...]:
        if self._path is not None and not self._unread:
            try:
                self._read(self._path)
            except UsageError as exc:
                raise RegistryError(f"advisories are not known: {exc}") from exc
        if package not in self._by_package:
            read = (parse_record(data) for data in self._unread.get(package, ()))
            self._by_package[package] = [record for record in read if record]
        return tuple(record for record in self._by_package[package] if record.affects(package, version))

    def _read(self, path: Path) -> None:
        """Sort the records by package; each is read when somebody asks for its package.

        Raises:
            UsageError: It cannot be read, or holds no record of a package of PyPI.
        """
        found: dict[str, list[object]] = {}
        try:
            for data in _read(path):
                for package in packages_of(data):
                    found.setdefault(package, []).append(data)
        except OSError as exc:
            raise _cannot_read(path, exc) from exc
        except _DAMAGE as exc:
            raise UsageError(f"the advisories {path} are damaged: {exc}") from exc
        if not found:
            raise UsageError(f"the advisories {path} hold no record of a package of PyPI")
        self._unread = found


def _cannot_read(path: Path, exc: OSError) -> UsageError:
    return UsageError(f"cannot read the advisories {path}: {exc.strerror or exc}")


def _identify(path: Path) -> str:
    """Return a name for what the path holds now.

    Raises:
        UsageError: There is nothing.
    """
    try:
        if not path.is_dir():
            return identify_file(path)
        stats = [(file.relative_to(path).as_posix(), file.stat()) for file in _files_in(path)]
    except OSError as exc:
        raise _cannot_read(path, exc) from exc
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return f"file:{path.resolve()}:{hashlib.sha256(json.dumps(files).encode()).hexdigest()}"


def _files_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.json"))


def _read(path: Path) -> Iterator[object]:
    if path.is_dir():
        total = 0
        for file in _files_in(path):
            with file.open("rb") as stream:
                data = stream.read(_MOST_RECORD + 1)
            total += len(data)
            yield _parse(data, total, file.name)
    elif zipfile.is_zipfile(path):
        yield from _read_zip(path)
    else:
        records = read_object(path).get(_RECORDS)
        yield from records if isinstance(records, list) else ()


def _read_zip(path: Path) -> Iterator[object]:
    with zipfile.ZipFile(path) as archive:
        total = 0
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            if not entry.filename.endswith(".json"):
                continue
            try:
                with archive.open(entry) as stream:
                    data = stream.read(_MOST_RECORD + 1)  # what the archive says of its size may be untrue
            except (
                RuntimeError
            ) as exc:  # it wants a password, or is packed in a way that Python does not know
                raise ValueError(f"{printable(entry.filename[:200])}: {exc}") from exc
            total += len(data)
            yield _parse(data, total, entry.filename)


def _parse(data: bytes, total: int, name: str) -> object:
    shown = printable(name[:200])
    if len(data) > _MOST_RECORD or total > _MOST_BYTES:
        raise ValueError(f"{shown} is larger than any record, or all of them together")
    try:
        return json.loads(data)
    except ValueError as exc:
        raise ValueError(f"{shown}: {exc}") from exc
