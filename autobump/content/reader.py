"""Reads every item and pack of a commit, one file in memory at a time."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from autobump.content.cache import ContentCache, ItemResult, PackResult, decode_item, encode_item
from autobump.content.item import (
    ContentItem,
    ItemFields,
    ItemFile,
    ItemKind,
    find_item_files,
    parse_item,
)
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
    wanted = select_files(find_item_files(tree.entries, tree.prefix), paths, packs)
    progress.begin("Reading items", len(wanted))
    problems: list[Problem] = []
    by_blob: dict[str, set[ItemKind]] = {}
    for file in wanted:
        if file.has_safe_path:
            by_blob.setdefault(file.blob, set()).add(file.kind)
        else:
            detail = "the path is not UTF-8, holds control characters, or a part that git refuses"
            problems.append(
                Problem(printable_path(file.path), printable_path(file.pack), "unsafe-path", detail)
            )
    results = _read_items(tree, by_blob, cache, progress)
    items: list[ContentItem] = []
    for file in (file for file in wanted if file.has_safe_path):
        match results[file.kind, file.blob]:
            case ItemFields() as fields:
                items.append(ContentItem(file.path, file.pack, file.kind, file.blob, file.mode, fields))
            case YamlFault() as fault:
                problems.append(
                    Problem(
                        file.path,
                        file.pack,
                        fault.reason,
                        fault.detail,
                        fault.line or None,
                        fault.column or None,
                    )
                )
    found, lost = _read_packs(tree, {item.pack for item in items}, cache)
    problems += [
        Problem(item.path, item.pack, UNREADABLE, found[item.pack].flaw)
        for item in items
        if item.pack in lost
    ]
    return Content(tuple(item for item in items if item.pack not in lost), found, tuple(problems))


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


def count_content(tree: ContentTree) -> tuple[int, int]:
    """Return how many packs and how many item files a commit holds."""
    packs = sum(pack.metadata is not None for pack in find_pack_files(tree.entries, tree.prefix).values())
    return packs, sum(1 for _ in find_item_files(tree.entries, tree.prefix))


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
    tree.fetch_missing(blob for _, blob in unread)
    fields = {"files": len(unread), "remembered": len(results), "revision": tree.revision[:12]}
    _log.info("reading items", extra=fields)
    fresh = _parse_on_both_cores(tree, unread, progress)
    for kind in ItemKind:
        # A fault without a line is not of the text: the blob could not be read, and may be readable later.
        lasting = {
            blob: result
            for (of, blob), result in fresh.items()
            if of is kind and not (isinstance(result, YamlFault) and not result.line)
        }
        cache.store_items(kind, lasting)
    return results | fresh


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
            yield YamlFault(*_why_no_data(blob, MAX_FILE_BYTES), 0, 0)
            continue
        try:
            yield parse_item(blob.data, kind)
        except YamlFault as exc:
            yield exc


def _read_packs(tree: ContentTree, names: set[str], cache: ContentCache) -> tuple[dict[str, Pack], set[str]]:
    """Return packs by name, and the names of those whose metadata git has no data for."""
    found = find_pack_files(tree.entries, tree.prefix)
    files = {name: found.get(name) or PackFiles(name, tree.prefix + name) for name in names}
    blobs = sorted({pack.metadata.blob for pack in files.values() if pack.metadata})
    known = cache.find_packs(blobs)
    read: dict[str, PackResult] = {}
    lost: set[str] = set()
    unread = [blob for blob in blobs if blob not in known]
    for blob in tree.read(unread, max_bytes=MAX_METADATA_BYTES):
        read[blob.oid] = _read_metadata(blob)
        if blob.data is None and _why_no_data(blob, MAX_METADATA_BYTES)[0] == UNREADABLE:
            lost.add(blob.oid)
    cache.store_packs({blob: result for blob, result in read.items() if result[0] is not None})
    results = known | read
    missing: PackResult = (None, "the pack has no pack_metadata.json", None, None)
    packs = {
        name: Pack(pack, *(results[pack.metadata.blob] if pack.metadata else missing))
        for name, pack in files.items()
    }
    return packs, {name for name, pack in files.items() if pack.metadata and pack.metadata.blob in lost}


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
