"""Where tags come from: one protocol, and the spelling that chooses the source."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from autobump.errors import UsageError
from autobump.images.choice import TagRecord


class TagSource(Protocol):
    """A place that knows the tags of images."""

    def fetch_tags(self, repository: str) -> Sequence[TagRecord]:
        """Return what is known of an image's tags, any order, mutable ones included.

        Args:
            repository: `namespace/name`.

        Raises:
            ImageNotFoundError: The source has no such image.
            RegistryError: The source could not answer.
        """
        ...


def open_tag_source(spelling: str) -> TagSource:
    """Open the source that `--tags` or `registry.source` names.

    Raises:
        UsageError: There is no such kind of source, or it cannot be opened.
    """
    kind, _, rest = spelling.partition(":")
    if kind == "file" and rest:
        from autobump.images.sources.snapshot import SnapshotSource

        return SnapshotSource.open(Path(rest).expanduser())
    raise UsageError(f"{spelling!r} is no tag source; use file:PATH")
