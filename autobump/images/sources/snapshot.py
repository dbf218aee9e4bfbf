"""Tags and facts from a JSON file."""

import codecs
import gzip
import hashlib
import json
import lzma
import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import ImageFacts, facts_from_record, parse_moment
from autobump.images.sources.cache import CachedTags, TagCache
from autobump.support.errors import ImageNotFoundError, UsageError

_CHUNK = 256 * 1024
_MAX_BYTES = 512 * 1024 * 1024
_MAX_TAG_LENGTH = 128
_COMPLETE = ""
"""Stands in the cache in place of an image when all images of a file are there."""


class TagFile:
    """A file of tags: `{"demisto/python3": ["3.9.9.25564", …]}`, or with `{tag: {created, digest, …}}`.

    It is read image by image, so that all of it is never in memory. A tag with `"withdrawn": true` is in no
    registry any more: no item moves there, and it only tells what is inside for items that are still on it.

    Attributes:
        path: The file.
        tags: The tags of every image, once it was read.
        facts: What it says of the tags that facts were wanted of, None for one that is not in it.
    """

    def __init__(self, path: Path) -> None:
        """Use a file; nothing is read yet."""
        self.path = path
        self._opened = _identify(path)
        self._failure: UsageError | None = None
        self.tags: dict[str, tuple[TagRecord, ...]] | None = None
        self.facts: dict[tuple[str, str], ImageFacts | None] = {}

    @property
    def is_as_opened(self) -> bool:
        """Whether nobody put another file in its place since it was opened."""
        return _identify(self.path) == self._opened

    def read(self, wanted: Mapping[str, Collection[str]]) -> None:
        """Read the file once.

        Args:
            wanted: Tags by image that facts are wanted of. Those of its newest tag come along, because most
                items move there.

        Raises:
            UsageError: The file cannot be read, or holds something else.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._read(wanted)
        except UsageError as exc:
            self._failure = exc  # it would fail again, and may be large
            raise

    def _read(self, wanted: Mapping[str, Collection[str]]) -> None:
        tags: dict[str, tuple[TagRecord, ...]] = {}
        try:
            for name, records in read_images(self.path):
                tags[name] = _parse_tags(name, records)
                if name in wanted and isinstance(records, dict):
                    newest = max(records, key=_last_number, default="")
                    for tag in {*wanted[name], newest}:
                        self.facts[name, tag] = facts_from_record(records[tag]) if tag in records else None
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise UsageError(f"cannot read the tags in {self.path}: {reason}") from exc
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{self.path} is no JSON file of tags: {exc}") from exc
        self.tags = tags


def _identify(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


class SnapshotSource:
    """Tags from a file, or what is remembered of it by its hash."""

    def __init__(self, images: Mapping[str, Any]) -> None:
        """Use tags at hand, in the shape of a `TagFile`."""
        self._images: dict[str, tuple[TagRecord, ...]] | None = {
            name: _parse_tags(name, tags) for name, tags in images.items()
        }
        self.file: TagFile | None = None
        self._cache = TagCache(None)
        self._name = ""
        self._in_use: Mapping[str, Collection[str]] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, cache: TagCache | None = None) -> "SnapshotSource":
        """Open a file; unless it is remembered it is read when its tags are asked for.

        Raises:
            UsageError: The file cannot be read.
        """
        source = cls({})
        source._images = None
        source._cache = cache or TagCache(None)
        source.file = TagFile(path)
        try:
            with path.open("rb") as file:
                source._name = f"file:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        except OSError as exc:
            raise UsageError(f"cannot read the tags in {path}: {exc.strerror}") from exc
        return source

    def load(self) -> None:
        """Read the file now, unless it is remembered.

        Raises:
            UsageError: It holds something else than tags.
        """
        with suppress(ImageNotFoundError):
            self.fetch_tags("")

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Hear whose tags, and so whose facts, will be asked for."""
        self._in_use = in_use

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        """Return the image's tags in the order of the file.

        Raises:
            UsageError: The file holds something else.
        """
        with self._lock:
            if self._images is None:
                cached = self._cache.find(self._name, repository)
                if cached is not None:
                    return cached.tags
                # It may be that the file has no such image, or that the cache is not there any more.
                if self._cache.find(self._name, _COMPLETE) is None:
                    self._images = self._read()
            found = (self._images or {}).get(repository)
        if found is None:
            raise ImageNotFoundError(f"the tag file has no image {repository}")
        return found

    def _read(self) -> dict[str, tuple[TagRecord, ...]]:
        if self.file is None:
            return {}
        if self.file.tags is None:
            self.file.read(self._in_use)
        images = self.file.tags or {}
        if not self.file.is_as_opened:
            return images  # they are not those of the hash
        now = time.time()
        entries = [(name, CachedTags(now, "", "", tags)) for name, tags in images.items()]
        self._cache.store_many(self._name, [*entries, (_COMPLETE, CachedTags(now, "", "", ()))])
        self._cache.forget_other_sources("file:", self._name)
        return images

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that the file gives for a tag, if it does."""
        return self._find(repository, tag).digest

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return the date that the file gives for a tag, if it does."""
        return self._find(repository, tag).created

    def _find(self, repository: str, name: str) -> TagRecord:
        for record in self.fetch_tags(repository):
            if record.name == name:
                return record
        raise ImageNotFoundError(f"the tag file has no {repository}:{name}")


def _open(path: Path) -> BinaryIO | gzip.GzipFile | lzma.LZMAFile:
    match path.suffix:
        case ".gz":
            return gzip.open(path)
        case ".xz":
            return lzma.open(path)
        case _:
            return path.open("rb")


def read_images(path: Path) -> Iterator[tuple[str, object]]:
    """Yield the name and the tags of image after image; the whole file is never in memory.

    Raises:
        ValueError: The file holds something else, or is far too large.
    """
    with _open(path) as file:
        text = _Text(file)
        if text.next_character() != "{":
            raise ValueError("it must hold an object of image names")
        text.skip()
        while text.next_character() != "}":
            name = text.decode()
            if not isinstance(name, str) or text.next_character() != ":":
                raise ValueError("it must hold an object of image names")
            text.skip()
            yield name, text.decode()
            if text.next_character() == ",":
                text.skip()
                if text.next_character() == "}":
                    raise ValueError("a comma stands before the end")
            elif text.next_character() != "}":
                raise ValueError(f"something unexpected stands behind {name!r}")
        text.skip()
        if text.next_character():
            raise ValueError("something stands behind the end")


class _Text:
    """A JSON text that is read as far as the next value needs."""

    def __init__(self, file: BinaryIO | gzip.GzipFile | lzma.LZMAFile) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text = ""
        self._position = 0
        self._read = 0

    def next_character(self) -> str:
        """Return the next character that is no white space, without taking it; empty at the end."""
        while True:
            rest = self._text[self._position : self._position + 64].lstrip(" \t\r\n")
            if rest:
                self._position = self._text.index(rest[0], self._position)
                return rest[0]
            if self._position + 64 < len(self._text):
                self._position += 64
            elif not self._more():
                return ""

    def skip(self) -> None:
        """Take one character."""
        self._position += 1

    def decode(self) -> object:
        """Take the next value, reading more of the file while it is cut off."""
        self.next_character()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._position)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end == len(self._text) and self._more():  # a number could go on
                continue
            self._position = end
            return value

    def _more(self) -> bool:
        data = self._file.read(max(_CHUNK, len(self._text) - self._position))
        self._read += len(data)
        if self._read > _MAX_BYTES:
            raise ValueError(f"it is larger than {_MAX_BYTES >> 20} MiB unpacked")
        self._text = self._text[self._position :] + self._decoder.decode(data, final=not data)
        self._position = 0
        return bool(data)


def _parse_tags(name: str, tags: object) -> tuple[TagRecord, ...]:
    if not name.isascii():
        raise ValueError(f"{name!a} is no image name")
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        return tuple(TagRecord(tag) for tag in tags if _is_tag(tag))
    if isinstance(tags, dict):
        return tuple(
            _record(tag, facts) for tag, facts in tags.items() if _is_tag(tag) and not _is_withdrawn(facts)
        )
    raise ValueError(f"{name!r} has no list of tags")


def _is_tag(text: str) -> bool:
    return 0 < len(text) <= _MAX_TAG_LENGTH and text.isascii()


def _is_withdrawn(facts: object) -> bool:
    return isinstance(facts, dict) and facts.get("withdrawn") is True


def _last_number(tag: str) -> int:
    number = tag.rpartition(".")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else -1


def _record(name: str, facts: object) -> TagRecord:
    if not isinstance(facts, dict):
        return TagRecord(name)
    created, digest = facts.get("created"), facts.get("digest")
    return TagRecord(name, parse_moment(created), digest if isinstance(digest, str) else None)
