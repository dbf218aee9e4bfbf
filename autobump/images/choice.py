"""Which tag an item moves to."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from autobump.images.reference import Tag, find_immutable_tag


class TagRecord(Struct, frozen=True, array_like=True):
    """What a tag source says of one tag.

    Attributes:
        name: The tag as the registry spells it.
        created: When it was pushed or built, with timezone; None when the source does not say.
        digest: Digest of its manifest, `sha256:…`; None when the source does not say.
    """

    name: str
    created: datetime | None = None
    digest: str | None = None


class Release(Struct, frozen=True):
    """An immutable tag that the registry holds."""

    tag: Tag
    created: datetime | None
    digest: str | None


class NoUpdateReason(StrEnum):
    """Why an eligible item stays on its tag."""

    IMAGE_NOT_FOUND = "image-not-found"
    NO_IMMUTABLE_TAG = "no-immutable-tag"
    UP_TO_DATE = "up-to-date"
    AHEAD_OF_REGISTRY = "ahead-of-registry"
    TOO_YOUNG = "too-young"
    HELD = "held"


class NewerTag(Struct, frozen=True):
    """There is a tag to move to; `held_back` says which newer one a hold keeps away, and why, or is empty."""

    release: Release
    held_back: str


class NoUpdate(Struct, frozen=True):
    """There is none, and why."""

    reason: NoUpdateReason
    detail: str


TagChoice = NewerTag | NoUpdate


def sort_releases(records: Iterable[TagRecord]) -> tuple[Release, ...]:
    """Return the immutable tags among the records, newest first."""
    releases = (
        Release(tag, record.created, record.digest)
        for record in records
        if (tag := find_immutable_tag(record.name))
    )
    return tuple(sorted(releases, key=lambda release: release.tag.order, reverse=True))


def choose_tag(
    current: Tag | None,
    releases: Sequence[Release],
    *,
    min_age: timedelta,
    now: datetime,
    why_held: Callable[[Release], str] | None = None,
) -> TagChoice:
    """Choose the newest immutable tag above the current one.

    Args:
        current: Tag written in the content file; None when it names no immutable tag and is to be pinned.
        releases: Immutable tags, newest first.
        min_age: Tags younger than this are passed over; those without a date count as old enough only
            when this is zero.
        now: The time of the pass, with timezone.
        why_held: Says why a tag may not be used, or nothing; None when all may.

    Returns:
        NewerTag or NoUpdate. Never raises.
    """
    if not releases:
        return NoUpdate(NoUpdateReason.NO_IMMUTABLE_TAG, "the registry holds no immutable tag of it")
    newest = releases[0].tag
    if current is not None and newest.build <= current.build:
        if newest.build < current.build:
            return NoUpdate(NoUpdateReason.AHEAD_OF_REGISTRY, f"the newest published tag is {newest}")
        return NoUpdate(NoUpdateReason.UP_TO_DATE, f"{newest} is the newest")
    young = held = ""
    old_enough = False
    for release in releases:
        if current is not None and release.tag.build <= current.build:
            break
        # Build numbers grow with time: below a tag that is old enough all are, dated or not.
        if not old_enough and (why := why_too_young(release, min_age=min_age, now=now)):
            young = young or why
            continue
        old_enough = True
        if why_held is not None and (why := why_held(release)):
            held = held or f"{release.tag} {why}"
            continue
        return NewerTag(release, held)
    if held:
        return NoUpdate(NoUpdateReason.HELD, held)
    return NoUpdate(NoUpdateReason.TOO_YOUNG, young)


def why_too_young(release: Release, *, min_age: timedelta, now: datetime) -> str | None:
    """Say why a tag is not old enough, or None when it is."""
    if not min_age:
        return None
    if release.created is None:
        return f"{release.tag} has no known date, and tags must be {describe_span(min_age)} old"
    age = now - release.created
    if age >= min_age:
        return None
    return f"{release.tag} is {describe_span(max(age, timedelta()))} old and must be {describe_span(min_age)}"


def describe_span(span: timedelta) -> str:
    """Say how long a time is, in whole hours or days."""
    hours = span // timedelta(hours=1)
    if hours < 48:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{hours // 24} days"
