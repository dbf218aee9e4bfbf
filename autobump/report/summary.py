"""Counts and groups an outcome for the reports that people read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from autobump.markdown import count
from autobump.planning.plan import Bump
from autobump.pull_requests.reconcile import Adopt, Close, Create, Hold, Leave, Lift, Refresh, branch_of
from autobump.run import PassResult


@dataclass(frozen=True, slots=True)
class PullRequestLine:
    """One pull request in a report; `action` is empty in a plan."""

    action: str
    reference: str
    title: str
    items: int
    note: str
    branch: str
    packs: tuple[str, ...]
    failed: bool = False


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """How many files share a reason, and one of them."""

    reason: str
    files: int
    example: str


def headline(result: PassResult) -> str:
    """Say in one line what came out."""
    judged = result.judged
    parts = [f"{len(judged.bumps):,} to update", f"{len(judged.skipped):,} skipped"]
    if judged.problems:
        parts.append(count(len(judged.problems), "problem"))
    if result.failures:
        parts.append(count(len(result.failures), "failure"))
    where = f" at {result.revision[:12]}" if result.revision else ""
    return f"{count(judged.files, 'item file')}{where}: {', '.join(parts)}"


def pull_request_lines(result: PassResult) -> list[PullRequestLine]:
    """Return the pull requests in the order of their branches."""
    if result.outcomes is None:
        return [
            PullRequestLine("", pr.branch, pr.title, len(pr.planned.bumps), "", pr.branch, pr.planned.packs)
            for pr in result.desired
        ]
    lines = []
    for outcome in result.outcomes:
        action = outcome.action
        match action:
            case Create(desired=desired) | Adopt(desired=desired) | Leave(desired=desired):
                title, items, packs = desired.title, len(desired.planned.bumps), desired.planned.packs
                note = ""
            case Refresh(desired=desired, why=note):
                title, items, packs = desired.title, len(desired.planned.bumps), desired.planned.packs
            case (
                Close(existing=existing, why=note)
                | Hold(existing=existing, why=note)
                | Lift(existing=existing, why=note)
            ):
                marker = existing.marker
                title = f"Update {marker.image} to {marker.target}" if marker else ""
                items, packs = (len(marker.paths), marker.packs) if marker else (0, ())
        branch, failure = branch_of(action), outcome.failure
        reference = outcome.url or branch
        lines.append(
            PullRequestLine(
                action.name, reference, title, items, failure or note, branch, packs, bool(failure)
            )
        )
    return lines


def riskiest(result: PassResult) -> list[Bump]:
    """Return the updates that were found to be at risk, the worst first."""
    at_risk = [bump for bump in result.judged.bumps if bump.risk and bump.risk.findings]
    return sorted(at_risk, key=lambda bump: (-bump.risk.level.rank if bump.risk else 0, bump.path))


def waiting_lines(result: PassResult) -> list[ReasonLine]:
    """Return why bumps wait, most frequent first."""
    return _by_reason((wait.reason.value, f"{wait.bump.path}: {wait.detail}") for wait in result.plan.waiting)


def skipped_lines(result: PassResult) -> list[ReasonLine]:
    """Return why items are skipped, most frequent first."""
    return _by_reason((str(skip.reason), f"{skip.path}: {skip.detail}") for skip in result.judged.skipped)


def _by_reason(rows: Iterable[tuple[str, str]]) -> list[ReasonLine]:
    examples: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for reason, example in rows:
        counts[reason] += 1
        examples.setdefault(reason, example)
    ordered = sorted(counts, key=lambda reason: (-counts[reason], reason))
    return [ReasonLine(reason, counts[reason], examples[reason]) for reason in ordered]
