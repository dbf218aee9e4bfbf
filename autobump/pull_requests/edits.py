"""Composes the file changes of a planned pull request."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import overload

from msgspec import Struct

from autobump.content.item import replace_image
from autobump.content.pack import next_version, release_notes_name, splice_version
from autobump.content.yaml.splice import UnsafeEditError
from autobump.decisions.bump import Bump
from autobump.pull_requests.release_notes import render_release_notes
from autobump.support.errors import ForgeError

MAX_PULL_REQUEST_BYTES = 32 * 1024 * 1024
"""Most bytes of the items of one pull request, which are sent together; all real ones have 26 MB."""


_KEPT_BYTES = 64 * 1024
"""A file up to this size is kept whole: to read it again costs more. Of real items 95 % are smaller."""

ReadBlobs = Callable[[Iterable[str]], Iterator[bytes | None]]


class FileChange(Struct, frozen=True):
    """The new bytes of one file."""

    path: str
    mode: str
    data: bytes


class Edit(Struct, frozen=True):
    """What of a file changes: all of a small file, or one run of bytes of a large one.

    Attributes:
        path: The file.
        mode: Its git mode.
        blob: What it held, or empty when the new bytes are the whole file.
        start: Where the old bytes begin.
        end: Where they end.
        new: What stands there instead.
    """

    path: str
    mode: str
    blob: str
    start: int
    end: int
    new: bytes

    def carry_out(self, old: bytes) -> FileChange:
        """Return the change as new bytes of the whole file."""
        return FileChange(self.path, self.mode, old[: self.start] + self.new + old[self.end :])


class Refusal(Struct, frozen=True):
    """A bump whose edit could not be proven safe, and why."""

    path: str
    detail: str


class Edits(Struct, frozen=True):
    """All edits of one pull request, sorted by path, and the bumps that were refused."""

    edits: tuple[Edit, ...]
    refused: tuple[Refusal, ...]


class Changes(Sequence[FileChange]):
    """The changes of one pull request, whose files are read when they are asked for and then forgotten."""

    def __init__(self, edits: Sequence[Edit], read: ReadBlobs) -> None:
        """Take proven edits, and what reads blobs in the order asked, None for one that is lost."""
        self._edits = edits
        self._read = read

    def __len__(self) -> int:
        """Return how many files change, without reading them."""
        return len(self._edits)

    @overload
    def __getitem__(self, index: int) -> FileChange: ...
    @overload
    def __getitem__(self, index: slice) -> "Changes": ...
    def __getitem__(self, index: int | slice) -> "FileChange | Changes":
        """Return one change, or some of them."""
        if isinstance(index, slice):
            return Changes(self._edits[index], self._read)
        return next(iter(Changes([self._edits[index]], self._read)))

    def __iter__(self) -> Iterator[FileChange]:
        """Read the files one after the other.

        Raises:
            ForgeError: A file cannot be read any more.
        """
        again = [edit.blob for edit in self._edits if edit.blob]
        blobs = self._read(again) if again else iter(())
        for edit in self._edits:
            old = next(blobs) if edit.blob else b""
            if old is None:
                raise ForgeError(f"git has no data for {edit.path} any more")
            yield edit.carry_out(old)


def needed_blobs(bumps: tuple[Bump, ...], *, with_notes: bool) -> list[str]:
    """Return the blobs that composing these bumps reads, each once."""
    blobs = dict.fromkeys(bump.item.blob for bump in bumps)
    if with_notes:
        blobs |= dict.fromkeys(bump.pack.files.metadata.blob for bump in bumps if bump.pack.files.metadata)
    return list(blobs)


def compose_edits(bumps: tuple[Bump, ...], blobs: Iterable[tuple[str, bytes]], *, with_notes: bool) -> Edits:
    """Compose the edits of one pull request.

    Args:
        bumps: Its bumps, packs whole, sorted by path.
        blobs: Names and contents of `needed_blobs`, in any order; one is in memory at a time.
        with_notes: Also move each pack's version and add its release notes.

    Returns:
        Per bump one line of YAML, per pack one line of metadata and one new file. When any bump is refused
        the edits do not belong together any more and must not be used.
    """
    by_pack = [list(grouped) for _, grouped in groupby(bumps, key=lambda bump: bump.item.pack)]
    items: dict[str, list[Bump]] = {}
    packs: dict[str, list[list[Bump]]] = {}
    for bump in bumps:
        items.setdefault(bump.item.blob, []).append(bump)
    for pack_bumps in by_pack if with_notes else ():
        if (file := pack_bumps[0].pack.files.metadata) is not None:
            packs.setdefault(file.blob, []).append(pack_bumps)
    edits: list[Edit] = []
    refused: list[Refusal] = []
    sizes: Counter[str] = Counter()
    for blob, data in blobs:
        for bump in items.get(blob, ()):
            sizes[bump.item.pack] += len(data)
            try:
                edits.append(_edit_item(bump, data))
            except UnsafeEditError as exc:
                refused.append(Refusal(bump.path, str(exc)))
        for pack_bumps in packs.get(blob, ()):
            try:
                edits += _edit_pack(pack_bumps, data)
            except UnsafeEditError as exc:
                refused += [Refusal(bump.path, str(exc)) for bump in pack_bumps]
    heavy = _heaviest(sizes)
    detail = f"its pull request would hold files of more than {MAX_PULL_REQUEST_BYTES:,} bytes"
    refused += [Refusal(bump.path, detail) for bump in bumps if bump.item.pack in heavy]
    return Edits(tuple(sorted(edits, key=lambda edit: edit.path)), tuple(refused))


def _edit_item(bump: Bump, data: bytes) -> Edit:
    item = bump.item
    new = replace_image(data, item.kind, item.fields.image, bump.new_image)
    return _difference(bump.path, item.mode, item.blob, data, new)


def _edit_pack(bumps: Sequence[Bump], data: bytes) -> Iterator[Edit]:
    metadata, files = bumps[0].pack.metadata, bumps[0].pack.files
    if metadata is None or files.metadata is None:
        return
    version = next_version(metadata.version, files.release_notes)
    spliced = splice_version(data, version)
    yield _difference(files.metadata.path, files.metadata.mode, files.metadata.blob, data, spliced)
    notes = render_release_notes((bump.item.kind, bump.item.fields.name, bump.new_image) for bump in bumps)
    path = f"{files.folder}/ReleaseNotes/{release_notes_name(version)}"
    yield Edit(path, "100644", "", 0, 0, notes.encode())


def _difference(path: str, mode: str, blob: str, old: bytes, new: bytes) -> Edit:
    """Return a file's edit, which of a large file is the one run of bytes that differs."""
    if len(new) <= _KEPT_BYTES:
        return Edit(path, mode, "", 0, 0, new)
    shorter = min(len(old), len(new))
    start = bisect_left(range(shorter), True, key=lambda n: old[: n + 1] != new[: n + 1])
    tail = bisect_left(range(shorter - start), True, key=lambda n: old[-n - 1 :] != new[-n - 1 :])
    return Edit(path, mode, blob, start, len(old) - tail, new[start : len(new) - tail])


def _heaviest(sizes: Counter[str]) -> set[str]:
    """Return the largest packs, without which the rest is not too much; no other is to suffer from them."""
    heavy: set[str] = set()
    total = sizes.total()
    for pack, size in sizes.most_common():
        if total <= MAX_PULL_REQUEST_BYTES:
            break
        heavy.add(pack)
        total -= size
    return heavy
