"""Items: which files they are, and what one file says of itself."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from autobump.content.listing import TreeEntry
from autobump.content.yaml.events import LFS_DETAIL, LFS_POINTER, YamlFault, decode_text
from autobump.content.yaml.outline import Document, Other, Outline, Scalar, read_outline
from autobump.content.yaml.scan import scan_outline
from autobump.content.yaml.splice import UnsafeEditError, find_value_span, splice_value

_ITEM_PATH = re.compile(r"([^/]+)/(Integrations|Scripts)/(?:[^/]+/)?[^/]+\.yml")
_INSIDE = frozenset({"script", "commonfields"})
_WANTED = frozenset(
    {
        "name", "display", "id", "type", "subtype", "deprecated", "fromversion",
        "autoUpdateDockerImage", "dockerimage",
    }
)  # fmt: skip
MAX_TEXT = 1_000
"""Most characters of a name, an id, an image and the like; the longest known has 81. They stay in memory."""

_REFUSED_PARTS = frozenset({"", ".", "..", ".git"})
"""Git refuses to write these; only a tree made by hand has them, and one would fail the whole pass."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class ItemKind(StrEnum):
    """What an item is; decides where its image stands and under which header its note goes."""

    INTEGRATION = "integration"
    SCRIPT = "script"


class ItemFile(Struct, frozen=True):
    """One file that holds an item."""

    path: str
    pack: str
    kind: ItemKind
    blob: str
    mode: str


class DockerImageField(Struct, frozen=True, array_like=True):
    """The `dockerimage` key as written.

    Attributes:
        text: Its value; None when the key is missing or null.
        flaw: Why the value is no plain string, or empty.
        unsafe: Why its bytes cannot be replaced alone, or empty.
        start: Where the value begins in the text, when its lines alone proved it; else -1.
    """

    text: str | None = None
    flaw: str = ""
    unsafe: str = ""
    start: int = -1


class ItemFields(Struct, frozen=True, array_like=True, tag="fields"):
    """What an item's file says, independent of where the file lies.

    Attributes:
        name: Human name: `display` of an integration, `name` of a script; empty when there is none.
        item_id: `commonfields.id`.
        language: `python`, `powershell`, `javascript`, or what the file says.
        subtype: `python2`, `python3`, or empty.
        deprecated: Marked as deprecated.
        auto_update: Value of `autoUpdateDockerImage`; None when it is not said.
        auto_update_misplaced: The key stands under `script:`, where the platform does not read it.
        from_version: First platform version that takes the item, or empty.
        image: The `dockerimage` key.
    """

    name: str
    item_id: str
    language: str
    subtype: str
    deprecated: bool
    auto_update: bool | None
    auto_update_misplaced: bool
    from_version: str
    image: DockerImageField


class Fault(Struct, frozen=True, array_like=True, tag="fault"):
    """Why a file is no readable item; line and column count from 1, and are 0 where there are none."""

    reason: str
    detail: str
    line: int = 0
    column: int = 0


ItemResult = ItemFields | Fault
"""What an item's file says, or why it cannot be read."""


class CodePlace(Struct, frozen=True, array_like=True):
    """Where the Python code of an item is.

    Attributes:
        blob: Name of the blob that holds it, or empty.
        form: `py` for a file of code, `yml-integration` or `yml-script` for code inside of YAML; without a
            blob why there is none.
    """

    blob: str = ""
    form: str = ""


class ContentItem(ItemFile, frozen=True):
    """One integration or script: its YAML file, what that says, and where its code is."""

    fields: ItemFields
    code: CodePlace = CodePlace()


def is_safe_path(path: str) -> bool:
    """Whether git takes a path back and it can be shown: UTF-8, no control characters."""
    return not _UNPRINTABLE.search(path) and _REFUSED_PARTS.isdisjoint(path.casefold().split("/"))


def find_item_files(entries: Iterable[TreeEntry], prefix: str) -> Iterator[ItemFile]:
    """Pick the files that hold items, in the order given; links, submodules and deeper files are none.

    Args:
        entries: Files of a commit.
        prefix: What the paths of all packs begin with, such as `Packs/`; empty for the top of the repository.

    Source: layout of content packs as described in the Cortex XSOAR developer documentation; the two
    depths (unified and split) were checked against a whole content repository.
    """
    packs: dict[str, str] = {}  # the files of a pack share its name
    for entry in entries:
        if not entry.path.endswith(".yml") or not entry.path.startswith(prefix):
            continue
        if entry.is_regular and (match := _ITEM_PATH.fullmatch(entry.path, len(prefix))):
            kind = ItemKind.INTEGRATION if match[2] == "Integrations" else ItemKind.SCRIPT
            yield ItemFile(entry.path, packs.setdefault(match[1], match[1]), kind, entry.blob, entry.mode)


def parse_item(data: bytes, kind: ItemKind) -> ItemFields:
    """Read what a file says of its item.

    Args:
        data: The whole YAML file.
        kind: Taken from the folder it lies in.

    Raises:
        YamlFault: The file is no valid UTF-8 YAML mapping, or a value that is needed is very long.
    """
    if data.startswith(LFS_POINTER):
        raise YamlFault("lfs-pointer", LFS_DETAIL, 1, 1)
    scanned = _scan(data)
    document = Document(scanned, frozenset()) if scanned is not None else read_outline(data, inside=_INSIDE)
    top = document.outline
    script = _mapping(top.get("script"))
    common = _mapping(top.get("commonfields"))
    for level in (top, script, common):
        _require_short(level, data)
    home = _home(top, kind)
    flag = _flag(top.get("autoUpdateDockerImage"))
    nested = script.get("autoUpdateDockerImage")
    return ItemFields(
        name=_text(top.get("display" if kind is ItemKind.INTEGRATION else "name")) or _text(common.get("id")),
        item_id=_text(common.get("id")),
        language=_text(home.get("type")),
        subtype=_text(home.get("subtype")),
        deprecated=_flag(top.get("deprecated")) is True,
        # A wish not to be updated counts wherever it stands.
        auto_update=False if _flag(nested) is False else flag,
        auto_update_misplaced=nested is not None,
        from_version=_text(top.get("fromversion")),
        image=_image_field(data, document, home, scanned=scanned is not None),
    )


def replace_image(data: bytes, kind: ItemKind, image: DockerImageField, new_text: str) -> bytes:
    """Write another image into an item's file, and prove that nothing else changed.

    Args:
        data: The whole YAML file.
        kind: Taken from the folder it lies in.
        image: The key as read from the same file.
        new_text: The image to write.

    Raises:
        UnsafeEditError: It could not be proven.
    """
    if image.start >= 0 and image.text is not None:
        return _replace_scanned(data, kind, image.text, image.start, new_text)
    try:
        node = _home(read_outline(data, inside=_INSIDE).outline, kind).get("dockerimage")
    except YamlFault as exc:
        raise UnsafeEditError(str(exc)) from exc
    if not isinstance(node, Scalar) or node.value != image.text:
        raise UnsafeEditError("dockerimage was not found again")
    return splice_value(data, node, new_text)


def _replace_scanned(data: bytes, kind: ItemKind, old_text: str, start: int, new_text: str) -> bytes:
    """Replace an image that its lines alone proved, and prove the new file in the same way.

    One line changes. Where each key begins and ends was proven for the old file, and is proven for the new
    one; so every other key has the lines it had.
    """
    text = data.decode("utf-8")
    if not text.startswith(old_text, start):
        raise UnsafeEditError("dockerimage was not found again")
    new = (text[:start] + new_text + text[start + len(old_text) :]).encode()
    outline = _scan(new)
    node = _home(outline, kind).get("dockerimage") if outline is not None else None
    if not isinstance(node, Scalar) or (node.value, node.start) != (new_text, start):
        raise UnsafeEditError("the edited value does not read back as written")
    return new


def _scan(data: bytes) -> Outline | None:
    try:
        return scan_outline(data.decode("utf-8"), _WANTED, _INSIDE)
    except UnicodeDecodeError:
        return None


def _require_short(level: Outline, data: bytes) -> None:
    for key in _WANTED:
        node = level.get(key)
        if isinstance(node, Scalar) and len(node.value) > MAX_TEXT:
            detail = f"{key}: {len(node.value):,} characters are more than the {MAX_TEXT:,} that are read"
            text, _ = decode_text(data)
            line = text.count("\n", 0, node.start) + 1
            raise YamlFault("too-large", detail, line, node.start - text.rfind("\n", 0, node.start))


def _home(top: Outline, kind: ItemKind) -> Outline:
    return _mapping(top.get("script")) if kind is ItemKind.INTEGRATION else top


def _image_field(data: bytes, document: Document, home: Outline, *, scanned: bool) -> DockerImageField:
    node = home.get("dockerimage")
    match node:
        case None:
            return DockerImageField()
        case Scalar() if node.tagged:
            return DockerImageField(node.value, flaw="its value carries a YAML tag")
        case Scalar() if node.plain and node.value in ("", "~", "null", "Null", "NULL"):
            return DockerImageField()
        case Scalar() if scanned:
            return DockerImageField(node.value or None, start=node.start)
        case Scalar():
            return DockerImageField(node.value or None, unsafe=_why_unsafe(data, document, node))
        case Other():
            return DockerImageField("", flaw=f"its value is {_an(node.kind)}, not a plain string")
        case _:
            return DockerImageField("", flaw="its value is a mapping, not a plain string")


def _why_unsafe(data: bytes, document: Document, node: Scalar) -> str:
    if node.anchor in document.aliased:
        return "an alias elsewhere in the file refers to this value"
    if not node.value:
        return ""
    try:
        find_value_span(decode_text(data)[0], node)
    except UnsafeEditError as exc:
        return str(exc)
    return ""


def _mapping(node: object) -> Outline:
    return node if isinstance(node, dict) else {}


def _text(node: object) -> str:
    return node.value if isinstance(node, Scalar) else ""


def _flag(node: object) -> bool | None:
    """Read a YAML truth value; quotes do not change what its writer meant."""
    match _text(node).strip().lower():
        case "true" | "yes" | "on":
            return True
        case "false" | "no" | "off":
            return False
        case _:
            return None


def _an(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
