"""Shows which packages differ since each old tag of an image, once where several tags tell the same."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from autobump.images.inside.changes import ChangeKind, ImageDiff, LicenceChange, versions_of
from autobump.images.inside.system import SystemPackage, summarise_system_packages
from autobump.pull_requests.body.image_change import (
    PACKAGE_HEADERS,
    describe_kinds,
    licence_cell,
    package_rows,
    summarise_packages,
)
from autobump.support.markdown import LongList, code, count, long_table

_Rows = TypeVar("_Rows")
_SYSTEM_HEADERS = ("Package", "From", "To")


def package_tables(diffs: Mapping[str, ImageDiff]) -> list[LongList]:
    """Return what differs since each old tag, folded: as a table each, or one for all where that is shorter.

    Args:
        diffs: What changes by old tag, all to one new tag; in the order of the columns.
    """
    rows = {tag: found for tag, diff in diffs.items() if (found := tuple(package_rows(diff)))}
    separate = [
        _fold(f"Packages since {_join(tags)}: {summarise_packages(diffs[tags[0]])}", PACKAGE_HEADERS, found)
        for found, tags in _same(rows)
    ]
    return _shorter(separate, _joint_packages({_join(tags): diffs[tags[0]] for _, tags in _same(rows)}))


def system_tables(diffs: Mapping[str, ImageDiff]) -> list[LongList]:
    """Return the same of the packages of the operating system."""
    changes = {tag: diff.system_changes for tag, diff in diffs.items() if diff.system_changes}
    separate = [
        _fold(
            f"System packages since {_join(tags)}: {summarise_system_packages(found)}",
            _SYSTEM_HEADERS,
            [tuple(map(_cell, change)) for change in found],
        )
        for found, tags in _same(changes)
    ]
    return _shorter(separate, _joint_system({_join(tags): diffs[tags[0]] for _, tags in _same(changes)}))


def _joint_packages(diffs: Mapping[str, ImageDiff]) -> LongList | None:
    names: dict[str, str] = {}
    kinds: dict[str, set[ChangeKind]] = {}
    licences: dict[str, dict[LicenceChange, None]] = {}
    for diff in diffs.values():
        for change in diff.changes or ():
            names[change.key] = change.name
            kinds.setdefault(change.key, set()).add(change.kind)
        for licence in diff.licences:
            names.setdefault(licence.key, licence.name)
            licences.setdefault(licence.key, {})[licence] = None
    if not names:
        return None
    olds = [versions_of(diff.old) for diff in diffs.values()]
    new = versions_of(next(iter(diffs.values())).new)
    order = list(ChangeKind)
    ordered = sorted(
        names, key=lambda key: (min(map(order.index, kinds.get(key, ())), default=len(order)), key)
    )
    rows = [
        (
            code(names[key]),
            describe_kinds(key, kinds[key]) if key in kinds else "licence",
            *(_cell(old.get(key, "")) for old in olds),
            _cell(new.get(key, "")),
            "; ".join(map(licence_cell, licences.get(key, ()))),
        )
        for key in ordered
    ]
    package, kind, _, to, licence_of = PACKAGE_HEADERS
    title = f"Packages since {', '.join(diffs)}: {count(len(rows), 'package')} differ"
    return _fold(title, (package, kind, *(f"From {tag}" for tag in diffs), to, licence_of), rows)


def _joint_system(diffs: Mapping[str, ImageDiff]) -> LongList | None:
    if not diffs:
        return None
    empty = SystemPackage("")
    names = sorted({change.name for diff in diffs.values() for change in diff.system_changes or ()})
    olds = [diff.old.system_packages or {} for diff in diffs.values()]
    new = next(iter(diffs.values())).new.system_packages or {}
    rows = [
        (code(name), *(_cell(facts.get(name, empty).version) for facts in (*olds, new))) for name in names
    ]
    package, _, to = _SYSTEM_HEADERS
    title = f"System packages since {', '.join(diffs)}: {count(len(rows), 'package')} differ"
    return _fold(title, (package, *(f"From {tag}" for tag in diffs), to), rows)


def _same(told: Mapping[str, _Rows]) -> list[tuple[_Rows, list[str]]]:
    """Return what is told, once, with the tags that it is told of."""
    groups: dict[_Rows, list[str]] = {}
    for tag, rows in told.items():
        groups.setdefault(rows, []).append(tag)
    return list(groups.items())


def _shorter(separate: list[LongList], joint: LongList | None) -> list[LongList]:
    if joint is None or len(separate) < 2:
        return separate
    return [joint] if len(str(joint)) < sum(len(str(one)) for one in separate) else separate


def _fold(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> LongList:
    head = f"<details><summary>{title}</summary>\n\n"
    return long_table(head, headers, rows, "package", "\n</details>")


def _join(tags: Iterable[str]) -> str:
    return ", ".join(tags)


def _cell(version: str) -> str:
    return code(version) if version else ""
