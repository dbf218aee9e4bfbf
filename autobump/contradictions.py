"""Finds settings that can never have their effect beside the others."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from autobump.config import SettingPath, Settings, WaveSettings
from autobump.planning.waves import REST


def find_contradictions(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
    """Yield the path of each setting that can never have its effect beside the others, and why."""
    yield from _contradictory_holds(settings)
    yield from _contradictory_waves(settings)
    seen: set[str] = set()
    for number, entry in enumerate(settings.repositories):
        path: SettingPath = ("repositories", number)
        if entry.repository.lower() in seen:
            yield (*path, "repository"), f'"{entry.repository}" stands twice'
        seen.add(entry.repository.lower())
        if entry.policy or entry.rollout:
            own = settings.of_repository(entry)
            for inner, message in (*_contradictory_holds(own), *_contradictory_waves(own)):
                yield (*path, *inner), message


def _contradictory_holds(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
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


def _contradictory_waves(settings: Settings) -> Iterator[tuple[SettingPath, str]]:
    taken: list[tuple[str, WaveSettings]] = []
    policy = settings.policy
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
        if wave.images and not any(_may_be_trusted(one, settings.registry.namespaces) for one in wave.images):
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
    return any(fnmatchcase(namespace.rpartition("/")[2], owner or "*") for namespace in namespaces)
