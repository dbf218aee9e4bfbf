"""Reads what stands on GitHub: open and finished pull requests, and branches without one."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from autobump.forges.github.api import GitHubApi, parse
from autobump.forges.github.branches import Branches
from autobump.forges.github.models import Event, Issue, PullRequest
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import CLOSED_LABEL, HOLD_LABEL, REBUILD_LABEL
from autobump.pull_requests.marker import LIFTED, Marker, find_marker

_log = logging.getLogger(__name__)

_OPEN_PAGES = 30
"""Most pages of open pull requests that are read."""

_FINISHED_PAGES = 20
"""Most pages of finished pull requests that are read to learn when items were updated."""

_FOREIGN = "somebody else committed to its branch"


class ExistingReader:
    """Reads the pull requests of the bot's own account under a prefix.

    What exists is told by the list of branches, which is consistent; never by search, which lags.
    """

    def __init__(
        self,
        api: GitHubApi,
        branches: Branches,
        base: str,
        prefix: str,
        labels: tuple[str, ...],
        since: datetime | None = None,
    ) -> None:
        """Use a repository; nothing is asked yet.

        Args:
            api: Calls for the repository.
            branches: Its branches.
            base: Branch that pull requests go to.
            prefix: Where their branches live.
            labels: Labels that all of them get; the first one tells ours from others.
            since: Tell of every one that finished since then; None for the last hundred.
        """
        self._api = api
        self._since = since
        self._branches = branches
        self._base = base
        self._prefix = prefix
        self._labels = labels

    def fetch(self) -> list[ExistingPullRequest]:
        """Return what stands under the prefix, sorted by branch; a handful of calls whatever its number."""
        prefix, me = self._prefix, self._api.login()
        refs = self._branches.list()
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
            marker = self._branches.read_own_commit(head)
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

    def _list_open(self) -> Iterator[PullRequest]:
        what = "list the open pull requests"
        # Strangers can open any number of them; ours behind these are found again by their branches.
        found = self._api.list_pages("/pulls", what, {"state": "open"}, first=_OPEN_PAGES)
        if len(found) >= _OPEN_PAGES * 100:
            _log.warning("not all open pull requests are read", extra={"read": len(found)})
        for data in found:
            pull: PullRequest = parse(PullRequest, data, what)
            if (
                pull.head.repo is not None
                and pull.head.repo.full_name.lower() == self._api.repository.lower()
            ):
                yield pull

    def _list_finished(self, me: str) -> Iterable[Issue]:
        """Return our finished pull requests: the last hundred or more, and all that people closed.

        No more can have been finished since the last pass than were open then; what a person closed is
        labelled when it is first seen, and found by that label for ever after.
        """
        ours = {"creator": me, "state": "closed", "sort": "updated", "direction": "desc"}
        what = "list the finished pull requests"
        label = self._labels[:1]
        recent = {**ours, "labels": label[0]} if label else ours
        found = self._list_recent(what, recent)
        found += self._api.list_pages("/issues", what, {**ours, "labels": CLOSED_LABEL})
        issues = {issue.number: issue for issue in (parse(Issue, data, what) for data in found)}
        return [issue for issue in issues.values() if issue.pull_request is not None]

    def _list_recent(self, what: str, query: Mapping[str, object]) -> list[object]:
        """Return the last hundred, and those before them as far as their end counts."""
        found: list[object] = []
        for page in range(1, _FINISHED_PAGES + 1):
            place: dict[str, object] = {"page": page} if page > 1 else {}
            told = self._api.list_pages("/issues", what, {**query, **place}, first=1)
            found += told
            ended = [parse(Issue, data, what).closed_at for data in told]
            since = self._since
            if len(told) < 100 or since is None or not any(at and at >= since for at in ended):
                break
        return found

    def _read_open(self, pull: PullRequest, head: str, me: str) -> ExistingPullRequest:
        labels = frozenset(label.name for label in pull.labels)
        body = pull.body or ""
        marker = find_marker(body)
        hold = unfinished = ""
        unproven = False
        if pull.user is None or pull.user.login != me:
            hold, marker = "somebody else opened it", None
        elif marker is None or marker.head != head:
            # Moved since the body was written: by a person, or by a pass that was cut off.
            commit = self._branches.fetch_commit(head) if head else None
            if commit is not None and (written := self._branches.find_own_marker(commit)) is not None:
                marker, unfinished, unproven = written, "its text describes an older commit", True
            elif commit is not None and marker is not None and self._branches.holds_only(marker.head, commit):
                unfinished = "its branch was brought up to date: its text describes an older commit"
            else:
                hold = _FOREIGN if head else "its branch is gone"
                marker = marker or self._branches.find_trailer(pull.head.sha)
        is_astray = pull.base is not None and pull.base.ref != self._base
        if is_astray and pull.base is not None:
            hold = hold or f"it goes to the branch {pull.base.ref}"
        if not hold and HOLD_LABEL in labels:
            hold = f"it carries the label {HOLD_LABEL}"
        if not hold and (missing := set(self._labels) - labels):
            if self._lost_label(pull.number, missing, me):
                hold = "a person took its label away"
            else:
                unfinished = unfinished or "it was not finished"
        if marker is not None and (marker.closed or CLOSED_LABEL in labels):
            unfinished = unfinished or "a person opened it again"
            marker = replace(marker, closed="")
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
            automerge=bool(pull.auto_merge),
            wrong_base=is_astray,
        )

    def _read_finished(self, issue: Issue, refs: dict[str, str]) -> ExistingPullRequest | None:
        if issue.pull_request is None:
            return None
        labels = frozenset(label.name for label in issue.labels)
        marker = find_marker(issue.body or "")
        ours = bool(self._labels) and set(self._labels) <= labels
        if marker is None and ours and issue.pull_request.merged_at is None:
            # A person wrote another text before closing it: what it was made of is in its commit.
            what = f"look at #{issue.number}"
            pull: PullRequest = parse(PullRequest, self._api.get(f"/pulls/{issue.number}", what), what)
            marker = self._branches.find_trailer(pull.head.sha)
        if marker is None or not marker.branch:
            return None
        head = refs.get(marker.branch, "")
        if marker.closed and _is_closed_mark_void(issue, marker, self._api.login()):
            marker = replace(marker, closed="")
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

    def _lost_label(self, number: int, missing: set[str], me: str) -> bool:
        """Whether a person took one of the missing labels off; only asked when one is missing."""
        what = f"read the events of #{number}"
        last: dict[str, Event] = {}
        for data in self._api.list_pages(f"/issues/{number}/events", what):
            event: Event = parse(Event, data, what)
            if event.event == "unlabeled" and event.label is not None:
                last[event.label.name] = event
        found = [last[name] for name in sorted(missing) if name in last]
        return any(event.actor is None or event.actor.login != me for event in found)


def _is_closed_mark_void(issue: Issue, marker: Marker, me: str) -> bool:
    """Whether what the marker says of its end is overtaken: it was opened again, and merged or closed since.

    Source: `closed_by` of an issue in GitHub's REST API, which a list may leave out.
    """
    if issue.pull_request is not None and issue.pull_request.merged_at is not None:
        return True
    closed_by_person = issue.closed_by is not None and issue.closed_by.login != me
    return closed_by_person and marker.closed != LIFTED
