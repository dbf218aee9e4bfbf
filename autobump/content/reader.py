"""Reads every item and pack of a commit, one file in memory at a time."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from autobump.content.cache import (
    ContentCache,
    PackResult,
    RememberedItem,
    RememberedPack,
    decode_item,
    encode_item,
)
from autobump.content.code import CodeFolder, find_code, find_python_files
from autobump.content.item import (
    CodePlace,
    ContentItem,
    Fault,
    ItemFile,
    ItemKind,
    ItemResult,
    find_item_files,
    is_safe_path,
    parse_item,
)
from autobump.content.listing import METADATA_NAME, TreeEntry
from autobump.content.pack import (
    MAX_METADATA_BYTES,
    Pack,
    PackFiles,
    PackMetadataError,
    find_pack_files,
    parse_pack_metadata,
)
from autobump.content.problem import UNREADABLE, Problem
from autobump.content.tree import MAX_FILE_BYTES, ContentTree
from autobump.content.yaml.events import YamlFault
from autobump.support.git import Blob
from autobump.support.parallel import map_in_two_processes
from autobump.support.printable import printable_path
from autobump.support.progress import Progress, Silent

_log = logging.getLogger(__name__)

_WORTH_A_PROCESS = 300
"""Fewer unread blobs than this are parsed sooner than a second process is started."""


_UNSAFE = Fault("unsafe-path", "the path is not UTF-8, holds control characters, or a part that git refuses")
_NO_METADATA: PackResult = (None, "the pack has no pack_metadata.json", None, None)


class Content(Struct, frozen=True):
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
    cache: ContentCache,
) -> Content:
    """Read the items of a commit and their packs.

    Args:
        tree: The commit.
        paths: Glob patterns an item's path must match, `*` matching `/` too; none for all.
        packs: Folder names of packs; none for all.
        progress: Told of every item that is read.
        cache: What is remembered of blobs.
    """
    chosen = frozenset(packs)
    trees = {name: tree.packs[name] for name in tree.packs if not chosen or name in chosen}
    known = cache.find_packs(set(trees.values()))
    unknown = [name for name, oid in trees.items() if oid not in known]
    patterns = tuple(paths)
    fresh, lost = _read_packs(tree, unknown, patterns, cache, progress)
    items: list[ContentItem] = []
    found: dict[str, Pack] = {}
    problems: list[Problem] = []
    for name, oid in trees.items():
        if (pack := fresh.get(name) or known.get(oid)) is None:
            continue  # no path of it is wanted
        folder = f"{tree.prefix}{name}"
        is_safe = is_safe_path(folder)
        before = len(items)
        for item in pack.items:
            path = f"{folder}/{item.path}"
            if patterns and not _matches(path, patterns):
                continue
            match item.result if is_safe else _UNSAFE:
                case Fault() as fault:
                    problems.append(_problem(path, name, fault))
                case _ if name in lost:
                    problems.append(Problem(path, name, UNREADABLE, pack.result[1]))
                case fields:
                    file = (path, name, item.kind, item.blob, item.mode)
                    items.append(ContentItem(*file, fields, item.code))
        if len(items) > before:
            files = PackFiles(
                name,
                folder,
                TreeEntry(f"{folder}/{METADATA_NAME}", *pack.metadata) if pack.metadata else None,
                pack.notes,
                pack.notes_blocked,
            )
            found[name] = Pack(files, *pack.result)
    return Content(tuple(items), found, tuple(problems))


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _problem(path: str, pack: str, fault: Fault) -> Problem:
    place = (fault.line or None, fault.column or None)
    return Problem(printable_path(path), printable_path(pack), fault.reason, fault.detail, *place)


def count_content(tree: ContentTree) -> tuple[int, int]:
    """Return how many packs and how many item files a commit holds."""
    files = tuple(tree.list_files())
    packs = sum(pack.metadata is not None for pack in find_pack_files(files, tree.prefix).values())
    return packs, sum(1 for _ in find_item_files(files, tree.prefix))


def _read_packs(
    tree: ContentTree, names: Sequence[str], patterns: Sequence[str], cache: ContentCache, progress: Progress
) -> tuple[dict[str, RememberedPack], set[str]]:
    """Read packs of which nothing is remembered, and remember them.

    Args:
        tree: The commit.
        names: The packs.
        patterns: Packs without an item of a matching path are left out; none for all.
        cache: What is remembered of blobs; told of the packs.
        progress: Told of every item that is read.

    Returns:
        The packs by name, and the names of those whose metadata git has no data for.
    """
    if not names:
        return {}, set()
    entries = tuple(tree.list_files(names))
    files: dict[str, list[ItemFile]] = {name: [] for name in names}
    for file in find_item_files(entries, tree.prefix):
        files[file.pack].append(file)
    if patterns:
        wanted = {file.pack for mine in files.values() for file in mine if _matches(file.path, patterns)}
        files = {name: mine for name, mine in files.items() if name in wanted}
    by_blob: dict[str, set[ItemKind]] = {}
    for file in (file for mine in files.values() for file in mine if is_safe_path(file.path)):
        by_blob.setdefault(file.blob, set()).add(file.kind)
    results = _read_items(tree, by_blob, cache, progress)
    folders = {file.path.rpartition("/")[0] for mine in files.values() for file in mine}
    codes = find_python_files(entries, folders)
    found = find_pack_files(entries, tree.prefix)
    metadata, lost = _read_metadata_of(tree, [found[name] for name in files if files[name] and name in found])
    read: dict[str, RememberedPack] = {}
    for name, mine in files.items():
        # Of a pack without an item nothing counts.
        pack = (found.get(name) if mine else None) or PackFiles(name, tree.prefix + name)
        read[name] = RememberedPack(
            tuple(_remember(file, results, codes, tree.prefix) for file in mine),
            (pack.metadata.mode, pack.metadata.blob) if pack.metadata else None,
            metadata[pack.metadata.blob] if pack.metadata else _NO_METADATA,
            tuple(pack.release_notes),
            pack.notes_blocked,
        )
    cache.store_packs({tree.packs[name]: pack for name, pack in read.items() if _is_lasting(pack)})
    return read, {name for name, pack in read.items() if pack.metadata and pack.metadata[1] in lost}


def _remember(
    file: ItemFile,
    results: Mapping[tuple[ItemKind, str], ItemResult],
    codes: Mapping[str, CodeFolder],
    prefix: str,
) -> RememberedItem:
    path = file.path[len(prefix) + len(file.pack) + 1 :]
    result = results[file.kind, file.blob] if is_safe_path(file.path) else _UNSAFE
    code = CodePlace() if isinstance(result, Fault) else find_code(file, result.language, codes, prefix)
    return RememberedItem(path, file.kind, file.blob, file.mode, result, code)


def _is_lasting(pack: RememberedPack) -> bool:
    """Whether all that was read follows from the tree: what git had no data for may be readable later."""
    if pack.metadata is not None and pack.result[0] is None:
        return False
    return not any(_lacks_data(item.result) for item in pack.items)


def _read_items(
    tree: ContentTree, by_blob: Mapping[str, set[ItemKind]], cache: ContentCache, progress: Progress
) -> dict[tuple[ItemKind, str], ItemResult]:
    """Return what each blob says of the items it holds; only what is not remembered is read."""
    results: dict[tuple[ItemKind, str], ItemResult] = {}
    unread: list[tuple[ItemKind, str]] = []
    for kind in ItemKind:
        blobs = [blob for blob, kinds in by_blob.items() if kind in kinds]
        known = cache.find_items(kind, blobs)
        results |= {(kind, blob): result for blob, result in known.items()}
        unread += [(kind, blob) for blob in blobs if blob not in known]
    progress.begin("Reading items", len(unread))
    tree.fetch_missing(blob for _, blob in unread)
    fields = {"files": len(unread), "remembered": len(results), "revision": tree.revision[:12]}
    _log.info("reading items", extra=fields)
    fresh = _parse_on_both_cores(tree, unread, progress)
    for kind in ItemKind:
        lasting = {
            blob: result for (of, blob), result in fresh.items() if of is kind and not _lacks_data(result)
        }
        cache.store_items(kind, lasting)
    return results | fresh


def _lacks_data(result: ItemResult) -> bool:
    """Whether git had no data for a file, so that nothing is said of its text; it may have them later."""
    return isinstance(result, Fault) and not result.line and result is not _UNSAFE


def _parse_on_both_cores(
    tree: ContentTree, wanted: Sequence[tuple[ItemKind, str]], progress: Progress
) -> dict[tuple[ItemKind, str], ItemResult]:
    """Parse blobs, half of them in a second process where there are many and forking is safe."""

    def mine(part: Sequence[tuple[ItemKind, str]]) -> list[ItemResult | bytes]:
        return list(_parse(tree, part, progress))

    def others(part: Sequence[tuple[ItemKind, str]]) -> list[ItemResult | bytes]:
        # Text travels between processes, exceptions do not.
        return [encode_item(result) for result in _parse(tree, part, Silent())]

    parsed = map_in_two_processes(wanted, mine, others, worth=len(wanted) >= _WORTH_A_PROCESS)
    return {
        key: decode_item(result) if isinstance(result, bytes) else result
        for key, result in zip(wanted, parsed, strict=True)
    }


def _parse(
    tree: ContentTree, wanted: Sequence[tuple[ItemKind, str]], progress: Progress
) -> Iterator[ItemResult]:
    for (kind, _), blob in zip(wanted, tree.read(oid for _, oid in wanted), strict=True):
        progress.step()
        if blob.data is None:
            yield Fault(*_why_no_data(blob, MAX_FILE_BYTES))
            continue
        try:
            yield parse_item(blob.data, kind)
        except YamlFault as exc:
            yield Fault(exc.reason, exc.detail, exc.line, exc.column)


def _read_metadata_of(
    tree: ContentTree, packs: Iterable[PackFiles]
) -> tuple[dict[str, PackResult], set[str]]:
    """Return what metadata says, by blob, and the blobs that git has no data for."""
    read: dict[str, PackResult] = {}
    lost: set[str] = set()
    blobs = sorted({pack.metadata.blob for pack in packs if pack.metadata})
    for blob in tree.read(blobs, max_bytes=MAX_METADATA_BYTES):
        read[blob.oid] = _read_metadata(blob)
        if blob.data is None and _why_no_data(blob, MAX_METADATA_BYTES)[0] == UNREADABLE:
            lost.add(blob.oid)
    return read, lost


def _read_metadata(blob: Blob) -> PackResult:
    if blob.data is None:
        return None, f"pack_metadata.json: {_why_no_data(blob, MAX_METADATA_BYTES)[1]}", None, None
    try:
        return parse_pack_metadata(blob.data), "", None, None
    except PackMetadataError as exc:
        return exc.metadata, f"pack_metadata.json: {exc}", exc.line, exc.column


def _why_no_data(blob: Blob, limit: int) -> tuple[str, str]:
    if blob.size > limit:
        return "too-large", f"{blob.size:,} bytes are more than the {limit:,} that are read"
    return UNREADABLE, "git has no data for this file; is the clone complete?"
