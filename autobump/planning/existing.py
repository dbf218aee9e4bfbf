"""The pull requests that exist already, as far as planning has to know."""

from collections.abc import Mapping, Set

from msgspec import Struct, field

from autobump.planning.parts import Part, Update
from autobump.planning.plan import ClosedPullRequest, OpenPullRequest
from autobump.planning.waves import WavePullRequest


class ExistingState(Struct, frozen=True):
    """What a plan has to fit in; nothing for one that looks at the content alone.

    Attributes:
        open: Open pull requests by their images, sorted by branch.
        closed: Pull requests that people closed, by their images, sorted by branch.
        reserved_branches: Branches that finished pull requests left behind with somebody else's commits.
        waves: Pull requests that tell how far a rollout is, and when an item was updated last.
        risk_groups: The risk group of every item in an open pull request, by path.
        itemised_packs: Image and pack of open pull requests that list their items; very large ones do not.
        overwritten: Image and tag of targets whose digest changed since their pull requests were made.
        parts: What open pull requests update, and the number that their titles tell, by branch.
    """

    open: tuple[OpenPullRequest, ...] = ()
    closed: tuple[ClosedPullRequest, ...] = ()
    reserved_branches: Set[str] = frozenset()
    waves: tuple[WavePullRequest, ...] = ()
    risk_groups: Mapping[str, str] = field(default_factory=dict)
    itemised_packs: Set[tuple[str, str]] = frozenset()
    overwritten: Set[tuple[str, str]] = frozenset()
    parts: Mapping[str, tuple[Update, Part]] = field(default_factory=dict)

    @property
    def packs_in_pull_requests(self) -> set[tuple[str, str]]:
        """Image and pack of open pull requests."""
        return {(pr.repository, pack) for pr in self.open for pack in pr.packs}

    @property
    def refused(self) -> set[tuple[str, str, str]]:
        """Image, target and pack of pull requests that people closed."""
        return {(pr.repository, pr.target, pack) for pr in self.closed for pack in pr.packs}
