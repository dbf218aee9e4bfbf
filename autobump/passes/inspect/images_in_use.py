"""Lists the images that content repositories use."""

from collections import Counter
from pathlib import Path

from msgspec import Struct, field

from autobump.content.tree import ContentTree
from autobump.decisions.eligibility import SkipReason
from autobump.images.known import KnownImages
from autobump.images.reference import find_immutable_tag, parse_image_ref
from autobump.images.registries import full_name
from autobump.images.results import NotFound, Unavailable
from autobump.passes.evaluate import find_used_image, read_used_items
from autobump.passes.inspect.image_list import ImageAtTag, ImageList
from autobump.passes.open import LoadSettings, PassOptions, Sources, make_pass
from autobump.passes.several import open_trees, share_sources
from autobump.settings.model import Settings
from autobump.support.progress import Progress, open_progress

LATEST = "latest"
"""The tag of an image that names none."""


def list_images_in_use(options: PassOptions, load: LoadSettings, file: Path | None) -> ImageList:
    """Return the images that items use, at the tags that they are on and would move to.

    Args:
        options: What the command line says.
        load: Loads the settings.
        file: The settings file named on the command line, if any.

    Raises:
        UsageError: There is no content repository, or it cannot be read.
    """
    with open_progress() as progress:
        trees, settings = open_trees(options, load, file)
        sources = share_sources(options, settings)
        found = _InUse()
        for tree, own in trees:
            found.add(tree, own, options, sources, progress)
        return found.tell(settings.with_source(options.tags), sources, progress)


class _InUse(Struct):
    """Gathers the images that items of one repository after the other use.

    Attributes:
        items: How many items are on each image and tag.
        arriving: How many would move to it.
        unknown: Why something of an image is not known.
        failed: Whether a registry did not answer.
        unread: Files that could not be read.
        advice: What to do about deprecated images.
    """

    items: Counter[tuple[str, str]] = field(default_factory=Counter)
    arriving: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: dict[str, str] = field(default_factory=dict)
    failed: bool = False
    unread: int = 0
    advice: dict[str, str] = field(default_factory=dict)

    def add(
        self, tree: ContentTree, own: Settings, options: PassOptions, sources: Sources, progress: Progress
    ) -> None:
        this = make_pass(options, tree, own, sources, progress)
        deprecated = this.fetch_deprecated()
        evaluation = this.evaluate(deprecated)
        read = list(read_used_items(tree, own))
        self.unread += evaluation.files - len(read)
        self.advice |= {name: image.advice for name, image in deprecated.items()}
        here: set[tuple[str, str]] = set()
        for item, _ in read:
            if ref := find_used_image(item):
                key = full_name(ref.repository), ref.tag or LATEST
                self.items[key] += 1
                here.add(key)
        for skip in evaluation.skipped:
            if skip.reason == SkipReason.INVALID_DOCKER_IMAGE:
                self.unknown[skip.path] = skip.detail
        for bump in evaluation.bumps:
            self.arriving[full_name(bump.image.repository), bump.target.tag.text] += 1
        for repository, found in evaluation.found.items():
            name = full_name(repository)
            match found:
                case NotFound(detail):
                    self.unknown[name] = detail
                case Unavailable(detail):
                    self.unknown[name] = detail
                    self.failed = True
                case releases:
                    there = {release.tag.text for release in releases}
                    gone = {tag for image, tag in here if image == name and find_immutable_tag(tag)} - there
                    self.unknown |= {f"{name}:{tag}": "the registry does not name this tag" for tag in gone}

    def tell(self, settings: Settings, sources: Sources, progress: Progress) -> ImageList:
        keys = sorted(self.items.keys() | self.arriving.keys(), key=_by_tag)
        known = None
        if sources.facts is not None:
            threads = settings.registry.concurrency
            known = KnownImages(sources.facts, threads, progress, sources.advisories)
            known.learn(keys)
            known.learn_advisories(keys)
        images = []
        for name, tag in keys:
            address, over_http = settings.registries.find_address(parse_image_ref(name))
            images.append(
                ImageAtTag(
                    name,
                    tag,
                    address,
                    over_http,
                    self.items[name, tag],
                    self.arriving[name, tag],
                    known.facts(name, tag) if known else None,
                    known.find_open(name, tag) if known else None,
                    advice=self.advice.get(name, ""),
                )
            )
        return ImageList(
            tuple(images),
            unknown=tuple(sorted(self.unknown.items())),
            failed=self.failed or bool(known and known.failed),
            unread=self.unread,
            has_facts=known is not None,
            has_advisories=known is not None and sources.advisories is not None,
        )


def _by_tag(key: tuple[str, str]) -> tuple[str, bool, tuple[int, tuple[int, ...], str]]:
    name, tag = key
    parsed = find_immutable_tag(tag)
    return (name, True, parsed.order) if parsed else (name, False, (0, (), tag))
