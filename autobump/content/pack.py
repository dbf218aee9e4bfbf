"""Packs: their metadata, their version, and splicing the next one in."""

import json
import re
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from autobump.content.listing import METADATA_NAME, TreeEntry
from autobump.content.yaml.events import LFS_DETAIL, LFS_POINTER, decode_text
from autobump.content.yaml.splice import UnsafeEditError

MAX_METADATA_BYTES = 256 * 1024
"""Largest `pack_metadata.json` that is read; the largest known has 10 KiB. Objects take fifty times more."""

MAX_TEXT = 1_000
"""Most characters of a pack's name or support level; they stay in memory."""

_PACK_PATH = re.compile(rf"([^/]+)/(?:({re.escape(METADATA_NAME)})|ReleaseNotes(?:/([^/]+)(?:/.*)?)?)")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_HALF = re.compile("[\ud800-\udfff]")
_Member = tuple[str, object, int, int]
"""Key, value, and where the value begins and ends."""

# An object becomes a tuple of its members, so that a key that stands twice does not get lost.
_PAIRS = json.JSONDecoder(object_pairs_hook=tuple)
_SPACE = re.compile(r"[ \t\n\r]*")


class PackMetadataError(Exception):
    """A `pack_metadata.json` that cannot be used; its text says why.

    Attributes:
        line: Where, from 1.
        column: Where, from 1.
        metadata: What it says all the same, without a version; None where that cannot be told.
    """

    def __init__(self, detail: str, line: int = 1, column: int = 1) -> None:
        super().__init__(detail)
        self.line = line
        self.column = column
        self.metadata: PackMetadata | None = None


class PackMetadata(Struct, frozen=True, array_like=True):
    """What is needed of a `pack_metadata.json`.

    Attributes:
        name: Name shown to users, or empty.
        version: `currentVersion`, three numeric parts; empty where that is not what the file says.
        support: `xsoar`, `partner`, `developer`, `community`, `xsiam`, `internal`, or empty.
        hidden: The pack is not offered any more.
    """

    name: str
    version: str
    support: str
    hidden: bool


class PackFiles(Struct):
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
    metadata: TreeEntry | None = None
    release_notes: Collection[str] = ()
    notes_blocked: bool = False


class Pack(Struct, frozen=True):
    """A pack as read.

    Attributes:
        files: Where it keeps what an update touches.
        metadata: What its metadata says, or as much of it as can be read; None when that is nothing.
        flaw: Why an update cannot write the next version into it, or empty.
        line: Where the flaw is, from 1; None when unknown.
        column: Where the flaw is, from 1; None when unknown.
    """

    files: PackFiles
    metadata: PackMetadata | None
    flaw: str = ""
    line: int | None = None
    column: int | None = None

    @property
    def name(self) -> str:
        """Folder name of the pack."""
        return self.files.name

    @property
    def support_level(self) -> str:
        """Support level as the settings call it: `none` where the metadata names none."""
        return (self.metadata.support if self.metadata else "") or "none"


def find_pack_files(entries: Iterable[TreeEntry], prefix: str) -> dict[str, PackFiles]:
    """Collect every pack's metadata file and release-note names, by folder name.

    Args:
        entries: Files of a commit.
        prefix: What the paths of all packs begin with, such as `Packs/`; empty for the top of the repository.
    """
    packs: dict[str, PackFiles] = {}
    notes: dict[str, dict[str, None]] = {}
    for entry in entries:
        match = _PACK_PATH.fullmatch(entry.path, len(prefix)) if entry.path.startswith(prefix) else None
        if match is None or (match[2] and not entry.is_regular):
            continue
        pack = packs.setdefault(match[1], PackFiles(match[1], prefix + match[1]))
        if match[2]:
            pack.metadata = entry
        elif match[3]:
            notes.setdefault(match[1], {})[match[3]] = None
        else:
            pack.notes_blocked = True
    for name, names in notes.items():
        packs[name].release_notes = tuple(names)
    return packs


def parse_pack_metadata(data: bytes) -> PackMetadata:
    """Read a `pack_metadata.json`.

    Raises:
        PackMetadataError: No UTF-8 JSON object, a key twice, a version that is not three numbers, or a very
            long name.
    """
    if (metadata := _read_quickly(data)) is not None:
        return metadata
    found = _members(data)
    metadata = _read_members(data, found)
    try:
        return replace(metadata, version=_read_version(data, found))
    except PackMetadataError as exc:
        exc.metadata = metadata
        raise


def _read_quickly(data: bytes) -> PackMetadata | None:
    """Return what metadata says that has no flaw; None where a closer look has to find the place of one."""
    try:
        pairs = _PAIRS.decode(decode_text(data)[0])
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, tuple):
        return None
    members = dict(pairs)
    version, name, support = (members.get(key) for key in ("currentVersion", "name", "support"))
    if (
        len(members) != len(pairs)
        or not (isinstance(version, str) and _VERSION.fullmatch(version))
        or any(isinstance(text, str) and len(text) > MAX_TEXT for text in (name, support))
    ):
        return None
    return PackMetadata(_text(name), version, _text(support), _is_true(members.get("hidden")))


def _read_version(data: bytes, found: Sequence[_Member]) -> str:
    for key, value, start, _ in found:
        if key != "currentVersion":
            continue
        if isinstance(value, str) and _VERSION.fullmatch(value):
            return value
        why = f"currentVersion is {_shown(value)}, not three numbers like 1.0.3"
        raise PackMetadataError(why, *_locate(data, start))
    raise PackMetadataError("currentVersion is missing; a release note needs three numbers like 1.0.3")


def _read_members(data: bytes, found: Sequence[_Member]) -> PackMetadata:
    """Return what the metadata says, but for the version."""
    members = {key: value for key, value, _, _ in found}
    starts = {key: start for key, _, start, _ in found}
    name, support = _text(members.get("name")), _text(members.get("support"))
    for key, text in (("name", name), ("support", support)):
        if len(text) > MAX_TEXT:
            why = f"{key} has more than {MAX_TEXT:,} characters"
            raise PackMetadataError(why, *_locate(data, starts[key]))
    return PackMetadata(
        name=name,
        version="",
        support=support,
        hidden=_is_true(members.get("hidden")),
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


def _members(data: bytes) -> list[_Member]:
    """Return the top-level members of a JSON object: key, value, and where the value begins and ends."""
    try:
        text, _ = decode_text(data)
        decoder = json.JSONDecoder()
        position = _skip(text, 0, "{")
        members: list[_Member] = []
        seen: set[str] = set()
        while text[position : position + 1] != "}":
            if members:
                position = _skip(text, position, ",")
            key_start = position
            key, position = decoder.raw_decode(text, position)
            if not isinstance(key, str):
                raise PackMetadataError("not valid JSON: a key is no string", *_locate(data, key_start))
            if key in seen:
                raise PackMetadataError(f"the key {_shown(key)} stands twice", *_locate(data, key_start))
            seen.add(key)
            start = _skip(text, position, ":")
            value, end = decoder.raw_decode(text, start)
            members.append((key, value, start, end))
            position = _after_space(text, end)
        if _after_space(text, position + 1) != len(text):
            behind = _locate(data, _after_space(text, position + 1))
            raise PackMetadataError("not valid JSON: text behind the end of the object", *behind)
    except UnicodeDecodeError as exc:
        before = data[: exc.start].decode("utf-8")
        raise PackMetadataError("not valid UTF-8", *_place_behind(before)) from exc
    except json.JSONDecodeError as exc:
        if data.startswith(LFS_POINTER):
            raise PackMetadataError(LFS_DETAIL) from exc
        raise PackMetadataError(f"not valid JSON: {exc.msg}", exc.lineno, exc.colno) from exc
    except (RecursionError, ValueError) as exc:  # nested too deep, or a number of thousands of digits
        raise PackMetadataError(f"not readable JSON: {str(exc).split(';')[0]}") from exc
    return members


def _locate(data: bytes, position: int) -> tuple[int, int]:
    """Return line and column of a character of the file's text."""
    return _place_behind(decode_text(data)[0][:position])


def _place_behind(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


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


def _is_true(value: object) -> bool:
    return value in (True, "true", "True")


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
