"""Says in a body which known vulnerabilities an update fixes and brings in."""

from autobump.images.advisories.compare import Advisory, AdvisoryDiff, count_severities, merge
from autobump.planning.pull_request import PlannedImage
from autobump.support.markdown import LongList, code, long_table

_HEADERS = ("", "Vulnerability", "Package", "Severity", "What it is")


def security_of(image: PlannedImage) -> AdvisoryDiff:
    """Return what the bumps of one image fix and bring in together."""
    return merge(bump.advisories for bump in image.bumps if bump.advisories is not None)


def describe_security(image: PlannedImage) -> str:
    """Say in a line what is fixed, comes in and remains; nothing when nobody was asked."""
    if all(bump.advisories is None for bump in image.bumps):
        return ""
    diff = security_of(image)
    if not diff.known:
        return "🛡️ Known vulnerabilities: not known."
    parts = [f"**fixes {count_severities(diff.fixed)}**"] if diff.fixed else ["fixes none"]
    if diff.introduced:
        parts.append(f"brings in {count_severities(diff.introduced)}")
    if diff.remaining:
        parts.append(f"{len(diff.remaining):,} remain")
    return f"🛡️ Known vulnerabilities: {', '.join(parts)}."


def security_section(image: PlannedImage) -> list[str | LongList]:
    """List what is fixed and what comes in; that of packages which the items import first."""
    diff = security_of(image)
    imported = {
        finding.package
        for bump in image.bumps
        if bump.risk
        for finding in bump.risk.findings
        if finding.package
    }
    rows = [
        (what, *_cells(one))
        for what, advisories in (("brings in", diff.introduced), ("fixes", diff.fixed))
        for one in sorted(advisories, key=lambda one: imported.isdisjoint(one.packages))
    ]
    return [long_table("### Known vulnerabilities\n\n", _HEADERS, rows, "vulnerability")] if rows else []


def _cells(one: Advisory) -> tuple[str, str, str, str]:
    packages = ", ".join(map(code, one.packages))
    return (
        f"[{code(one.id)}]({one.url})",
        packages,
        one.severity.value,
        code(one.summary) if one.summary else "",
    )
