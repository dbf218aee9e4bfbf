"""Compares what is planned with what exists, and says what to do: a pure function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autobump.planning.plan import ClosedPullRequest, OpenPullRequest, WaitReason
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.render import DesiredPullRequest


class PullRequestState(StrEnum):
    """What became of a branch under our prefix."""

    OPEN = "open"
    CLOSED = "closed"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class ExistingPullRequest:
    """A pull request, or a branch without one, as found on the forge.

    Attributes:
        branch: Its branch.
        state: `CLOSED` means closed without merging; merged ones are history and are not listed.
        number: Its number; None on a forge without numbers and for an orphan branch.
        url: Where a person finds it; None when there is no such place.
        head: The commit its branch points at; empty when the branch is gone.
        ours: Nobody but autobump has committed to the branch.
        marker: What it was made of; None when that cannot be told.
    """

    branch: str
    state: PullRequestState
    number: int | None
    url: str | None
    head: str
    ours: bool
    marker: Marker | None

    @property
    def label(self) -> str:
        """How a person refers to it."""
        return f"#{self.number}" if self.number is not None else self.branch


@dataclass(frozen=True, slots=True)
class Create:
    """Nothing covers the bumps: make a branch and a pull request."""

    desired: DesiredPullRequest

    name = "create"


@dataclass(frozen=True, slots=True)
class Adopt:
    """The branch exists without a pull request, a pass was cut off: make the pull request."""

    desired: DesiredPullRequest
    existing: ExistingPullRequest

    name = "adopt"


@dataclass(frozen=True, slots=True)
class Refresh:
    """It is no longer right: one new commit on the current base, title and body rewritten."""

    desired: DesiredPullRequest
    existing: ExistingPullRequest
    why: str

    name = "refresh"


@dataclass(frozen=True, slots=True)
class Leave:
    """It is still right."""

    desired: DesiredPullRequest
    existing: ExistingPullRequest

    name = "leave"


@dataclass(frozen=True, slots=True)
class Close:
    """It is done elsewhere or no longer wanted: close it, say why, delete the branch."""

    existing: ExistingPullRequest
    why: str

    name = "close"


@dataclass(frozen=True, slots=True)
class Hold:
    """A person's word counts: leave it alone."""

    existing: ExistingPullRequest
    reason: WaitReason
    why: str

    name = "hold"


Action = Create | Adopt | Refresh | Leave | Close | Hold
InView = Callable[[Marker], bool]


def branch_of(action: Action) -> str:
    """Return the branch an action is about."""
    return action.desired.branch if isinstance(action, Create) else action.existing.branch


def open_for_planning(existing: Sequence[ExistingPullRequest], in_view: InView) -> list[OpenPullRequest]:
    """Return what planning must know of open pull requests, sorted by branch.

    Args:
        existing: Everything found on the forge.
        in_view: Whether all items of a pull request take part in this pass.
    """
    return [
        OpenPullRequest(
            branch=pr.branch,
            label=pr.label,
            repository=pr.marker.image,
            packs=pr.marker.packs,
            held_by_person=not pr.ours,
            in_view=in_view(pr.marker),
        )
        for pr in sorted(existing, key=lambda pr: pr.branch)
        if pr.state is PullRequestState.OPEN and pr.marker is not None
    ]


def closed_for_planning(existing: Sequence[ExistingPullRequest]) -> list[ClosedPullRequest]:
    """Return what planning must know of pull requests that people closed, sorted by branch."""
    return [
        ClosedPullRequest(pr.label, pr.marker.image, pr.marker.target, pr.marker.packs)
        for pr in sorted(existing, key=lambda pr: (pr.branch, pr.number or 0))
        if pr.state is PullRequestState.CLOSED and pr.marker is not None
    ]


def reconcile(
    desired: Sequence[DesiredPullRequest], existing: Sequence[ExistingPullRequest], in_view: InView
) -> tuple[Action, ...]:
    """Decide what to do with every pull request, planned or existing.

    Args:
        desired: What should be open after this pass.
        existing: Everything found on the forge.
        in_view: Whether all items of a pull request take part in this pass; others are left alone.

    Returns:
        One action a branch, sorted by branch; branches of pull requests that a person closed get none
        unless they are wanted again.
    """
    by_branch = {pr.branch: pr for pr in existing if pr.state is not PullRequestState.CLOSED}
    actions: list[Action] = [
        _decide_desired(wanted, by_branch.pop(wanted.branch, None)) for wanted in desired
    ]
    for pr in by_branch.values():
        if not pr.ours:
            actions.append(_hold_edited(pr))
        elif pr.marker is not None and in_view(pr.marker):
            actions.append(Close(pr, "none of its updates is wanted any more"))
    return tuple(sorted(actions, key=branch_of))


def _decide_desired(wanted: DesiredPullRequest, found: ExistingPullRequest | None) -> Action:
    if found is None:
        return Create(wanted)
    if not found.ours:
        return _hold_edited(found)
    if found.state is PullRequestState.ORPHAN:
        return Adopt(wanted, found)
    why = _why_refresh(wanted.marker, found.marker)
    return Refresh(wanted, found, why) if why else Leave(wanted, found)


def _why_refresh(wanted: Marker, found: Marker | None) -> str:
    if found is None:
        return "its marker is gone"
    if found.target != wanted.target:
        return f"{wanted.target} is newer than {found.target}"
    if found.paths != wanted.paths:
        return "its items changed"
    if found.base != wanted.base:
        return "a file it touches changed on the base"
    return ""


def _hold_edited(pr: ExistingPullRequest) -> Hold:
    return Hold(pr, WaitReason.EDITED_BY_MAINTAINER, "somebody else committed to its branch")
