"""GitHub as a forge: one commit, one branch and one pull request through the API, no clone and no push."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from autobump.forges import Base, PreparedAction
from autobump.forges.github.api import (
    GitHubApi,
    LostAnswerError,
    OutOfBudgetError,
    RefusedError,
    User,
    parse,
)
from autobump.forges.github.dashboard import GitHubDashboard
from autobump.planning.plan import WaitReason
from autobump.pull_requests.actions import Adopt, Close, Create, Hold, Leave, Lift, Outcome, Refresh
from autobump.pull_requests.edits import FileChange
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import (
    CLOSED_LABEL,
    HOLD_LABEL,
    OVERWRITTEN_LABEL,
    REBUILD_LABEL,
    RISK_LABELS,
)
from autobump.pull_requests.marker import (
    Marker,
    find_marker,
    find_trailer,
    find_tree,
    render_tree,
    replace_marker,
)
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.errors import ForgeError

_log = logging.getLogger(__name__)

_FOREIGN = "somebody else committed to its branch"
_LIFTED = "lifted by a person"
_ENABLE_AUTO_MERGE = """
mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }
"""
_DISABLE_AUTO_MERGE = """
mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }
"""


@dataclass(frozen=True, slots=True)
class GitHubOptions:
    """What the settings say of pull requests on GitHub.

    Attributes:
        base: Branch they go to.
        branch_prefix: Where their branches live.
        labels: Labels that all of them get; the first one tells ours from others.
    """

    base: str
    branch_prefix: str
    labels: tuple[str, ...] = ()


class _Object(BaseModel):
    sha: str


class _Ref(BaseModel):
    ref: str
    object: _Object


class _Label(BaseModel):
    name: str


class _Repository(BaseModel):
    full_name: str


class _Branch(BaseModel):
    ref: str


class _Head(BaseModel):
    ref: str
    sha: str = ""
    repo: _Repository | None = None


class _Pull(BaseModel):
    number: int
    html_url: str
    node_id: str = ""
    state: str
    body: str | None = None
    user: User | None = None
    head: _Head
    base: _Branch | None = None
    labels: list[_Label] = []
    merged_at: str | None = None
    auto_merge: dict[str, Any] | None = None


class _Merge(BaseModel):
    merged_at: str | None = None


class _Issue(BaseModel):
    number: int
    html_url: str
    body: str | None = None
    user: User | None = None
    labels: list[_Label] = []
    closed_at: datetime | None = None
    pull_request: _Merge | None = None


class _Event(BaseModel):
    event: str
    actor: User | None = None
    label: _Label | None = None


class _Comment(BaseModel):
    body: str | None = None
    user: User | None = None


class _Message(BaseModel):
    message: str
    tree: _Object


class _Commit(BaseModel):
    sha: str
    commit: _Message
    author: User | None = None


class GitHubForge:
    """The pull requests of one repository.

    Only pull requests by the bot's own account count, and only branches whose newest commit is its own are
    moved. What exists is told by the list of branches, which is consistent; never by search, which lags.
    """

    def __init__(self, api: GitHubApi, options: GitHubOptions) -> None:
        """Use a repository; nothing is asked yet."""
        self._api = api
        self._options = options
        self._dashboard = GitHubDashboard(api)
        self._astray: set[int] = set()

    def fetch_existing(self) -> list[ExistingPullRequest]:
        """Return what stands under the prefix, sorted by branch; a handful of calls whatever its number."""
        prefix, me = self._options.branch_prefix, self._api.login()
        refs = self._list_branches()
        existing: list[ExistingPullRequest] = []
        for pull in self._list_open():
            if pull.head.ref.startswith(prefix):
                existing.append(self._read_open(pull, refs.get(pull.head.ref, ""), me))
        taken = {pr.branch for pr in existing}
        found = [self._read_finished(issue, refs) for issue in self._list_finished(me)]
        finished = [pr for pr in found if pr is not None]
        ended = {pr.branch for pr in finished}
        left = {(pr.branch, pr.marker.head) for pr in finished if pr.marker is not None}
        # What one pull request left on a branch is no person's doing on those that had it before.
        finished = [
            replace(pr, head="", hold_reason="") if pr.hold_reason and (pr.branch, pr.head) in left else pr
            for pr in finished
        ]
        for branch, head in refs.items():
            if branch in taken or (branch, head) in left:
                continue
            marker = self._read_own_commit(head)
            if marker is None and branch in ended:
                continue  # a person's commits on what was left behind
            hold = "" if marker else _FOREIGN
            existing.append(
                ExistingPullRequest(branch, PullRequestState.ORPHAN, None, None, head, hold, marker)
            )
            # A pass that was cut off made the branch anew: nothing of what ended is left on it.
            finished = [
                replace(pr, head="", hold_reason="") if pr.branch == branch else pr for pr in finished
            ]
        existing += finished
        return sorted(existing, key=lambda pr: (pr.branch, pr.branch not in taken, pr.number or 0))

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
                    parent = self._find_base(base)
                yield self._apply_one(prepared, parent)
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
                head = self._commit(desired, prepared.changes, base)
                self._move_branch(desired.branch, existing.head, head)
                return self._open(action, desired, head)
            case Refresh():
                return self._refresh(action, prepared.changes, base)
            case Close(existing=existing, why=why):
                return self._close(action, existing, why)
            case Hold(existing=existing, add_label=label):
                if label and existing.number is not None:
                    self._label(existing.number, [label])
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
        head = self._commit(desired, changes, base)
        if leftover:
            self._move_branch(desired.branch, leftover, head)
        else:
            head = self._make_branch(desired, head)
        return self._open(action, desired, head)

    def _find_veto(self, desired: DesiredPullRequest) -> Outcome | None:
        """Return the outcome that leaves things alone, if a person closed the same update before."""
        for pull in self._find_pulls(desired.branch):
            if self._vetoes(pull, desired):
                self._label(pull.number, [CLOSED_LABEL])
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

    def _vetoes(self, pull: _Pull, desired: DesiredPullRequest) -> bool:
        """Whether a person closed the same update before; found without its labels and text, too."""
        if pull.state != "closed" or pull.merged_at is not None:
            return False
        if pull.user is None or pull.user.login != self._api.login():
            return False
        marker = find_marker(pull.body or "") or self._find_trailer(pull.head.sha)
        return marker is not None and not marker.closed and marker.target == desired.marker.target

    def _refresh(self, action: Refresh, changes: Sequence[FileChange], base: Base | None) -> Outcome:
        desired, existing = action.desired, action.existing
        number = existing.number
        if number is None:
            raise ForgeError("it has no number")
        head = existing.head
        finished = set(self._options.labels) <= existing.labels
        if number in self._astray:
            base_branch = self._options.base
            what = f"send #{number} to {base_branch}"
            self._api.write("PATCH", f"/pulls/{number}", what, {"base": base_branch})
        if existing.automerge and not desired.options.harmless:
            what = f"turn off auto-merge of #{number}"
            self._api.graphql(_DISABLE_AUTO_MERGE, {"id": existing.automerge}, what)
        if action.rewrite:
            head = self._commit(desired, changes, base)
            self._move_branch(desired.branch, existing.head, head)
        # The text comes last: a pass that is cut off before finds it behind, and does the rest again.
        for label in sorted(_outlived(action) & existing.labels):
            self._unlabel(number, label)
        refused = ""
        if finished and not set(desired.labels) <= existing.labels:
            refused = self._dress(number, "", desired)  # a person may have turned auto-merge off
        what = f"update #{number}"
        body = {"title": desired.title, "body": desired.body_at(head)}
        pull: _Pull = parse(_Pull, self._api.write("PATCH", f"/pulls/{number}", what, body), what)
        if not finished:
            refused = self._dress(number, pull.node_id, desired)
        if (
            REBUILD_LABEL in existing.labels
        ):  # it stands for all that is to be done, also for what is put back
            self._unlabel(number, REBUILD_LABEL)
        return Outcome(action, head, number, existing.url, refused)

    def _close(self, action: Close, existing: ExistingPullRequest, why: str) -> Outcome:
        """Say why, close, delete the branch; done again after a cut it changes nothing twice."""
        if existing.state is PullRequestState.OPEN and existing.number is not None and existing.marker:
            number = existing.number
            self._say_once(number, f"Closed: {why}.")
            closed = replace(existing.marker, closed=why)
            body = {"state": "closed", "body": replace_marker(existing.body, closed)}
            self._api.write("PATCH", f"/pulls/{number}", f"close #{number}", body)
        if existing.head:
            self._delete_branch(existing.branch, existing.head)
        return Outcome(action, None, existing.number, existing.url)

    def _lift(self, action: Lift, existing: ExistingPullRequest) -> Outcome:
        """Remember where the state lives that its being closed keeps nothing out any more; in one call."""
        if existing.number is None or existing.marker is None:
            raise ForgeError("it has no marker")
        number = existing.number
        body = {
            "body": replace_marker(existing.body, replace(existing.marker, closed=_LIFTED)),
            "labels": sorted(existing.labels - {CLOSED_LABEL}),
        }
        self._api.write("PATCH", f"/issues/{number}", f"lift what #{number} keeps out", body)
        return Outcome.unchanged(action)

    def _say_once(self, number: int, text: str) -> None:
        """Comment, unless the same was said already, by a pass that was cut off or whose answer was lost."""
        path = f"/issues/{number}/comments"
        for attempt in range(3):
            what = f"read the comments of #{number}"
            comments = [parse(_Comment, data, what) for data in self._api.list_pages(path, what)]
            mine = [c.body for c in comments if c.user is not None and c.user.login == self._api.login()]
            if text in mine:
                return
            try:
                self._api.write("POST", path, f"comment on #{number}", {"body": text}, once=True)
                return
            except LostAnswerError:
                if attempt == 2:
                    raise

    def _open(self, action: Create | Adopt, desired: DesiredPullRequest, head: str) -> Outcome:
        """Make the pull request for a branch, or bring one that is there already to the branch."""
        pull = self._open_pull(desired, head)
        if find_marker(pull.body or "") != desired.marker.at(head):
            body = {"title": desired.title, "body": desired.body_at(head)}
            self._api.write("PATCH", f"/pulls/{pull.number}", f"update #{pull.number}", body)
        refused = self._dress(pull.number, pull.node_id, desired)
        return Outcome(action, head, pull.number, pull.html_url, refused)

    def _open_pull(self, desired: DesiredPullRequest, head: str) -> _Pull:
        what = f"open a pull request for {desired.branch}"
        body = {
            "title": desired.title,
            "body": desired.body_at(head),
            "head": desired.branch,
            "base": self._options.base,
            "draft": desired.options.draft,
        }
        for attempt in range(3):
            try:
                pull: _Pull = parse(_Pull, self._api.write("POST", "/pulls", what, body, once=True), what)
                return pull
            except LostAnswerError:
                # It may have happened; ask before trying again.
                if found := self._find_open(desired.branch):
                    return found
                if attempt == 2:
                    raise
            except RefusedError as exc:
                if (
                    exc.status == 422
                    and "already exists" in exc.text
                    and (found := self._find_open(desired.branch))
                ):
                    return found
                raise
        raise ForgeError(f"cannot {what}")

    def _dress(self, number: int, node_id: str, desired: DesiredPullRequest) -> str:
        """Ask for reviews and the rest, and return what GitHub refused of it, which loses nothing else.

        The labels come last: a pull request that has them is finished.
        """
        options = desired.options
        reviews, assignees = f"/pulls/{number}/requested_reviewers", f"/issues/{number}/assignees"
        people = [("reviewers", name) for name in options.reviewers]
        people += [("team_reviewers", name) for name in options.team_reviewers]
        refused = self._ask(reviews, f"ask for reviews on #{number}", people)
        refused += self._ask(
            assignees, f"assign #{number}", [("assignees", name) for name in options.assignees]
        )
        if options.automerge and node_id and not options.draft:
            try:
                self._api.graphql(_ENABLE_AUTO_MERGE, {"id": node_id}, f"turn on auto-merge of #{number}")
            except RefusedError as exc:
                # Also refused where nothing is left to wait for: then people merge it.
                _log.warning("auto-merge is not on", extra={"pull_request": number, "cause": str(exc)})
        if desired.labels:
            self._label(number, list(desired.labels))
        return "; ".join(refused)

    def _ask(self, path: str, what: str, people: Sequence[tuple[str, str]]) -> list[str]:
        """Ask people for something and return what was refused; one who is refused keeps nobody else out.

        Args:
            path: What takes the names.
            what: What is being done, for errors.
            people: The kind of name that GitHub calls it by, and the name.
        """
        if not people:
            return []
        body: dict[str, list[str]] = {}
        for kind, name in people:
            body.setdefault(kind, []).append(name)
        try:
            self._api.write("POST", path, what, body)
        except RefusedError as exc:
            if len(people) > 1:
                return [refusal for one in people for refusal in self._ask(path, what, [one])]
            ((_, name),) = people
            return [f"{exc} ({name})"]
        return []

    def _label(self, number: int, labels: list[str]) -> None:
        self._api.write("POST", f"/issues/{number}/labels", f"label #{number}", {"labels": labels})

    def _unlabel(self, number: int, label: str) -> None:
        try:
            self._api.write("DELETE", f"/issues/{number}/labels/{quote(label)}", f"unlabel #{number}")
        except RefusedError as exc:
            if exc.status != 404:
                raise

    def _commit(self, desired: DesiredPullRequest, changes: Sequence[FileChange], base: Base | None) -> str:
        """Write tree and commit, which nothing refers to yet, and return the commit's name.

        No author is given, so that GitHub takes the bot's account, and signs the commit of an App.
        """
        if base is None:
            raise ForgeError("there is no base commit")
        entries = [
            {"path": change.path, "mode": change.mode, "type": "blob", "content": change.data.decode("utf-8")}
            for change in changes
        ]
        tree = self._api.write(
            "POST",
            "/git/trees",
            f"write the files of {desired.branch}",
            {"base_tree": base.tree, "tree": entries},
        )
        name = parse(_Object, tree, "write files").sha
        body = {
            "message": f"{desired.commit_message}{render_tree(name)}\n",
            "tree": name,
            "parents": [base.revision],
        }
        commit = self._api.write("POST", "/git/commits", f"commit to {desired.branch}", body)
        return str(parse(_Object, commit, "commit").sha)

    def _make_branch(self, desired: DesiredPullRequest, head: str) -> str:
        """Make the branch and return where it points: another pass may have been faster."""
        branch = desired.branch
        try:
            body = {"ref": f"refs/heads/{branch}", "sha": head}
            self._api.write("POST", "/git/refs", f"make the branch {branch}", body)
            return head
        except RefusedError as exc:
            if exc.status != 422 or "exist" not in exc.text.lower():
                if exc.status == 422:
                    raise ForgeError(f"cannot make the branch {branch}: {exc.text}") from exc
                raise
            there = self._find_head(branch)
            if there == head:
                return head  # the answer of an earlier try was lost
            if not there or self._find_content(there) != self._find_content(head):
                raise ForgeError(f"the branch {branch} is there already and holds something else") from exc
            return there

    def _find_content(self, sha: str) -> tuple[str, str]:
        """Return the tree and the message of a commit."""
        what = f"look at the commit {sha[:12]}"
        commit: _Commit = parse(_Commit, self._api.get(f"/commits/{sha}", what), what)
        return commit.commit.tree.sha, commit.commit.message.strip()

    def _move_branch(self, branch: str, expected: str, head: str) -> None:
        """Point the branch at a new commit, unless somebody moved it since it was looked at."""
        there = self._find_head(branch)
        if there == head:
            return
        if there != expected:
            raise ForgeError(f"the branch {branch} was moved while this pass ran; the next pass looks again")
        path = f"/git/refs/heads/{quote(branch)}"
        self._api.write("PATCH", path, f"move the branch {branch}", {"sha": head, "force": True})

    def _delete_branch(self, branch: str, expected: str) -> None:
        if self._find_head(branch) == expected:
            try:
                self._api.write("DELETE", f"/git/refs/heads/{quote(branch)}", f"delete the branch {branch}")
            except RefusedError as exc:
                if exc.status not in (404, 422):
                    raise

    def _find_head(self, branch: str) -> str:
        try:
            data = self._api.get(f"/git/ref/heads/{quote(branch)}", f"look at the branch {branch}")
        except RefusedError as exc:
            if exc.status == 404:
                return ""
            raise
        return str(parse(_Ref, data, "look at a branch").object.sha)

    def _find_base(self, base: Base) -> Base:
        """Return the commit to build on: the analysed one, or the base branch if it holds the same files.

        Raises:
            ForgeError: GitHub has neither.
        """
        what = "look at the analysed commit"
        try:
            self._api.get(f"/git/commits/{base.revision}", what)
            return base
        except RefusedError as exc:
            if exc.status not in (404, 422):
                raise
        branch = self._options.base
        what = f"look at the branch {branch}"
        tip: _Commit = parse(_Commit, self._api.get(f"/commits/{quote(branch)}", what), what)
        if tip.commit.tree.sha == base.tree:
            return Base(tip.sha, base.tree)
        raise ForgeError(
            f"GitHub does not have the analysed commit {base.revision[:12]}: "
            f"push it, or fetch {branch} and analyse that"
        )

    def _list_branches(self) -> dict[str, str]:
        prefix = self._options.branch_prefix
        what = "list the branches"
        found = self._api.list_pages(f"/git/matching-refs/heads/{quote(prefix)}", what)
        refs = [parse(_Ref, data, what) for data in found]
        return {ref.ref.removeprefix("refs/heads/"): ref.object.sha for ref in refs}

    def _list_open(self) -> Iterator[_Pull]:
        what = "list the open pull requests"
        for data in self._api.list_pages("/pulls", what, {"state": "open"}):
            pull: _Pull = parse(_Pull, data, what)
            if (
                pull.head.repo is not None
                and pull.head.repo.full_name.lower() == self._api.repository.lower()
            ):
                yield pull

    def _list_finished(self, me: str) -> Iterable[_Issue]:
        """Return our finished pull requests: the last hundred, and all that people closed.

        No more can have been finished since the last pass than were open then; what a person closed is
        labelled when it is first seen, and found by that label for ever after.
        """
        ours = {"creator": me, "state": "closed", "sort": "updated", "direction": "desc"}
        what = "list the finished pull requests"
        label = self._options.labels[:1]
        recent = {**ours, "labels": label[0]} if label else ours
        found = self._api.list_pages("/issues", what, recent, pages=1)
        found += self._api.list_pages("/issues", what, {**ours, "labels": CLOSED_LABEL})
        issues = {issue.number: issue for issue in (parse(_Issue, data, what) for data in found)}
        return [issue for issue in issues.values() if issue.pull_request is not None]

    def _find_pulls(self, branch: str) -> list[_Pull]:
        what = f"look for pull requests of {branch}"
        query = {"head": f"{self._api.owner}:{branch}", "state": "all"}
        found = [parse(_Pull, data, what) for data in self._api.list_pages("/pulls", what, query, pages=1)]
        return [pull for pull in found if pull.head.ref == branch]

    def _find_open(self, branch: str) -> _Pull | None:
        me = self._api.login()
        for pull in self._find_pulls(branch):
            if pull.state == "open" and pull.user is not None and pull.user.login == me:
                return pull
        return None

    def _read_open(self, pull: _Pull, head: str, me: str) -> ExistingPullRequest:
        labels = frozenset(label.name for label in pull.labels)
        body = pull.body or ""
        marker = find_marker(body)
        hold = unfinished = ""
        unproven = False
        if pull.user is None or pull.user.login != me:
            hold, marker = "somebody else opened it", None
        elif marker is None or marker.head != head:
            # Moved since the body was written: by a person, or by a pass that was cut off.
            written = self._read_own_commit(head) if head else None
            if written is None:
                hold = _FOREIGN if head else "its branch is gone"
                marker = marker or self._find_trailer(pull.head.sha)
            else:
                marker, unfinished, unproven = written, "its text describes an older commit", True
        if pull.base is not None and pull.base.ref != self._options.base:
            self._astray.add(pull.number)
            hold = hold or f"it goes to the branch {pull.base.ref}"
        if not hold and HOLD_LABEL in labels:
            hold = f"it carries the label {HOLD_LABEL}"
        if not hold and not set(self._options.labels) <= labels:
            if self._lost_label(pull.number, me):
                hold = "a person took its label away"
            else:
                unfinished = unfinished or "it was not finished"
        return ExistingPullRequest(
            branch=pull.head.ref,
            state=PullRequestState.OPEN,
            number=pull.number,
            url=pull.html_url,
            head=head,
            hold_reason=hold,
            marker=marker,
            unfinished=unfinished,
            unproven=unproven,
            rebuild=REBUILD_LABEL in labels and marker is not None,
            labels=labels,
            body=body,
            automerge=pull.node_id if pull.auto_merge else "",
        )

    def _read_finished(self, issue: _Issue, refs: dict[str, str]) -> ExistingPullRequest | None:
        if issue.pull_request is None:
            return None
        labels = frozenset(label.name for label in issue.labels)
        marker = find_marker(issue.body or "")
        ours = bool(self._options.labels) and set(self._options.labels) <= labels
        if marker is None and ours and issue.pull_request.merged_at is None:
            # A person wrote another text before closing it: what it was made of is in its commit.
            what = f"look at #{issue.number}"
            pull: _Pull = parse(_Pull, self._api.get(f"/pulls/{issue.number}", what), what)
            marker = self._find_trailer(pull.head.sha)
        if marker is None or not marker.branch:
            return None
        head = refs.get(marker.branch, "")
        merged = issue.pull_request.merged_at is not None or bool(marker.closed)
        return ExistingPullRequest(
            branch=marker.branch,
            state=PullRequestState.MERGED if merged else PullRequestState.CLOSED,
            number=issue.number,
            url=issue.html_url,
            head=head,
            # Not worth a call for each: what moved after all was done is taken for a person's.
            hold_reason=_FOREIGN if head not in ("", marker.head) else "",
            marker=marker,
            labels=labels,
            body=issue.body or "",
            done_at=issue.closed_at,
        )

    def _read_own_commit(self, sha: str) -> Marker | None:
        """Return the marker a commit carries, if autobump's own account wrote it and all that is in it."""
        what = f"look at the commit {sha[:12]}"
        commit: _Commit = parse(_Commit, self._api.get(f"/commits/{sha}", what), what)
        if commit.author is None or commit.author.login != self._api.login():
            return None
        if find_tree(commit.commit.message) != commit.commit.tree.sha:
            return None  # amended or rebased
        return find_trailer(commit.commit.message)

    def _find_trailer(self, sha: str) -> Marker | None:
        """Return the marker of the newest commit of autobump's own account that a commit builds on."""
        what = "look for the commits of a pull request"
        listed = self._api.list_pages("/commits", what, {"sha": sha}, pages=1) if sha else []
        commits: list[_Commit] = [parse(_Commit, data, what) for data in listed]
        me = self._api.login()
        for commit in commits:
            marker = find_trailer(commit.commit.message)
            if marker is not None and commit.author is not None and commit.author.login == me:
                return marker.at(commit.sha)
        return None

    def _lost_label(self, number: int, me: str) -> bool:
        """Whether a person took one of our labels off; only asked when one is missing."""
        what = f"read the events of #{number}"
        for data in self._api.list_pages(f"/issues/{number}/events", what):
            event: _Event = parse(_Event, data, what)
            if (
                event.event == "unlabeled"
                and event.label is not None
                and event.label.name in self._options.labels
                and (event.actor is None or event.actor.login != me)
            ):
                return True
        return False


def _outlived(action: Refresh) -> set[str]:
    """Return which of autobump's own labels do not hold any more once it is done."""
    labels = {OVERWRITTEN_LABEL} if action.rewrite else set()
    if action.desired.marker.risk:  # what is not known this time may hold
        labels.update(RISK_LABELS.values())
    return labels - set(action.desired.labels)
