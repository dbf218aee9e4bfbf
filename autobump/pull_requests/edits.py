"""Composes the file changes of a planned pull request."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from autobump.content.item import replace_image
from autobump.content.pack import next_version, release_notes_name, splice_version
from autobump.content.release_notes import render_release_notes
from autobump.content.yaml_text import UnsafeEditError
from autobump.planning.plan import Bump


@dataclass(frozen=True, slots=True)
class FileChange:
    """The new bytes of one file."""

    path: str
    mode: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A bump whose edit could not be proven safe, and why."""

    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Edits:
    """All changes of one pull request, sorted by path, and the bumps that were refused."""

    changes: tuple[FileChange, ...]
    refused: tuple[Refusal, ...]


def needed_blobs(bumps: tuple[Bump, ...], *, with_notes: bool) -> list[str]:
    """Return the blobs that composing these bumps reads, each once."""
    blobs = dict.fromkeys(bump.item.file.blob for bump in bumps)
    if with_notes:
        blobs |= dict.fromkeys(bump.pack.files.metadata.blob for bump in bumps if bump.pack.files.metadata)
    return list(blobs)


def compose_edits(bumps: tuple[Bump, ...], blobs: Mapping[str, bytes], *, with_notes: bool) -> Edits:
    """Compose the changes of one pull request.

    Args:
        bumps: Its bumps, packs whole, sorted by path.
        blobs: Contents of `needed_blobs`.
        with_notes: Also move each pack's version and add its release notes.

    Returns:
        Per bump one line of YAML, per pack one line of metadata and one new file. When any bump is refused
        the changes do not belong together any more and must not be used.
    """
    changes: list[FileChange] = []
    refused: list[Refusal] = []
    for pack_name, grouped in groupby(bumps, key=lambda bump: bump.item.pack):
        pack_bumps = list(grouped)
        for bump in pack_bumps:
            try:
                changes.append(_edit_item(bump, blobs))
            except UnsafeEditError as exc:
                refused.append(Refusal(bump.path, str(exc)))
        metadata, files = pack_bumps[0].pack.metadata, pack_bumps[0].pack.files
        if not with_notes or metadata is None or files.metadata is None:
            continue
        version = next_version(metadata.version, files.release_notes)
        try:
            spliced = splice_version(blobs[files.metadata.blob], version)
        except UnsafeEditError as exc:
            refused += [Refusal(bump.path, str(exc)) for bump in pack_bumps]
            continue
        changes.append(FileChange(files.metadata.path, files.metadata.mode, spliced))
        notes = render_release_notes(
            (bump.item.file.kind, bump.item.facts.name, bump.new_image) for bump in pack_bumps
        )
        path = f"Packs/{pack_name}/ReleaseNotes/{release_notes_name(version)}"
        changes.append(FileChange(path, "100644", notes.encode()))
    return Edits(tuple(sorted(changes, key=lambda change: change.path)), tuple(refused))


def _edit_item(bump: Bump, blobs: Mapping[str, bytes]) -> FileChange:
    item = bump.item
    data = replace_image(blobs[item.file.blob], item.file.kind, item.facts.image, bump.new_image)
    return FileChange(bump.path, item.file.mode, data)
