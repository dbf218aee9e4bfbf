"""The tags of an image, newest first, with the chosen one marked."""

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec.structs import replace

from autobump.images.choice import NewerTag, NoUpdate, Release, choose_tag, sort_releases, why_too_young
from autobump.images.reference import Tag, find_current_tag, parse_image_ref
from autobump.images.sources import TagSource
from autobump.settings.model import Settings
from autobump.support.errors import ImageNotFoundError, UsageError

_MAX_ASKED = 3
"""Most tags whose date and digest are asked for one by one."""


def explain_tags(
    image: str, source: TagSource, settings: Settings, now: datetime, limit: int
) -> Iterator[str]:
    """Yield an image's immutable tags newest first, with the chosen one marked.

    Args:
        image: `[registry/]namespace/name`, with `:tag` to choose as for an item on that tag.
        source: Where tags come from.
        settings: The settings in force.
        now: The time that counts, with timezone.
        limit: Most tags to list.

    Raises:
        UsageError: This is no image, or the source has none of that name.
        RegistryError: The source could not answer.
    """
    try:
        reference = parse_image_ref(image)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    current = find_current_tag(reference.tag) if reference.tag else None
    if reference.tag and current is None:
        raise UsageError(f"{reference.tag} is no tag to start from: it can be overwritten")
    source.prepare({reference.repository: [reference.tag] if reference.tag else []})
    try:
        records = source.fetch_tags(reference.repository)
    except ImageNotFoundError as exc:
        raise UsageError(str(exc)) from exc
    releases = with_facts(source, reference.repository, sort_releases(records), limit)
    yield f"{reference.repository}: {len(releases)} immutable of {len(records)} tags"
    yield from tag_lines(releases, current, settings, now, limit)


def tag_lines(
    releases: tuple[Release, ...],
    current: Tag | None,
    settings: Settings,
    now: datetime,
    limit: int,
    why_held: Callable[[Release], str] | None = None,
) -> Iterator[str]:
    """Yield a line for each tag, and one when there is none to move to."""
    min_age = settings.registry.min_age
    choice = choose_tag(current, releases, min_age=min_age, now=now, why_held=why_held)
    chosen = choice.release.tag if isinstance(choice, NewerTag) else None
    place = next((place for place, release in enumerate(releases) if release.tag == chosen), 0)
    # Below many that are held or too young, the chosen one gets its row all the same.
    shown = releases[:limit] + releases[max(limit, place) : place + 1]
    width = max((len(release.tag.text) for release in shown), default=0)
    for number, release in enumerate(shown):
        if number == limit and place > limit:
            yield f"  … {place - limit} between"
        if release.tag == chosen:
            note = "chosen"
        elif release.tag == current:
            note = "current"
        elif current is not None and release.tag.build <= current.build:
            note = "not above the current one"
        elif chosen is not None and release.tag < chosen:
            note = "older than the chosen one"
        else:
            note = why_too_young(release, min_age=min_age, now=now) or ""
            note = note or (why_held(release) if why_held else "")
        created = f"{release.created:%Y-%m-%d}" if release.created else "no date   "
        digest = (release.digest or "no digest")[:19]
        mark = "*" if release.tag == chosen else " "
        facts = f"{release.tag.text:<{width}}  build {release.tag.build:<9} {created}  {digest:<19}"
        yield f"{mark} {facts}  {note}".rstrip()
    if older := len(releases[max(limit, place + 1) :]):
        yield f"  … {older} older ones"
    if isinstance(choice, NoUpdate):
        yield f"{choice.reason}: {choice.detail}"


def with_facts(
    source: TagSource, repository: str, releases: tuple[Release, ...], limit: int
) -> tuple[Release, ...]:
    """Add dates and digests that did not come with the tags, to those that are shown first.

    Raises:
        RegistryError: The source could not answer.
    """
    dated = list(releases)
    for index, release in enumerate(releases[: min(limit, _MAX_ASKED)]):
        tag = release.tag.text
        dated[index] = replace(
            release,
            created=release.created or source.fetch_created(repository, tag),
            digest=release.digest or source.fetch_digest(repository, tag),
        )
    return tuple(dated)
