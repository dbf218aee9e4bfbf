"""What changes inside an image between two tags."""

from autobump.images.advisories.compare import AdvisoryDiff, compare_matches
from autobump.images.advisories.source import AdvisorySource
from autobump.images.inside.changes import NOT_TOLD, ImageDiff, TagDiff, versions_of
from autobump.images.inside.facts import ImageFacts
from autobump.images.reference import parse_image_ref
from autobump.images.sources import FactsSource
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError


def compare_advisories(diff: ImageDiff, source: AdvisorySource | None) -> AdvisoryDiff | None:
    """Return what a difference fixes and brings in; None when there is no source.

    Raises:
        RegistryError: The source could not answer.
    """
    if source is None:
        return None
    if not diff.has_packages:
        return AdvisoryDiff(known=False)
    sides = [
        [one for one in versions_of(facts).items() if one[0] not in NOT_TOLD]
        for facts in (diff.old, diff.new)
    ]
    found = source.find(sorted({one for side in sides for one in side}))
    return compare_matches(*({one[0]: found[one] for one in side if one in found} for side in sides))


def compare_tags(image: str, old: str, new: str, source: FactsSource | None) -> TagDiff:
    """Return what changes inside an image between two tags.

    Args:
        image: `[registry/]namespace/name`.
        old: The older tag.
        new: The newer tag.
        source: Tells what is inside; None when the settings want none.

    Raises:
        UsageError: No image, no tag, or no source.
        RegistryError: The source could not answer, or has nothing of a tag.
    """
    if source is None:
        raise UsageError("there is no source of image facts; name one with --facts")
    try:
        repository = parse_image_ref(image).repository
        for tag in (old, new):
            parse_image_ref(f"{repository}:{tag}")
    except ValueError as exc:
        raise UsageError(f"{image} from {old} to {new}: {exc}") from exc
    try:
        source.prepare([(repository, old), (repository, new)])
        found = [(tag, source.fetch_facts(repository, tag)) for tag in (old, new)]
    except RegistryError as exc:
        hint = "--facts dockerfiles-info:FOLDER reads a clone of the image pages"
        raise RegistryError(f"{exc}; {hint}") from exc
    for tag, facts in found:
        if facts is None:
            raise ImageNotFoundError(f"nothing is published of what is inside {repository}:{tag}")
    was, now = (facts or ImageFacts() for _, facts in found)
    return TagDiff(repository, old, new, ImageDiff(was, now))
