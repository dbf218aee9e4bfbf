"""Reads every item and pack of a commit, one file in memory at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from autobump.content.item import ContentItem, ItemFile, find_item_files, parse_item
from autobump.content.pack import (
    Pack,
    PackFiles,
    PackMetadata,
    PackMetadataError,
    find_pack_files,
    parse_pack_metadata,
)
from autobump.content.tree import MAX_FILE_BYTES, ContentTree
from autobump.content.yaml_text import YamlFault
from autobump.git import Blob
from autobump.progress import Progress


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be judged; line and column count from 1 and are None when unknown."""

    path: str
    pack: str
    reason: str
    detail: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a commit holds.

    Attributes:
        items: Readable items, in git's order.
        packs: Every pack that one of the items belongs to, by folder name.
        problems: One for each file that is no readable item.
    """

    items: tuple[ContentItem, ...]
    packs: dict[str, Pack]
    problems: tuple[Problem, ...]


def read_content(
    tree: ContentTree,
    *,
    paths: Iterable[str] = (),
    packs: Iterable[str] = (),
    progress: Progress,
) -> Content:
    """Read the items of a commit and their packs.

    Args:
        tree: The commit.
        paths: Glob patterns an item's path must match, `*` matching `/` too; none for all.
        packs: Folder names of packs; none for all.
        progress: Told of every item.
    """
    wanted = select_files(find_item_files(tree.entries), paths, packs)
    progress.begin("Reading items", len(wanted))
    problems: list[Problem] = []
    by_blob: dict[str, list[ItemFile]] = {}
    for file in wanted:
        if file.has_safe_path:
            by_blob.setdefault(file.blob, []).append(file)
        else:
            shown = file.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            detail = "the path is not UTF-8 or holds control characters"
            problems.append(Problem(printable(shown), printable(file.pack), "unsafe-path", detail))
    read: dict[str, ContentItem] = {}
    for blob in tree.read(by_blob):
        for file in by_blob[blob.oid]:
            progress.step()
            match _read_item(file, blob):
                case Problem() as problem:
                    problems.append(problem)
                case ContentItem() as item:
                    read[file.path] = item
    items = tuple(read[file.path] for file in wanted if file.path in read)
    return Content(items, _read_packs(tree, {item.pack for item in items}), tuple(problems))


def select_files(
    files: Iterable[ItemFile], paths: Iterable[str] = (), packs: Iterable[str] = ()
) -> list[ItemFile]:
    """Keep the files that match the filters; an empty filter keeps all."""
    patterns, names = tuple(paths), frozenset(packs)
    return [
        file
        for file in files
        if (not names or file.pack in names)
        and (not patterns or any(fnmatchcase(file.path, pattern) for pattern in patterns))
    ]


def printable(text: str) -> str:
    """Return text with control characters and broken encodings shown as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in text
    )


def _read_item(file: ItemFile, blob: Blob) -> ContentItem | Problem:
    if blob.data is None:
        return Problem(file.path, file.pack, *_why_no_data(blob))
    try:
        return ContentItem(file, parse_item(blob.data, file.kind))
    except YamlFault as exc:
        return Problem(file.path, file.pack, exc.reason, exc.detail, exc.line, exc.column)


def _read_packs(tree: ContentTree, names: set[str]) -> dict[str, Pack]:
    found = find_pack_files(tree.entries)
    files = {name: found.get(name, PackFiles(name)) for name in names}
    by_blob = {pack.metadata.blob for pack in files.values() if pack.metadata}
    read = {blob.oid: _read_metadata(blob) for blob in tree.read(sorted(by_blob))}
    missing = (None, "the pack has no pack_metadata.json")
    return {
        name: Pack(pack, *(read[pack.metadata.blob] if pack.metadata else missing))
        for name, pack in files.items()
    }


def _read_metadata(blob: Blob) -> tuple[PackMetadata | None, str]:
    if blob.data is None:
        return None, f"pack_metadata.json: {_why_no_data(blob)[1]}"
    try:
        return parse_pack_metadata(blob.data), ""
    except PackMetadataError as exc:
        return None, f"pack_metadata.json: {exc}"


def _why_no_data(blob: Blob) -> tuple[str, str]:
    if blob.size > MAX_FILE_BYTES:
        return "too-large", f"{blob.size:,} bytes are more than the {MAX_FILE_BYTES:,} that are read"
    return "unreadable", "git has no data for this file; is the clone complete?"
