"""What is done with a pull request, and what became of it."""

from msgspec import Struct

from autobump.planning.plan import WaitReason
from autobump.pull_requests.existing import ExistingPullRequest
from autobump.pull_requests.render import DesiredPullRequest


class Create(Struct, frozen=True):
    """Nothing covers the bumps: make a branch and a pull request.

    `leftover` is where the branch of a finished pull request with the same packs still points, or empty.
    """

    desired: DesiredPullRequest
    leftover: str = ""

    name = "create"


class Adopt(Struct, frozen=True):
    """The branch exists without a pull request, a pass was cut off: make its commit anew, and the rest."""

    desired: DesiredPullRequest
    existing: ExistingPullRequest

    name = "adopt"


class Refresh(Struct, frozen=True):
    """It is no longer right: one new commit on the current base, title and body rewritten.

    `rewrite` is false when only the text or the labels are behind, and the branch is right.
    """

    desired: DesiredPullRequest
    existing: ExistingPullRequest
    why: str
    rewrite: bool = True

    name = "refresh"


class Leave(Struct, frozen=True):
    """It is still right."""

    desired: DesiredPullRequest
    existing: ExistingPullRequest

    name = "leave"


class Close(Struct, frozen=True):
    """It is done elsewhere or no longer wanted: close it, say why, delete the branch."""

    existing: ExistingPullRequest
    why: str

    name = "close"


class Hold(Struct, frozen=True):
    """A person's word counts, or the image cannot be trusted: leave it alone, but for a label to add."""

    existing: ExistingPullRequest
    reason: WaitReason
    why: str
    add_label: str = ""

    name = "hold"


class Lift(Struct, frozen=True):
    """A person wants back what a closed pull request keeps out: remember that it does not any more."""

    existing: ExistingPullRequest

    name = "lift"
    why = "a person asked for its updates on the dashboard"


Action = Create | Adopt | Refresh | Leave | Close | Hold | Lift


def branch_of(action: Action) -> str:
    """Return the branch an action is about."""
    return action.desired.branch if isinstance(action, Create) else action.existing.branch


def writes_commit(action: Action) -> bool:
    """Whether an action needs the file changes."""
    match action:
        case Create() | Adopt():
            return True
        case Refresh(rewrite=rewrite):
            return rewrite
        case _:
            return False


class Outcome(Struct, frozen=True):
    """What became of one action.

    Attributes:
        action: The action.
        head: The commit its branch points at now, or None when it is gone or was not reached.
        number: Number of the pull request; None on a forge without numbers.
        url: Where a person finds it.
        failure: Why it could not be done, or empty.
        note: What was left out of it that it does well without, or empty.
    """

    action: Action
    head: str | None
    number: int | None = None
    url: str | None = None
    failure: str = ""
    note: str = ""

    @classmethod
    def unchanged(cls, action: Action) -> "Outcome":
        """Return the outcome of an action that wrote nothing: things are as they were found."""
        if isinstance(action, Create):
            return cls(action, None)
        existing = action.existing
        return cls(action, existing.head or None, existing.number, existing.url)
