"""Where pull requests live: one protocol for GitHub and for a local repository."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from autobump.pull_requests.actions import Action, Outcome
from autobump.pull_requests.edits import FileChange
from autobump.pull_requests.existing import ExistingPullRequest


class Base(Struct, frozen=True):
    """The analysed commit and its whole tree, by their full names."""

    revision: str
    tree: str


class PreparedAction(Struct, frozen=True):
    """An action with the file changes it writes; `changes` is empty for actions that write no commit."""

    action: Action
    changes: Sequence[FileChange] = ()


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
