"""Checks settings beyond their types: conflicts with one another, and names that match nothing."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase

from autobump.content.item import ContentItem
from autobump.images.registries import HUB, canonical_host, locate_namespace, names_of
from autobump.planning.waves import REST
from autobump.settings.model import HoldSettings, PolicySettings, SettingPath, Settings, WaveSettings

UsedItem = tuple[ContentItem, str]
"""An item and the image it uses, as it is written, or an empty text."""


def find_conflicts(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
    """Yield the path of each setting that can never have its effect beside the others, and why."""
    yield from _conflicts_of_hosts(settings)
    yield from _conflicts_of_holds(settings)
    yield from _conflicts_of_waves(settings)
    seen: set[str] = set()
    for number, entry in enumerate(settings.repositories):
        path: SettingPath = ("repositories", number)
        if entry.repository.lower() in seen:
            yield (*path, "repository"), f'"{entry.repository}" stands twice'
        seen.add(entry.repository.lower())
        if entry.policy or entry.rollout:
            own = settings.of_repository(entry)
            for inner, message in (*_conflicts_of_holds(own), *_conflicts_of_waves(own)):
                yield (*path, *inner), message


def _conflicts_of_hosts(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
    taken: dict[str, str] = {}
    for name in settings.registry.hosts:
        host = canonical_host(name)
        if host in taken:
            known = (
                f"Docker Hub, as {taken[host]} does" if host == HUB else f"the host that {taken[host]} does"
            )
            yield ("registry", "hosts", name), f"names {known}"
        taken[host] = name


def _conflicts_of_holds(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
    earlier: dict[tuple[tuple[str, ...], ...], tuple[int, str]] = {}
    for number, hold in enumerate(settings.policy.holds):
        path = ("policy", "holds", number)
        selectors = (hold.images, hold.paths, hold.packs, hold.items)
        if not any(selectors):
            yield path, "a hold must name images, paths, packs or items"
        if not (hold.python or hold.max_tag or hold.skip_tags or hold.until):
            yield path, "a hold must say python, max_tag, skip_tags or until"
        if hold.python is not None:
            other = earlier.setdefault(selectors, (number, hold.python))
            if other[1] != hold.python:
                yield (
                    (*path, "python"),
                    f"overlaps policy.holds.{other[0]}, which wants {other[1]} for the same items",
                )


def _conflicts_of_waves(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
    taken: list[tuple[str, WaveSettings]] = []
    policy = settings.policy
    trusted = (*settings.registry.namespaces, *settings.registry.host_namespaces)
    for number, wave in enumerate(settings.rollout.waves):
        path = ("rollout", "waves", number)
        if wave.name == REST:
            yield (*path, "name"), f'"{REST}" is the name of what no wave takes'
        if wave.name in [name for name, _ in taken]:
            yield (*path, "name"), f'"{wave.name}" stands twice'
        if wave.min_coverage > wave.max_coverage:
            yield path, f"can never match: min_coverage {wave.min_coverage:g} is above {wave.max_coverage:g}"
        if policy.support and wave.support and not set(policy.support) & set(wave.support):
            yield (*path, "support"), "can never match: policy.support has none of these"
        for key, wanted, excluded in (
            ("packs", wave.packs, policy.exclude_packs),
            ("images", wave.images, policy.exclude_images),
        ):
            if wanted and all(_is_excluded(one, excluded) for one in wanted):
                yield (*path, key), f"can never match: policy.exclude_{key} has all of these"
        if wave.images and not any(_may_be_trusted(one, trusted) for one in wave.images):
            yield (*path, "images"), "can never match: registry.namespaces has none of these owners"
        if wave.nightly is True and settings.rollout.nightly_packs is None:
            yield (*path, "nightly"), "can never match: rollout.nightly_packs names no list"
        if (wave.min_coverage > 0) and settings.rollout.coverage_report is None:
            yield (*path, "min_coverage"), "can never match: rollout.coverage_report names no report"
        for name, other in taken:
            if other.max_items is None and _takes_all_of(other, wave):
                yield path, f"can never match: the wave {name} before it takes the same items"
                break
        taken.append((wave.name, wave))


def _takes_all_of(other: WaveSettings, wave: WaveSettings) -> bool:
    return (
        other.min_coverage <= wave.min_coverage
        and other.max_coverage >= wave.max_coverage
        and (not other.support or (bool(wave.support) and set(wave.support) <= set(other.support)))
        and other.nightly in (None, wave.nightly)
        and (not other.packs or (bool(wave.packs) and set(wave.packs) <= set(other.packs)))
        and (not other.images or (bool(wave.images) and set(wave.images) <= set(other.images)))
    )


def _is_excluded(pattern: str, excluded: Iterable[str]) -> bool:
    return any(fnmatchcase(pattern, one) for one in excluded)


def _may_be_trusted(pattern: str, namespaces: Iterable[str]) -> bool:
    owner = pattern.rpartition("/")[0]
    host, path = locate_namespace(owner)
    wanted = (path if host == HUB else owner) or "*"
    return any(
        fnmatchcase(name, wanted)
        for namespace in namespaces
        for name in (namespace, locate_namespace(namespace)[1], namespace.rpartition("/")[2])
    )


def find_unused_settings(
    settings: Settings, items: Iterable[UsedItem], today: date
) -> Iterator[tuple[SettingPath, str]]:
    """Yield the path of each setting that has no effect on a repository, or one that surprises, and why.

    A slip of the pen looks like that, and would go unseen. Defaults are never told.

    Args:
        settings: The settings of the repository.
        items: All items of it; of a part of them nothing can be said.
        today: The day of the pass, in UTC.
    """
    for number in settings.registries.unanswered():
        said = "no source answers for this registry; name it in registry.hosts"
        yield ("registry", "namespaces", number), said
    names = _Names(items)
    policy, usual = settings.policy, PolicySettings()
    for key, given, default in (
        ("packs", policy.exclude_packs, usual.exclude_packs),
        ("images", policy.exclude_images, usual.exclude_images),
    ):
        for number, name in enumerate(given):
            if name not in default and (why := names.why_unused(key, name)):
                yield ("policy", f"exclude_{key}", number), why
    dropped = [
        name
        for name in usual.exclude_packs
        if policy.exclude_packs and name not in policy.exclude_packs and not names.why_unused("packs", name)
    ]
    if dropped:
        why = f"replaces the default: without {', '.join(dropped)} in the list, it is updated"
        yield ("policy", "exclude_packs"), why
    for number, hold in enumerate(policy.holds):
        for inner, why in _unused_in_hold(hold, names, today):
            yield ("policy", "holds", number, *inner), why
    for number, wave in enumerate(settings.rollout.waves):
        for key, given in (("packs", wave.packs), ("images", wave.images)):
            for place, name in enumerate(given):
                if why := names.why_unused(key, name):
                    yield ("rollout", "waves", number, key, place), why


def _unused_in_hold(hold: HoldSettings, names: "_Names", today: date) -> Iterator[tuple[SettingPath, str]]:
    unused = [
        ((key, number), why)
        for key in ("images", "paths", "packs", "items")
        for number, name in enumerate(getattr(hold, key))
        if (why := names.why_unused(key, name))
    ]
    yield from unused
    if not unused and not names.any_item(hold.hold.covers):
        yield (), "no item is covered by all that it names"
    if hold.until is not None and hold.until <= today:
        rest = hold.python or hold.max_tag or hold.skip_tags
        more = "only the rest of the rule counts" if rest else "the rule holds nothing back any more"
        yield ("until",), f"{hold.until} is over; {more}"


class _Names:
    """What the items of a repository have, gathered when it is asked for."""

    def __init__(self, items: Iterable[UsedItem]) -> None:
        self._items = tuple(items)
        self._known: dict[str, Collection[str]] = {}

    def why_unused(self, key: str, name: str) -> str:
        """Say that no item has a name or one that matches it, with the nearest there is, or say nothing."""
        known = self._find_known(key)
        if name in known or (key != "items" and any(fnmatchcase(one, name) for one in known)):
            return ""
        kind = {"packs": "pack", "images": "image", "paths": "path", "items": "id"}[key]
        close = get_close_matches(name, known, n=1)
        return f"no item has the {kind} {name!r}{f'; did you mean {close[0]}?' if close else ''}"

    def any_item(self, covers: Callable[[ContentItem, str], bool]) -> bool:
        """Whether a rule covers any item."""
        return any(covers(item, image) for item, image in self._items)

    def _find_known(self, key: str) -> Collection[str]:
        if key not in self._known:
            named = (_NAMES[key](item, image) for item, image in self._items)
            self._known[key] = {name for names in named for name in names} - {""}
        return self._known[key]


_NAMES: Mapping[str, Callable[[ContentItem, str], tuple[str, ...]]] = {
    "packs": lambda item, _: (item.pack,),
    "images": lambda _, image: names_of(image),
    "paths": lambda item, _: (item.path,),
    "items": lambda item, _: (item.fields.item_id,),
}
"""What the names of each kind are of an item and its image."""
