"""Pull requests and branches as found on the forge."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from autobump.pull_requests.marker import Marker


class PullRequestState(StrEnum):
    """What became of a branch under our prefix."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"
    ORPHAN = "orphan"


class ExistingPullRequest(Struct, frozen=True):
    """A pull request, or a branch without one, as found on the forge.

    Attributes:
        branch: Its branch.
        state: `CLOSED` means closed by a person without merging.
        number: Its number; None on a forge without numbers and for an orphan branch.
        url: Where a person finds it; None when there is no such place.
        head: The commit its branch points at; empty when the branch is gone.
        hold_reason: Why a person's word keeps autobump off it, or empty.
        marker: What it was made of; None when that cannot be told.
        unfinished: What of it a pass that was cut off did not get to, or empty.
        unproven: Nothing but its newest commit says that autobump made it: anybody who may push can write an
            author and a message.
        rebuild: A person asked for a fresh branch, whatever stands on it now.
        lift: A person asked that its being closed keeps nothing out any more.
        labels: Its labels.
        body: Its body as it stands.
        automerge: It is to be merged without anybody looking.
        wrong_base: It goes to another branch than the settings say.
        done_at: When it was merged or closed, with timezone; None when it was not, or that is not known.
    """

    branch: str
    state: PullRequestState
    number: int | None
    url: str | None
    head: str
    hold_reason: str
    marker: Marker | None
    unfinished: str = ""
    unproven: bool = False
    rebuild: bool = False
    lift: bool = False
    labels: frozenset[str] = frozenset()
    body: str = ""
    automerge: bool = False
    wrong_base: bool = False
    done_at: datetime | None = None

    @property
    def label(self) -> str:
        """How a person refers to it."""
        return f"#{self.number}" if self.number is not None else self.branch
