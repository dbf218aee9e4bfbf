"""Risk of updating an item: what its code imports against what changes inside the image."""

from collections.abc import Iterator, Set
from enum import StrEnum
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from autobump.content.imports import ItemCode, Use
from autobump.content.python.versions import ALL, may_be_in
from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.images.advisories.compare import AdvisoryDiff, count_severities
from autobump.images.inside.changes import (
    NOT_TOLD,
    ChangeKind,
    ImageDiff,
    compare_versions,
    package_key,
    versions_of,
)
from autobump.images.inside.lookalike import find_lookalikes
from autobump.images.inside.modules import find_provider, in_standard_library

_PLATFORM_MODULES = frozenset(
    {"demistomock", "CommonServer", "CommonServerPython", "CommonServerUserPython", "CommonServerPowerShell"}
)
_SHARED_SUFFIX = "ApiModule"


class RiskLevel(StrEnum):
    """How likely an item breaks, from not to likely."""

    NONE = "none"
    ALREADY_MISSING = "already-missing"
    REVIEW = "review"
    BREAKING = "breaking"

    rank: int
    """Higher is worse."""

    def __new__(cls, value: str) -> "RiskLevel":
        """Make a member, and give it the next rank."""
        level = str.__new__(cls, value)
        level._value_ = value
        level.rank = len(cls.__members__)
        return level

    @property
    def words(self) -> str:
        """How it reads."""
        return self.value.replace("-", " ")


class FindingKind(StrEnum):
    """What was found."""

    REMOVED = "removed"
    LEFT_STANDARD_LIBRARY = "left-standard-library"
    DOWNGRADED = "downgraded"
    MAJOR = "major"
    CHANGED = "changed"
    PYTHON = "python"
    ALREADY_MISSING = "already-missing"
    MISSING = "missing"
    EVIDENCE = "evidence"
    MALICIOUS = "malicious"
    LOOKALIKE = "lookalike"
    INTRODUCES = "introduces"


LOST = frozenset(
    {
        FindingKind.REMOVED,
        FindingKind.LEFT_STANDARD_LIBRARY,
        FindingKind.ALREADY_MISSING,
        FindingKind.MISSING,
    }
)
"""What says that the new image lacks an import."""

_SETTLED_BY_LOADING = LOST | {FindingKind.PYTHON}
"""What a run of the item shows to be no concern; how a package behaves only its unit tests show."""

_NOTABLE = {
    ChangeKind.DOWNGRADED: FindingKind.DOWNGRADED,
    ChangeKind.MAJOR: FindingKind.MAJOR,
    ChangeKind.CHANGED: FindingKind.CHANGED,
}
"""What may become of a package that an item which imports it can notice."""


class Finding(Struct, frozen=True):
    """One reason for concern.

    Attributes:
        level: How much.
        kind: What it is.
        use: What the item imports; None when it is about Python itself.
        package: The package that provides it, or empty.
        old: Version in the older image, or empty.
        new: Version in the newer image, or empty.
        detail: How the item failed when it was run, which advisory it is, or the name that a package looks
            like; text from outside, or empty.
    """

    level: RiskLevel
    kind: FindingKind
    use: Use | None
    package: str = ""
    old: str = ""
    new: str = ""
    detail: str = ""


class ItemRisk(Struct, frozen=True):
    """What is known of an item's risk.

    Attributes:
        findings: The worst first.
        note: Why its code was not looked at, or which image is not known, or empty.
        known: False when it is not known what is inside one of the images, or both.
        evidence: What running the item showed; None when it was not to be run.
        settled: Findings that the evidence shows to be no concern.
    """

    findings: tuple[Finding, ...] = ()
    note: str = ""
    known: bool = True
    evidence: Evidence | None = None
    settled: tuple[Finding, ...] = ()

    @property
    def level(self) -> RiskLevel:
        """The worst of its findings."""
        worst = RiskLevel.NONE
        for finding in self.findings:
            if finding.level.rank > worst.rank:
                worst = finding.level
        return worst

    @property
    def checked(self) -> bool:
        """Whether anything tells its risk: what is inside both images, or a run that is alike in them."""
        return self.known or (self.evidence is not None and self.evidence.verdict is Verdict.SAME)

    def with_evidence(self, evidence: Evidence) -> "ItemRisk":
        """Return the same with what running the item showed, which outweighs what was inferred."""
        if evidence.verdict is Verdict.BREAKS:
            failed = Finding(RiskLevel.BREAKING, FindingKind.EVIDENCE, None, detail=evidence.detail)
            return replace(self, findings=(failed, *self.findings), known=True, evidence=evidence)
        if evidence.verdict not in (Verdict.SAME, Verdict.MENDS):
            return replace(self, evidence=evidence)
        settled = tuple(
            finding
            for finding in self.findings
            if finding.kind in _SETTLED_BY_LOADING
            or (
                evidence.level is Level.TESTS
                and finding.level is RiskLevel.REVIEW
                and finding.kind is not FindingKind.INTRODUCES
            )
        )
        findings = tuple(finding for finding in self.findings if finding not in settled)
        return replace(self, findings=findings, evidence=evidence, settled=settled)

    def with_advisories(self, advisories: AdvisoryDiff | None) -> "ItemRisk":
        """Return the same with what comes in: a package that does harm, or vulnerabilities for nothing."""
        if advisories is None:
            return self
        found = [
            Finding(RiskLevel.BREAKING, FindingKind.MALICIOUS, None, package, detail=one.id)
            for one in advisories.introduced
            if one.is_malicious
            for package in one.packages
        ]
        if advisories.introduced and not advisories.fixed and not found:
            worst = advisories.introduced[0]
            detail = count_severities(advisories.introduced)
            level, kind = RiskLevel.REVIEW, FindingKind.INTRODUCES
            found = [Finding(level, kind, None, worst.packages[0], detail=detail)]
        if not found:
            return self
        known = self.known or any(one.level is RiskLevel.BREAKING for one in found)
        return replace(self, findings=(*found, *self.findings), known=known)


class RiskPolicy(Struct, frozen=True):
    """What is done with items at risk; see the settings `policy.risk`."""

    breaking: Literal["separate", "hold", "ignore"] = "separate"
    review: Literal["label", "separate", "ignore"] = "label"

    def risk_group(self, level: RiskLevel) -> str:
        """Return the risk group of items of a level, see `Bump`."""
        wish = {RiskLevel.BREAKING: self.breaking, RiskLevel.REVIEW: self.review}.get(level)
        return level.value if wish == "separate" else ""

    def holds(self, level: RiskLevel) -> bool:
        """Whether items of a level are not updated."""
        return level is RiskLevel.BREAKING and self.breaking == "hold"

    def marks(self, level: RiskLevel) -> bool:
        """Whether a pull request whose worst item is of a level gets that level's label."""
        wish = {RiskLevel.BREAKING: self.breaking, RiskLevel.REVIEW: self.review}.get(level, "ignore")
        return wish != "ignore"


class ImageRisk:
    """What one change of image means for items; what it finds of an import it remembers for the next item."""

    def __init__(self, diff: ImageDiff) -> None:
        """Look at a change of image.

        Args:
            diff: What changes inside; of an image that is not known it has no packages.
        """
        self._diff = diff
        self._of_all = (*_lookalike_findings(diff), *_python_findings(diff))
        self._had, self._has = versions_of(diff.old), versions_of(diff.new)
        self._found: dict[Use, tuple[Finding, ...]] = {}

    def assess(self, code: ItemCode) -> ItemRisk:
        """Say what the change means for an item with this code."""
        diff = self._diff
        findings = set(self._of_all)
        # Without the old image its imports are still held to the new one; without that to nothing.
        for use in code.uses if diff.new.packages is not None else ():
            if not may_be_in(use.runs, diff.new.python):
                continue  # the code that imports it does not run in the new image
            if use not in self._found:
                self._found[use] = tuple(self._module_findings(use, diff))
            findings.update(self._found[use])
        ordered = tuple(_once_per_package(sorted(findings, key=_order)))
        if diff.has_packages:
            return ItemRisk(ordered, code.absent)
        if code.absent:
            return ItemRisk(ordered, f"{_name_unknown(diff)}, and {code.absent}", known=False)
        alone = ", imports are compared with the new one alone" if diff.new.packages is not None else ""
        return ItemRisk(ordered, f"{_name_unknown(diff)}{alone}", known=False)

    def _module_findings(self, use: Use, diff: ImageDiff) -> Iterator[Finding]:
        top = use.module.split(".")[0]
        if top in _PLATFORM_MODULES or top.endswith(_SHARED_SUFFIX):
            return
        if diff.new.python and in_standard_library(top, diff.new.python):
            return
        had, has = self._had, self._has
        provider = find_provider(use.module)
        ran = may_be_in(use.runs, diff.old.python)
        use = replace(use, module=provider.module if provider else top, runs=ALL)
        providers = provider.packages if provider else frozenset()
        if providers and providers <= NOT_TOLD:
            return
        old, new = providers & had.keys(), providers & has.keys()
        # A file that can do without a module is not broken by its absence.
        worst = RiskLevel.REVIEW if use.guarded else RiskLevel.BREAKING
        if new:
            yield from self._changed_packages(use, old & new if ran else frozenset())
        elif old:
            package = min(old)
            yield Finding(worst, FindingKind.REMOVED, use, package, had[package])
        elif top == "distutils" and "setuptools" in has:
            return  # setuptools puts its own copy in the place of the one that left
        elif diff.old.python and diff.new.python and in_standard_library(top, diff.old.python):
            yield Finding(
                worst, FindingKind.LEFT_STANDARD_LIBRARY, use, old=diff.old.python, new=diff.new.python
            )
        elif (name := package_key(top)) in had and name not in has:
            # Nothing but the name says that this package provides it: that is no proof.
            yield Finding(RiskLevel.REVIEW, FindingKind.REMOVED, use, name, had[name])
        elif use.guarded or name in has or not diff.new.python:
            return
        elif diff.old.packages is None:
            if provider or find_provider(top) is None:
                yield Finding(RiskLevel.REVIEW, FindingKind.MISSING, use)
        elif find_provider(top) is None:
            # A shared namespace such as `azure` may well have it: only its parts that were read are known.
            level = RiskLevel.ALREADY_MISSING if ran else RiskLevel.REVIEW
            yield Finding(level, FindingKind.ALREADY_MISSING, use)

    def _changed_packages(self, use: Use, packages: Set[str]) -> Iterator[Finding]:
        for key in packages:
            old, new = self._had[key], self._has[key]
            if (kind := compare_versions(old, new)) in _NOTABLE:
                yield Finding(RiskLevel.REVIEW, _NOTABLE[kind], use, key, old, new)


def _name_unknown(diff: ImageDiff) -> str:
    """Say of which image the packages are not known."""
    sides = (("old", diff.old), ("new", diff.new))
    which = " and the ".join(side for side, facts in sides if facts.packages is None)
    return f"what is inside the {which} image is not known"


def _lookalike_findings(diff: ImageDiff) -> Iterator[Finding]:
    for name, other in find_lookalikes(diff):
        yield Finding(RiskLevel.BREAKING, FindingKind.LOOKALIKE, None, package_key(name), detail=other)


def _python_findings(diff: ImageDiff) -> Iterator[Finding]:
    if diff.changes_python:
        yield Finding(
            RiskLevel.REVIEW, FindingKind.PYTHON, None, old=diff.old.python or "", new=diff.new.python or ""
        )


def _order(finding: Finding) -> tuple[int, str, str, str, bool]:
    """Return what sorts the worst first, and of two alike the item's own import before a shared one."""
    use = finding.use or Use("", guarded=False)
    return -finding.level.rank, finding.package, use.through, use.module, use.guarded


def _once_per_package(findings: list[Finding]) -> Iterator[Finding]:
    """Drop what says the same of a package again: one import of it is enough to look at."""
    seen: set[tuple[FindingKind, str]] = set()
    for finding in findings:
        key = (finding.kind, finding.package or (finding.use.module if finding.use else ""))
        if key not in seen:
            seen.add(key)
            yield finding
