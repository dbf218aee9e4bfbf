"""Packs: their metadata, their version, and splicing the next one in."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autobump.content.yaml.events import decode_text
from autobump.content.yaml.splice import UnsafeEditError

if TYPE_CHECKING:
    from autobump.content.tree import TreeEntry

MAX_METADATA_BYTES = 256 * 1024
"""Largest `pack_metadata.json` that is read; the largest known has 10 KiB. Objects take fifty times more."""

MAX_TEXT = 1_000
"""Most characters of a pack's name or support level; they stay in memory."""

METADATA_NAME = "pack_metadata.json"
"""A folder that holds a file of this name is a pack."""

_PACK_PATH = re.compile(rf"([^/]+)/(?:({re.escape(METADATA_NAME)})|ReleaseNotes(?:/([^/]+)(?:/.*)?)?)")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_HALF = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\n\r]*")


class PackMetadataError(Exception):
    """A `pack_metadata.json` that cannot be used; its text says why."""


@dataclass(frozen=True, slots=True)
class PackMetadata:
    """What is needed of a `pack_metadata.json`.

    Attributes:
        name: Name shown to users, or empty.
        version: `currentVersion`, three numeric parts.
        support: `xsoar`, `partner`, `developer`, `community`, or empty.
        hidden: The pack is not offered any more.
    """

    name: str
    version: str
    support: str
    hidden: bool


@dataclass(slots=True)
class PackFiles:
    """Where a pack keeps what an update touches.

    Attributes:
        name: Name of its folder.
        folder: Path of its folder.
        metadata: Its metadata file.
        release_notes: The names in `ReleaseNotes/`.
        notes_blocked: `ReleaseNotes` is a file, a link or a submodule, which a release note would replace.
    """

    name: str
    folder: str
    metadata: "TreeEntry | None" = None
    release_notes: set[str] = field(default_factory=set)
    notes_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as read; `metadata` is None when it cannot be used, and `flaw` says why."""

    files: PackFiles
    metadata: PackMetadata | None
    flaw: str = ""

    @property
    def name(self) -> str:
        """Folder name of the pack."""
        return self.files.name


def find_pack_files(entries: Iterable["TreeEntry"], prefix: str) -> dict[str, PackFiles]:
    """Collect every pack's metadata file and release-note names, by folder name.

    Args:
        entries: Files of a commit.
        prefix: What the paths of all packs begin with, such as `Packs/`; empty for the top of the repository.
    """
    packs: dict[str, PackFiles] = {}
    for entry in entries:
        match = _PACK_PATH.fullmatch(entry.path, len(prefix)) if entry.path.startswith(prefix) else None
        if match is None or (match[2] and not entry.is_regular):
            continue
        pack = packs.setdefault(match[1], PackFiles(match[1], prefix + match[1]))
        if match[2]:
            pack.metadata = entry
        elif match[3]:
            pack.release_notes.add(match[3])
        else:
            pack.notes_blocked = True
    return packs


def parse_pack_metadata(data: bytes) -> PackMetadata:
    """Read a `pack_metadata.json`.

    Raises:
        PackMetadataError: No UTF-8 JSON object, a key twice, a version that is not three numbers, or a very
            long name.
    """
    members = {key: value for key, value, _, _ in _members(data)}
    version = members.get("currentVersion")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise PackMetadataError(f"currentVersion is {_shown(version)}, not three numbers like 1.0.3")
    name, support = _text(members.get("name")), _text(members.get("support"))
    if len(name) > MAX_TEXT or len(support) > MAX_TEXT:
        raise PackMetadataError(f"name or support has more than {MAX_TEXT:,} characters")
    return PackMetadata(
        name=name,
        version=version,
        support=support,
        hidden=members.get("hidden") in (True, "true", "True"),
    )


def next_version(version: str, taken: Collection[str]) -> str:
    """Return the version that follows, passing over those whose release notes exist.

    Args:
        version: Three numeric parts.
        taken: File names in the pack's `ReleaseNotes/`, such as `1_0_10.md`.

    Source: no part may exceed 99 (PA130 of demisto-sdk 1.39); `x.y.99` becomes `x.(y+1).0`.
    """
    major, minor, revision = (int(part) for part in version.split("."))
    while True:
        revision += 1
        if revision > 99:
            minor, revision = minor + 1, 0
        if minor > 99:
            major, minor, revision = major + 1, 0, 0
        following = f"{major}.{minor}.{revision}"
        if release_notes_name(following) not in taken:
            return following


def release_notes_name(version: str) -> str:
    """Return the name of the release-notes file of a version."""
    return version.replace(".", "_") + ".md"


def splice_version(data: bytes, version: str) -> bytes:
    """Replace the value of `currentVersion` and prove that nothing else changed.

    Raises:
        UnsafeEditError: The version could not be replaced alone.
    """
    text, bom = decode_text(data)
    old = _members(data)
    for key, value, start, end in old:
        if key == "currentVersion" and text[start:end] == f'"{value}"':
            new_data = (bom + text[: start + 1] + version + text[end - 1 :]).encode()
            expected = [(k, version if k == key else v) for k, v, _, _ in old]
            if [(k, v) for k, v, _, _ in _members(new_data)] != expected:
                raise UnsafeEditError("the edited pack_metadata.json does not read back as written")
            return new_data
    raise UnsafeEditError("currentVersion is not written out in pack_metadata.json")


def _members(data: bytes) -> list[tuple[str, object, int, int]]:
    """Return the top-level members of a JSON object: key, value, and where the value begins and ends."""
    try:
        text, _ = decode_text(data)
        decoder = json.JSONDecoder()
        position = _skip(text, 0, "{")
        members: list[tuple[str, object, int, int]] = []
        seen: set[str] = set()
        while text[position : position + 1] != "}":
            if members:
                position = _skip(text, position, ",")
            key, position = decoder.raw_decode(text, position)
            if not isinstance(key, str):
                raise PackMetadataError("not valid JSON: a key is no string")
            if key in seen:
                raise PackMetadataError(f"the key {_shown(key)} stands twice")
            seen.add(key)
            start = _skip(text, position, ":")
            value, end = decoder.raw_decode(text, start)
            members.append((key, value, start, end))
            position = _after_space(text, end)
        if _after_space(text, position + 1) != len(text):
            raise PackMetadataError("not valid JSON: text behind the end of the object")
    except UnicodeDecodeError as exc:
        raise PackMetadataError("not valid UTF-8") from exc
    except json.JSONDecodeError as exc:
        raise PackMetadataError(f"not valid JSON: {exc.msg} at line {exc.lineno} column {exc.colno}") from exc
    except (RecursionError, ValueError) as exc:  # nested too deep, or a number of thousands of digits
        raise PackMetadataError(f"not readable JSON: {str(exc).split(';')[0]}") from exc
    return members


def _skip(text: str, position: int, expected: str) -> int:
    position = _after_space(text, position)
    if text[position : position + 1] != expected:
        raise json.JSONDecodeError(f"expected {expected!r}", text, position)
    return _after_space(text, position + 1)


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _text(value: object) -> str:
    """Return a text that can be written and shown; JSON's escapes may stand for half of a character."""
    return _HALF.sub("\ufffd", value) if isinstance(value, str) else ""


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
