"""Tags and facts from a JSON file."""

import lzma
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import ImageFacts, facts_from_record, parse_moment
from autobump.images.reference import split_registry
from autobump.images.registries import full_name
from autobump.images.sources.cache import CachedTags, TagCache
from autobump.support.errors import ImageNotFoundError, UsageError
from autobump.support.files import identify_file
from autobump.support.json_file import read_members

_MAX_TAG_LENGTH = 128
_COMPLETE = ""
"""Stands in the cache in place of an image when all images of a file are there."""


class TagFile:
    """A file of tags: `{"demisto/python3": ["3.9.9.25564", …]}`, or with `{tag: {created, digest, …}}`.

    An image of another registry than Docker Hub has its host before it. All of them are kept by `full_name`.

    It is read image by image, so that all of it is never in memory. A tag with `"withdrawn": true` is in no
    registry any more: no item moves there, and it only tells what is inside for items that are still on it.

    Attributes:
        path: The file.
        name: Tells it from every other file, and from what it was before it was written anew.
        tags: The tags of every image, once it was read.
        facts: What it says of the tags that facts were wanted of, None for one that is not in it.
    """

    def __init__(self, path: Path) -> None:
        """Use a file; nothing is read yet."""
        self.path = path
        self.name = _identify(path)
        self._failure: UsageError | None = None
        self.tags: dict[str, tuple[TagRecord, ...]] | None = None
        self.facts: dict[tuple[str, str], ImageFacts | None] = {}

    @property
    def is_as_opened(self) -> bool:
        """Whether nobody put another file in its place since it was opened."""
        return _identify(self.path) == self.name

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
            for written, records in read_members(self.path):
                name = full_name(written)
                tags[name] = _join(tags.get(name, ()), _parse_tags(written, records))
                if name in wanted and isinstance(records, dict):
                    newest = max(records, key=_last_number, default="")
                    for tag in {*wanted[name], newest}:
                        self.facts[name, tag] = facts_from_record(records[tag]) if tag in records else None
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise UsageError(f"cannot read the tags in {self.path}: {reason}") from exc
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{self.path} is no JSON file of tags: {exc}") from exc
        if not tags:
            raise UsageError(f"{self.path} names no image; autobump tags --export writes such a file")
        self.tags = _by_full_name(tags.items())


def _by_full_name(
    images: Iterable[tuple[str, tuple[TagRecord, ...]]],
) -> dict[str, tuple[TagRecord, ...]]:
    """Return the tags of images by their full names, with an entry for each registry that is named."""
    found: dict[str, tuple[TagRecord, ...]] = {}
    for written, tags in images:
        name = full_name(written)
        found[name] = _join(found.get(name, ()), tags)
        registry, _ = split_registry(name)
        if registry:
            found[_registry_entry(registry)] = ()
    return found


def _join(some: tuple[TagRecord, ...], more: tuple[TagRecord, ...]) -> tuple[TagRecord, ...]:
    """Return the tags of an image that stands twice, written in two ways; of a tag that does, the last."""
    return (
        tuple(({tag.name: tag for tag in some} | {tag.name: tag for tag in more}).values()) if some else more
    )


def _registry_entry(host: str) -> str:
    """Return what stands in place of an image for a registry that the file names images of."""
    return f"{host}/"


def _identify(path: Path) -> str:
    try:
        return identify_file(path)
    except OSError:
        return ""


class SnapshotSource:
    """Tags from a file, or what is remembered of it."""

    def __init__(self, images: Mapping[str, Any]) -> None:
        """Use tags at hand, in the shape of a `TagFile`."""
        self._images: dict[str, tuple[TagRecord, ...]] | None = _by_full_name(
            (name, _parse_tags(name, tags)) for name, tags in images.items()
        )
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
        try:
            with path.open("rb"):
                source.file = TagFile(path)
        except OSError as exc:
            raise UsageError(f"cannot read the tags in {path}: {exc.strerror}") from exc
        source._name = source.file.name
        return source

    def choose_name(self, names: Sequence[str]) -> str:
        """Return the first of an image's names that the file has, or else the first of them.

        When the file names other images of its registry, it speaks for that, and only the full name counts.

        Args:
            names: The full one first; what it is called without its registry, and without folders, behind it.

        Raises:
            UsageError: The file holds something else than tags.
        """
        full, *others = names
        if not others or self._has(full) or self.has_registry(full.partition("/")[0]):
            return full
        return next((name for name in others if self._has(name)), full)

    def has_registry(self, host: str) -> bool:
        """Whether the file names images of a registry other than Docker Hub.

        Raises:
            UsageError: The file holds something else than tags.
        """
        return self._has(_registry_entry(host))

    def _has(self, name: str) -> bool:
        try:
            self.fetch_tags(name)
        except ImageNotFoundError:
            return False
        return True

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
                remembered = {name: one.tags for name, one in self._cache.find_all(self._name).items()}
                complete = remembered.pop(_COMPLETE, None) is not None
                self._images = remembered if complete else self._read()
            found = self._images.get(repository)
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
            return images  # it is not the one of the name any more
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
