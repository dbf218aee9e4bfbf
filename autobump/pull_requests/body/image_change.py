"""Writes what changes inside an image as Markdown."""

from collections.abc import Iterable

from autobump.images.inside.changes import ChangeKind, ImageDiff, LicenceChange, PackageChange
from autobump.images.inside.facts import ImageFacts
from autobump.images.inside.licences import LicenceKind, classify_licence
from autobump.support.markdown import code, count, list_some

FACT_HEADERS = ("Tag", "Python", "System", "Size", "Built", "Packages")
PACKAGE_HEADERS = ("Package", "Change", "From", "To", "Licence")
_UNKNOWN = "?"
_NEVER_IMPORTED = frozenset({"pip", "setuptools"})
"""Packages that no item imports: what becomes of them never stands out."""


def fact_cells(tag: str, facts: ImageFacts | None, packages: str) -> tuple[str, ...]:
    """Return the cells of one tag's row under `FACT_HEADERS`; what is not known is a question mark."""
    facts = facts or ImageFacts()
    return (
        code(tag),
        code(facts.python) if facts.python else _UNKNOWN,
        code(facts.system) if facts.system else _UNKNOWN,
        _UNKNOWN if facts.size_mb is None else f"{facts.size_mb:.1f} MB",
        f"{facts.created:%Y-%m-%d}" if facts.created else _UNKNOWN,
        packages,
    )


def summarise_packages(diff: ImageDiff | None) -> str:
    """Say in a few words how the packages differ."""
    if diff is None or diff.changes is None:
        return "not known"
    groups = (
        ("removed", (ChangeKind.REMOVED,)),
        ("downgraded", (ChangeKind.DOWNGRADED,)),
        ("major", (ChangeKind.MAJOR,)),
        ("minor", (ChangeKind.MINOR,)),
        ("patch", (ChangeKind.PATCH,)),
        ("changed", (ChangeKind.CHANGED,)),
        ("added", (ChangeKind.ADDED,)),
    )
    parts = [f"{number} {name}" for name, kinds in groups if (number := diff.count(*kinds))]
    return ", ".join(parts) or "the same"


def package_rows(diff: ImageDiff) -> Iterable[tuple[str, ...]]:
    """Yield the cells of every package that differs under `PACKAGE_HEADERS`, the weightiest first."""
    licences = {change.name: change for change in diff.licences}
    for change in diff.changes or ():
        licence = licences.pop(change.name, None)
        shown = "" if licence is None else licence_cell(licence)
        word = describe_kinds(change.key, [change.kind])
        yield code(change.name), word, _version(change, old=True), _version(change, old=False), shown
    for name, licence in licences.items():
        yield code(name), "licence", "", "", licence_cell(licence)


def licence_cell(change: LicenceChange) -> str:
    """Show the licence of a package that came in or changed it; what is not permissive stands out."""
    shown = code(change.new) if change.new else "none given"
    if change.old is not None:
        shown = f"{code(change.old) if change.old else 'none given'} → {shown}"
    if change.kind is LicenceKind.PERMISSIVE:
        return shown
    quiet = change.key in _NEVER_IMPORTED
    return f"{change.kind}: {shown}" if quiet else f"**{change.kind}**: {shown}"


def describe_licences(diffs: Iterable[ImageDiff]) -> str:
    """Say which packages came in with a licence, or changed to one, that is not permissive; or nothing."""
    changes = {change.name: change for diff in diffs for change in diff.licences}
    unnamed = sum(1 for change in changes.values() if not change.new)
    notable = [
        change
        for _, change in sorted(changes.items())
        if change.new and change.kind is not LicenceKind.PERMISSIVE
    ]
    came = [f"{code(one.name)} ({one.kind})" for one in notable if one.old is None]
    changed = [
        f"{code(one.name)} (from {classify_licence(one.old)} to {one.kind})"
        for one in notable
        if one.old is not None
    ]
    parts = []
    if came:
        parts.append(f"New packages with a licence to look at: {list_some(came)}.")
    if changed:
        parts.append(f"Packages with another kind of licence: {list_some(changed)}.")
    if unnamed:
        parts.append(f"No licence is published for {count(unnamed, 'new package')}.")
    return " ".join(parts)


def describe_kinds(key: str, kinds: Iterable[ChangeKind]) -> str:
    """Name what happened to a package, the weightiest first; what may break an item stands out."""
    stand_out = {ChangeKind.REMOVED, ChangeKind.DOWNGRADED, ChangeKind.MAJOR}
    if key in _NEVER_IMPORTED:
        stand_out.clear()
    ordered = sorted(set(kinds), key=list(ChangeKind).index)
    return ", ".join(f"**{kind}**" if kind in stand_out else kind.value for kind in ordered)


def _version(change: PackageChange, *, old: bool) -> str:
    facts = change.old if old else change.new
    return code(facts.version) if facts is not None else ""
