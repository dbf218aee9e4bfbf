"""Gathers what the bodies of a plan tell beside the plan itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autobump.decisions.evaluation import Evaluation
from autobump.images.choice import NoUpdateReason
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.inside.facts import ImageFacts
from autobump.images.registries import full_name
from autobump.planning.plan import Plan
from autobump.planning.pull_request import PlannedImage
from autobump.pull_requests.body.text import BodyContext, LeftOut

if TYPE_CHECKING:
    from autobump.images.known import KnownImages


def gather_body_context(
    image: PlannedImage,
    left_out: Mapping[str, tuple[LeftOut, ...]],
    images: "KnownImages | None",
    find_created: Callable[[str, str], datetime | None],
    deprecated: Mapping[str, DeprecatedImage],
    links: str,
) -> BodyContext:
    """Return what the body of a pull request tells of one of its images.

    Args:
        image: The image, and what is updated of it.
        left_out: What of each image is not in a pull request, see `gather_left_out`.
        images: What is known of the images; None when risks are not assessed.
        find_created: Says when the registry says an image's tag was made; else its facts do.
        deprecated: Deprecated images by name.
        links: Address that a path is put behind to see the file, or empty.
    """
    name, new = image.repository, image.target.tag.text
    tags = sorted({bump.image.tag or "" for bump in image.bumps})

    def find(tag: str) -> ImageFacts | None:
        facts, created = images.facts(name, tag) if images else None, find_created(name, tag)
        return replace(facts or ImageFacts(), created=created) if created else facts

    return BodyContext(
        diffs={tag: images.diff(name, tag, new) for tag in tags} if images else {},
        old={tag: facts for tag in tags if (facts := find(tag))},
        new=find(new),
        left_out=left_out.get(name, ()),
        deprecated=deprecated.get(full_name(name)),
        links=links,
    )


def in_use(deprecated: Mapping[str, DeprecatedImage], evaluation: Evaluation) -> dict[str, DeprecatedImage]:
    """Return the deprecated images that items use, sorted by name."""
    used = {full_name(bump.image.repository) for bump in evaluation.bumps} | {
        full_name(skip.repository) for skip in evaluation.skipped
    }
    return {image: deprecated[image] for image in sorted(used & deprecated.keys())}


def gather_left_out(plan: Plan, evaluation: Evaluation) -> dict[str, tuple[LeftOut, ...]]:
    """Return for each image which of its items wait or stay, and why; one that is up to date is no news."""
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for wait in plan.waiting:
        rows[wait.bump.image.repository].append((wait.reason.value, wait.bump.path))
    for skip in evaluation.skipped:
        if skip.reason != NoUpdateReason.UP_TO_DATE:
            rows[skip.repository].append((str(skip.reason), skip.path))
    return {image: tuple(_count_left_out(rows[image])) for image in rows}


def _count_left_out(rows: Collection[tuple[str, str]]) -> Iterator[LeftOut]:
    counts = Counter(reason for reason, _ in rows)
    examples = dict(sorted(rows, reverse=True))
    return (LeftOut(reason, counts[reason], examples[reason]) for reason in sorted(counts))
