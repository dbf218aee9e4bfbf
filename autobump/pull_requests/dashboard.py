"""Writes the dashboard, one text about all that stands and waits, and reads what people ticked in it."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.problem import Problem
from autobump.decisions.eligibility import Skipped
from autobump.images.choice import NoUpdateReason
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.planning.plan import Waiting, WaitReason
from autobump.planning.queue import QUEUE_HEADERS, Queue, describe_queue, queue_rows
from autobump.pull_requests.actions import (
    Adopt,
    Close,
    Create,
    Hold,
    Leave,
    Lift,
    Outcome,
    Refresh,
    branch_of,
)
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import RISK_LABELS, UNKNOWN_LABEL
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.markdown import MAX_BODY, LongList, code, count, join_within, long_table

TITLE = "Docker image updates"
"""Title of the dashboard when it is made."""

_MARKER = "<!-- autobump:dashboard v1 -->"
_ITEM = re.compile(
    r"^- \[([ xX])\] <!-- (rebuild|lift):#([1-9][0-9]{0,9})(?:@([0-9a-f]{7,64}))? -->", re.MULTILINE
)
_INTRO = (
    "What autobump keeps open, what waits, and why the rest stays as it is. "
    "Tick a box and the next pass does what it says and takes the tick away again. "
    "Anything else that is changed here is written over; close this issue and it is left alone."
)


class Requests(Struct, frozen=True):
    """What people ticked, by the numbers of pull requests.

    Attributes:
        rebuild: Open ones whose branch is to be made afresh, whatever stands on it.
        lift: Closed ones that are to keep nothing out any more.
        heads: The commit that a rebuild is to do away with, where a pass noted it.
    """

    rebuild: frozenset[int] = frozenset()
    lift: frozenset[int] = frozenset()
    heads: Mapping[int, str] = field(default_factory=dict)

    def without(self, others: "Requests") -> "Requests":
        """Return those that are not among others."""
        return Requests(self.rebuild - others.rebuild, self.lift - others.lift, self.heads)


class Overview(Struct, frozen=True):
    """What the dashboard tells of a pass.

    Attributes:
        existing: What was found on the forge.
        outcomes: What became of it, and what was made.
        waiting: Updates that wait, by path.
        skipped: Items that stay, and why, by path.
        problems: Files that could not be evaluated, by path.
        deprecated: Deprecated images that items use, by name.
        queue: What comes in later passes, by image.
    """

    existing: Sequence[ExistingPullRequest] = ()
    outcomes: Sequence[Outcome] = ()
    waiting: Sequence[Waiting] = ()
    skipped: Sequence[Skipped] = ()
    problems: Sequence[Problem] = ()
    deprecated: Mapping[str, DeprecatedImage] = field(default_factory=dict)
    queue: Queue = field(default_factory=Queue)


class _Line(Struct, frozen=True):
    """A pull request; `box` is what a tick asks for, empty for nothing."""

    number: int | None
    branch: str
    title: str
    labels: Collection[str] = ()
    note: str = ""
    box: str = ""

    def __str__(self) -> str:
        # A relative address: a whole one would leave a note of the dashboard in every pull request.
        where = f"[#{self.number}](../pull/{self.number})" if self.number else code(self.branch)
        shown = [f"{where} {code(self.title)}"] if self.title else [where]
        shown += [code(label) for label in (*RISK_LABELS.values(), UNKNOWN_LABEL) if label in self.labels]
        text = " · ".join([*shown, self.note] if self.note else shown)
        return f"- [ ] <!-- {self.box}:#{self.number} --> {text}" if self.box and self.number else f"- {text}"


def render_dashboard(overview: Overview, requests: Requests) -> str:
    """Write the dashboard, at most as long as GitHub takes.

    Nothing in it tells of the time or of what was done a moment ago: the same state gives the same text.

    Args:
        overview: What there is to tell.
        requests: What was asked for; boxes whose request was not carried out stay ticked.
    """
    opened, held = _pull_request_lines(overview)
    sections: list[str | LongList] = [_MARKER, _INTRO, _headline(overview, opened, held)]
    if opened:
        head = "### Open\n\nTick to have the branch made afresh, whatever stands on it.\n"
        sections.append(LongList(head, [str(line) for line in opened], "pull request"))
    if held:
        head = (
            "### Held by people\n\nTick to take it back: the branch of an open one is made afresh, "
            "and what a closed one keeps out comes back in a new one.\n"
        )
        sections.append(LongList(head, [str(line) for line in held], "pull request"))
    sections += _tables(overview)
    return tick_boxes(join_within(sections, MAX_BODY), _find_pending(requests, overview.outcomes)) + "\n"


def is_dashboard(text: str) -> bool:
    """Whether a text carries the dashboard's own mark."""
    return _MARKER in text


def read_requests(text: str) -> Requests:
    """Return what is ticked in a dashboard; only boxes beside a hidden mark of their own count."""
    ticked: dict[str, set[int]] = defaultdict(set)
    heads: dict[int, str] = {}
    for tick, kind, number, head in _ITEM.findall(text):
        if tick != " ":
            ticked[kind].add(int(number))
            if head and kind == "rebuild":
                heads[int(number)] = head
    return Requests(frozenset(ticked["rebuild"]), frozenset(ticked["lift"]), heads)


def note_heads(requests: Requests, existing: Iterable[ExistingPullRequest]) -> Requests:
    """Return requests with the commit noted that each rebuild is to do away with.

    A rebuild of a commit that its branch has left was done, by a pass that could not take the tick away. What
    a person pushed since then was never meant.
    """
    heads = {pr.number: pr.head for pr in existing if pr.number and pr.state is PullRequestState.OPEN}
    done = {number for number, head in requests.heads.items() if head != heads.get(number, head)}
    left = requests.rebuild - done
    noted = {number: head for number, head in heads.items() if number in left and head}
    return Requests(left, requests.lift, noted)


def tick_boxes(text: str, requests: Requests) -> str:
    """Return a dashboard with the boxes of requests ticked; a request without a box is left out."""
    wanted = {"rebuild": requests.rebuild, "lift": requests.lift}

    def tick(match: re.Match[str]) -> str:
        kind, number = match[2], int(match[3])
        if number not in wanted[kind]:
            return match[0]
        head = requests.heads.get(number, "") if kind == "rebuild" else ""
        return f"- [x] <!-- {kind}:#{number}{f'@{head}' if head else ''} -->"

    return _ITEM.sub(tick, text)


def apply_requests(existing: Iterable[ExistingPullRequest], requests: Requests) -> list[ExistingPullRequest]:
    """Return pull requests with what people ticked noted on them; what makes no sense is not."""
    applied = []
    for pr in existing:
        ours = pr.marker is not None
        if ours and pr.state is PullRequestState.OPEN and pr.number in requests.rebuild:
            applied.append(replace(pr, rebuild=True))
        elif ours and pr.state is PullRequestState.CLOSED and pr.number in requests.lift:
            applied.append(replace(pr, lift=True))
        else:
            applied.append(pr)
    return applied


def _find_pending(requests: Requests, outcomes: Iterable[Outcome]) -> Requests:
    done = [outcome for outcome in outcomes if not outcome.failure and outcome.number is not None]
    rebuilt = (outcome.number for outcome in done if isinstance(outcome.action, Refresh))
    lifted = (outcome.number for outcome in done if isinstance(outcome.action, Lift))
    return requests.without(Requests(frozenset(filter(None, rebuilt)), frozenset(filter(None, lifted))))


def _headline(overview: Overview, opened: Sequence[_Line], held: Sequence[_Line]) -> str:
    there = sum(1 for line in opened if line.number)  # what could not be made has none
    waiting, skipped = count(len(overview.waiting), "update"), count(len(overview.skipped), "item")
    problems = count(len(overview.problems), "problem")
    return (
        f"{count(there, 'pull request')} open, {len(held)} held, "
        f"{waiting} waiting, {skipped} skipped, {problems}."
    )


def _pull_request_lines(overview: Overview) -> tuple[list[_Line], list[_Line]]:
    """Return the pull requests that are open, and those that a person's word holds, by number."""
    opened: list[_Line] = []
    held: list[_Line] = []
    seen = {
        outcome.action.existing for outcome in overview.outcomes if not isinstance(outcome.action, Create)
    }
    for outcome in overview.outcomes:
        action = outcome.action
        branch = branch_of(action)
        number = outcome.number if isinstance(action, Create) else action.existing.number or outcome.number
        failure = f"⚠️ {action.name} failed: {code(outcome.failure)}" if outcome.failure else ""
        match action:
            case Create(desired=desired):
                note = failure or _tell_evidence(desired)
                opened.append(_Line(number, branch, desired.title, desired.labels, note, "rebuild"))
            case Adopt() | Refresh() | Leave():
                labels = {*action.desired.labels, *action.existing.labels}
                note = failure or _tell_evidence(action.desired)
                opened.append(_Line(number, branch, action.desired.title, labels, note, "rebuild"))
            case Close(existing=existing) if failure:
                opened.append(replace(_line_of(existing), note=failure))
            case Hold(existing=existing, reason=reason, why=why):
                note = failure or f"{code(reason.value)}: {code(why)}"
                held.append(replace(_line_of(existing), note=note, box=_box_of(existing)))
            case Lift(existing=existing) if failure:
                held.append(replace(_line_of(existing), note=failure, box="lift"))
            case _:
                continue  # it is done, and nobody needs to do anything about it
    # A pull request is left as it is when not all of its items take part.
    opened += [
        replace(_line_of(pr), note="left as it is: not all of its items could be judged", box=_box_of(pr))
        for pr in overview.existing
        if pr.state is PullRequestState.OPEN and pr not in seen
    ]
    return sorted(opened, key=_order), sorted(held, key=_order)


def _tell_evidence(desired: DesiredPullRequest) -> str:
    return f"🧪 run in both images: {desired.status.description}" if desired.status else ""


def _order(line: _Line) -> tuple[int, str]:
    return line.number or 0, line.branch


def _line_of(existing: ExistingPullRequest) -> _Line:
    return _Line(existing.number, existing.branch, _title_of(existing.marker), existing.labels)


def _title_of(marker: Marker | None) -> str:
    return f"{marker.update} ({count(len(marker.packs), 'pack')})" if marker else ""


def _box_of(existing: ExistingPullRequest) -> str:
    if existing.marker is None:
        return ""
    return {PullRequestState.OPEN: "rebuild", PullRequestState.CLOSED: "lift"}.get(existing.state, "")


def _tables(overview: Overview) -> list[str | LongList]:
    sections: list[str | LongList] = []
    rules = [skip for skip in overview.skipped if skip.reason == NoUpdateReason.HELD]
    others = [skip for skip in overview.skipped if skip.reason != NoUpdateReason.HELD]
    if rules:
        rows = _count_rows(((code(skip.detail),), code(skip.path)) for skip in rules)
        head = "### Held by a rule\n\n"
        sections.append(long_table(head, ("Rule", "Items", "For example"), rows, "rule"))
    if overview.waiting:
        rows = _count_rows(_waiting_cells(wait) for wait in overview.waiting)
        head = "### Waiting\n\n"
        sections.append(long_table(head, ("Reason", "Rollout", "Updates", "For example"), rows, "reason"))
    if overview.queue.items:
        rows = [(code(image), items, passes) for image, items, passes in queue_rows(overview.queue)]
        head = f"### To follow\n\n{describe_queue(overview.queue)}\n\n"
        sections.append(long_table(head, QUEUE_HEADERS, rows, "image"))
    if others:
        rows = _count_rows(((code(str(skip.reason)),), _skip_example(skip)) for skip in others)
        head = "### Skipped\n\n"
        sections.append(long_table(head, ("Reason", "Items", "For example"), rows, "reason"))
    if overview.problems:
        rows = [
            (code(problem.place), str(problem.line or "-"), code(problem.reason), code(problem.detail))
            for problem in overview.problems
        ]
        head = "### Problems\n\n"
        sections.append(long_table(head, ("File", "Line", "Reason", "Detail"), rows, "problem"))
    if overview.deprecated:
        rows = [
            (code(image.repository), code(image.replacement), code(image.reason))
            for _, image in sorted(overview.deprecated.items())
        ]
        head = "### Deprecated images in use\n\n"
        sections.append(long_table(head, ("Image", "Use instead", "Reason"), rows, "image"))
    return sections


def _skip_example(skip: Skipped) -> str:
    # How old a tag is changes while nothing else does.
    ages = skip.reason == NoUpdateReason.TOO_YOUNG
    return code(skip.path if ages else f"{skip.path}: {skip.detail}")


def _waiting_cells(wait: Waiting) -> tuple[tuple[str, str], str]:
    """Return what an update waits for and the example it makes; each rollout's wave is told by itself."""
    if wait.reason is WaitReason.WAITING_FOR_WAVE:
        rollout = code(f"{wait.bump.image.repository}:{wait.bump.target.tag}")
        return (code(wait.reason.value), f"{rollout}: {code(wait.detail)}"), code(wait.bump.path)
    return (code(wait.reason.value), ""), code(f"{wait.bump.path}: {wait.detail}")


def _count_rows(rows: Iterable[tuple[tuple[str, ...], str]]) -> list[tuple[str, ...]]:
    """Return each key with how often it comes and its first example, the most frequent first."""
    examples: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key, example in rows:
        examples[key].append(example)
    ordered = sorted(examples, key=lambda key: (-len(examples[key]), key))
    return [(*key, f"{len(examples[key]):,}", examples[key][0]) for key in ordered]
