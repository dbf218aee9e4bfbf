"""A local repository as a forge: branches under the prefix are its open pull requests."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from autobump.forges.protocol import Base, PreparedAction
from autobump.pull_requests.actions import (
    Adopt,
    Close,
    Create,
    Hold,
    Leave,
    Lift,
    Outcome,
    Refresh,
    branch_of,
)
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.marker import Marker, find_trailer
from autobump.support.errors import ForgeError
from autobump.support.git import Git, GitError

BOT_NAME = "autobump"
BOT_EMAIL = "autobump@autobump.invalid"

_PENDING = "refs/autobump/pending/"
# Quick rather than small: a tight pack takes twice the time, is a fifteenth smaller, and comes with `git gc`.
_FAST_IMPORT = (
    "-c", "pack.compression=1",
    "fast-import", "--quiet", "--force", "--date-format=raw", "--depth=0",
)  # fmt: skip
_MAX_FOREIGN_COMMITS = 100
_FOREIGN = "somebody else committed to its branch"


class _Write(Struct, frozen=True):
    """One branch to move: where it is expected to be, empty for nowhere, and the action that moves it."""

    prepared: PreparedAction
    branch: str
    old: str


class LocalGitForge:
    """Writes branches and commits without touching the working tree, the index or the current branch.

    New commits are written by one `fast-import` to refs of their own; then one transaction, which checks
    that every branch is still where it was seen, moves all branches at once. A pass that is killed leaves
    either all of its branches or none.
    """

    def __init__(self, git: Git, *, branch_prefix: str, now: datetime) -> None:
        """Use a repository.

        Args:
            git: The repository.
            branch_prefix: Only branches under it are looked at or written.
            now: Time of the pass, written into commits.
        """
        self._git = git
        self._prefix = branch_prefix
        self._now = now.astimezone(UTC)

    def fetch_existing(self) -> tuple[ExistingPullRequest, ...]:
        """Return the branches under the prefix, sorted by name."""
        listing = self._git.run(
            "for-each-ref", "--format=%(objecttype) %(objectname) %(refname)", f"refs/heads/{self._prefix}"
        )
        found = []
        for line in listing.decode("utf-8", "surrogateescape").splitlines():
            kind, head, ref = line.split(" ", 2)
            if kind == "commit":
                branch = ref.removeprefix("refs/heads/")
                hold, marker = self._read_branch(head)
                found.append(
                    ExistingPullRequest(branch, PullRequestState.OPEN, None, None, head, hold, marker)
                )
        return tuple(found)

    def apply(self, base: Base, actions: Sequence[PreparedAction]) -> Iterator[Outcome]:
        """Write all commits in one stream and move all branches in one transaction."""
        checked_out = self._checked_out_branches()
        writes: list[_Write] = []
        blocked: set[str] = set()
        for prepared in actions:
            branch = branch_of(prepared.action)
            match prepared.action:
                case Leave() | Hold() | Lift():
                    continue
                case Create(leftover=leftover):
                    old = leftover
                case Adopt(existing=existing) | Refresh(existing=existing) | Close(existing=existing):
                    old = existing.head
            if branch in checked_out:
                blocked.add(branch)
            else:
                writes.append(_Write(prepared, branch, old))
        heads = self._write(base.revision, writes)
        for prepared in actions:
            branch = branch_of(prepared.action)
            if branch in blocked:
                yield Outcome(prepared.action, None, failure="the branch is checked out in a work tree")
                continue
            match prepared.action:
                case Leave() | Hold() | Lift():
                    yield Outcome.unchanged(prepared.action)
                case Close():
                    yield Outcome(prepared.action, None)
                case Create() | Adopt() | Refresh():
                    yield Outcome(prepared.action, heads[branch])

    def fetch_dashboard(self) -> str:
        """Return nothing: a repository has no place for a dashboard."""
        return ""

    def write_dashboard(self, text: str) -> None:
        """Do nothing: a repository has no place for a dashboard."""

    def _write(self, base: str, writes: Sequence[_Write]) -> dict[str, str]:
        commits = [write for write in writes if not isinstance(write.prepared.action, Close)]
        heads: dict[str, str] = {}
        try:
            if commits:
                self._git.run(*_FAST_IMPORT, stdin=self._stream(base, commits))
                listing = self._git.run("for-each-ref", "--format=%(objectname) %(refname)", _PENDING)
                pending = dict(line.split(" ", 1)[::-1] for line in listing.decode().splitlines())
                heads = {write.branch: pending[_PENDING + write.branch] for write in commits}
            transaction = []
            for write in writes:
                ref = f"refs/heads/{write.branch}"
                if write.branch in heads:
                    command = (
                        f"update {ref}\0{heads[write.branch]}\0{write.old}\0"
                        if write.old
                        else f"create {ref}\0{heads[write.branch]}\0"
                    )
                    transaction.append(command)
                    transaction.append(f"delete {_PENDING}{write.branch}\0{heads[write.branch]}\0")
                else:
                    transaction.append(f"delete {ref}\0{write.old}\0")
            if transaction:
                self._git.run("update-ref", "--stdin", "-z", stdin="".join(transaction).encode())
        except GitError as exc:
            raise ForgeError(f"cannot write to {self._git.directory}: {exc}; no branch was changed") from exc
        return heads

    def _stream(self, base: str, writes: Sequence[_Write]) -> Iterator[bytes]:
        who = f"{BOT_NAME} <{BOT_EMAIL}> {int(self._now.timestamp())} +0000"
        for write in writes:
            action = write.prepared.action
            if isinstance(action, Close | Leave | Hold | Lift):
                continue
            message = action.desired.commit_message.encode()
            yield f"commit {_PENDING}{write.branch}\n".encode()
            yield f"author {who}\ncommitter {who}\ndata {len(message)}\n".encode() + message
            yield f"from {base}\n".encode()
            for change in write.prepared.changes:
                yield f"M {change.mode} inline {_quote(change.path)}\ndata {len(change.data)}\n".encode()
                yield change.data
                yield b"\n"
            yield b"\n"

    def _read_branch(self, head: str) -> tuple[str, Marker | None]:
        """Return why the branch is left alone, or nothing, and the newest marker on it."""
        log = self._git.run(
            "log",
            "-z",
            "--first-parent",
            f"--max-count={_MAX_FOREIGN_COMMITS}",
            "--format=%ae%n%ce%n%B",
            head,
        )
        for depth, commit in enumerate(log.decode("utf-8", "replace").split("\0")):
            author, committer, message = (*commit.split("\n", 2), "", "")[:3]
            marker = find_trailer(message)
            if marker is not None and author == BOT_EMAIL:
                return "" if depth == 0 and committer == BOT_EMAIL else _FOREIGN, marker
        return _FOREIGN, None

    def _checked_out_branches(self) -> set[str]:
        listing = self._git.run("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
        marker = "branch refs/heads/"
        return {line.removeprefix(marker) for line in listing.splitlines() if line.startswith(marker)}


def _quote(path: str) -> str:
    """Quote a path for fast-import; paths with control characters never get this far."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
