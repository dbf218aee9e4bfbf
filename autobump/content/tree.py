"""Reads the files of one commit through git, never the working tree."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autobump.support.errors import UsageError
from autobump.support.git import Blob, Git, GitError

MAX_FILE_BYTES = 5 * 1024 * 1024
"""Largest file that is read into memory; the largest item known, with its code in it, has 1.6 MB."""

# Ask for exactly these objects and compare nothing first, as git itself does for a partial clone.
_FETCH = ("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head")


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file of the commit: its path, git mode (`100644`, `100755`, `120000` …) and blob name."""

    path: str
    mode: str
    blob: str

    @property
    def is_regular(self) -> bool:
        """Whether this is a plain file, neither a symbolic link nor a submodule."""
        return self.mode in ("100644", "100755")


class ContentTree:
    """The `Packs` folder of one commit.

    Attributes:
        git: The repository it was read from.
        revision: Full name of the commit.
        tree: Full name of the commit's whole tree.
        entries: Everything below `Packs/`, in git's order (bytewise by path).
    """

    def __init__(self, git: Git, revision: str, tree: str, entries: tuple[TreeEntry, ...]) -> None:
        self.git = git
        self.revision = revision
        self.tree = tree
        self.entries = entries
        self._absent: set[str] | None = None

    @classmethod
    def open(cls, directory: Path, rev: str = "HEAD", *, env: dict[str, str] | None = None) -> "ContentTree":
        """List the packs of one commit.

        Args:
            directory: A work tree, a folder inside one, or a bare repository; shallow clones are fine.
            rev: Anything git understands as a commit.
            env: Additions to git's environment.

        Raises:
            UsageError: No repository, no such commit, or no `Packs` folder.
        """
        git = Git(directory, env=env)
        revision, tree = _resolve_commit(git, rev)
        entries = tuple(_list_packs(git, revision))
        if not entries:
            raise UsageError(
                f"{directory} has no Packs folder at {rev} ({revision[:12]}); is it a content repository?"
            )
        if entries[0].path == "Packs":
            raise UsageError(
                f"Packs is no folder at {rev} ({revision[:12]}) but a link, a file or a submodule"
            )
        return cls(git, revision, tree, entries)

    def read(self, oids: Iterable[str], *, max_bytes: int | None = None) -> Iterator[Blob]:
        """Read blobs in the order asked, one in memory at a time; too large ones come without data.

        What a partial clone lacks is fetched first, in one batch and never one by one.

        Args:
            oids: Their names.
            max_bytes: What is too large; None for the limit of items and code.

        Raises:
            UsageError: A partial clone lacks some, and its remote does not give them.
        """
        wanted = list(oids)
        if not wanted:
            return iter(())
        self.fetch_missing(wanted)
        return self.git.read_objects(wanted, max_bytes=MAX_FILE_BYTES if max_bytes is None else max_bytes)

    def fetch_missing(self, oids: Iterable[str]) -> None:
        """Fetch what a partial clone lacks of these blobs; `read` does it for what it reads.

        Raises:
            UsageError: The clone's remote does not give them.
        """
        if self._absent is None:
            self._absent = self._list_absent()
        missing = dict.fromkeys(oid for oid in oids if oid in self._absent)
        if not missing:
            return
        try:
            remote = self.git.line("config", "--get-regexp", r"^remote\..*\.promisor$").split(".")[1]
            wants = "".join(f"{oid}\n" for oid in missing).encode()
            self.git.run(*_FETCH, "--filter=blob:none", "--stdin", remote, stdin=wants)
        except GitError as exc:
            raise UsageError(
                f"{self.git.directory} is a partial clone that lacks {len(missing)} files, and its remote "
                f"does not give them ({exc}); use a full or a shallow clone"
            ) from exc
        self._absent -= missing.keys()

    def _list_absent(self) -> set[str]:
        """Return the blobs a partial clone lacks, without making git fetch them one by one."""
        partial = r"^(remote\..*\.promisor|extensions\.partialclone)$"
        try:
            self.git.line("config", "--get-regexp", partial)
        except GitError:
            return set()  # git ends with 1 when nothing matches: no partial clone
        listing = self.git.run(
            "rev-list", "--objects", "--no-object-names", "--missing=print", f"{self.revision}:Packs"
        )
        return {line[1:].decode() for line in listing.splitlines() if line.startswith(b"?")}

    def read_file(self, path: str) -> bytes | None:
        """Return one file's bytes, from anywhere in the commit, or None when it holds no such file."""
        listed = self.git.run("ls-tree", "-z", "--full-tree", self.revision, "--", path)
        for entry in _parse_listing(listed):
            if entry.path == path and entry.is_regular:
                return next(self.read([entry.blob])).data
        return None


def is_repository(directory: Path) -> bool:
    """Whether a folder is, or lies in, a git repository."""
    try:
        return bool(Git(directory).line("rev-parse", "--git-dir"))
    except GitError:
        return False


def _require_repository(git: Git) -> None:
    try:
        git.line("rev-parse", "--git-dir")
    except GitError as exc:
        if "not a git repository" in str(exc):
            raise UsageError(
                f"{git.directory} is not a git repository; name a content repository with --repo"
            ) from exc
        raise UsageError(f"git cannot use {git.directory}: {exc}") from exc


def _resolve_commit(git: Git, rev: str) -> tuple[str, str]:
    if not git.directory.is_dir():
        raise UsageError(f"{git.directory} is not a folder; name a content repository with --repo")
    try:
        names = git.line(
            "log", "-1", "--no-show-signature", "--format=%H %T", "--end-of-options", f"{rev}^{{commit}}"
        )
        revision, tree = names.split(" ")
        return revision, tree
    except (GitError, ValueError) as exc:
        _require_repository(git)
        if rev == "HEAD":
            raise UsageError(f"{git.directory} has no commit yet") from exc
        raise UsageError(f"{git.directory} has no commit called {rev!r}; is it fetched?") from exc


def _list_packs(git: Git, revision: str) -> Iterator[TreeEntry]:
    try:
        return _parse_listing(git.run("ls-tree", "-r", "-z", "--full-tree", revision, "--", "Packs"))
    except GitError as exc:
        raise UsageError(f"git cannot list {revision[:12]} in {git.directory}: {exc}") from exc


def _parse_listing(listing: bytes) -> Iterator[TreeEntry]:
    start = 0
    # There are a handful of modes, and the copies of a file share their blob.
    known: dict[str, str] = {}
    # Line by line: a list of all of them would take as much memory again as the listing.
    while (end := listing.find(b"\0", start)) >= 0:
        fields, path = listing[start:end].split(b"\t", 1)
        mode, _, oid = fields.decode("ascii").split()
        yield TreeEntry(
            path.decode("utf-8", "surrogateescape"), known.setdefault(mode, mode), known.setdefault(oid, oid)
        )
        start = end + 1
