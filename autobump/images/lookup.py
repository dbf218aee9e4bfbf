"""Asks a source for the tags of many images, several at once; one that fails does not stop the others."""

import logging
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from autobump.images.choice import Release, sort_releases, why_too_young
from autobump.images.reference import Tag
from autobump.images.results import Digest, Facts, Lookup, NotFound, Unavailable
from autobump.images.sources import FactsSource, TagSource
from autobump.support.errors import AutobumpError, ImageNotFoundError, RegistryError
from autobump.support.progress import Progress
from autobump.support.secrets import redact
from autobump.support.threads import map_in_threads

_log = logging.getLogger(__name__)

MAX_DATES = 20
"""Most tags of one image whose date is asked for one by one, before it counts as unknown."""

MAX_FAILURES = 16
"""Most tags whose facts are asked for without any answer, before the rest is not asked for."""


class Wanted(Struct, frozen=True):
    """What a pass wants to know.

    Attributes:
        in_use: For each image the tags that items are on; None for an item that is to be pinned.
        min_age: Youngest age a tag may have; zero when dates do not matter.
        now: The time of the pass, with timezone.
        threads: Images asked for at once.
    """

    in_use: Mapping[str, Collection[Tag | None]]
    min_age: timedelta
    now: datetime
    threads: int

    def lowest(self, repository: str) -> int:
        """Return the lowest build number that an item is on: tags below need no date."""
        return min(-1 if tag is None else tag.build for tag in self.in_use[repository])


def look_up_releases(source: TagSource, wanted: Wanted, progress: Progress) -> dict[str, Lookup]:
    """Fetch the immutable tags of every image, newest first; keyed and ordered by name."""
    names = sorted(wanted.in_use)
    if not names:
        return {}
    progress.begin("Asking for tags", len(names))
    source.prepare({name: [tag.text for tag in wanted.in_use[name] if tag] for name in names})

    def look_up(repository: str) -> Lookup:
        try:
            try:
                releases = sort_releases(source.fetch_tags(repository))
            except ImageNotFoundError as exc:
                return NotFound(str(exc))
            return _with_dates(source, repository, releases, wanted)
        except RegistryError as exc:  # also a tag that is not there: the image is
            return Unavailable(str(exc))
        except Exception as exc:
            return _report_unexpected(exc, repository)

    found = map_in_threads(look_up, names, wanted.threads, progress)
    failed = sum(isinstance(one, Unavailable) for one in found.values())
    _log.info("tags looked up", extra={"images": len(found), "failed": failed})
    return found


def look_up_digests(
    source: TagSource, targets: Iterable[tuple[str, str]], threads: int, progress: Progress
) -> dict[tuple[str, str], Digest]:
    """Make sure that every target's manifest exists, and return its digest where the source knows it.

    Args:
        source: Where tags come from.
        targets: Image and tag, each once.
        threads: Targets asked for at once.
        progress: Told of every target.
    """
    wanted = sorted(set(targets))
    progress.begin("Checking manifests", len(wanted))

    def look_up(target: tuple[str, str]) -> Digest:
        try:
            return source.fetch_digest(*target)
        except RegistryError as exc:
            return Unavailable(str(exc))
        except Exception as exc:
            return _report_unexpected(exc, ":".join(target))

    return map_in_threads(look_up, wanted, threads, progress)


def look_up_facts(
    source: FactsSource, wanted: Iterable[tuple[str, str]], threads: int, progress: Progress
) -> dict[tuple[str, str], Facts]:
    """Learn what is inside images.

    Args:
        source: Tells it.
        wanted: Image and tag.
        threads: Tags asked for at once.
        progress: Told of every tag.

    Returns:
        By image and tag; None where nothing is published.
    """
    keys = sorted(set(wanted))
    if not keys:
        return {}
    progress.begin("Reading what is inside", len(keys))
    try:
        source.prepare(keys)
    except RegistryError as exc:
        return dict.fromkeys(keys, Unavailable(str(exc)))

    answered, refused = threading.Event(), threading.Semaphore(MAX_FAILURES)

    def look_up(key: tuple[str, str]) -> Facts:
        # Facts are no more than welcome: a pass does not wait for a server that never answers.
        if not answered.is_set() and not refused.acquire(blocking=False):
            return Unavailable(f"nobody answered {MAX_FAILURES} times")
        try:
            facts = source.fetch_facts(*key)
        except RegistryError as exc:
            return Unavailable(str(exc))
        except Exception as exc:
            return _report_unexpected(exc, ":".join(key))
        answered.set()
        return facts

    return map_in_threads(look_up, keys, threads, progress)


def _report_unexpected(exc: Exception, asked: str) -> Unavailable:
    """Make a surprise, which is a fault of ours, cost no more than what was asked, and tell of it loudly.

    Raises:
        AutobumpError: It is none: the operator has to act, such as on a tag file that cannot be read.
    """
    if isinstance(exc, AutobumpError):
        raise exc
    _log.error("an answer was not understood; please report it", extra={"asked": asked}, exc_info=exc)
    return Unavailable(redact(f"unexpected error: {exc!r}"))


def _with_dates(
    source: TagSource, repository: str, releases: tuple[Release, ...], wanted: Wanted
) -> tuple[Release, ...]:
    """Ask for the dates of the newest tags until one is old enough; the rest needs none."""
    if not wanted.min_age:
        return releases
    dated = list(releases)
    lowest = wanted.lowest(repository)
    for index, release in enumerate(releases[:MAX_DATES]):
        if release.tag.build <= lowest:
            break
        if release.created is None:
            dated[index] = replace(release, created=source.fetch_created(repository, release.tag.text))
        if why_too_young(dated[index], min_age=wanted.min_age, now=wanted.now) is None:
            break
    return tuple(dated)
