"""Pull requests on GitHub: made, found, labelled, commented."""

import logging
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from autobump.forges.github.api import GitHubApi, parse
from autobump.forges.github.errors import LostAnswerError, RefusedError
from autobump.forges.github.models import Comment, PullRequest, Repository
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.errors import ForgeError

_log = logging.getLogger(__name__)

_ENABLE_AUTO_MERGE = """
mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}
"""
_DISABLE_AUTO_MERGE = """
mutation($input: DisablePullRequestAutoMergeInput!) {
  disablePullRequestAutoMerge(input: $input) { clientMutationId }
}
"""

STATUS_CONTEXT = "autobump/verify"
"""The commit status that branch protection can require."""

_MOST_DESCRIPTION = 140
_ANSWERED = {
    "assignees": ("assignees", "login"),
    "reviewers": ("requested_reviewers", "login"),
    "team_reviewers": ("requested_teams", "slug"),
}


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
        self._offers_drafts = True
        self._merge_methods: tuple[str, ...] | None = None
        self._notes: list[str] = []

    def take_notes(self) -> str:
        """Return what GitHub left out since the last time this was asked, without refusing the rest."""
        notes, self._notes = "; ".join(self._notes), []
        return notes

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
            self._api.graphql(_DISABLE_AUTO_MERGE, {"input": {"pullRequestId": pull.node_id}}, what)

    def open(self, desired: DesiredPullRequest, head: str) -> PullRequest:
        """Make the pull request of a branch, or return one that was made already.

        Where the repository's plan has no drafts, it is an ordinary one.

        Source: GitHub documentation, "About pull requests": drafts are for public repositories, and for
        private ones of some plans; elsewhere 422 "Draft pull requests are not supported in this repository."
        """
        what = f"open a pull request for {desired.branch}"
        body: dict[str, object] = {
            "title": desired.title,
            "body": desired.body_at(head),
            "head": desired.branch,
            "base": self._base,
        }
        for attempt in range(4):
            body["draft"] = desired.options.draft and self._offers_drafts
            try:
                pull: PullRequest = parse(
                    PullRequest, self._api.write("POST", "/pulls", what, body, once=True), what
                )
                return pull
            except LostAnswerError:
                # It may have happened; ask before trying again.
                if found := self.find_open(desired.branch):
                    return found
                if attempt >= 2:
                    raise
            except RefusedError as exc:
                said = exc.text.replace(desired.branch, "").lower()
                if exc.status == 422 and "already exists" in said:
                    if found := self.find_open(desired.branch):
                        return found
                    raise
                if not (body["draft"] and "draft" in said):
                    raise
                self._offers_drafts = False
                self._note("drafts are not offered in this repository: pull requests are made without", exc)
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
            self._turn_on_auto_merge(number, node_id)
        labels = [("labels", label) for label in desired.labels]
        refused += self._ask(f"/issues/{number}/labels", f"label #{number}", labels)
        return "; ".join(refused)

    def _turn_on_auto_merge(self, number: int, node_id: str) -> None:
        """Turn on auto-merge with the first method that the repository allows.

        What is refused loses nothing: then people merge it, as they do where nothing is left to wait for.

        Source: `EnablePullRequestAutoMergeInput` of GitHub's GraphQL schema: `mergeMethod` defaults to MERGE.
        A rule of the branch may refuse what the repository allows.
        """
        what = f"turn on auto-merge of #{number}"
        if self._merge_methods is None:
            self._merge_methods = self._find_merge_methods()
        refusal: RefusedError | None = None
        for method in self._merge_methods:
            given = {"pullRequestId": node_id} | ({"mergeMethod": method} if method else {})
            try:
                self._api.graphql(_ENABLE_AUTO_MERGE, {"input": given}, what)
                return
            except RefusedError as exc:
                refusal = refusal or exc
                if "method" not in exc.text.lower():
                    break
        if refusal is not None:
            self._note(f"auto-merge of #{number} is not on", refusal)

    def _find_merge_methods(self) -> tuple[str, ...]:
        """Return the merge methods that the repository allows; an empty one is GitHub's choice.

        Source: GET /repos/{owner}/{repo} tells them to those who may write.
        """
        what = "ask which merge methods are allowed"
        try:
            repository: Repository = parse(Repository, self._api.get("", what), what)
        except RefusedError as exc:
            _log.warning("merge methods are not known", extra={"cause": str(exc)})
            return ("",)
        allowed = {
            "MERGE": repository.allow_merge_commit,
            "SQUASH": repository.allow_squash_merge,
            "REBASE": repository.allow_rebase_merge,
        }
        return tuple(method for method, is_allowed in allowed.items() if is_allowed) or ("",)

    def _ask(self, path: str, what: str, asked: Sequence[tuple[str, str]]) -> list[str]:
        """Ask for people or labels and return what was refused; one that is refused keeps no other out.

        Args:
            path: What takes the names.
            what: What is being done, for errors.
            asked: The kind of name that GitHub calls it by, and the name.
        """
        if not asked:
            return []
        body: dict[str, list[str]] = {}
        for kind, name in asked:
            body.setdefault(kind, []).append(name)
        try:
            answer = self._api.write("POST", path, what, body)
        except RefusedError as exc:
            if len(asked) > 1:
                return [refusal for one in asked for refusal in self._ask(path, what, [one])]
            ((_, name),) = asked
            return [f"{exc} ({name})"]
        if left_out := _left_out(asked, answer):
            self._note(f"{what}: GitHub left out {', '.join(left_out)}")
        return []

    def _note(self, text: str, cause: Exception | None = None) -> None:
        note = f"{text} ({cause})" if cause else text
        _log.warning("GitHub left something out", extra={"what": note})
        self._notes.append(note)

    def tell_status(self, head: str, desired: DesiredPullRequest) -> None:
        """Say on a commit what running its items showed; a refusal loses nothing else.

        Source: POST /repos/{owner}/{repo}/statuses/{sha}; a description has at most 140 characters.
        """
        status = desired.status
        if status is None:
            return
        body = {
            "state": "success" if status.passes else "failure",
            "context": STATUS_CONTEXT,
            "description": status.description[:_MOST_DESCRIPTION],
        }
        try:
            self._api.write(
                "POST", f"/statuses/{head}", f"set the status {STATUS_CONTEXT} of {head[:12]}", body
            )
        except RefusedError as exc:
            self._note(f"the status {STATUS_CONTEXT} is missing", exc)

    def label(self, number: int, labels: list[str]) -> None:
        """Add labels; GitHub makes those that are not there."""
        self._api.write("POST", f"/issues/{number}/labels", f"label #{number}", {"labels": labels})

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off, if it is on."""
        try:
            self._api.write(
                "DELETE", f"/issues/{number}/labels/{quote(label, safe='')}", f"unlabel #{number}"
            )
        except RefusedError as exc:
            if exc.status != 404:
                raise


def _left_out(asked: Sequence[tuple[str, str]], answer: object) -> list[str]:
    """Return the names that an answer should hold and does not; a kind it says nothing of is taken for done.

    Source: POST …/assignees answers the issue, and leaves out without a word whoever may not be assigned and
    all after the tenth; POST …/requested_reviewers answers the pull request.
    """
    if not isinstance(answer, Mapping):
        return []
    left_out = []
    for kind, name in asked:
        field, key = _ANSWERED.get(kind, ("", ""))
        held = answer.get(field)
        if isinstance(held, list):
            names = {str(one.get(key)).lower() for one in held if isinstance(one, Mapping)}
            left_out += [name] if name.lower() not in names else []
    return left_out
