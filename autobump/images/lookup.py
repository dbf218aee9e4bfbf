"""Asks a source for the tags of many images; one that fails does not stop the others."""

from collections.abc import Iterable
from dataclasses import dataclass

from autobump.errors import ImageNotFoundError, RegistryError
from autobump.images.choice import Release, sort_releases
from autobump.images.sources import TagSource
from autobump.progress import Progress


@dataclass(frozen=True, slots=True)
class NotFound:
    """The source has no such image."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The source could not answer for this image."""

    detail: str


Lookup = tuple[Release, ...] | NotFound | Unavailable


def look_up_releases(source: TagSource, repositories: Iterable[str], progress: Progress) -> dict[str, Lookup]:
    """Fetch the immutable tags of every image, newest first, keyed and ordered by name."""
    wanted = sorted(set(repositories))
    progress.begin("Asking for tags", len(wanted))
    found: dict[str, Lookup] = {}
    for repository in wanted:
        try:
            found[repository] = sort_releases(source.fetch_tags(repository))
        except ImageNotFoundError as exc:
            found[repository] = NotFound(str(exc))
        except RegistryError as exc:
            found[repository] = Unavailable(str(exc))
        progress.step()
    return found
