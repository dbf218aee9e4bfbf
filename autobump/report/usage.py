"""Tells which images and tags items use, and how old those are."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from autobump.decisions.evaluation import Evaluation
from autobump.images.advisories.compare import Advisory
from autobump.images.advisories.record import Severity
from autobump.images.choice import Release
from autobump.images.reference import find_current_tag
from autobump.images.results import Lookup

_DAY = timedelta(days=1)
_BANDS = (
    ("under 3 months", 91 * _DAY),
    ("3 to 6 months", 182 * _DAY),
    ("6 to 12 months", 365 * _DAY),
    ("1 to 2 years", 730 * _DAY),
    ("2 to 3 years", 1096 * _DAY),
    ("3 to 4 years", 1461 * _DAY),
    ("4 years and more", timedelta.max),
)


class TagInUse(Struct, frozen=True):
    """A tag that items are on; `tag` is empty when they name none, `created` None when it is not known."""

    tag: str
    items: int
    created: datetime | None


class ImageInUse(Struct, frozen=True):
    """An image that items use.

    Attributes:
        repository: `namespace/name`.
        tags: Those that items are on, newest first; what is no number comes last.
        newest: The newest tag of the registry, or None when it is not known.
        left_open: Known vulnerabilities of the tags that items are on when every update is made, the worst
            first; None when they are known of no tag.
        unknown_tags: How many of these tags have vulnerabilities that are not known.
    """

    repository: str
    tags: tuple[TagInUse, ...]
    newest: Release | None
    left_open: tuple[Advisory, ...] | None = None
    unknown_tags: int = 0

    @property
    def items(self) -> int:
        """How many items use it."""
        return sum(tag.items for tag in self.tags)

    @property
    def oldest(self) -> datetime | None:
        """When the oldest of the tags was made, as far as it is known."""
        return min((tag.created for tag in self.tags if tag.created), default=None)


class AgeBand(Struct, frozen=True):
    """How many items are on a tag of some age: now, and when every update is made."""

    name: str
    now: int
    later: int


def images_in_use(
    evaluation: Evaluation,
    created: Mapping[tuple[str, str], datetime],
    left_open: Mapping[tuple[str, str], tuple[Advisory, ...]] | None = None,
) -> list[ImageInUse]:
    """Return every image that a row names, the one that leaves most open first, or else with most items.

    Problems name no image.

    Args:
        evaluation: The rows.
        created: When tags were made, by image and tag, as far as it is known.
        left_open: Known vulnerabilities by image and tag, the worst first; None when nobody was asked.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    later: dict[str, set[str]] = defaultdict(set)
    for repository, tag, release in _used(evaluation):
        counts[repository][tag] += 1
        later[repository].add(release.tag.text if release else tag)
    images = []
    for repository, tags in counts.items():
        ordered = sorted(tags, key=_newest_first, reverse=True)
        releases = evaluation.found.get(repository)
        known = [
            found
            for tag in later[repository]
            if (found := (left_open or {}).get((repository, tag))) is not None
        ]
        images.append(
            ImageInUse(
                repository,
                tuple(TagInUse(tag, tags[tag], created.get((repository, tag))) for tag in ordered),
                _newest(repository, releases, created),
                _together(known) if known else None,
                0 if left_open is None else len(later[repository]) - len(known),
            )
        )
    return sorted(images, key=lambda image: (_openness(image), -image.items, image.repository))


def _together(known: Iterable[tuple[Advisory, ...]]) -> tuple[Advisory, ...]:
    """Return what several tags have, each vulnerability once."""
    by_id = {one.id: one for advisories in known for one in advisories}
    return tuple(sorted(by_id.values(), key=lambda one: (-one.severity.rank, one.id)))


def _openness(image: ImageInUse) -> tuple[int, ...]:
    """Return what images are ordered by: those with the worst first, those of which it is not known last."""
    if image.left_open is None:
        return (1,)
    counts = Counter(one.severity for one in image.left_open)
    return (0, *(-counts[severity] for severity in Severity))


def ages_of_items(
    evaluation: Evaluation, created: Mapping[tuple[str, str], datetime], now: datetime
) -> tuple[list[timedelta], list[timedelta]]:
    """Return how old the tags of items are: now, and when every update is made.

    Only items whose age is known at both times count, so that the two can be compared.
    """
    pairs = [
        (now - made, now - later)
        for repository, tag, release in _used(evaluation)
        if (made := created.get((repository, tag)))
        and (later := created.get((repository, release.tag.text)) if release else made)
    ]
    return [before for before, _ in pairs], [after for _, after in pairs]


def age_bands(now: Iterable[timedelta], later: Iterable[timedelta]) -> list[AgeBand]:
    """Count the ages that `ages_of_items` returns, the youngest first."""
    count_now, count_later = Counter(map(_band, now)), Counter(map(_band, later))
    return [AgeBand(name, count_now[name], count_later[name]) for name, _ in _BANDS]


def describe_age(age: timedelta) -> str:
    """Say an age in the unit that fits: `12 days`, `5 months`, `4.4 years`."""
    days = age.days
    if days < 1:
        return "under a day"
    if days < 60:
        return f"{days} day{'' if days == 1 else 's'}"
    if days < 730:
        return f"{days / 30.44:.0f} months"
    return f"{days / 365.25:.1f} years"


def _used(evaluation: Evaluation) -> Iterator[tuple[str, str, Release | None]]:
    """Yield the image and tag of every item, and where it moves to."""
    for bump in evaluation.bumps:
        yield bump.image.repository, bump.image.tag or "", bump.target
    for skip in evaluation.skipped:
        if skip.repository:
            yield skip.repository, skip.tag, None


def _newest(
    repository: str, found: Lookup | None, created: Mapping[tuple[str, str], datetime]
) -> Release | None:
    """Return the newest tag of an image with its date, as far as they are known."""
    if not isinstance(found, tuple) or not found:
        return None
    return replace(found[0], created=created.get((repository, found[0].tag.text)))


def _newest_first(text: str) -> tuple[bool, tuple[int, tuple[int, ...], str]]:
    tag = find_current_tag(text)
    return (True, tag.order) if tag else (False, (0, (), text))


def _band(age: timedelta) -> str:
    return next(name for name, limit in _BANDS if age < limit)
