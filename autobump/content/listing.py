"""Lists the files of packs that a pass reads, from git's tree objects.

Most files of a content repository are images, playbooks and test data: these are never listed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from autobump.support.git import Git, GitEntry

Listing = tuple[tuple[str, str, str], ...]
"""Files of one pack in git's order: path below the pack, mode, and object name.

Of `ReleaseNotes` it has whatever lies in it, folders too, and of `Integrations` and `Scripts` the code and
YAML in them and in their folders.
"""

ITEM_FOLDERS = ("Integrations", "Scripts")
NOTES_FOLDER = "ReleaseNotes"
METADATA_NAME = "pack_metadata.json"
"""A folder that holds a file of this name is a pack."""

_READ = (".yml", ".py", ".ps1", ".js")


class TreeEntry(Struct, frozen=True):
    """One file of the commit: its path, git mode (`100644`, `100755`, `120000` …) and blob name."""

    path: str
    mode: str
    blob: str

    @property
    def is_regular(self) -> bool:
        """Whether this is a plain file, neither a symbolic link nor a submodule."""
        return self.mode in ("100644", "100755")

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder; only what is looked up by its path, and a release note, may be one."""
        return self.mode == "040000"


def list_packs(git: "Git", packs: Mapping[str, str]) -> Iterator[tuple[str, Listing]]:
    """Yield the name of each pack and what is in it, in the order given.

    Args:
        git: The repository.
        packs: The name of each pack's tree.

    Raises:
        GitError: A tree is missing.
    """
    listings = _walk(git, set(packs.values()))
    for name, oid in packs.items():
        yield name, listings.get(oid, ())


def _walk(git: "Git", trees: Iterable[str]) -> dict[str, Listing]:
    """List packs level by level, so that git is started three times, however many there are."""
    packs = git.read_trees(trees)
    wanted = (*ITEM_FOLDERS, NOTES_FOLDER)
    second = git.read_trees(
        entry.oid for pack in packs.values() for entry in pack if entry.is_folder and entry.name in wanted
    )
    third = git.read_trees(
        inner.oid
        for pack in packs.values()
        for entry in pack
        if entry.is_folder and entry.name in ITEM_FOLDERS
        for inner in second[entry.oid]
        if inner.is_folder
    )
    return {oid: tuple(_flatten(pack, second, third)) for oid, pack in packs.items()}


def _flatten(
    pack: Iterable["GitEntry"],
    second: Mapping[str, tuple["GitEntry", ...]],
    third: Mapping[str, tuple["GitEntry", ...]],
) -> Iterator[tuple[str, str, str]]:
    for entry in pack:
        if entry.name == METADATA_NAME and not entry.is_folder:
            yield entry.name, entry.mode, entry.oid
        elif entry.name == NOTES_FOLDER:
            if not entry.is_folder:
                yield entry.name, entry.mode, entry.oid
            for note in second[entry.oid] if entry.is_folder else ():
                yield f"{entry.name}/{note.name}", note.mode, note.oid
        elif entry.name in ITEM_FOLDERS and entry.is_folder:
            for inner in second[entry.oid]:
                if not inner.is_folder and inner.name.endswith(_READ):
                    yield f"{entry.name}/{inner.name}", inner.mode, inner.oid
                for file in third[inner.oid] if inner.is_folder else ():
                    if not file.is_folder and file.name.endswith(_READ):
                        yield f"{entry.name}/{inner.name}/{file.name}", file.mode, file.oid


def name_pack_folder(entry: TreeEntry) -> str:
    """Return the folder that a file makes a pack, or nothing."""
    folder, _, name = entry.path.rpartition("/")
    return folder if name == METADATA_NAME and entry.is_regular else ""


def has_metadata(folder: str, files: Iterable[TreeEntry]) -> bool:
    """Whether a folder is a pack, by the files in it."""
    return any(name_pack_folder(file) == folder for file in files)


def parse_listing(listing: bytes) -> Iterator[TreeEntry]:
    """Yield the files that `git ls-tree -z` tells."""
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
