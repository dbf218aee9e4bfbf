"""GitHub as a forge: one commit, one branch and one pull request through the API, no clone and no push."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from autobump.forges.github.api import GitHubApi
from autobump.forges.github.branches import Branches
from autobump.forges.github.dashboard import GitHubDashboard
from autobump.forges.github.errors import OutOfBudgetError
from autobump.forges.github.existing import ExistingReader
from autobump.forges.github.models import PullRequest
from autobump.forges.github.pull_requests import PullRequests
from autobump.forges.protocol import Base, PreparedAction
from autobump.planning.plan import WaitReason
from autobump.pull_requests.actions import Adopt, Close, Create, Hold, Leave, Lift, Outcome, Refresh
from autobump.pull_requests.edits import FileChange
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import (
    CLOSED_LABEL,
    OVERWRITTEN_LABEL,
    REBUILD_LABEL,
    RISK_LABELS,
    SECURITY_LABEL,
    UNKNOWN_LABEL,
)
from autobump.pull_requests.marker import LIFTED, find_marker, replace_marker
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.errors import ForgeError


class GitHubOptions(Struct, frozen=True):
    """What the settings say of pull requests on GitHub.

    Attributes:
        base: Branch they go to.
        branch_prefix: Where their branches live.
        labels: Labels that all of them get; the first one tells ours from others.
        since: Tell of every one that finished since then; None for the last hundred.
    """

    base: str
    branch_prefix: str
    labels: tuple[str, ...] = ()
    since: datetime | None = None


class GitHubForge:
    """The pull requests of one repository.

    Only pull requests by the bot's own account count, and only branches whose newest commit is its own are
    moved.
    """

    def __init__(self, api: GitHubApi, options: GitHubOptions) -> None:
        """Use a repository; nothing is asked yet."""
        self._api = api
        self._options = options
        self._branches = Branches(api, options.base, options.branch_prefix)
        self._pulls = PullRequests(api, options.base)
        self._existing = ExistingReader(
            api, self._branches, options.base, options.branch_prefix, options.labels, options.since
        )
        self._dashboard = GitHubDashboard(api)

    def fetch_existing(self) -> list[ExistingPullRequest]:
        """Return what stands under the prefix, sorted by branch; a handful of calls whatever its number."""
        return self._existing.fetch()

    def apply(self, base: Base, actions: Sequence[PreparedAction]) -> Iterator[Outcome]:
        """Carry out actions one after the other; a failure is told and the next one goes on."""
        parent: Base | None = None
        stopped = ""
        for prepared in actions:
            action = prepared.action
            if isinstance(action, Leave):
                yield Outcome.unchanged(action)
                continue
            if stopped:
                yield Outcome(action, None, failure=f"limit-reached: {stopped}")
                continue
            try:
                if prepared.changes and parent is None:
                    parent = self._branches.find_base(base)
                outcome = self._apply_one(prepared, parent)
                yield replace(outcome, note=self._pulls.take_notes())
            except OutOfBudgetError as exc:
                stopped = str(exc)
                yield Outcome(action, None, failure=f"limit-reached: {stopped}")
            except ForgeError as exc:
                yield Outcome(action, None, failure=str(exc))

    def fetch_dashboard(self) -> str:
        """Return the text of the issue, if there is one that is open; one call."""
        return self._dashboard.fetch()

    def write_dashboard(self, text: str) -> None:
        """Write the issue, unless it says so already or people closed it."""
        self._dashboard.write(text)

    def _apply_one(self, prepared: PreparedAction, base: Base | None) -> Outcome:
        action = prepared.action
        match action:
            case Create(desired=desired, leftover=leftover):
                return self._create(action, desired, leftover, prepared.changes, base)
            case Adopt(desired=desired, existing=existing):
                if veto := self._find_veto(desired):
                    return veto
                head = self._branches.commit(desired, prepared.changes, base)
                self._branches.move(desired.branch, existing.head, head)
                return self._open(action, desired, head)
            case Refresh():
                return self._refresh(action, prepared.changes, base)
            case Close(existing=existing, why=why):
                return self._close(action, existing, why)
            case Hold(existing=existing, add_label=label):
                if label and existing.number is not None:
                    self._pulls.label(existing.number, [label])
                self._drop_closed_mark(existing)
                return Outcome.unchanged(action)
            case Lift(existing=existing):
                return self._lift(action, existing)
            case Leave():
                return Outcome.unchanged(action)

    def _create(
        self,
        action: Create,
        desired: DesiredPullRequest,
        leftover: str,
        changes: Sequence[FileChange],
        base: Base | None,
    ) -> Outcome:
        if veto := self._find_veto(desired):
            return veto
        head = self._branches.commit(desired, changes, base)
        if leftover:
            self._branches.move(desired.branch, leftover, head)
        else:
            head = self._branches.make(desired, head)
        return self._open(action, desired, head)

    def _find_veto(self, desired: DesiredPullRequest) -> Outcome | None:
        """Return the outcome that leaves things alone, if a person closed the same update before."""
        for pull in self._pulls.find(desired.branch):
            if self._vetoes(pull, desired):
                self._pulls.label(pull.number, [CLOSED_LABEL])
                found = ExistingPullRequest(
                    desired.branch,
                    PullRequestState.CLOSED,
                    pull.number,
                    pull.html_url,
                    "",
                    "",
                    desired.marker,
                )
                why = "a person closed it without merging"
                return Outcome.unchanged(Hold(found, WaitReason.CLOSED_BY_MAINTAINER, why))
        return None

    def _vetoes(self, pull: PullRequest, desired: DesiredPullRequest) -> bool:
        """Whether a person closed the same update before; found without its labels and text, too."""
        if pull.state != "closed" or pull.merged_at is not None:
            return False
        if pull.user is None or pull.user.login != self._api.login():
            return False
        marker = find_marker(pull.body or "") or self._branches.find_trailer(pull.head.sha)
        if marker is None or marker.closed:
            return False
        refused = {image.name for image in marker.images}
        return any(image.name in refused for image in desired.marker.images)

    def _refresh(self, action: Refresh, changes: Sequence[FileChange], base: Base | None) -> Outcome:
        desired, existing = action.desired, action.existing
        number = existing.number
        if number is None:
            raise ForgeError("it has no number")
        head = existing.head
        finished = set(self._options.labels) <= existing.labels
        if existing.wrong_base:
            base_branch = self._options.base
            self._pulls.update(number, f"send #{number} to {base_branch}", {"base": base_branch})
        if existing.automerge and not desired.options.harmless:
            self._pulls.turn_off_auto_merge(number)
        if action.rewrite:
            head = self._branches.commit(desired, changes, base)
            self._branches.move(desired.branch, existing.head, head)
        self._pulls.tell_status(head, desired)
        # The text comes last: a pass that is cut off before finds it behind, and does the rest again.
        for label in sorted(_outlived(action) & existing.labels):
            self._pulls.unlabel(number, label)
        refused = ""
        if finished and not set(desired.labels) <= existing.labels:
            refused = self._pulls.finish(number, "", desired)  # a person may have turned auto-merge off
        text = {"title": desired.title, "body": desired.body_at(head)}
        pull = self._pulls.update(number, f"update #{number}", text)
        if not finished:
            refused = self._pulls.finish(number, pull.node_id, desired)
        if (
            REBUILD_LABEL in existing.labels
        ):  # it stands for all that is to be done, also for what is put back
            self._pulls.unlabel(number, REBUILD_LABEL)
        return Outcome(action, head, number, existing.url, refused)

    def _close(self, action: Close, existing: ExistingPullRequest, why: str) -> Outcome:
        """Say why, close, delete the branch; done again after a cut it changes nothing twice."""
        if existing.state is PullRequestState.OPEN and existing.number is not None and existing.marker:
            number = existing.number
            self._pulls.say_once(number, f"Closed: {why}.")
            closed = replace(existing.marker, closed=why)
            body = {"state": "closed", "body": replace_marker(existing.body, closed)}
            self._api.write("PATCH", f"/pulls/{number}", f"close #{number}", body)
        if existing.head:
            self._branches.delete(existing.branch, existing.head)
        return Outcome(action, None, existing.number, existing.url)

    def _lift(self, action: Lift, existing: ExistingPullRequest) -> Outcome:
        """Remember where the state lives that its being closed keeps nothing out any more; in one call."""
        if existing.number is None or existing.marker is None:
            raise ForgeError("it has no marker")
        number = existing.number
        body = {
            "body": replace_marker(existing.body, replace(existing.marker, closed=LIFTED)),
            "labels": sorted(existing.labels - {CLOSED_LABEL}),
        }
        self._api.write("PATCH", f"/issues/{number}", f"lift what #{number} keeps out", body)
        return Outcome.unchanged(action)

    def _drop_closed_mark(self, existing: ExistingPullRequest) -> None:
        """Take back what is said of its end, if it is open again; nothing else of it is touched."""
        if existing.state is not PullRequestState.OPEN or existing.number is None or existing.marker is None:
            return
        said = find_marker(existing.body)
        body: dict[str, object] = {}
        if said is not None and said.closed:
            body["body"] = replace_marker(existing.body, replace(said, closed=""))
        if CLOSED_LABEL in existing.labels:
            body["labels"] = sorted(existing.labels - {CLOSED_LABEL})
        if body:
            number = existing.number
            self._api.write("PATCH", f"/issues/{number}", f"take back that #{number} is closed", body)

    def _open(self, action: Create | Adopt, desired: DesiredPullRequest, head: str) -> Outcome:
        """Make the pull request for a branch, or bring one that is there already to the branch."""
        pull = self._pulls.open(desired, head)
        if find_marker(pull.body or "") != desired.whole_marker.at(head):
            body = {"title": desired.title, "body": desired.body_at(head)}
            self._api.write("PATCH", f"/pulls/{pull.number}", f"update #{pull.number}", body)
        self._pulls.tell_status(head, desired)
        refused = self._pulls.finish(pull.number, pull.node_id, desired)
        return Outcome(action, head, pull.number, pull.html_url, refused)


def _outlived(action: Refresh) -> set[str]:
    """Return which of autobump's own labels do not hold any more once it is done."""
    labels = {CLOSED_LABEL}
    if action.rewrite or action.desired.marker.knows_digests:  # of another one nothing would be written
        labels.add(OVERWRITTEN_LABEL)
    if action.desired.marker.risk:  # what is not known this time may hold
        labels.update((*RISK_LABELS.values(), UNKNOWN_LABEL))
    if action.desired.marker.advisories:
        labels.add(SECURITY_LABEL)
    return labels - set(action.desired.labels)
