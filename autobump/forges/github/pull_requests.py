"""Pull requests on GitHub: made, found, labelled, commented."""

import logging
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from autobump.forges.github.api import GitHubApi, parse
from autobump.forges.github.errors import LostAnswerError, RefusedError
from autobump.forges.github.models import Comment, PullRequest
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.errors import ForgeError

_log = logging.getLogger(__name__)

_ENABLE_AUTO_MERGE = """
mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }
"""
_DISABLE_AUTO_MERGE = """
mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }
"""


class PullRequests:
    """The pull requests of a repository, by their numbers."""

    def __init__(self, api: GitHubApi, base: str) -> None:
        """Use a repository; nothing is asked yet.

        Args:
            api: Calls for the repository.
            base: The branch that pull requests go to.
        """
        self._api = api
        self._base = base

    def update(self, number: int, what: str, body: Mapping[str, object]) -> PullRequest:
        """Change a pull request.

        Args:
            number: Its number.
            what: What is being done, for errors.
            body: What changes, as GitHub calls it: `title`, `body`, `base` or `state`.
        """
        pull: PullRequest = parse(PullRequest, self._api.write("PATCH", f"/pulls/{number}", what, body), what)
        return pull

    def turn_off_auto_merge(self, number: int) -> None:
        """Keep it from being merged without anybody looking."""
        what = f"turn off auto-merge of #{number}"
        pull: PullRequest = parse(PullRequest, self._api.get(f"/pulls/{number}", what), what)
        if pull.auto_merge:
            self._api.graphql(_DISABLE_AUTO_MERGE, {"id": pull.node_id}, what)

    def open(self, desired: DesiredPullRequest, head: str) -> PullRequest:
        """Make the pull request of a branch, or return one that was made already."""
        what = f"open a pull request for {desired.branch}"
        body = {
            "title": desired.title,
            "body": desired.body_at(head),
            "head": desired.branch,
            "base": self._base,
            "draft": desired.options.draft,
        }
        for attempt in range(3):
            try:
                pull: PullRequest = parse(
                    PullRequest, self._api.write("POST", "/pulls", what, body, once=True), what
                )
                return pull
            except LostAnswerError:
                # It may have happened; ask before trying again.
                if found := self.find_open(desired.branch):
                    return found
                if attempt == 2:
                    raise
            except RefusedError as exc:
                if (
                    exc.status == 422
                    and "already exists" in exc.text
                    and (found := self.find_open(desired.branch))
                ):
                    return found
                raise
        raise ForgeError(f"cannot {what}")

    def find(self, branch: str) -> list[PullRequest]:
        """Return every pull request of a branch, of any account and in any state."""
        what = f"look for pull requests of {branch}"
        query = {"head": f"{self._api.owner}:{branch}", "state": "all"}
        found = [
            parse(PullRequest, data, what) for data in self._api.list_pages("/pulls", what, query, first=1)
        ]
        return [pull for pull in found if pull.head.ref == branch]

    def find_open(self, branch: str) -> PullRequest | None:
        """Return the open pull request of a branch by our own account, if there is one."""
        me = self._api.login()
        for pull in self.find(branch):
            if pull.state == "open" and pull.user is not None and pull.user.login == me:
                return pull
        return None

    def say_once(self, number: int, text: str) -> None:
        """Comment, unless the same was said already, by a pass that was cut off or whose answer was lost."""
        path = f"/issues/{number}/comments"
        for attempt in range(3):
            what = f"read the comments of #{number}"
            comments = [parse(Comment, data, what) for data in self._api.list_pages(path, what)]
            mine = [c.body for c in comments if c.user is not None and c.user.login == self._api.login()]
            if text in mine:
                return
            try:
                self._api.write("POST", path, f"comment on #{number}", {"body": text}, once=True)
                return
            except LostAnswerError:
                if attempt == 2:
                    raise

    def finish(self, number: int, node_id: str, desired: DesiredPullRequest) -> str:
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
            self.label(number, list(desired.labels))
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

    def label(self, number: int, labels: list[str]) -> None:
        """Add labels; GitHub makes those that are not there."""
        self._api.write("POST", f"/issues/{number}/labels", f"label #{number}", {"labels": labels})

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off, if it is on."""
        try:
            self._api.write("DELETE", f"/issues/{number}/labels/{quote(label)}", f"unlabel #{number}")
        except RefusedError as exc:
            if exc.status != 404:
                raise
