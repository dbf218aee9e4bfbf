"""Says findings in sentences."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from msgspec.structs import replace

from autobump.decisions.risk import LOST, Finding, FindingKind
from autobump.support.markdown import code, list_some

_Who = TypeVar("_Who")


def describe_finding(finding: Finding, quote: Callable[[str], str] = str, olds: Collection[str] = ()) -> str:
    """Say a finding in a sentence without its end.

    Args:
        finding: What to say.
        quote: Makes text from outside safe where the sentence goes.
        olds: The versions in the older images, where it is the same of several; else that of the finding.
    """
    old = list_some([quote(one) for one in sorted(olds or [finding.old], key=_order_version)])
    package = f"the package {quote(finding.package)}"
    match finding.kind:
        case FindingKind.EVIDENCE:
            return f"fails when it is run in the new image: {quote(finding.detail)}"
        case FindingKind.MALICIOUS:
            return f"{package}, which comes in, is known to do harm: {quote(finding.detail)}"
        case FindingKind.LOOKALIKE:
            return f"{package}, which comes in, is named almost like {quote(finding.detail)}"
        case FindingKind.INTRODUCES:
            return f"fixes no known vulnerability and brings in {finding.detail}, such as in {package}"
        case _:
            pass
    if finding.use is None:
        return f"Python changes from {old} to {quote(finding.new)}"
    module = quote(finding.use.module)
    through = f" (through {quote(finding.use.through)})" if finding.use.through else ""
    guard = ", in a try that may do without it" if finding.use.guarded else ""
    span = f"from {old} to {quote(finding.new)}"
    imports = f"imports {module}{through}"
    match finding.kind:
        case FindingKind.REMOVED:
            return f"{imports} of {package} {old}, which the new image lacks{guard}"
        case FindingKind.LEFT_STANDARD_LIBRARY:
            return f"{imports}, which is not in Python {quote(finding.new)} any more{guard}"
        case FindingKind.DOWNGRADED:
            return f"{imports} of {package}, which goes back {span}"
        case FindingKind.ALREADY_MISSING:
            return f"{imports}, which neither image nor its Python has"
        case FindingKind.MISSING:
            return f"{imports}, which the new image lacks, and whether the old one has it is not known"
        case _:
            return f"{imports} of {package}, which goes {span}"


def say_cause(finding: Finding) -> str:
    """Say in a few words of Markdown what a finding is about."""
    name = code(finding.package or (finding.use.module if finding.use else ""))
    match finding.kind:
        case FindingKind.PYTHON:
            return "Python changes"
        case FindingKind.EVIDENCE:
            return "it fails in the new image"
        case FindingKind.MALICIOUS | FindingKind.LOOKALIKE:
            return f"{name} comes in"
        case FindingKind.INTRODUCES:
            return "known vulnerabilities come in"
        case kind:
            return f"{name} is missing" if kind in LOST else f"{name} changes"


def group_findings(findings: Iterable[tuple[_Who, Finding]]) -> list[tuple[Finding, str, list[_Who]]]:
    """Return each finding once: one of them, how it reads as Markdown, and whom it is about.

    What differs in the version of the older image alone is one, and names all of these versions.

    Args:
        findings: Each with whom it is about.
    """
    groups: dict[str, list[tuple[_Who, Finding]]] = defaultdict(list)
    for who, finding in findings:
        level = f"{finding.level} {describe_finding(replace(finding, old=''), code)}"
        groups[level].append((who, finding))
    told = [
        (
            same[0][1],
            describe_finding(same[0][1], code, {one.old for _, one in same}),
            [who for who, _ in same],
        )
        for same in groups.values()
    ]
    return sorted(told, key=lambda one: (-one[0].level.rank, one[0].kind is FindingKind.PYTHON, one[1]))


def _order_version(text: str) -> tuple[list[int], str]:
    return [int(part) for part in re.findall(r"[0-9]{1,9}", text)], text
