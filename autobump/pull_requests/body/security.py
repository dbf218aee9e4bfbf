"""Says in a body which known vulnerabilities an update fixes and brings in."""

from collections.abc import Collection

from autobump.images.advisories.compare import Advisory, AdvisoryDiff, count_severities, merge
from autobump.planning.pull_request import PlannedImage
from autobump.support.markdown import LongList, code, long_table

_HEADERS = ("", "Vulnerability", "Package", "Severity", "What it is")


def security_of(image: PlannedImage) -> AdvisoryDiff:
    """Return what the bumps of one image fix and bring in together."""
    return merge(bump.advisories for bump in image.bumps if bump.advisories is not None)


def describe_security(image: PlannedImage) -> str:
    """Say in a line what is fixed, comes in and remains; nothing when nobody was asked."""
    asked = any(bump.advisories is not None for bump in image.bumps)
    return describe_advisories(security_of(image) if asked else None)


def describe_advisories(diff: AdvisoryDiff | None) -> str:
    """Say in a line what is fixed, comes in and remains; nothing for None."""
    if diff is None:
        return ""
    if not diff.known:
        return "🛡️ Known vulnerabilities: not known."
    parts = [f"**fixes {count_severities(diff.fixed)}**"] if diff.fixed else ["fixes none"]
    if diff.introduced:
        parts.append(f"brings in {count_severities(diff.introduced)}")
    if diff.remaining:
        number = len(diff.remaining)
        parts.append(f"{number:,} remain{'s' if number == 1 else ''}")
    return f"🛡️ Known vulnerabilities: {', '.join(parts)}."


def security_section(image: PlannedImage) -> list[str | LongList]:
    """List what is fixed and what comes in; that of packages which the items import first."""
    risks = [bump.risk for bump in image.bumps if bump.risk]
    imported = {finding.package for risk in risks for finding in risk.findings if finding.package}
    return [*advisory_table(security_of(image), imported)]


def advisory_table(diff: AdvisoryDiff | None, imported: Collection[str]) -> list[LongList]:
    """Return the table of what comes in and what is fixed, or nothing when there is none.

    Args:
        diff: What changes.
        imported: Packages whose rows come first, by `package_key`.
    """
    changes = sorted(
        diff.changes if diff else (),
        key=lambda change: (change[0], not any(one in imported for one in change[1].packages)),
    )
    rows = [(what, *_cells(one)) for what, one in changes]
    return [long_table("### Known vulnerabilities\n\n", _HEADERS, rows, "row")] if rows else []


def _cells(one: Advisory) -> tuple[str, str, str, str]:
    name, packages = f"[{code(one.id)}]({one.url})", ", ".join(map(code, one.packages))
    return name, packages, one.severity.value, code(one.summary) if one.summary else ""
