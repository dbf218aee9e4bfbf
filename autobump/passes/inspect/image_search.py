"""Finds images by the packages in their newest tags."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

from msgspec import Struct
from packaging.specifiers import InvalidSpecifier, Specifier

from autobump.content.tree import ContentTree, NoPacksError
from autobump.images.advisories.record import Severity
from autobump.images.choice import NewerTag, choose_tag
from autobump.images.inside.changes import NOT_TOLD, package_key
from autobump.images.inside.pythons import PythonVersions
from autobump.images.known import KnownImages
from autobump.images.lookup import Wanted, look_up_releases
from autobump.images.reference import parse_image_ref
from autobump.images.registries import Registries, full_name
from autobump.images.results import Lookup, NotFound, Unavailable
from autobump.images.sources import ListedFacts
from autobump.images.sources.deprecated import open_deprecated_images
from autobump.passes.evaluate import find_used_image, hold_back, read_used_items
from autobump.passes.inspect.image_list import ImageAtTag, ImageList
from autobump.passes.one import fetch_deprecated
from autobump.passes.open import (
    LoadSettings,
    PassOptions,
    Sources,
    find_commit,
    open_repository,
    open_sources,
)
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError, UsageError
from autobump.support.progress import Progress, open_progress

_WANTED = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)(?:==([A-Za-z0-9.!+*_-]{1,100}))?")


class WantedPackage(Struct, frozen=True):
    """A package that an image should have.

    Attributes:
        text: As it was asked for, such as `numpy==2.1`.
        key: Its `package_key`.
        version: What its version has to match; None for any.
    """

    text: str
    key: str
    version: Specifier | None

    def matches(self, version: str) -> bool:
        """Whether a version is the one, as PEP 440 compares; a pre-release is one as good as any."""
        if self.version is None:
            return True
        try:
            return self.version.contains(version, prereleases=True)
        except ValueError:
            return False


def parse_wanted(text: str) -> WantedPackage:
    """Parse `PACKAGE[==VERSION]`; the version may end in `.*`.

    Raises:
        UsageError: It is something else, or a package of which nothing is told.
    """
    match = _WANTED.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not PACKAGE or PACKAGE==VERSION, such as numpy or numpy==2.1.0")
    name, version = match.groups()
    key = package_key(name)
    if key in NOT_TOLD:
        raise UsageError(f"{name} cannot be searched for: pages tell it as of the day they were made")
    try:
        return WantedPackage(text, key, Specifier(f"=={version}") if version else None)
    except InvalidSpecifier as exc:
        raise UsageError(f"{version!r} in {text!r} is no version") from exc


def search_images(wanted: Sequence[str], options: PassOptions, load: LoadSettings) -> ImageList:
    """Return the trusted images whose newest tag has all of some packages.

    The newest tag is the one that every item on an older one may move to. Items are counted when a content
    repository is named, or lies in the current folder.

    Args:
        wanted: `PACKAGE[==VERSION]` of each package.
        options: What the command line says.
        load: Loads the settings.

    Raises:
        UsageError: A package is malformed, nobody tells what is inside images, or there are no images.
        RegistryError: The source of facts cannot say which images it tells of.
    """
    packages = [parse_wanted(text) for text in wanted]
    with open_progress() as progress:
        tree, settings = _open_if_there(options, load)
        sources = open_sources(options, settings)
        if sources.facts is None:
            raise UsageError(
                "there is no source of image facts, so nobody tells which packages are in an image; name one "
                "with registry.facts"
            )
        used = None if tree is None else _count_items(tree, settings)
        names = _trusted({*sources.facts.fetch_images(), *(used or ())}, settings.registries)
        if not names:
            spaces = ", ".join(settings.registries.namespaces)
            raise UsageError(f"the source of image facts tells of no image of {spaces}")
        search = _Search(settings, sources, sources.facts, used, datetime.now(UTC))
        return search.find(packages, names, progress)


def _open_if_there(options: PassOptions, load: LoadSettings) -> tuple[ContentTree | None, Settings]:
    """Open the content repository that is named or around, if any, and load the settings."""
    commit = find_commit(options.repo, options.rev)
    if commit is not None:
        try:
            tree, loaded = open_repository(options, load)
            return tree, loaded.settings
        except NoPacksError:
            if options.repo is not None:
                raise
    return None, load(commit).settings.with_source(options.tags)


def _count_items(tree: ContentTree, settings: Settings) -> Counter[str]:
    """Return how many items use each image, by `full_name`."""
    refs = map(find_used_image, (item for item, _ in read_used_items(tree, settings)))
    return Counter(full_name(ref.repository) for ref in refs if ref)


def _trusted(names: Iterable[str], registries: Registries) -> list[str]:
    found = []
    for name in sorted(names):
        try:
            place = registries.find_place(parse_image_ref(name))
        except ValueError:
            continue
        if place is not None and place.is_trusted:
            found.append(name)
    return found


class _Search(Struct, frozen=True):
    """Looks for packages in the newest tags of images.

    Attributes:
        settings: The settings in force.
        sources: Where tags and advisories come from.
        facts: Tells what is inside images.
        used: How many items use each image; None when no content repository was read.
        now: The time that counts, with timezone.
    """

    settings: Settings
    sources: Sources
    facts: ListedFacts
    used: Counter[str] | None
    now: datetime

    def find(self, packages: Sequence[WantedPackage], names: Sequence[str], progress: Progress) -> ImageList:
        registry = self.settings.registry
        wanted = Wanted({name: [None] for name in names}, registry.min_age, self.now, registry.concurrency)
        found = look_up_releases(self.sources.tags, wanted, progress)
        pythons = PythonVersions(self.facts, found)
        chosen = {name: self._choose(name, lookup, pythons) for name, lookup in found.items()}
        newest = {name: tag for name, tag in chosen.items() if isinstance(tag, str)}
        unknown = {name: none.detail for name, none in chosen.items() if not isinstance(none, str)}
        known = KnownImages(self.facts, registry.concurrency, progress, self.sources.advisories)
        known.learn(newest.items())
        matching: dict[str, dict[str, str]] = {}
        seen: set[str] = set()
        for name, tag in newest.items():
            facts = known.facts(name, tag)
            if facts is None or facts.packages is None:
                unknown[name] = known.failed.get((name, tag), "nothing is published of what is inside")
                continue
            inside = {package_key(one): (one, package.version) for one, package in facts.packages.items()}
            seen |= inside.keys()
            if all(one.key in inside and one.matches(inside[one.key][1]) for one in packages):
                matching[name] = dict(inside[one.key] for one in packages)
        known.learn_advisories((name, newest[name]) for name in matching)
        missing = [one.key for one in packages if one.key not in seen]
        return ImageList(
            self._tell(matching, newest, known),
            tuple(one.text for one in packages),
            tuple(sorted(unknown.items())),
            bool(known.failed) or any(isinstance(one, Unavailable) for one in chosen.values()),
            has_advisories=self.sources.advisories is not None,
            hint=next((close for key in missing for close in get_close_matches(key, seen, n=1)), ""),
        )

    def _choose(self, name: str, found: Lookup, pythons: PythonVersions) -> str | NotFound | Unavailable:
        """Return the tag that an item on no tag would move to, or why there is none."""
        if isinstance(found, NotFound | Unavailable):
            return found
        holds = tuple(hold for hold in self.settings.holds if hold.covers_all(name))
        why_held = hold_back(holds, name, pythons, self.now)
        try:
            choice = choose_tag(
                None, found, min_age=self.settings.registry.min_age, now=self.now, why_held=why_held
            )
        except RegistryError as exc:
            return Unavailable(str(exc))
        return choice.release.tag.text if isinstance(choice, NewerTag) else NotFound(choice.detail)

    def _tell(
        self, matching: Mapping[str, Mapping[str, str]], newest: Mapping[str, str], known: KnownImages
    ) -> tuple[ImageAtTag, ...]:
        registry = self.settings.registry
        deprecated = fetch_deprecated(open_deprecated_images(registry.deprecated_images, registry.source))
        images = []
        for name, packages in matching.items():
            tag, listed = newest[name], deprecated.get(name)
            facts = known.facts(name, tag)
            address, over_http = self.settings.registries.find_address(parse_image_ref(name))
            images.append(
                ImageAtTag(
                    name,
                    tag,
                    address,
                    over_http,
                    None if self.used is None else self.used[name],
                    facts=facts,
                    vulnerabilities=known.find_open(name, tag),
                    packages=packages,
                    advice=listed.advice if listed else facts.deprecated if facts else "",
                )
            )
        return tuple(sorted(images, key=_best_first))


def _best_first(one: ImageAtTag) -> tuple[bool, int, tuple[float, ...], str]:
    counts = Counter(advisory.severity for advisory in one.vulnerabilities or ())
    is_unknown = one.vulnerabilities is None
    bad = (float(is_unknown), *(float(counts[severity]) for severity in Severity))
    return bool(one.advice), -(one.items or 0), bad, one.image
