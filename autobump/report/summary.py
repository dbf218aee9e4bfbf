"""Counts and groups an outcome for the reports that people read."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from autobump.content.problem import Problem
from autobump.content.tree import USUAL_ROOT
from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Verdict, tell_verdicts
from autobump.decisions.risk import RiskLevel
from autobump.passes.result import PassResult
from autobump.planning.parts import are_few
from autobump.planning.queue import Queue, queue_rows
from autobump.pull_requests.actions import Adopt, Close, Create, Hold, Leave, Lift, Refresh, branch_of
from autobump.pull_requests.marker import Marker
from autobump.support.markdown import count

DRY_RUN = "Dry run: nothing was written"

_MAX_QUEUED = 10


_DONE = {
    "create": "created",
    "adopt": "adopted",
    "refresh": "refreshed",
    "leave": "left as they are",
    "close": "closed",
    "hold": "held",
    "lift": "lifted",
}


class PullRequestLine(Struct, frozen=True):
    """One pull request in a report.

    Attributes:
        action: Its name; empty in a plan.
        told: The action as it reads: done, failed, or what would be done.
        reference: Where it is: an address or the branch.
        title: Its title.
        items: How many items it updates.
        note: Why, or why it failed.
        branch: Its branch.
        packs: The packs it touches.
        failed: Whether the action failed.
        old: The tag most of its items are on, and how many others; empty for one that is not planned.
        risk: The worst risk of its items in words; empty where it is not known.
    """

    action: str
    told: str
    reference: str
    title: str
    items: int
    note: str
    branch: str
    packs: tuple[str, ...]
    failed: bool = False
    old: str = ""
    risk: str = ""


class ReasonLine(Struct, frozen=True):
    """How many files share a reason, and one of them."""

    reason: str
    files: int
    example: str


class ProblemLine(Struct, frozen=True):
    """Problems of one cause: their reason and detail, and their files in the order of paths."""

    reason: str
    detail: str
    problems: tuple[Problem, ...]

    @property
    def example(self) -> Problem:
        """The first of them."""
        return self.problems[0]

    @property
    def place(self) -> str:
        """Where the first of them is: path, line and column, as far as they are known."""
        one = self.example
        return f"{one.place}:{one.line}:{one.column}" if one.line else one.place


def headline(result: PassResult) -> str:
    """Say in one line what came out."""
    evaluation = result.evaluation
    parts = [f"{len(evaluation.bumps):,} to update", f"{len(evaluation.skipped):,} skipped"]
    if evaluation.problems:
        parts.append(count(len(evaluation.problems), "problem"))
    if result.failures:
        parts.append(count(len(result.failures), "failure"))
    root = f" in {result.root}" if result.root != USUAL_ROOT else ""
    where = f" at {result.revision[:12]}" if result.revision else ""
    return f"{count(evaluation.files, 'item file')}{root}{where}: {', '.join(parts)}"


def summary_lines(result: PassResult) -> list[str]:
    """Return what stands below the headline, a sentence each without its end."""
    told = (plan_line, actions_line, deprecated_line, risk_line, security_line, evidence_line)
    return [line for tell in told if (line := tell(result))]


def actions_line(result: PassResult) -> str:
    """Say in one line what was done with how many pull requests, or branches here; nothing for a plan."""
    if not result.outcomes:
        return ""
    told = describe_actions(pull_request_lines(result))
    done = [outcome for outcome in result.outcomes if not outcome.failure]
    if result.dry_run or not done or any(outcome.url for outcome in done):
        return f"Pull requests: {told}"
    return f"Branches of this repository: {told}; nothing was pushed"


def describe_actions(lines: Sequence[PullRequestLine]) -> str:
    """Say in words how many pull requests were made, left and so on, or would be."""
    if failures := sum(line.failed for line in lines):
        return f"{failures:,} failed"
    actions = Counter(line.action for line in lines if line.action)
    if not actions:
        return "planned"
    if any(line.told != line.action for line in lines):
        return "would " + ", ".join(f"{action} {number:,}" for action, number in sorted(actions.items()))
    return ", ".join(f"{number:,} {_DONE[action]}" for action, number in sorted(actions.items()))


def plan_line(result: PassResult) -> str:
    """Say in one line how many updates are in pull requests and how many wait; nothing when none waits."""
    planned = sum(len(pr.bumps) for pr in result.plan.pull_requests)
    pull_requests, waiting = len(result.plan.pull_requests), len(result.plan.waiting)
    verb = "waits" if waiting == 1 else "wait"
    return f"{planned:,} in {count(pull_requests, 'pull request')}, {waiting:,} {verb}" if waiting else ""


def risk_line(result: PassResult) -> str:
    """Say in one line the risk of the updates that were looked at; nothing when none is at risk."""
    risks = [bump.risk for bump in result.evaluation.bumps if bump.risk]
    levels = Counter(risk.level for risk in risks if risk.checked)
    unknown = sum(1 for risk in risks if not risk.checked)
    if levels.total() == levels[RiskLevel.NONE] and not unknown:
        return ""
    words = {level: level.words for level in RiskLevel} | {RiskLevel.NONE: "none found"}
    numbers = [(levels[level], words[level]) for level in sorted(RiskLevel, key=lambda level: -level.rank)]
    told = ", ".join(f"{number:,} {what}" for number, what in [*numbers, (unknown, "not known")] if number)
    of = f"the {len(risks):,} looked at" if result.plan.waiting else count(len(risks), "update")
    return f"Risk of {of}: {told}"


def deprecated_line(result: PassResult) -> str:
    """Say that no list of deprecated images was read, where one counts and there are updates."""
    unchecked = result.evaluation.bumps and not result.checks_deprecated
    return "Deprecated images: no list was read (registry.deprecated_images)" if unchecked else ""


def security_line(result: PassResult) -> str:
    """Say in one line what the updates do about known vulnerabilities; nothing when there is no update."""
    asked = [bump.advisories for bump in result.evaluation.bumps if bump.advisories is not None]
    known = [diff for diff in asked if diff.known]
    parts = [f"{sum(1 for diff in known if diff.fixed):,} fix some"]
    if brings := sum(1 for diff in known if diff.introduced):
        parts.append(f"{brings:,} bring some in")
    if unknown := len(asked) - len(known):
        parts.append(f"{unknown:,} not known")
    if not asked:
        return "Known vulnerabilities: not asked for (registry.advisories)" if result.evaluation.bumps else ""
    return f"Known vulnerabilities, {count(len(asked), 'update')}: {', '.join(parts)}"


def evidence_line(result: PassResult) -> str:
    """Say in one line what came of the items that were run; nothing when none was."""
    evidence = [bump.risk.evidence for bump in result.evaluation.bumps if bump.risk and bump.risk.evidence]
    return (
        f"Run in both images, {count(len(evidence), 'item')}: {tell_verdicts(evidence)}" if evidence else ""
    )


def evidence_rows(result: PassResult) -> list[tuple[str, str, str, str, str]]:
    """Return item, old and new tag, verdict and detail of what is not the same, the worst first."""
    told = [
        (evidence.verdict.rank, bump.path, bump, evidence)
        for bump in result.evaluation.bumps
        if bump.risk and (evidence := bump.risk.evidence) and evidence.verdict is not Verdict.SAME
    ]
    return [
        (path, bump.image.tag or "no tag", bump.target.tag.text, evidence.verdict.value, evidence.detail)
        for _, path, bump, evidence in sorted(told, key=lambda row: row[:2])
    ]


def pull_request_lines(result: PassResult) -> list[PullRequestLine]:
    """Return the pull requests in the order of their branches."""
    if result.outcomes is None:
        return [
            PullRequestLine(
                "",
                "",
                pr.branch,
                pr.title,
                len(pr.planned.bumps),
                "",
                pr.branch,
                pr.planned.packs,
                old=_old_tags(pr.planned.bumps),
                risk=_risk_word(pr.planned.bumps),
            )
            for pr in result.desired
        ]
    lines = []
    for outcome in result.outcomes:
        action = outcome.action
        old = risk = ""
        match action:
            case Create(desired=desired) | Adopt(desired=desired) | Leave(desired=desired):
                title, items, packs = desired.title, len(desired.planned.bumps), desired.planned.packs
                old, risk, note = _old_tags(desired.planned.bumps), _risk_word(desired.planned.bumps), ""
            case Refresh(desired=desired, why=note):
                title, items, packs = desired.title, len(desired.planned.bumps), desired.planned.packs
                old, risk = _old_tags(desired.planned.bumps), _risk_word(desired.planned.bumps)
            case (
                Close(existing=existing, why=note)
                | Hold(existing=existing, why=note)
                | Lift(existing=existing, why=note)
            ):
                marker = existing.marker
                title = _title_of(marker) if marker else ""
                items, packs = (len(marker.paths), marker.packs) if marker else (0, ())
                risk = RiskLevel(marker.risk).words if marker and marker.risk else ""
        branch, failure = branch_of(action), outcome.failure
        reference = outcome.url or branch
        name, note = action.name, failure or "; ".join(text for text in (note, outcome.note) if text)
        told = f"{name} failed" if failure else f"would {name}" if result.dry_run else name
        lines.append(
            PullRequestLine(
                name, told, reference, title, items, note, branch, packs, bool(failure), old, risk
            )
        )
    return lines


def _title_of(marker: Marker) -> str:
    """Return the title of a pull request that is not planned, as far as its marker tells it."""
    packs = ", ".join(marker.packs) if are_few(marker.packs) else count(len(marker.packs), "pack")
    part = f", part {marker.part.replace('/', ' of ')}" if marker.part else ""
    return f"{marker.update} ({packs}{part})"


def _old_tags(bumps: Sequence[Bump]) -> str:
    """Return the tag that most items are on, and how many other tags there are."""
    used = Counter(bump.image.tag or "no tag" for bump in bumps)
    (first, _), *others = sorted(used.items(), key=lambda one: (-one[1], one[0]))
    return f"{first} and {len(others)} more" if others else first


def _risk_word(bumps: Sequence[Bump]) -> str:
    """Return the worst risk of items, or that it is not known of some; nothing when none was assessed."""
    risks = [bump.risk for bump in bumps if bump.risk]
    worst = max((risk.level for risk in risks), key=lambda level: level.rank, default=RiskLevel.NONE)
    unknown = sum(1 for risk in risks if not risk.checked)
    if worst.rank >= RiskLevel.REVIEW.rank:
        return f"{worst.words}, {unknown} not known" if unknown else worst.words
    if not risks:
        return ""
    return "not known" if unknown else "none found"


def riskiest(result: PassResult) -> list[Bump]:
    """Return the updates that were found to be at risk, the worst first."""
    at_risk = [bump for bump in result.evaluation.bumps if bump.risk and bump.risk.findings]
    return sorted(at_risk, key=lambda bump: (-bump.risk.level.rank if bump.risk else 0, bump.path))


def waiting_lines(result: PassResult) -> list[ReasonLine]:
    """Return why bumps wait, most frequent first."""
    return _by_reason((wait.reason.value, f"{wait.bump.path}: {wait.detail}") for wait in result.plan.waiting)


def first_of_queue(queue: Queue) -> list[tuple[str, str, str]]:
    """Return image, items and passes of the images that come next, and one row for all others."""
    rows = queue_rows(queue)
    if len(rows) <= _MAX_QUEUED + 1:
        return rows
    rest = Queue(queue.images[_MAX_QUEUED:])
    return [
        *rows[:_MAX_QUEUED],
        (f"{len(rest.images):,} more images", f"{rest.items:,}", f"{rest.passes:,}" if rest.passes else "-"),
    ]


def skipped_lines(result: PassResult) -> list[ReasonLine]:
    """Return why items are skipped, most frequent first."""
    return _by_reason((str(skip.reason), f"{skip.path}: {skip.detail}") for skip in result.evaluation.skipped)


def problem_lines(problems: Iterable[Problem]) -> list[ProblemLine]:
    """Return problems by their cause, most frequent first; a registry that is down is one for each image.

    What is wrong in a line of a file is a cause of its own, however it reads.
    """
    causes: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        own = problem.place if problem.line else ""
        causes.setdefault((problem.reason, problem.detail, own), []).append(problem)
    lines = [ProblemLine(reason, detail, tuple(same)) for (reason, detail, _), same in causes.items()]
    return sorted(lines, key=lambda line: (-len(line.problems), line.example.path))


def _by_reason(rows: Iterable[tuple[str, str]]) -> list[ReasonLine]:
    examples: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for reason, example in rows:
        counts[reason] += 1
        examples.setdefault(reason, example)
    ordered = sorted(counts, key=lambda reason: (-counts[reason], reason))
    return [ReasonLine(reason, counts[reason], examples[reason]) for reason in ordered]
