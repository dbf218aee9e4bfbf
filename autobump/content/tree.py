"""Reads the files of one commit through git, never the working tree."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from autobump.content.item import find_item_files
from autobump.content.listing import (
    METADATA_NAME,
    TreeEntry,
    has_metadata,
    list_packs,
    name_pack_folder,
    parse_listing,
)
from autobump.support.errors import UsageError
from autobump.support.git import Blob, Git, GitEntry, GitError
from autobump.support.markdown import count

USUAL_ROOT = "Packs"
"""The folder that holds the packs of a repository, as a rule."""

TOP = "."
"""How the settings call the top of the repository, where that is the folder that holds the packs."""

_FOLDERS_AT_ONCE = 200
_MAX_NAMED = 5
"""Most folders that an error names."""

MAX_FILE_BYTES = 5 * 1024 * 1024
"""Largest file that is read into memory; the largest item known, with its code in it, has 1.6 MB."""

# Ask for exactly these objects and compare nothing first, as git itself does for a partial clone.
_FETCH = ("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head")


class NoPacksError(UsageError):
    """The commit holds no packs."""


class ContentTree:
    """The packs of one commit.

    The folder that holds them is the one that `choose_root` is given. Without that it is found when it is
    first needed: settings say which it is, and are read from the same commit.

    Attributes:
        git: The repository it was read from.
        revision: Full name of the commit.
        tree: Full name of the commit's whole tree.
    """

    def __init__(self, git: Git, revision: str, tree: str) -> None:
        self.git = git
        self.revision = revision
        self.tree = tree
        self._chosen: tuple[str, dict[str, str]] | None = None
        self._absent: set[str] | None = None

    @classmethod
    def open(cls, directory: Path, rev: str = "HEAD", *, env: dict[str, str] | None = None) -> "ContentTree":
        """Find one commit.

        Args:
            directory: A work tree, a folder inside one, or a bare repository; shallow clones are fine.
            rev: Anything git understands as a commit.
            env: Additions to git's environment.

        Raises:
            UsageError: No repository, or no such commit.
        """
        git = Git(directory, env=env)
        return cls(git, *_resolve_commit(git, rev))

    def choose_root(self, root: str | None) -> None:
        """Choose the folder that holds the packs.

        Args:
            root: Its path, such as `Packs`, or `.` for the top of the repository. None to find it: `Packs` if
                it holds packs or items, else the only folder that holds packs.

        Raises:
            NoPacksError: The commit has no packs, or none in this folder.
            UsageError: Several folders hold packs.
        """
        self._chosen = self._open_root(root) if root is not None else self._find_root()

    @property
    def root(self) -> str:
        """The folder that holds the packs, `.` for the top of the repository."""
        return self._choose()[0]

    @property
    def prefix(self) -> str:
        """What the paths of all packs begin with: the root and a slash, or nothing."""
        return _prefix(self.root)

    @property
    def packs(self) -> Mapping[str, str]:
        """The name of each pack's tree, by the name of its folder, in git's order."""
        return self._choose()[1]

    def list_files(self, packs: Iterable[str] | None = None) -> Iterator[TreeEntry]:
        """Yield what a pass reads of packs, each in git's order (bytewise by path); see `Listing`.

        Args:
            packs: The names of their folders, those of no pack among them; None for all.

        Raises:
            UsageError: Git cannot list them.
        """
        root, trees = self._choose()
        wanted = trees if packs is None else {name: trees[name] for name in packs if name in trees}
        for _, files in self._list_packs(root, wanted):
            yield from files

    def _choose(self) -> tuple[str, dict[str, str]]:
        if self._chosen is None:
            self._chosen = self._find_root()
        return self._chosen

    def _find_root(self) -> tuple[str, dict[str, str]]:
        usual = self._folders(USUAL_ROOT)
        if usual and self._holds_packs(USUAL_ROOT, usual):
            return USUAL_ROOT, usual
        match self._count_packs():
            case {} as places if not places:
                self._require_folder(USUAL_ROOT)
                if usual is None:
                    raise NoPacksError(f"{self._where} has no {USUAL_ROOT} folder{self._what_instead()}")
                return USUAL_ROOT, usual
            case places if len(places) == 1:
                (root,) = places
                return self._open_root(root)
            case places:
                raise UsageError(
                    f"{self._where} has packs in several folders: {_name_places(places)}; choose one with "
                    "content.root"
                )

    def _open_root(self, root: str) -> tuple[str, dict[str, str]]:
        found = self._folders(root)
        folders = found or {}
        if root == TOP:  # there is more than packs
            listed = self._list_packs(root, folders)
            folders = {name: folders[name] for name, files in listed if has_metadata(name, files)}
        if folders and (root == TOP or self._holds_packs(root, folders)):
            return root, folders
        self._require_folder(root)
        places = self._count_packs()
        what = (
            f"holds no pack, which is a folder with {METADATA_NAME}"
            if found is not None and root != TOP
            else "is no folder with packs"
        )
        hint = f"; packs are in {_name_places(places)}" if places else self._what_instead()
        raise NoPacksError(f"content.root: {root} {what}, in {self._where}{hint}")

    def _holds_packs(self, root: str, folders: Mapping[str, str]) -> bool:
        """Whether a folder holds a pack, or an item of one without metadata."""
        prefix, waiting, some = _prefix(root), list(folders), 1
        while waiting:
            # As a rule the first is a pack; where it is none, the next may be.
            listed = self._list_packs(root, {name: folders[name] for name in waiting[:some]})
            if any(_is_pack(prefix + name, files, prefix) for name, files in listed):
                return True
            waiting, some = waiting[some:], some * 8
        return False

    def _folders(self, root: str) -> dict[str, str] | None:
        """Return the trees of the folders in a folder of the commit, by name; None when it is none."""
        try:
            entry = self.find_entry(root) if root != TOP else TreeEntry(root, "040000", self.tree)
            if entry is None or not entry.is_folder:
                return None
            return {child.name: child.oid for child in self._read_tree(entry.blob) if child.is_folder}
        except GitError as exc:
            raise self._cannot_list(exc) from exc

    def _list_packs(self, root: str, packs: Mapping[str, str]) -> Iterator[tuple[str, tuple[TreeEntry, ...]]]:
        prefix = _prefix(root)
        try:
            for name, listing in list_packs(self.git, packs):
                yield name, tuple(TreeEntry(f"{prefix}{name}/{path}", *rest) for path, *rest in listing)
        except GitError as exc:
            raise self._cannot_list(exc) from exc

    def _cannot_list(self, exc: GitError) -> UsageError:
        return UsageError(f"git cannot list {self.revision[:12]} in {self.git.directory}: {exc}")

    def list_below(self, folders: Iterable[str]) -> Iterator[TreeEntry]:
        """Yield every file in some folders of the commit and below, in git's order.

        Raises:
            UsageError: Git cannot list them.
        """
        wanted = sorted(folders)
        for start in range(0, len(wanted), _FOLDERS_AT_ONCE):
            yield from self._ls("--", *wanted[start : start + _FOLDERS_AT_ONCE])

    def find_entry(self, path: str) -> TreeEntry | None:
        """Return what the commit holds under a path, a folder too, or None for nothing."""
        found: GitEntry | None = GitEntry("", "040000", self.tree)
        for name in path.split("/"):
            if found is None or not found.is_folder:
                return None
            found = next((entry for entry in self._read_tree(found.oid) if entry.name == name), None)
        return TreeEntry(path, found.mode, found.oid) if found else None

    def _read_tree(self, tree: str) -> tuple[GitEntry, ...]:
        return self.git.read_trees([tree])[tree]

    def _ls(self, *arguments: str) -> Iterator[TreeEntry]:
        try:
            return parse_listing(
                self.git.run("ls-tree", "-r", "-z", "--full-tree", self.revision, *arguments)
            )
        except GitError as exc:
            raise self._cannot_list(exc) from exc

    def _count_packs(self) -> Counter[str]:
        """Return how many packs each folder of the commit holds; a pack inside of a pack is none."""
        folders = {folder for entry in self._ls() if (folder := name_pack_folder(entry))}
        return Counter(
            folder.rpartition("/")[0] or TOP for folder in folders if folders.isdisjoint(_parents(folder))
        )

    def _what_instead(self) -> str:
        """Say what a commit is that has no packs in any folder."""
        if any(self._ls("--", METADATA_NAME)):
            return f": it is one pack, with {METADATA_NAME} at its top; autobump reads packs that are folders"
        return f", and {METADATA_NAME} in no other folder; is it a content repository?"

    def _require_folder(self, root: str) -> None:
        entry = self.find_entry(root) if root != TOP else None
        if entry is not None and not entry.is_folder:
            raise UsageError(f"{root} in {self._where} is no folder but a link, a file or a submodule")

    @property
    def _where(self) -> str:
        return f"{self.git.directory} at {self.revision[:12]}"

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
        settings = self.git.remote_settings
        promisors = [key[len("remote.") : -len(".promisor")] for key in settings if key.endswith(".promisor")]
        remote = next(iter(promisors), settings.get("extensions.partialclone", ""))
        try:
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
        if not any(key.endswith((".promisor", ".partialclone")) for key in self.git.remote_settings):
            return set()
        listing = self.git.run(
            "rev-list", "--objects", "--no-object-names", "--missing=print", f"{self.revision}:{self.prefix}"
        )
        return {line[1:].decode() for line in listing.splitlines() if line.startswith(b"?")}

    def read_file(self, path: str) -> bytes | None:
        """Return one file's bytes, from anywhere in the commit, or None when it holds no such file."""
        entry = self.find_entry(path)
        if entry is None or not entry.is_regular:
            return None
        # What a partial clone lacks git fetches: the root may not be known yet.
        (blob,) = self.git.read_objects([entry.blob], max_bytes=MAX_FILE_BYTES)
        return blob.data


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
    with suppress(GitError, ValueError):
        (commit,) = git.read_objects([f"{rev}^{{commit}}"], max_bytes=0)
        (tree,) = git.read_objects([f"{commit.oid}^{{tree}}"], max_bytes=0)
        if commit.kind and tree.kind:
            return commit.oid, tree.oid
    _require_repository(git)
    if rev == "HEAD":
        raise UsageError(f"{git.directory} has no commit yet")
    raise UsageError(f"{git.directory} has no commit called {rev!r}; is it fetched?")


def _prefix(root: str) -> str:
    return "" if root == TOP else f"{root}/"


def _parents(folder: str) -> Iterator[str]:
    while folder := folder.rpartition("/")[0]:
        yield folder


def _is_pack(folder: str, files: Collection[TreeEntry], prefix: str) -> bool:
    return has_metadata(folder, files) or any(find_item_files(files, prefix))


def _name_places(places: Counter[str]) -> str:
    named = [f"{root} ({count(number, 'pack')})" for root, number in sorted(places.items())]
    more = len(named) - _MAX_NAMED
    return ", ".join(named[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
