"""What changes between two tags of an image, as table, JSON or Markdown."""

import json

from autobump.images.advisories.compare import AdvisoryDiff
from autobump.images.inside.changes import ImageDiff, TagDiff
from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.images.inside.licences import classify_licence
from autobump.images.inside.lookalike import find_lookalikes
from autobump.pull_requests.body.image_change import (
    FACT_HEADERS,
    PACKAGE_HEADERS,
    describe_licences,
    fact_cells,
    package_rows,
    summarise_packages,
)
from autobump.pull_requests.body.security import advisory_table, describe_advisories
from autobump.report.json import advisories_document, facts_document
from autobump.support.markdown import code, table
from autobump.support.tables import Cell, Sheet, make_table

SYSTEM_HEADERS = ("System package", "From", "To")
VERSION = 1
"""Raised when anything but an added key changes."""


def render_diff_markdown(named: TagDiff, advisories: AdvisoryDiff | None = None) -> str:
    """Write a difference as Markdown with a line end; `advisories` is None when nobody was asked."""
    diff = named.diff
    facts = [fact_cells(named.old, diff.old, summarise_packages(diff)), fact_cells(named.new, diff.new, "")]
    parts = [f"## {code(named.repository)}", table(FACT_HEADERS, facts)]
    if licences := describe_licences([diff]):
        parts.append(licences)
    parts += [_describe_lookalike(code(name), code(other)) for name, other in find_lookalikes(diff)]
    if security := describe_advisories(advisories):
        parts.append(security)
    parts += map(str, advisory_table(advisories, frozenset()))
    if rows := list(package_rows(diff)):
        parts.append(table(PACKAGE_HEADERS, rows))
    if diff.system_changes:
        cells = [tuple(code(cell) if cell else "" for cell in change) for change in diff.system_changes]
        parts.append(table(SYSTEM_HEADERS, cells))
    return "\n\n".join(parts) + "\n"


def render_diff_json(named: TagDiff, advisories: AdvisoryDiff | None = None) -> str:
    """Write a difference as JSON with a line end; `advisories` is None when nobody was asked."""
    diff = named.diff
    document = {
        "version": VERSION,
        "image": named.repository,
        "old": {"tag": named.old, **_facts(diff.old)},
        "new": {"tag": named.new, **_facts(diff.new)},
        "packages": None
        if diff.changes is None
        else [
            {
                "name": change.name,
                "change": change.kind.value,
                "old": _package(change.old),
                "new": _package(change.new),
            }
            for change in diff.changes
        ],
        "licences": [
            {"name": one.name, "old": one.old, "new": one.new or None, "kind": one.kind.value}
            for one in diff.licences
        ],
        "os_packages": None
        if diff.system_changes is None
        else [
            {"name": name, "old": old or None, "new": new or None} for name, old, new in diff.system_changes
        ],
        "lookalikes": [{"name": name, "like": other} for name, other in find_lookalikes(diff)],
        "advisories": advisories_document(advisories),
    }
    return json.dumps(document, indent=2) + "\n"


def render_diff_table(
    named: TagDiff, advisories: AdvisoryDiff | None = None, *, colour: bool | None = None
) -> str:
    """Write a difference as tables for a terminal, with a line end.

    Args:
        named: The difference.
        advisories: What it fixes and brings in; None when nobody was asked.
        colour: Whether to colour; by default if stdout is a terminal.
    """
    diff = named.diff
    sheet = Sheet(colour=colour)
    sheet.line(f"{named.repository}: {summarise_packages(diff)}.", bold=True)
    facts = make_table("", named.old, named.new)
    for label, old, new in _fact_rows(diff):
        facts.add_row(label, Cell(old), Cell(new, "bold" if old != new else ""))
    sheet.table(facts)
    if diff.changes:
        versions = ("From", "To") if sheet.is_wide else ("Versions",)
        packages = make_table("Package", "Change", *versions, "Licence")
        for change in diff.changes:
            licence = f"{change.new.licence or 'none given'}" if change.new else ""
            kind = f" ({classify_licence(change.new.licence)})" if change.new and not change.old else ""
            old, new = (one.version if one else "" for one in (change.old, change.new))
            told = (old, new) if sheet.is_wide else (" → ".join(filter(None, (old, new))),)
            cells = (change.name, change.kind.value, *told, "" if change.old else licence + kind)
            packages.add_row(*map(Cell, cells))
        sheet.table(packages)
    if diff.system_changes:
        packages = make_table(*SYSTEM_HEADERS)
        for row in diff.system_changes:
            packages.add_row(*(Cell(cell) for cell in row))
        sheet.table(packages)
    for name, other in find_lookalikes(diff):
        sheet.line(_describe_lookalike(name, other), bold=True)
    if advisories is not None:
        _print_advisories(sheet, advisories)
    changed = [one for one in diff.licences if one.old is not None]
    for one in changed:
        line = f"Licence of {one.name}: {one.old or 'none given'}, now {one.new} ({one.kind})"
        sheet.line(line)
    return sheet.text


def _describe_lookalike(name: str, other: str) -> str:
    return f"⚠️ {name}, which comes in, is named almost like {other}: is it the right one?"


def _print_advisories(sheet: Sheet, advisories: AdvisoryDiff) -> None:
    sheet.line(describe_advisories(advisories).replace("*", "").removeprefix("🛡️ "))
    headers = ("", "Vulnerability", "Package", "Severity", "What it is")
    rows = make_table(*headers)
    for what, one in advisories.changes:
        cells = (one.id, ", ".join(one.packages), one.severity.value, one.summary)
        rows.add_row(what, *(Cell(cell) for cell in cells))
    if advisories.changes:
        sheet.table(rows)


def _fact_rows(diff: ImageDiff) -> list[tuple[str, str, str]]:
    def cells(facts: ImageFacts) -> tuple[str, ...]:
        return (
            facts.python or "none",
            facts.system or "?",
            "?" if facts.size_mb is None else f"{facts.size_mb:.2f} MB",
            f"{facts.created:%Y-%m-%d %H:%M}" if facts.created else "?",
            facts.digest or "?",
            "?" if facts.packages is None else str(len(facts.packages)),
            facts.deprecated or "no",
        )

    labels = ("Python", "System", "Size", "Built", "Digest", "Packages", "Deprecated")
    return list(zip(labels, cells(diff.old), cells(diff.new), strict=True))


def _facts(facts: ImageFacts) -> dict[str, object]:
    return {
        **facts_document(facts),
        "packages": None if facts.packages is None else len(facts.packages),
        "deprecated": facts.deprecated or None,
    }


def _package(package: PackageFacts | None) -> dict[str, str | None] | None:
    return None if package is None else {"version": package.version, "licence": package.licence or None}
