"""Gives every item file of a commit its row: a bump, a skip with a reason, or a problem."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from autobump.content.cache import ContentCache
from autobump.content.item import ContentItem, find_item_files
from autobump.content.problem import Problem
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.eligibility import EligibilityPolicy, Eligible, Skipped, decide_eligibility
from autobump.decisions.evaluation import TAGS_UNAVAILABLE, Evaluation, Notice, by_path
from autobump.decisions.holds import HoldRule, find_holds, why_held
from autobump.images.choice import NewerTag, NoUpdate, NoUpdateReason, Release, choose_tag
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.inside.pythons import PythonVersions
from autobump.images.lookup import Wanted, look_up_releases
from autobump.images.reference import ImageRef, Tag, parse_image_ref
from autobump.images.registries import names_of
from autobump.images.results import Lookup, NotFound, Unavailable
from autobump.images.sources import FactsSource, TagSource
from autobump.pull_requests.marker import Marker
from autobump.settings.checks import UsedItem
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError, UsageError
from autobump.support.files import find_cache_folder
from autobump.support.printable import printable
from autobump.support.progress import Progress, Silent


class Filters(Struct, frozen=True):
    """Which items take part: glob patterns of paths, pack names, image names; empty means all."""

    paths: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    def include(self, marker: Marker) -> bool:
        """Whether every item of a pull request takes part; without paths that cannot be told of a path."""
        return (
            all(self.include_image(image.image) for image in marker.images)
            and (not self.packs or set(marker.packs) <= set(self.packs))
            and (not self.paths or (bool(marker.paths) and all(map(self.include_path, marker.paths))))
        )

    def include_image(self, repository: str) -> bool:
        """Whether an image passes the image filter, by any of its names."""
        return not self.images or not set(self.images).isdisjoint(names_of(repository))

    def include_path(self, path: str) -> bool:
        """Whether a path passes the path filter."""
        return not self.paths or any(fnmatchcase(path, glob) for glob in self.paths)


def evaluate_content(
    tree: ContentTree,
    source: TagSource,
    settings: Settings,
    filters: Filters,
    *,
    now: datetime,
    progress: Progress,
    cache: ContentCache,
    facts: FactsSource | None = None,
    deprecated: Mapping[str, DeprecatedImage] | None = None,
) -> Evaluation:
    """Read a commit, ask for the tags its items need, and judge every item.

    Args:
        tree: The commit.
        source: Where tags come from; asked once per distinct image of eligible items.
        settings: The settings in force.
        filters: Which items take part; files of others get no row.
        now: The time that counts for this pass, with timezone.
        progress: Told how far it is.
        cache: What is remembered of blobs.
        facts: Tells what is inside images, for holds that are about Python.
        deprecated: Deprecated images, by `namespace/name`.
    """
    policy = choose_policy(settings, deprecated or {})
    _require_matches(tree, filters)
    content = read_content(tree, paths=filters.paths, packs=filters.packs, progress=progress, cache=cache)
    refs = {item.path: _image_of(item) for item in content.items}
    images = {path: ref.repository if ref else "" for path, ref in refs.items()}
    if filters.images:
        _require_known("image", filters.images, {name for one in images.values() for name in names_of(one)})
    items = [item for item in content.items if filters.include_image(images[item.path])]
    # Which image an unreadable file uses is unknown, so an image filter leaves those files out.
    problems = [] if filters.images else list(content.problems)
    files = len(items) + len(problems)
    eligible: list[Eligible] = []
    skipped: list[Skipped] = []
    bumps: list[Bump] = []
    for item in items:
        match decide_eligibility(item, content.packs[item.pack], policy):
            case Skipped() as skip:
                image = refs[item.path]
                skipped.append(
                    replace(skip, repository=image.repository, tag=image.tag or "") if image else skip
                )
            case Eligible() as candidate:
                if problem := _find_flaw(candidate, with_notes=settings.pull_requests.release_notes):
                    problems.append(problem)
                else:
                    eligible.append(candidate)
    wanted = Wanted(_tags_in_use(eligible), settings.registry.min_age, now, settings.registry.concurrency)
    found = look_up_releases(source, wanted, progress)
    pythons = PythonVersions(facts, found)
    for candidate in eligible:
        match _choose(candidate, found[candidate.image.repository], settings, pythons, now):
            case Bump() as bump:
                bumps.append(bump)
            case Skipped() as skip:
                skipped.append(skip)
            case Problem() as problem:
                problems.append(problem)
    notices = tuple(_find_notices(items))
    return Evaluation(files, by_path(bumps), by_path(skipped), by_path(problems), notices, found)


def choose_policy(settings: Settings, deprecated: Mapping[str, DeprecatedImage]) -> EligibilityPolicy:
    """Return who is eligible by the settings, where some images are deprecated."""
    skipped = deprecated if settings.policy.deprecated_images == "skip" else {}
    return replace(settings.eligibility, deprecated=skipped)


def read_used_items(tree: ContentTree, settings: Settings) -> Iterator[UsedItem]:
    """Yield every item of a commit with its image, for `find_unused_settings`."""
    cache = ContentCache(find_cache_folder(settings.registry.cache))
    for item in read_content(tree, progress=Silent(), cache=cache).items:
        image = _image_of(item)
        yield item, image.repository if image else ""


def _require_matches(tree: ContentTree, filters: Filters) -> None:
    """Refuse a filter that matches nothing: it is more likely a slip than a wish."""
    for name in filters.packs:
        if not any(find_item_files(tree.list_files([name]), tree.prefix)):
            _require_known("pack", [name], tree.packs.keys() - {name})
    files = list(find_item_files(tree.list_files(), tree.prefix)) if filters.paths else []
    for glob in filters.paths:
        if not any(fnmatchcase(file.path, glob) for file in files):
            raise UsageError(f"no item's path matches {glob!r}; * matches / too, letter case counts")


def _require_known(kind: str, wanted: Iterable[str], known: Set[str]) -> None:
    for name in wanted:
        if name not in known:
            close = get_close_matches(name, known)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise UsageError(f"no item has the {kind} {name!r}{hint}")


def _image_of(item: ContentItem) -> ImageRef | None:
    try:
        return parse_image_ref(item.fields.image.text or "")
    except ValueError:
        return None


def find_used_image(item: ContentItem) -> ImageRef | None:
    """Return the image that an item runs in; None when it runs in none, or names it in a wrong way."""
    return None if item.fields.language == "javascript" else _image_of(item)


def _tags_in_use(eligible: Iterable[Eligible]) -> dict[str, set[Tag | None]]:
    in_use: dict[str, set[Tag | None]] = defaultdict(set)
    for one in eligible:
        in_use[one.image.repository].add(one.current)
    return in_use


def _find_flaw(candidate: Eligible, *, with_notes: bool) -> Problem | None:
    """Say why an eligible item cannot be edited, if that can be told from what was read."""
    item = candidate.item
    pack = candidate.pack
    if with_notes and pack.flaw:
        place = pack.files.metadata.path if pack.files.metadata else ""
        return Problem(
            item.path, item.pack, "invalid-pack-metadata", pack.flaw, pack.line, pack.column, place
        )
    if with_notes and pack.files.notes_blocked:
        return Problem(item.path, item.pack, "unsafe-edit", "ReleaseNotes of its pack is no folder")
    if item.fields.image.unsafe:
        return Problem(item.path, item.pack, "unsafe-edit", item.fields.image.unsafe)
    name = item.fields.name
    if not name or printable(name) != name:
        detail = "its release note needs a display or name of one line"
        return Problem(item.path, item.pack, "invalid-item", detail)
    return None


def _choose(
    candidate: Eligible, found: Lookup, settings: Settings, pythons: PythonVersions, now: datetime
) -> Bump | Skipped | Problem:
    item = candidate.item
    used = (candidate.image.repository, candidate.image.tag or "")
    match found:
        case NotFound(detail):
            return Skipped(item.path, item.pack, NoUpdateReason.IMAGE_NOT_FOUND, detail, *used)
        case Unavailable(detail):
            return Problem(item.path, item.pack, TAGS_UNAVAILABLE, detail)
        case releases:
            holds = find_holds(settings.holds, item, candidate.image.repository)
            try:
                choice = choose_tag(
                    candidate.current,
                    releases,
                    min_age=settings.registry.min_age,
                    now=now,
                    why_held=hold_back(holds, candidate.image.repository, pythons, now) if holds else None,
                )
            except RegistryError as exc:
                # Which Python is inside could not be asked: nothing is decided, and what is open stays.
                return Problem(item.path, item.pack, TAGS_UNAVAILABLE, str(exc))
            match choice:
                case NoUpdate(reason, detail):
                    return Skipped(item.path, item.pack, reason, detail, *used)
                case NewerTag(release, held_back):
                    return Bump(
                        item, candidate.pack, candidate.image, candidate.current, release, held_back=held_back
                    )


def hold_back(
    holds: tuple[HoldRule, ...], repository: str, pythons: PythonVersions, now: datetime
) -> Callable[[Release], str]:
    """Return what says of a tag why rules keep items from it, or nothing."""

    def python_of(release: Release) -> str | None:
        return pythons.find(repository, release)

    return lambda release: why_held(holds, release, python_of, now.date())


def _find_notices(items: Iterable[ContentItem]) -> Iterator[Notice]:
    for item in items:
        if item.fields.auto_update_misplaced:
            detail = "autoUpdateDockerImage stands under script:, where the platform does not read it"
            yield Notice(item.path, detail)
