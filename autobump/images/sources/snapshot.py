"""Tags from a JSON file."""

import gzip
import json
import lzma
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from autobump.errors import ImageNotFoundError, UsageError
from autobump.images.choice import TagRecord

_MAX_BYTES = 512 * 1024 * 1024


class SnapshotSource:
    """A file of tags: `{"demisto/python3": ["3.9.9.25564", …]}`, or with `{tag: {created, digest, …}}`."""

    def __init__(self, images: Mapping[str, Any]) -> None:
        self._images = images

    @classmethod
    def open(cls, path: Path) -> "SnapshotSource":
        """Read the file, unpacking `.gz` and `.xz`.

        Raises:
            UsageError: The file cannot be read, or holds something else.
        """
        try:
            with _open(path) as file:
                data = file.read(_MAX_BYTES + 1)
            if len(data) > _MAX_BYTES:
                raise UsageError(f"{path} is larger than {_MAX_BYTES >> 20} MiB unpacked")
            images = json.loads(data)
        except (OSError, EOFError, lzma.LZMAError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise UsageError(f"cannot read the tags in {path}: {reason}") from exc
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{path} is no JSON file of tags: {exc}") from exc
        if not isinstance(images, dict):
            raise UsageError(f"{path} is no JSON file of tags: it must hold an object of image names")
        for name, tags in images.items():
            if not isinstance(tags, list | dict) or not all(isinstance(tag, str) for tag in tags):
                raise UsageError(f"{path} is no JSON file of tags: {name!r} has no list of tags")
        return cls(images)

    def prepare(self, repositories: list[str]) -> None:
        """Do nothing: the file is read already."""

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        """Return the image's tags in the order of the file."""
        try:
            tags = self._images[repository]
        except KeyError as exc:
            raise ImageNotFoundError(f"the tag file has no image {repository}") from exc
        if isinstance(tags, list):
            return tuple(TagRecord(name) for name in tags)
        return tuple(_record(name, facts) for name, facts in tags.items())

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


def _record(name: str, facts: object) -> TagRecord:
    if not isinstance(facts, dict):
        return TagRecord(name)
    created, digest = facts.get("created"), facts.get("digest")
    return TagRecord(name, _parse_time(created), digest if isinstance(digest, str) else None)


def _parse_time(text: object) -> datetime | None:
    """Read an RFC 3339 time; one without a timezone cannot be compared and counts as unknown."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
