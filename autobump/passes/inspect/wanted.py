"""Finds the item, or the folder of items, that a person means."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from os.path import normpath
from pathlib import Path, PurePosixPath

from msgspec import Struct

from autobump.content.cache import ContentCache
from autobump.content.item import find_item_files
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.support.errors import UsageError
from autobump.support.git import GitError
from autobump.support.printable import printable_path
from autobump.support.progress import Silent


class Folder(Struct, frozen=True):
    """A pack, or a folder in one, with the paths of its items, sorted."""

    path: str
    items: tuple[str, ...]


def find_wanted(tree: ContentTree, wanted: str, cache: ContentCache) -> str | Folder:
    """Return the path of the item, or the folder, that a text means.

    A path counts from the top of the repository, or from the current folder. What is no path is the name or
    the id of an item, or else the name of a pack.

    Raises:
        UsageError: The commit has no such item, or several of this name.
    """
    packs = {file.path: file.pack for file in find_item_files(tree.list_files(), tree.prefix)}
    for path in _paths_of(tree, wanted):
        if path in packs:
            return path
        _refuse_other_file(tree, path)
        if folder := _find_folder(tree, path, packs):
            return folder
    called = defaultdict(set)
    for item in read_content(tree, progress=Silent(), cache=cache).items:
        for name in {item.fields.name, item.fields.item_id} - {""}:
            called[name].add(item.path)
    found = called.get(wanted) or {
        one for name, paths in called.items() if name.casefold() == wanted.casefold() for one in paths
    }
    if len(found) == 1:
        return next(iter(found))
    if found:
        named = ", ".join(sorted(map(printable_path, found)))
        raise UsageError(f"{len(found)} items are called {wanted!r}, name one by its path: {named}")
    if folder := _find_folder(tree, f"{tree.prefix}{wanted}", packs):
        return folder
    close = _find_like(wanted, packs) or get_close_matches(wanted, called, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(
        f"{tree.revision[:12]} has no file and no pack {wanted}, and no item of this name or id{hint}"
    )


def _find_like(wanted: str, paths: Iterable[str]) -> list[str]:
    """Return the path that is most like another one, if its file is named much alike too."""
    close = get_close_matches(wanted, paths, n=1)
    name = PurePosixPath(wanted).stem
    return close if close and get_close_matches(name, [PurePosixPath(close[0]).stem]) else []


def _paths_of(tree: ContentTree, wanted: str) -> Iterator[str]:
    """Yield what a path may mean: from the top of the repository, and from where one stands in it."""
    yield normpath(wanted)
    with suppress(GitError, ValueError):  # a bare repository has no work tree, or one stands outside of it
        top = Path(tree.git.line("rev-parse", "--show-toplevel"))
        yield Path(normpath(Path.cwd() / wanted)).relative_to(top).as_posix()


def _find_folder(tree: ContentTree, path: str, packs: Mapping[str, str]) -> Folder | None:
    """Return a folder that is a pack or lies in one, if it holds items."""
    items = tuple(sorted(one for one in packs if one.startswith(f"{path}/")))
    if not items or not f"{path}/".startswith(f"{tree.prefix}{packs[items[0]]}/"):
        return None
    return Folder(path, items)


def _refuse_other_file(tree: ContentTree, path: str) -> None:
    """Say of a file that is there why it is no item."""
    entry = None
    with suppress(GitError):  # the path leads out of the repository
        entry = tree.find_entry(path)
    if entry is None or entry.is_folder:
        return
    if not entry.is_regular:
        raise UsageError(f"{path} is a symbolic link or a submodule, which autobump does not follow")
    raise UsageError(
        f"{path} is no item: items are {tree.prefix}<pack>/Integrations|Scripts/[<folder>/]<file>.yml"
    )
