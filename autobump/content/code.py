"""What an item's own Python code imports, at the commit that is analysed."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autobump.content.facts_cache import FactsCache
from autobump.content.imports import Import, find_imports
from autobump.content.item import ContentItem, ItemKind
from autobump.content.tree import ContentTree, TreeEntry
from autobump.content.yaml_text import Scalar, YamlFault, read_outline

_SHARED_FOLDER = "Packs/ApiModules/Scripts"
_SHARED_SUFFIX = "ApiModule"
_MAX_IMPORTS = 10_000
"""What imports more was not written by a person, and is not read."""


@dataclass(frozen=True, slots=True)
class Use:
    """One module an item needs.

    Attributes:
        module: As imported, dotted.
        guarded: The code may do without it.
        through: The shared module of the content repository that imports it, or empty for the item itself.
    """

    module: str
    guarded: bool
    through: str = ""


@dataclass(frozen=True, slots=True)
class ItemCode:
    """What an item's code imports; `absent` says why that cannot be told, or is empty."""

    uses: tuple[Use, ...] = ()
    absent: str = ""


def read_code(tree: ContentTree, items: Iterable[ContentItem], cache: FactsCache) -> dict[str, ItemCode]:
    """Read the imports of items, by path.

    Args:
        tree: The commit the items were read from.
        items: Which ones.
        cache: Remembers the imports of a blob.

    The code of a split item lies beside its YAML file, that of a unified one inside. What a shared
    `…ApiModule` imports counts as the item's own, because the platform pastes that module into it.
    """
    wanted = list(items)
    files = _python_files(tree.entries)
    where = {item.path: _find_code(item, files) for item in wanted}
    shared = {name: entry for entry in files.get(_SHARED_FOLDER, ()) if (name := _shared_name(entry))}
    blobs = {(blob, form) for blob, form in where.values() if blob}
    imports = _read_imports(tree, blobs | {(entry.blob, "py") for entry in shared.values()}, cache)
    reached = {name: imports[entry.blob, "py"] or () for name, entry in shared.items()}
    read: dict[str, ItemCode] = {}
    for item in wanted:
        blob, form = where[item.path]
        if not blob:
            read[item.path] = ItemCode(absent=form)
        elif (found := imports[blob, form]) is None:
            read[item.path] = ItemCode(absent="its code could not be read")
        else:
            read[item.path] = ItemCode(tuple(_follow(found, reached)))
    return read


def _python_files(entries: Iterable[TreeEntry]) -> dict[str, list[TreeEntry]]:
    """Return the Python files by folder; shared modules are listed under the folder of all of them, too."""
    files: dict[str, list[TreeEntry]] = {}
    for entry in entries:
        if entry.path.endswith(".py") and entry.is_regular:
            folder = entry.path.rpartition("/")[0]
            files.setdefault(folder, []).append(entry)
            if folder.startswith(_SHARED_FOLDER + "/"):
                files.setdefault(_SHARED_FOLDER, []).append(entry)
    return files


def _shared_name(entry: TreeEntry) -> str:
    folder, _, name = entry.path.removesuffix(".py").rpartition("/")
    return name if name.endswith(_SHARED_SUFFIX) and folder.endswith(f"/{name}") else ""


def _find_code(item: ContentItem, files: Mapping[str, list[TreeEntry]]) -> tuple[str, str]:
    """Return blob and form of an item's code, or an empty blob and why there is none."""
    language = item.facts.language
    if language != "python":
        names = {"powershell": "PowerShell", "javascript": "JavaScript"}
        return "", f"{names.get(language, 'no Python')} code is not analysed"
    folder = item.path.rpartition("/")[0]
    if folder.count("/") == 2:
        return item.file.blob, f"yml-{item.file.kind.value}"
    beside = [entry for entry in files.get(folder, ()) if not _is_test(entry)]
    code = item.path.removesuffix(".yml").casefold()
    named = [entry for entry in beside if entry.path.removesuffix(".py").casefold() == code]
    match named or beside:
        case [entry]:
            return entry.blob, "py"
        case []:
            return item.file.blob, f"yml-{item.file.kind.value}"
        case _:
            return "", "several Python files lie beside it"


def _is_test(entry: TreeEntry) -> bool:
    stem = entry.path.removesuffix(".py").rpartition("/")[2]
    return stem.endswith("_test") or stem.startswith("test_") or stem == "conftest"


def _read_imports(
    tree: ContentTree, blobs: set[tuple[str, str]], cache: FactsCache
) -> dict[tuple[str, str], tuple[Import, ...] | None]:
    """Return the imports of each blob, or None for one that holds no code; a blob is read once."""
    found: dict[tuple[str, str], tuple[Import, ...] | None] = {}
    for form in sorted({form for _, form in blobs}):
        wanted = sorted(blob for blob, other in blobs if other == form)
        known = cache.find_imports(form, wanted)
        missing = [blob for blob in wanted if blob not in known]
        fresh = {blob.oid: _parse(blob.data, form) for blob in tree.read(missing)}
        cache.store_imports(form, fresh)
        found |= {(blob, form): imports for blob, imports in (known | fresh).items()}
    return found


def _parse(data: bytes | None, form: str) -> tuple[Import, ...] | None:
    if data is None:
        return None
    if form == "py":
        return _find(data.decode("utf-8-sig", "replace"))
    try:
        outline = read_outline(data, inside=frozenset({"script"})).outline
    except YamlFault:
        return None
    node = outline.get("script")
    if form == f"yml-{ItemKind.INTEGRATION.value}":
        node = node.get("script") if isinstance(node, dict) else None
    code = node.value if isinstance(node, Scalar) else ""
    # A split item's YAML file has `-` or nothing where the code goes.
    return _find(code) if len(code) > 1 else None


def _find(code: str) -> tuple[Import, ...] | None:
    imports = find_imports(code)
    return imports if len(imports) <= _MAX_IMPORTS else None


def _follow(imports: Iterable[Import], shared: Mapping[str, tuple[Import, ...]]) -> Iterator[Use]:
    """Yield what is imported, with what shared modules import in its place, however they are chained."""
    waiting = deque((one, "") for one in imports)
    seen: set[str] = set()
    while waiting:
        one, through = waiting.popleft()
        name = one.module.split(".")[0]
        if name not in shared:
            yield Use(one.module, one.guarded, through)
        elif name not in seen:
            seen.add(name)
            waiting += ((inner, name) for inner in shared[name])
