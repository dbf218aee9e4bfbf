"""Commits and branches on GitHub, and whose they are."""

from collections.abc import Sequence
from urllib.parse import quote

from autobump.forges.github.api import GitHubApi, parse
from autobump.forges.github.errors import RefusedError
from autobump.forges.github.models import Commit, GitObject, Ref
from autobump.forges.protocol import Base
from autobump.pull_requests.edits import FileChange
from autobump.pull_requests.marker import Marker, find_trailer, find_tree, render_tree
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.errors import ForgeError


class Branches:
    """The branches under a prefix; nothing is forced over a commit that was not expected there."""

    def __init__(self, api: GitHubApi, base: str, prefix: str) -> None:
        """Use a repository; nothing is asked yet.

        Args:
            api: Calls for the repository.
            base: The branch that pull requests go to.
            prefix: Where their branches live.
        """
        self._api = api
        self._base = base
        self._prefix = prefix

    def commit(self, desired: DesiredPullRequest, changes: Sequence[FileChange], base: Base | None) -> str:
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
        name = parse(GitObject, tree, "write files").sha
        body = {
            "message": f"{desired.commit_message}{render_tree(name)}\n",
            "tree": name,
            "parents": [base.revision],
        }
        commit = self._api.write("POST", "/git/commits", f"commit to {desired.branch}", body)
        return str(parse(GitObject, commit, "commit").sha)

    def make(self, desired: DesiredPullRequest, head: str) -> str:
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
        commit: Commit = parse(Commit, self._api.get(f"/commits/{sha}", what), what)
        return commit.commit.tree.sha, commit.commit.message.strip()

    def move(self, branch: str, expected: str, head: str) -> None:
        """Point the branch at a new commit, unless somebody moved it since it was looked at."""
        there = self._find_head(branch)
        if there == head:
            return
        if there != expected:
            raise ForgeError(f"the branch {branch} was moved while this pass ran; the next pass looks again")
        path = f"/git/refs/heads/{quote(branch)}"
        self._api.write("PATCH", path, f"move the branch {branch}", {"sha": head, "force": True})

    def delete(self, branch: str, expected: str) -> None:
        """Delete the branch, unless somebody moved it since it was looked at."""
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
        return str(parse(Ref, data, "look at a branch").object.sha)

    def find_base(self, base: Base) -> Base:
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
        branch = self._base
        what = f"look at the branch {branch}"
        tip: Commit = parse(Commit, self._api.get(f"/commits/{quote(branch)}", what), what)
        if tip.commit.tree.sha == base.tree:
            return Base(tip.sha, base.tree)
        raise ForgeError(
            f"GitHub does not have the analysed commit {base.revision[:12]}: "
            f"push it, or fetch {branch} and analyse that"
        )

    def list(self) -> dict[str, str]:
        """Return every branch under the prefix, and the commit it points at."""
        prefix = self._prefix
        what = "list the branches"
        found = self._api.list_at_once(f"/git/matching-refs/heads/{quote(prefix)}", what)
        refs = [parse(Ref, data, what) for data in found]
        return {ref.ref.removeprefix("refs/heads/"): ref.object.sha for ref in refs}

    def read_own_commit(self, sha: str) -> Marker | None:
        """Return the marker a commit carries, if autobump's own account wrote it and all that is in it."""
        what = f"look at the commit {sha[:12]}"
        commit: Commit = parse(Commit, self._api.get(f"/commits/{sha}", what), what)
        if commit.author is None or commit.author.login != self._api.login():
            return None
        if find_tree(commit.commit.message) != commit.commit.tree.sha:
            return None  # amended or rebased
        return find_trailer(commit.commit.message)

    def find_trailer(self, sha: str) -> Marker | None:
        """Return the marker of the newest commit of autobump's own account that a commit builds on."""
        what = "look for the commits of a pull request"
        listed = self._api.list_pages("/commits", what, {"sha": sha}, first=1) if sha else []
        commits: list[Commit] = [parse(Commit, data, what) for data in listed]
        me = self._api.login()
        for commit in commits:
            marker = find_trailer(commit.commit.message)
            if marker is not None and commit.author is not None and commit.author.login == me:
                return marker.at(commit.sha)
        return None
