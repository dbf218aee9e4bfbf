"""Where pull requests live: one protocol for GitHub and for a local repository."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from autobump.pull_requests.edits import FileChange
from autobump.pull_requests.reconcile import Action, Create, ExistingPullRequest


@dataclass(frozen=True, slots=True)
class Base:
    """The analysed commit and its whole tree, by their full names."""

    revision: str
    tree: str


@dataclass(frozen=True, slots=True)
class PreparedAction:
    """An action with the file changes it writes; `changes` is empty for actions that write no commit."""

    action: Action
    changes: Sequence[FileChange] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action.

    Attributes:
        action: The action.
        head: The commit its branch points at now, or None when it is gone or was not reached.
        number: Number of the pull request; None on a forge without numbers.
        url: Where a person finds it.
        failure: Why it could not be done, or empty.
    """

    action: Action
    head: str | None
    number: int | None = None
    url: str | None = None
    failure: str = ""

    @classmethod
    def unchanged(cls, action: Action) -> "Outcome":
        """Return the outcome of an action that wrote nothing: things are as they were found."""
        if isinstance(action, Create):
            return cls(action, None)
        existing = action.existing
        return cls(action, existing.head or None, existing.number, existing.url)


class Forge(Protocol):
    """A place that keeps branches and pull requests."""

    def fetch_existing(self) -> Sequence[ExistingPullRequest]:
        """Return every pull request and every branch under our prefix, in any order.

        Raises:
            ForgeError: The forge could not answer.
        """
        ...

    def apply(self, base: Base, actions: Sequence[PreparedAction]) -> Iterator[Outcome]:
        """Carry out actions in order, one outcome each; one that fails does not stop the others.

        Args:
            base: The analysed commit.
            actions: What to do.

        Raises:
            ForgeError: Nothing could be done at all.
        """
        ...

    def fetch_dashboard(self) -> str:
        """Return the dashboard as it stands, or nothing when there is none, or no place for one.

        Raises:
            ForgeError: The forge could not answer.
        """
        ...

    def write_dashboard(self, text: str) -> None:
        """Bring the dashboard to a text; where there is no place for one, do nothing.

        Args:
            text: All of it, written by `render_dashboard` for what `fetch_dashboard` returned.

        Raises:
            ForgeError: It could not be written.
        """
        ...
