"""A stand-in for GitHub that keeps a real bare git repository and remembers pull requests.

It does what third-party emulators do not: branches move, pull requests merge and conflict, a second one for a
branch is refused, branches of closed ones can be deleted, labels leave events behind.
"""

import copy
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from autobump.git import Git, GitError
from tests.support.servers import Reply, Request

Hook = Callable[[Request], Reply | None]


@dataclass
class Pull:
    """A pull request."""

    number: int
    branch: str
    base: str
    title: str
    body: str
    user: str
    head: str
    draft: bool = False
    automerge: bool = False
    state: str = "open"
    merged_at: str | None = None
    closed_at: str | None = None
    updated: int = 0
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)
    events: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Issue:
    """An issue that is no pull request."""

    number: int
    title: str
    body: str
    user: str
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    updated: int = 0


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class GitHubStandIn:
    """One repository on a GitHub of its own.

    Attributes:
        before: May answer a request instead of GitHub, for tests of faults.
        after: Sees a request that was carried out; a reply it returns is sent instead of the true one.
    """

    def __init__(self, git: Git, *, repository: str = "demisto/content", base: str = "master") -> None:
        self.git = git
        self.repository = repository
        self.base = base
        self.tokens = {"bot-token": "content-bot", "person-token": "person"}
        self.pulls: list[Pull] = []
        self.issues: list[Issue] = []
        self.has_issues = True
        self.collaborators = {"content-bot", "person", "reviewer"}
        self.archived = False
        self.calls_left = 5_000
        self.now = "2026-01-01T00:00:00Z"
        self.calls: list[str] = []
        self.before: Hook = lambda _: None
        self.after: Hook = lambda _: None
        self._clock = 0
        self._numbers = 0
        self._lock = threading.RLock()

    def copy(self, folder: Path) -> "GitHubStandIn":
        """Return another GitHub in the same state."""
        shutil.copytree(self.git.directory, folder)
        other = GitHubStandIn(Git(folder), repository=self.repository, base=self.base)
        other.pulls, other.issues = copy.deepcopy(self.pulls), copy.deepcopy(self.issues)
        other._clock, other._numbers = self._clock, self._numbers
        return other

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        return next(pull for pull in self.pulls if pull.number == number)

    def open_pulls(self) -> list[Pull]:
        """Return the open pull requests by number."""
        return [pull for pull in self.pulls if pull.state == "open"]

    def head_of(self, branch: str) -> str:
        """Return where a branch points, or an empty text."""
        try:  # what git would say, in nearly all cases without starting one
            return (self.git.directory / "refs" / "heads" / branch).read_text().strip()
        except OSError:
            return self.git.line("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def merge(self, number: int, *, delete_branch: bool = True) -> bool:
        """Merge a pull request; False when it conflicts with the base."""
        pull = self.pull(number)
        ours, theirs = self.head_of(pull.base), self.head_of(pull.branch)
        try:
            tree = self.git.line("merge-tree", "--write-tree", ours, theirs).splitlines()[0]
        except GitError:
            return False
        commit = self._commit_tree(tree, [ours], f"{pull.title} (#{number})\n", "person")
        self.git.run("update-ref", f"refs/heads/{pull.base}", commit)
        pull.head, pull.state, pull.merged_at, pull.closed_at = theirs, "closed", self.now, self.now
        self._touch(pull)
        if delete_branch:
            self.git.run("update-ref", "-d", f"refs/heads/{pull.branch}")
        return True

    def close(self, number: int, *, delete_branch: bool = False) -> None:
        """Close a pull request without merging it."""
        pull = self.pull(number)
        pull.head, pull.state, pull.closed_at = self.head_of(pull.branch), "closed", self.now
        self._touch(pull)
        if delete_branch:
            self.git.run("update-ref", "-d", f"refs/heads/{pull.branch}")

    def amend(self, branch: str, files: Mapping[str, str], *, forged: bool = False) -> str:
        """Put files into the newest commit of a branch, whose author and message stay; return its name.

        With `forged` the message speaks of the tree that the commit has then.
        """
        head = self.head_of(branch)
        entries = [{"path": path, "mode": "100644", "content": text} for path, text in files.items()]
        _, tree = self._create_tree({"base_tree": head, "tree": entries})
        parents = [self.git.line("rev-parse", f"{head}^")]
        login = self.git.line("log", "-1", "--format=%an", head)
        message = self._message(head)
        if forged:
            message = re.sub("Autobump-Tree: .*", f"Autobump-Tree: {tree['sha']}", message)
        amended = self._commit_tree(tree["sha"], parents, message, login)
        self.git.run("update-ref", f"refs/heads/{branch}", amended)
        return amended

    def remove_label(self, number: int, label: str, actor: str = "person") -> None:
        """Take a label off a pull request."""
        pull = self.pull(number)
        pull.labels.remove(label)
        pull.events.append(("unlabeled", actor, label))
        self._touch(pull)

    def add_label(self, number: int, label: str, actor: str = "person") -> None:
        """Put a label on a pull request."""
        pull = self.pull(number)
        if label not in pull.labels:
            pull.labels.append(label)
            pull.events.append(("labeled", actor, label))
            self._touch(pull)

    def state(self) -> list[tuple[Any, ...]]:
        """Return everything that people see, with commits told by what they change, not by their name."""
        seen: list[tuple[Any, ...]] = []
        for pull in self.pulls:
            head = self.head_of(pull.branch)
            tree = self.git.line("rev-parse", f"{head}^{{tree}}") if head else ""
            body = re.sub(r'"head":"[0-9a-f]*"', "", pull.body)
            facts = (pull.number, pull.branch, pull.state, pull.title, body, tree, sorted(pull.labels))
            seen.append((*facts, pull.draft, sorted(pull.reviewers), sorted(pull.assignees), pull.comments))
        for issue in self.issues:
            seen.append((issue.number, issue.state, issue.title, issue.body, sorted(issue.labels)))
        heads = self.git.run("for-each-ref", "--format=%(refname)", "refs/heads/").decode().split()
        return [*seen, ("branches", *heads)]

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        with self._lock:
            self.calls.append(f"{request.method} {request.path}")
            if reply := self.before(request):
                return reply
            self.calls_left -= 1
            try:
                status, document = self._route(request)
            except _Refused as exc:
                return self._reply({"message": exc.message}, exc.status)
            if reply := self.after(request):
                return reply
            return self._reply(document, status)

    def _reply(self, document: Any, status: int) -> Reply:
        reply = _json(document, status)
        limit = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(max(self.calls_left, 1))}
        return replace(reply, headers={**reply.headers, **limit})

    def _route(self, request: Request) -> tuple[int, Any]:
        token = request.headers.get("authorization", "").rpartition(" ")[2]
        user = self.tokens.get(token)
        if user is None:
            raise _Refused(401, "Bad credentials")
        if request.path == "/user":
            if user.endswith("[bot]"):
                raise _Refused(403, "Resource not accessible by integration")
            return 200, {"login": user}
        if request.path == "/graphql":
            return self._set_automerge(json.loads(request.body))
        prefix = f"/repos/{self.repository}/"
        if not request.path.startswith(prefix):
            raise _Refused(404, "Not Found")
        if request.method != "GET" and self.archived:
            raise _Refused(403, "Repository was archived so is read-only.")
        body = json.loads(request.body) if request.body else {}
        path = unquote(request.path.removeprefix(prefix))
        for method, pattern, handler in _ROUTES:
            if method == request.method and (match := re.fullmatch(pattern, path)):
                result: tuple[int, Any] = getattr(self, handler)(
                    *match.groups(), request=request, body=body, user=user
                )
                return result
        raise _Refused(404, "Not Found")

    def _set_automerge(self, body: Any) -> tuple[int, Any]:
        pull = self.pull(int(body["variables"]["id"].removeprefix("PR_")))
        if pull.state != "open":
            return 200, {"data": None, "errors": [{"message": "Pull request is closed"}]}
        pull.automerge = "enable" in body["query"]
        return 200, {"data": {}}

    def _matching_refs(self, prefix: str, **_: Any) -> tuple[int, Any]:
        listing = self.git.run("for-each-ref", "--format=%(refname) %(objectname)").decode().splitlines()
        refs = [line.split(" ") for line in listing]
        return 200, [_ref(name, sha) for name, sha in refs if name.startswith(f"refs/heads/{prefix}")]

    def _get_ref(self, branch: str, **_: Any) -> tuple[int, Any]:
        if sha := self.head_of(branch):
            return 200, _ref(f"refs/heads/{branch}", sha)
        raise _Refused(404, "Not Found")

    def _create_ref(self, body: Any, **_: Any) -> tuple[int, Any]:
        branch = body["ref"].removeprefix("refs/heads/")
        if self.head_of(branch):
            raise _Refused(422, "Reference already exists")
        self.git.run("update-ref", body["ref"], body["sha"])
        return 201, _ref(body["ref"], body["sha"])

    def _move_ref(self, branch: str, body: Any, **_: Any) -> tuple[int, Any]:
        if not self.head_of(branch):
            raise _Refused(422, "Reference does not exist")
        if not body.get("force"):
            raise _Refused(422, "Update is not a fast forward")
        self.git.run("update-ref", f"refs/heads/{branch}", body["sha"])
        return 200, _ref(f"refs/heads/{branch}", body["sha"])

    def _delete_ref(self, branch: str, **_: Any) -> tuple[int, Any]:
        if not self.head_of(branch):
            raise _Refused(422, "Reference does not exist")
        for pull in self.open_pulls():
            if pull.branch == branch:
                pull.head, pull.state = self.head_of(branch), "closed"
        self.git.run("update-ref", "-d", f"refs/heads/{branch}")
        return 204, None

    def _get_git_commit(self, sha: str, **_: Any) -> tuple[int, Any]:
        try:
            tree = self.git.line("rev-parse", "--verify", f"{sha}^{{tree}}")
        except GitError:
            raise _Refused(404, "Not Found") from None
        return 200, {"sha": sha, "tree": {"sha": tree}, "message": self._message(sha)}

    def _get_commit(self, revision: str, **_: Any) -> tuple[int, Any]:
        try:
            sha = self.git.line("rev-parse", "--verify", f"{revision}^{{commit}}")
        except GitError:
            raise _Refused(422, "No commit found for SHA") from None
        author = self.git.line("log", "-1", "--format=%an", sha)
        tree = self.git.line("rev-parse", f"{sha}^{{tree}}")
        commit = {"message": self._message(sha), "tree": {"sha": tree}}
        return 200, {"sha": sha, "commit": commit, "author": {"login": author}, "files": []}

    def _list_commits(self, request: Request, **_: Any) -> tuple[int, Any]:
        try:
            names = self.git.run("rev-list", request.query["sha"][0]).decode().split()
        except GitError:
            raise _Refused(404, "Not Found") from None
        return 200, [self._get_commit(name)[1] for name in _page(request, names)]

    def _create_tree(self, body: Any, **_: Any) -> tuple[int, Any]:
        with tempfile.TemporaryDirectory() as folder:
            index = Git(self.git.directory, env={"GIT_INDEX_FILE": f"{folder}/index"})
            index.run("read-tree", body["base_tree"])
            lines = b""
            for entry in body["tree"]:
                oid = (
                    self.git.run("hash-object", "-w", "--stdin", stdin=entry["content"].encode())
                    .decode()
                    .strip()
                )
                lines += f"{entry['mode']} {oid}\t{entry['path']}\0".encode()
            index.run("update-index", "-z", "--index-info", stdin=lines)
            return 201, {"sha": index.line("write-tree")}

    def _create_commit(self, body: Any, user: str, **_: Any) -> tuple[int, Any]:
        if "author" in body or "committer" in body:
            raise _Refused(422, "this stand-in signs only commits without explicit author")
        return 201, {"sha": self._commit_tree(body["tree"], body["parents"], body["message"], user)}

    def _list_pulls(self, request: Request, **_: Any) -> tuple[int, Any]:
        found = [pull for pull in reversed(self.pulls) if request.query["state"][0] in (pull.state, "all")]
        if head := request.query.get("head"):
            found = [pull for pull in found if f"{self.repository.split('/')[0]}:{pull.branch}" == head[0]]
        return 200, [self._pull(pull) for pull in _page(request, found)]

    def _get_pull(self, number: str, **_: Any) -> tuple[int, Any]:
        return 200, self._pull(self.pull(int(number)))

    def _create_pull(self, body: Any, user: str, **_: Any) -> tuple[int, Any]:
        branch = body["head"]
        head = self.head_of(branch)
        if not head:
            raise _Refused(422, "Validation Failed: head is invalid")
        if any(pull.branch == branch for pull in self.open_pulls()):
            raise _Refused(422, f"A pull request already exists for demisto:{branch}.")
        if self.git.line("rev-parse", f"{head}^{{tree}}") == self.git.line(
            "rev-parse", f"{body['base']}^{{tree}}"
        ):
            raise _Refused(422, f"No commits between {body['base']} and {branch}")
        self._check_length(body)
        number = self._next_number()
        facts = (branch, body["base"], body["title"], body["body"], user, head, body.get("draft", False))
        pull = Pull(number, *facts)
        self.pulls.append(pull)
        self._touch(pull)
        return 201, self._pull(pull)

    def _edit_pull(self, number: str, body: Any, **_: Any) -> tuple[int, Any]:
        pull = self.pull(int(number))
        self._check_length(body)
        if body.get("state") == "closed":
            pull.head, pull.closed_at = self.head_of(pull.branch), self.now
        for name in ("title", "body", "state", "base"):
            setattr(pull, name, body.get(name, getattr(pull, name)))
        self._touch(pull)
        return 200, self._pull(pull)

    def _list_issues(self, request: Request, **_: Any) -> tuple[int, Any]:
        query = {name: values[0] for name, values in request.query.items()}
        everything: list[Pull | Issue] = [*self.pulls, *self.issues]
        found = [one for one in everything if query["state"] in (one.state, "all")]
        found = [one for one in found if query.get("creator", one.user) == one.user]
        if labels := query.get("labels"):
            found = [one for one in found if set(labels.split(",")) <= set(one.labels)]
        found.sort(key=lambda one: one.updated, reverse=True)
        return 200, [self._issue(one) for one in _page(request, found)]

    def _get_issue(self, number: str, **_: Any) -> tuple[int, Any]:
        return 200, self._issue(self._find_issue(number))

    def _create_issue(self, body: Any, user: str, **_: Any) -> tuple[int, Any]:
        if not self.has_issues:
            raise _Refused(410, "Issues has been disabled in this repository.")
        self._check_length(body)
        issue = Issue(self._next_number(), body["title"], body["body"], user, list(body.get("labels", [])))
        self.issues.append(issue)
        self._touch(issue)
        return 201, self._issue(issue)

    def _edit_issue(self, number: str, body: Any, **_: Any) -> tuple[int, Any]:
        issue = self._find_issue(number)
        self._check_length(body)
        for name in ("title", "body", "state", "labels"):
            setattr(issue, name, body.get(name, getattr(issue, name)))
        self._touch(issue)
        return 200, self._issue(issue)

    def _find_issue(self, number: str) -> Pull | Issue:
        everything: list[Pull | Issue] = [*self.pulls, *self.issues]
        for one in everything:
            if one.number == int(number):
                return one
        raise _Refused(410, "This issue was deleted")

    def _check_length(self, body: Any) -> None:
        if len(body.get("body", "")) > 65_536:
            raise _Refused(422, "body is too long (maximum is 65536 characters)")

    def _next_number(self) -> int:
        everything: list[Pull | Issue] = [*self.pulls, *self.issues]
        self._numbers = max([self._numbers, *(one.number for one in everything)]) + 1
        return self._numbers

    def _add_labels(self, number: str, body: Any, user: str, **_: Any) -> tuple[int, Any]:
        for label in body["labels"]:
            self.add_label(int(number), label, user)
        return 200, [{"name": label} for label in self.pull(int(number)).labels]

    def _remove_label(self, number: str, label: str, user: str, **_: Any) -> tuple[int, Any]:
        if label not in self.pull(int(number)).labels:
            raise _Refused(404, "Label does not exist")
        self.remove_label(int(number), label, user)
        return 200, []

    def _events(self, number: str, request: Request, **_: Any) -> tuple[int, Any]:
        found = self.pull(int(number)).events
        shown = [{"event": e, "actor": {"login": a}, "label": {"name": label}} for e, a, label in found]
        return 200, _page(request, shown)

    def _comments(self, number: str, request: Request, **_: Any) -> tuple[int, Any]:
        found = self.pull(int(number)).comments
        return 200, _page(request, [{"user": {"login": user}, "body": body} for user, body in found])

    def _comment(self, number: str, body: Any, user: str, **_: Any) -> tuple[int, Any]:
        pull = self.pull(int(number))
        pull.comments.append((user, body["body"]))
        self._touch(pull)
        return 201, {"id": 1}

    def _ask_reviews(self, number: str, body: Any, **_: Any) -> tuple[int, Any]:
        wanted = body.get("reviewers", [])
        if unknown := [login for login in wanted if login not in self.collaborators]:
            raise _Refused(422, f"Reviews may only be requested from collaborators: {', '.join(unknown)}")
        pull = self.pull(int(number))
        pull.reviewers = sorted({*pull.reviewers, *wanted, *body.get("team_reviewers", [])})
        return 201, self._pull(pull)

    def _assign(self, number: str, body: Any, **_: Any) -> tuple[int, Any]:
        pull = self.pull(int(number))
        pull.assignees = sorted({*pull.assignees, *body["assignees"]})
        return 201, {}

    def _pull(self, pull: Pull) -> dict[str, Any]:
        head = self.head_of(pull.branch) if pull.state == "open" else pull.head
        return {
            "number": pull.number,
            "html_url": f"https://github.example/{self.repository}/pull/{pull.number}",
            "node_id": f"PR_{pull.number}",
            "state": pull.state,
            "title": pull.title,
            "body": pull.body,
            "user": {"login": pull.user},
            "draft": pull.draft,
            "head": {"ref": pull.branch, "sha": head, "repo": {"full_name": self.repository}},
            "base": {"ref": pull.base},
            "labels": [{"name": label} for label in pull.labels],
            "merged_at": pull.merged_at,
            "auto_merge": {"merge_method": "merge"} if pull.automerge else None,
        }

    def _issue(self, one: Pull | Issue) -> dict[str, Any]:
        kind = "pull" if isinstance(one, Pull) else "issues"
        facts = {
            "number": one.number,
            "html_url": f"https://github.example/{self.repository}/{kind}/{one.number}",
            "state": one.state,
            "title": one.title,
            "body": one.body,
            "user": {"login": one.user},
            "labels": [{"name": label} for label in one.labels],
        }
        if isinstance(one, Pull):
            facts |= {"closed_at": one.closed_at, "pull_request": {"merged_at": one.merged_at}}
        return facts

    def _message(self, sha: str) -> str:
        return self.git.run("log", "-1", "--format=%B", sha).decode()

    def _commit_tree(self, tree: str, parents: list[str], message: str, login: str) -> str:
        self._clock += 1
        date = f"{1_800_000_000 + self._clock} +0000"
        identity = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", login), ("EMAIL", f"{login}@users.example"), ("DATE", date))
        }
        git = Git(self.git.directory, env=identity)
        options = [part for parent in parents for part in ("-p", parent)]
        return git.run("commit-tree", tree, *options, "-F", "-", stdin=message.encode()).decode().strip()

    def _touch(self, one: Pull | Issue) -> None:
        self._clock += 1
        one.updated = self._clock


_ROUTES = (
    ("GET", r"git/matching-refs/heads/(.+)", "_matching_refs"),
    ("GET", r"git/ref/heads/(.+)", "_get_ref"),
    ("POST", r"git/refs", "_create_ref"),
    ("PATCH", r"git/refs/heads/(.+)", "_move_ref"),
    ("DELETE", r"git/refs/heads/(.+)", "_delete_ref"),
    ("GET", r"git/commits/([0-9a-f]{40})", "_get_git_commit"),
    ("GET", r"commits", "_list_commits"),
    ("GET", r"commits/(.+)", "_get_commit"),
    ("POST", r"git/trees", "_create_tree"),
    ("POST", r"git/commits", "_create_commit"),
    ("GET", r"pulls", "_list_pulls"),
    ("GET", r"pulls/(\d+)", "_get_pull"),
    ("POST", r"pulls", "_create_pull"),
    ("PATCH", r"pulls/(\d+)", "_edit_pull"),
    ("GET", r"issues", "_list_issues"),
    ("POST", r"issues", "_create_issue"),
    ("GET", r"issues/(\d+)", "_get_issue"),
    ("PATCH", r"issues/(\d+)", "_edit_issue"),
    ("POST", r"issues/(\d+)/labels", "_add_labels"),
    ("DELETE", r"issues/(\d+)/labels/(.+)", "_remove_label"),
    ("GET", r"issues/(\d+)/events", "_events"),
    ("GET", r"issues/(\d+)/comments", "_comments"),
    ("POST", r"issues/(\d+)/comments", "_comment"),
    ("POST", r"pulls/(\d+)/requested_reviewers", "_ask_reviews"),
    ("POST", r"issues/(\d+)/assignees", "_assign"),
)


def _page(request: Request, elements: list[Any]) -> list[Any]:
    size = min(int(request.query.get("per_page", ["30"])[0]), 100)
    number = int(request.query.get("page", ["1"])[0])
    return elements[(number - 1) * size : number * size]


def _ref(name: str, sha: str) -> dict[str, Any]:
    return {"ref": name, "object": {"type": "commit", "sha": sha}}


def _json(document: Any, status: int) -> Reply:
    body = b"" if document is None else json.dumps(document).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


def standing_in(folder: Path, files: dict[str, str | bytes]) -> GitHubStandIn:
    """Return a stand-in with one commit on its base branch."""
    from tests.support.repositories import make_repository

    return GitHubStandIn(make_repository(folder, files))
