"""What an item's own Python code imports, at the commit that is analysed."""

import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.cache import ContentCache
from autobump.content.imports import ItemCode, Use, find_imports
from autobump.content.item import CodePlace, ContentItem, ItemFile, ItemKind
from autobump.content.listing import TreeEntry
from autobump.content.tree import ContentTree
from autobump.content.yaml.events import YamlFault
from autobump.content.yaml.outline import Scalar, read_outline

SHARED_PACK = "ApiModules"
"""The pack whose scripts other items paste into themselves."""

_SHARED_SUFFIX = "ApiModule"
_CODE = (".py", ".ps1", ".js")
_MAX_IMPORTS = 1_000
_MAX_IMPORTED_TEXT = 100_000
"""What imports more modules, or has more characters in their names, is no person's work and is not read."""


def read_code(tree: ContentTree, items: Iterable[ContentItem], cache: ContentCache) -> dict[str, ItemCode]:
    """Read the imports of items, by path.

    Args:
        tree: The commit the items were read from.
        items: Which ones.
        cache: Remembers the imports of a blob.

    The code of a split item lies beside its YAML file, that of a unified one inside. What a shared
    `…ApiModule` imports counts as the item's own, because the platform pastes that module into it.
    """
    wanted = list(items)
    shared = find_shared_modules(tree)
    blobs = {(item.code.blob, item.code.form) for item in wanted if item.code.blob}
    imports = _read_imports(tree, blobs | {(entry.blob, "py") for entry in shared.values()}, cache)
    reached = {name: imports[entry.blob, "py"] or () for name, entry in shared.items()}
    read: dict[str, ItemCode] = {}
    for item in wanted:
        blob, form = item.code.blob, item.code.form
        if not blob:
            read[item.path] = ItemCode(absent=form)
        elif (found := imports[blob, form]) is None:
            read[item.path] = ItemCode(absent="its code could not be read")
        else:
            read[item.path] = ItemCode(_follow(found, reached))
    return read


def name_code(tree: ContentTree, items: Iterable[ContentItem]) -> dict[str, str]:
    """Return a name for the code of each item, by path: another one when its code changes, and only then.

    Args:
        tree: The commit the items were read from.
        items: Which ones.

    Of a split item it is made of all code that lies beside its YAML file and is no test, of a unified one of
    the code inside. One whose file cannot be read is named after that file.
    """
    wanted = list(items)
    folders = {item.path.rpartition("/")[0] for item in wanted if not _is_unified(item)}
    beside: dict[str, list[str]] = {}
    for entry in tree.list_files({item.pack for item in wanted}):
        folder = entry.path.rpartition("/")[0]
        if folder in folders and entry.is_regular and entry.path.endswith(_CODE) and not is_test(entry):
            beside.setdefault(folder, []).append(f"{entry.path}:{entry.blob}")
    names: dict[str, str] = {}
    unified: dict[str, list[ContentItem]] = {}
    for item in wanted:
        if files := beside.get(item.path.rpartition("/")[0]):
            names[item.path] = _hash("\n".join(files))
        else:
            unified.setdefault(item.blob, []).append(item)
    for blob in tree.read(sorted(unified)):
        for item in unified[blob.oid]:
            code = code_inside(blob.data or b"", item.kind)
            names[item.path] = _hash(blob.oid if code is None else code)
    return names


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def _is_unified(item: ContentItem) -> bool:
    """Whether it lies among other items, and not in a folder of its own."""
    return item.path.split("/")[-2] in ("Integrations", "Scripts")


class CodeFolder(Struct):
    """The Python files of a folder that are no tests, and those of each name without its letter case."""

    files: list[TreeEntry] = field(default_factory=list)
    named: dict[str, list[TreeEntry]] = field(default_factory=dict)


def find_shared_modules(tree: ContentTree) -> dict[str, TreeEntry]:
    """Return the modules that items paste into themselves, by name."""
    folder = f"{tree.prefix}{SHARED_PACK}/Scripts/"
    return {
        name: entry
        for entry in tree.list_files([SHARED_PACK])
        if entry.is_regular and entry.path.startswith(folder) and (name := _shared_name(entry))
    }


def _shared_name(entry: TreeEntry) -> str:
    folder, _, name = entry.path.removesuffix(".py").rpartition("/")
    is_code = entry.path.endswith(".py") and name.endswith(_SHARED_SUFFIX)
    return name if is_code and folder.endswith(f"/{name}") else ""


def find_python_files(entries: Iterable[TreeEntry], folders: Collection[str]) -> dict[str, CodeFolder]:
    """Return the Python code in some folders of items, by folder."""
    files: dict[str, CodeFolder] = {}
    for entry in entries:
        folder = entry.path.rpartition("/")[0]
        if entry.path.endswith(".py") and entry.is_regular and folder in folders and not is_test(entry):
            beside = files.setdefault(folder, CodeFolder())
            beside.files.append(entry)
            beside.named.setdefault(entry.path.removesuffix(".py").casefold(), []).append(entry)
    return files


def find_code(file: ItemFile, language: str, files: Mapping[str, CodeFolder], prefix: str) -> CodePlace:
    """Return where the code of an item is.

    Args:
        file: Its YAML file.
        language: What it is written in.
        files: See `find_python_files`.
        prefix: What the paths of all packs begin with.
    """
    if language != "python":
        names = {"powershell": "PowerShell", "javascript": "JavaScript"}
        return CodePlace("", f"{names.get(language, 'no Python')} code is not analysed")
    folder = file.path.rpartition("/")[0]
    inside = CodePlace(file.blob, f"yml-{file.kind.value}")
    if folder.removeprefix(prefix).count("/") == 1:
        return inside
    beside = files.get(folder, CodeFolder())
    match beside.named.get(file.path.removesuffix(".yml").casefold()) or beside.files:
        case [entry]:
            return CodePlace(entry.blob, "py")
        case []:
            return inside
        case _:
            return CodePlace("", "several Python files lie beside it")


def is_test(entry: TreeEntry) -> bool:
    """Whether a Python file belongs to the tests of an item."""
    stem = entry.path.removesuffix(".py").rpartition("/")[2]
    return stem.endswith("_test") or stem.startswith("test_") or stem == "conftest"


def _read_imports(
    tree: ContentTree, blobs: set[tuple[str, str]], cache: ContentCache
) -> dict[tuple[str, str], tuple[Use, ...] | None]:
    """Return the imports of each blob, or None for one that holds no code; a blob is read once."""
    found: dict[tuple[str, str], tuple[Use, ...] | None] = {}
    for form in sorted({form for _, form in blobs}):
        wanted = sorted(blob for blob, other in blobs if other == form)
        known = cache.find_imports(form, wanted)
        missing = [blob for blob in wanted if blob not in known]
        fresh = {blob.oid: _parse(blob.data, form) for blob in tree.read(missing)}
        cache.store_imports(form, fresh)
        found |= {(blob, form): imports for blob, imports in (known | fresh).items()}
    return found


def _parse(data: bytes | None, form: str) -> tuple[Use, ...] | None:
    if data is None:
        return None
    if form == "py":
        return _find(data.decode("utf-8-sig", "replace"))
    code = code_inside(data, ItemKind(form.removeprefix("yml-")))
    # A split item's YAML file has `-` or nothing where the code goes.
    return _find(code) if code is not None and len(code) > 1 else None


def code_inside(data: bytes, kind: ItemKind) -> str | None:
    """Return the code that a YAML file holds, empty when it holds none; None when it cannot be read."""
    try:
        outline = read_outline(data, inside=frozenset({"script"})).outline
    except YamlFault:
        return None
    node = outline.get("script")
    if kind is ItemKind.INTEGRATION:
        node = node.get("script") if isinstance(node, dict) else None
    return node.value if isinstance(node, Scalar) else ""


def _find(code: str) -> tuple[Use, ...] | None:
    imports = find_imports(code)
    written_by_hand = (
        len(imports) <= _MAX_IMPORTS and sum(len(one.module) for one in imports) <= _MAX_IMPORTED_TEXT
    )
    return imports if written_by_hand else None


def _follow(uses: tuple[Use, ...], shared: Mapping[str, tuple[Use, ...]]) -> tuple[Use, ...]:
    """Return what is imported, with what shared modules import in its place, however they are chained."""
    if not any(_SHARED_SUFFIX in use.module for use in uses):
        return uses
    waiting = deque((use, "") for use in uses)
    found: list[Use] = []
    seen: set[str] = set()
    while waiting:
        use, through = waiting.popleft()
        name = use.module.split(".")[0]
        if name not in shared:
            found.append(replace(use, through=through))
        elif name not in seen:
            seen.add(name)
            waiting += ((inner, name) for inner in shared[name])
    return tuple(found)
