"""Commits and branches on GitHub, and whose they are."""

from collections.abc import Sequence
from urllib.parse import quote

from autobump.forges.github.api import GitHubApi, parse
from autobump.forges.github.errors import MissingError, RefusedError
from autobump.forges.github.models import ChangedFile, Commit, Comparison, GitObject, Ref
from autobump.forges.protocol import Base
from autobump.pull_requests.edits import FileChange
from autobump.pull_requests.marker import Marker, find_trailer, find_tree, render_tree
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.errors import ForgeError

_MOST_FILES = 300
_REVERTS = "This reverts commit"
"""In the message of what takes a commit back, by git and by GitHub's button."""


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
        commit = self.fetch_commit(sha)
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
        ref = quote(f"heads/{branch}", safe="")
        tip: Commit = parse(Commit, self._api.get(f"/commits/{ref}", what), what)
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
        return self.find_own_marker(self.fetch_commit(sha))

    def fetch_commit(self, sha: str) -> Commit:
        """Return a commit."""
        what = f"look at the commit {sha[:12]}"
        commit: Commit = parse(Commit, self._api.get(f"/commits/{sha}", what), what)
        return commit

    def find_own_marker(self, commit: Commit) -> Marker | None:
        """Return the marker a commit carries, if autobump's own account wrote it and all that is in it."""
        if not self._is_by_us(commit) or find_tree(commit.commit.message) != commit.commit.tree.sha:
            return None  # somebody else's, amended or rebased
        return find_trailer(commit.commit.message)

    def _is_by_us(self, commit: Commit) -> bool:
        return commit.author is not None and commit.author.login == self._api.login()

    def holds_only(self, described: str, head: Commit) -> bool:
        """Whether a branch that was moved still holds the change it was described with, and no other.

        So it is after GitHub's button "Update branch", which merges the base into it or rebases it, and after
        a person took back what they had committed. Then nobody's work is lost when it is written anew.

        Args:
            described: The commit that the pull request's text describes.
            head: Where the branch points now.

        Source: GET /repos/{owner}/{repo}/compare/{basehead} answers the commits that are not on the base, up
        to 250, and the files that they change together since the two parted, up to 300.
        """
        told = head.commit.message
        merges = len(head.parents) > 1 or told.startswith(f"Merge branch '{self._base}' into ")
        if not (merges or _REVERTS in told or self._may_be_rebased(head)):
            return False  # a person's: not worth a call in each pass
        try:
            now, before = self._compare(head.sha), self._compare(described)
        except MissingError:
            return self._is_only_merged_into(described, head.sha)
        if len(now.files) >= _MOST_FILES or now.total_commits > len(now.commits):
            return False
        changed, known = _by_name(now.files), _by_name(before.files)
        if not all(name in known and _is_same(known[name], file) for name, file in changed.items()):
            return False
        others = [commit for commit in now.commits if commit.sha != described and len(commit.parents) < 2]
        if not others:
            return True  # what a merge leaves out is on the base by now
        is_kept = any(commit.sha == described for commit in now.commits)
        return len(changed) == len(known) and (is_kept or all(map(self._may_be_rebased, others)))

    def _may_be_rebased(self, commit: Commit) -> bool:
        """Whether it is autobump's own by author and message, which a rebase and an amendment leave."""
        return self._is_by_us(commit) and find_trailer(commit.commit.message) is not None

    def _compare(self, head: str) -> Comparison:
        what = f"compare {head[:12]} with {self._base}"
        data = self._api.get(f"/compare/{quote(self._base, safe='')}...{head}", what)
        comparison: Comparison = parse(Comparison, data, what)
        return comparison

    def _is_only_merged_into(self, described: str, head: str) -> bool:
        """Whether nothing but merges of the base came to a branch; for a server that compares nothing."""
        what = "look for the commits of a pull request"
        listed, base = (
            [
                parse(Commit, data, what)
                for data in self._api.list_pages("/commits", what, {"sha": sha}, first=1)
            ]
            for sha in (head, self._base)
        )
        known = {described, *(commit.sha for commit in base)}
        merge = f"Merge branch '{self._base}' into "
        return described in {commit.sha for commit in listed} and all(
            commit.sha in known or commit.commit.message.startswith(merge) for commit in listed
        )

    def find_trailer(self, sha: str) -> Marker | None:
        """Return the marker of the newest commit of autobump's own account that a commit builds on."""
        what = "look for the commits of a pull request"
        listed = self._api.list_pages("/commits", what, {"sha": sha}, first=1) if sha else []
        commits: list[Commit] = [parse(Commit, data, what) for data in listed]
        for commit in commits:
            marker = find_trailer(commit.commit.message)
            if marker is not None and self._is_by_us(commit):
                return marker.at(commit.sha)
        return None


def _by_name(files: Sequence[ChangedFile]) -> dict[str, ChangedFile]:
    return {file.filename: file for file in files}


def _is_same(one: ChangedFile, other: ChangedFile) -> bool:
    """Whether two changes of a file are the same, though the rest of it may differ."""
    if one.status != other.status:
        return False
    return one.sha == other.sha or bool(one.patch and _lines(one.patch) == _lines(other.patch))


def _lines(patch: str) -> list[str]:
    return [line for line in patch.split("\n") if line[:1] in ("+", "-")]
