"""The outcome as JSON: the contract other programs build on."""

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from autobump.decisions.bump import Bump
from autobump.decisions.describe import describe_finding
from autobump.decisions.evidence import Evidence
from autobump.decisions.risk import Finding, ItemRisk
from autobump.images.advisories.compare import Advisory, AdvisoryDiff
from autobump.images.inside.facts import ImageFacts
from autobump.passes.result import PassResult
from autobump.planning.plan import WaitReason
from autobump.pull_requests.render import DesiredPullRequest

if TYPE_CHECKING:
    from autobump.pull_requests.actions import Outcome
    from autobump.pull_requests.existing import ExistingPullRequest

VERSION = 1
"""Raised when anything but an added key changes."""


def json_parts(result: PassResult) -> Iterator[str]:
    """Yield the outcome as JSON row by row, so that a large one is never held twice.

    Each row is a line of its own; arrays are sorted by path, pull requests by branch.
    """
    yield from object_parts(members_of(result), in_lines=True)
    yield "\n"


def object_parts(members: Iterable[tuple[str, Any]], *, in_lines: bool) -> Iterator[str]:
    """Yield an object as JSON, each row of its arrays for itself.

    Args:
        members: Keys and values; an iterator is an array whose rows are made one after the other.
        in_lines: Put each key, and each row of an array, on a line of its own.
    """
    outer, inner = ("\n  ", "\n    ") if in_lines else ("", "")
    yield "{"
    begins = outer
    for key, value in members:
        yield f"{begins}{json.dumps(key)}: "
        begins = f",{outer or ' '}"
        rows = iter(value) if isinstance(value, list | Iterator) else None
        first = next(rows, None) if rows is not None else None
        if rows is None or first is None:
            yield "[]" if rows is not None else json.dumps(value)
            continue
        # Indenting by the library is ten times slower: it leaves the encoder that is written in C.
        yield f"[{inner}{json.dumps(first)}"
        for row in rows:
            yield f",{inner or ' '}{json.dumps(row)}"
        yield f"{outer}]"
    yield "\n}" if in_lines else "}"


def members_of(result: PassResult) -> Iterator[tuple[str, Any]]:
    """Yield the keys of the outcome with their values; of many rows an iterator, to be read once."""
    evaluation = result.evaluation
    yield "version", VERSION
    yield "revision", result.revision
    yield "files", evaluation.files
    yield "bumps", _bumps(result)
    yield (
        "skipped",
        (
            {
                "path": skip.path,
                "pack": skip.pack,
                "reason": str(skip.reason),
                "detail": skip.detail,
                "image": skip.repository or None,
                "current": skip.tag or None,
            }
            for skip in evaluation.skipped
        ),
    )
    yield (
        "problems",
        (
            {
                "path": problem.path,
                "reason": problem.reason,
                "detail": problem.detail,
                "line": problem.line,
                "column": problem.column,
                "file": problem.place,
            }
            for problem in evaluation.problems
        ),
    )
    yield "notices", ({"path": notice.path, "detail": notice.detail} for notice in evaluation.notices)
    yield (
        "deprecated_images",
        [
            {
                "image": image.repository,
                "reason": image.reason,
                "replacement": image.replacement or None,
                "items": evaluation.count_items(image.repository),
            }
            for image in result.deprecated.values()
        ],
    )
    yield (
        "queue",
        {
            "items": result.queue.items,
            "passes": result.queue.passes,
            "images": [
                {"image": image.repository, "items": image.items, "passes": image.passes}
                for image in result.queue.images
            ],
        },
    )
    if result.outcomes is None:
        yield "pull_requests", (_planned(desired) for desired in result.desired)
    else:
        yield "pull_requests", (_outcome(outcome) for outcome in result.outcomes)
    yield "dashboard_failure", result.dashboard_failure or None
    if result.outcomes is not None:
        yield "dry_run", result.dry_run
    if result.observations is not None:
        yield "observations", result.observations


def _bumps(result: PassResult) -> Iterator[dict[str, Any]]:
    branches = {path: pr.branch for pr in result.plan.pull_requests for path in pr.paths}
    waiting = {wait.bump.path: wait for wait in result.plan.waiting}
    for bump in result.evaluation.bumps:
        wait = waiting.get(bump.path)
        told = (wait.reason, wait.detail) if wait else ()
        yield _bump(bump, branches.get(bump.path), *told)


def _bump(
    bump: Bump, branch: str | None, reason: WaitReason | None = None, detail: str = ""
) -> dict[str, Any]:
    return {
        "path": bump.path,
        "pack": bump.item.pack,
        "kind": bump.item.kind.value,
        "name": bump.item.fields.name,
        "image": bump.image.repository,
        "current": bump.image.tag,
        "target": bump.target.tag.text,
        "branch": branch,
        "waiting": {"reason": reason.value, "detail": detail} if reason else None,
        "risk": _risk(bump.risk) if bump.risk else None,
        "advisories": advisories_document(bump.advisories),
        "evidence": _evidence(bump.risk.evidence) if bump.risk and bump.risk.evidence else None,
    }


def _risk(risk: ItemRisk) -> dict[str, Any]:
    return {
        "level": risk.level.value if risk.checked else "unknown",
        "note": risk.note or None,
        "findings": [_finding(finding) for finding in risk.findings],
    }


@lru_cache(maxsize=1 << 12)  # most items on an image have the same ones
def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level.value,
        "kind": finding.kind.value,
        "module": finding.use.module if finding.use else None,
        "package": finding.package or None,
        "old": finding.old or None,
        "new": finding.new or None,
        "detail": describe_finding(finding),
    }


def facts_document(facts: ImageFacts) -> dict[str, Any]:
    """Return what is inside one tag, but for its packages, as plain data."""
    return {
        "python": facts.python,
        "os": facts.system,
        "size_mb": facts.size_mb,
        "created": facts.created.isoformat() if facts.created else None,
        "digest": facts.digest,
    }


def advisories_document(diff: AdvisoryDiff | None) -> dict[str, Any] | None:
    """Return what is fixed and comes in as plain data; None when it is not known."""
    if diff is None or not diff.known:
        return None
    return {
        "fixed": [_advisory(one) for one in diff.fixed],
        "introduced": [_advisory(one) for one in diff.introduced],
        "remaining": len(diff.remaining),
    }


@lru_cache(maxsize=1 << 12)  # most items have the same ones
def _advisory(one: Advisory) -> dict[str, Any]:
    return {
        "id": one.id,
        "aliases": list(one.aliases),
        "severity": one.severity.value,
        "packages": list(one.packages),
        "summary": one.summary,
        "url": one.url,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "level": evidence.level.value,
        "verdict": evidence.verdict.value,
        "detail": evidence.detail or None,
    }


def _planned(desired: DesiredPullRequest) -> dict[str, Any]:
    return {
        "branch": desired.branch,
        "image": desired.planned.repository,
        "target": desired.planned.target.tag.text,
        "images": [
            {"image": image.repository, "target": image.target.tag.text} for image in desired.planned.images
        ],
        "title": desired.title,
        "packs": list(desired.planned.packs),
        "paths": list(desired.planned.paths),
        "labels": list(desired.labels),
    }


def _outcome(outcome: "Outcome") -> dict[str, Any]:
    # A plan has no outcomes, and need not wait for what they are made of.
    from autobump.pull_requests.actions import Adopt, Close, Create, Hold, Leave, Lift, Refresh

    action = outcome.action
    body: str | None
    match action:
        case Create(desired=desired) | Adopt(desired=desired) | Leave(desired=desired):
            facts, why = _planned(desired), ""
            body = desired.body_at(outcome.head or "")
        case Refresh(desired=desired, why=why):
            facts = _planned(desired)
            body = desired.body_at(outcome.head or "")
        case (
            Close(existing=existing, why=why)
            | Hold(existing=existing, why=why)
            | Lift(existing=existing, why=why)
        ):
            facts, body = _existing(existing), None
    return facts | {
        "action": action.name,
        "why": why,
        "body": body,
        "head": outcome.head,
        "url": outcome.url,
        "number": outcome.number,
        "failure": outcome.failure or None,
        "note": outcome.note or None,
    }


def _existing(existing: "ExistingPullRequest") -> dict[str, Any]:
    marker = existing.marker
    return {
        "branch": existing.branch,
        "image": marker.image if marker else None,
        "target": marker.target if marker else None,
        "images": [
            {"image": image.image, "target": image.target} for image in (marker.images if marker else ())
        ],
        "title": None,
        "packs": list(marker.packs) if marker else [],
        "paths": list(marker.paths) if marker else [],
        "labels": [],
    }
