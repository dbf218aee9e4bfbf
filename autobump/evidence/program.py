"""Puts items together as the platform does: what all share, what they import, their own code."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from autobump.content.code import code_inside, find_shared_modules, is_test
from autobump.content.item import ContentItem, ItemKind
from autobump.content.listing import TreeEntry
from autobump.content.tree import ContentTree
from autobump.content.yaml.load import load_plain

PLATFORM_MODULES = ("CommonServerPython", "CommonServerUserPython")
"""Pasted before the code of every item, in this order."""

_BASE_PACK = "Base"
_MOCK = "Tests/demistomock/demistomock.py"
_SHARED_NAME = re.compile(r"\b\w+ApiModule\b")
_MOST_TEST_BYTES = 8 * 1024 * 1024
_LANGUAGES = {"powershell": "PowerShell", "javascript": "JavaScript"}

_SAMPLES: Mapping[int, Any] = {
    0: "https://example.invalid",
    4: "secret",
    8: False,
    9: {"identifier": "user", "password": "secret", "credentials": {}, "credential": ""},
    12: "text",
    13: "",
    14: "secret",
    15: "",
    16: [],
    17: "suspicious",
    18: "indicatorType",
    19: "1",
}
"""What a parameter holds when nobody set it, by its type.

Source: the types of configuration parameters in the documentation of the platform.
"""


class Surroundings(Struct, frozen=True):
    """What the items of a repository share.

    Attributes:
        prelude: Name and code of what is pasted before every item.
        shared: Code of the shared modules by name.
        mock: The repository's `demistomock` for unit tests, or empty.
    """

    prelude: tuple[tuple[str, str], ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)
    mock: str = ""

    @property
    def lacks_platform(self) -> bool:
        """Whether stand-ins take the place of the platform's own module."""
        return PLATFORM_MODULES[0] not in dict(self.prelude)

    def request(self) -> dict[str, Any]:
        """Return what the runner is told once."""
        return {
            "prelude": [[f"{name}.py", code] for name, code in self.prelude],
            "shared": dict(self.shared),
            "stand_ins": self.lacks_platform,
        }


class Program(Struct, frozen=True):
    """One item, ready to be executed.

    Attributes:
        path: Path of its YAML file.
        file: Name that errors give to its code.
        code: The code.
        kind: What the item is.
        params: Parameters of an integration, as if nobody had changed their defaults.
        args: Arguments of a script, likewise.
        tests: Its unit tests and what lies beside them, by name, when it has some.
        key: Names all of it: another one when anything that is executed changes.
    """

    path: str
    file: str
    code: str
    kind: ItemKind
    params: Mapping[str, Any] = field(default_factory=dict)
    args: Mapping[str, Any] = field(default_factory=dict)
    tests: Mapping[str, bytes] = field(default_factory=dict)
    key: str = ""

    def load_request(self) -> dict[str, Any]:
        """Return what the runner is told to load it."""
        return {
            "script": self.code,
            "integration": self.kind is ItemKind.INTEGRATION,
            "native": False,
            "file": self.file,
            "params": self.params,
            "args": self.args,
        }

    def tests_request(self) -> dict[str, Any]:
        """Return what the runner is told to run its tests."""
        files = {name: base64.b64encode(data).decode("ascii") for name, data in self.tests.items()}
        return {"files": files, "tests": [name for name in self.tests if name.endswith("_test.py")]}


def read_programs(
    tree: ContentTree, items: Iterable[ContentItem], *, with_tests: bool
) -> tuple[Surroundings, dict[str, Program | str]]:
    """Read what is executed of some items, by path; a text says why one cannot be.

    Args:
        tree: The commit the items were read from.
        items: Which ones.
        with_tests: Read their unit tests, too.
    """
    wanted = list(items)
    shared = find_shared_modules(tree)
    platform = {entry.path: entry for entry in tree.list_files([_BASE_PACK]) if _is_code(entry)}
    # Below the folder of a unified item lie the folders of others.
    tested = {item.path.rpartition("/")[0] for item in wanted if item.code.form == "py"}
    beside = _test_files(tree.list_below(tested), tested) if with_tests and tested else {}
    blobs = {entry.blob for entry in (*shared.values(), *platform.values())}
    blobs |= {item.code.blob for item in wanted if item.code.blob} | {item.blob for item in wanted}
    blobs |= {entry.blob for entries in beside.values() for entry in entries}
    tree.fetch_missing(blobs)
    data = {blob.oid: blob.data for blob in tree.read(sorted(blobs))}
    surroundings = Surroundings(
        tuple(
            (name, _text(data[entry.blob]))
            for name in PLATFORM_MODULES
            if (entry := platform.get(f"{tree.prefix}{_BASE_PACK}/Scripts/{name}/{name}.py"))
        ),
        {name: _text(data[entry.blob]) for name, entry in shared.items()},
        _text(tree.read_file(_MOCK)) if with_tests else "",
    )
    programs: dict[str, Program | str] = {}
    for item in wanted:
        blob, form = item.code.blob, item.code.form
        if item.fields.language != "python":
            programs[item.path] = f"{_LANGUAGES.get(item.fields.language, 'other')} code is not run"
        elif not blob or (found := data[blob]) is None:
            programs[item.path] = form if not blob else "its code could not be read"
        else:
            code = _text(found) if form == "py" else code_inside(found, item.kind)
            if not code or code.strip() == "-":
                programs[item.path] = "it has no code"
            else:
                entries = beside.get(item.path.rpartition("/")[0], ())
                tests = _take_tests(item, surroundings, code, entries, data)
                programs[item.path] = _program(item, code, data[item.blob], surroundings, tests)
    return surroundings, programs


def _is_code(entry: TreeEntry) -> bool:
    return entry.is_regular and entry.path.endswith(".py")


def _program(
    item: ContentItem, code: str, yaml: bytes | None, surroundings: Surroundings, tests: Mapping[str, bytes]
) -> Program:
    document = load_plain(yaml or b"")
    fields = document if isinstance(document, dict) else {}
    params = dict(_defaults(fields.get("configuration"), "name", "defaultvalue"))
    args = dict(_defaults(fields.get("args"), "name", "defaultValue"))
    used = _used_modules(code, surroundings.shared)
    digest = hashlib.sha256()
    for part in (
        item.kind.value,
        json.dumps([params, args, surroundings.lacks_platform], sort_keys=True),
        *(f"{name}\0{text}" for name, text in surroundings.prelude),
        *(f"{name}\0{surroundings.shared[name]}" for name in sorted(used)),
        code,
    ):
        digest.update(hashlib.sha256(part.encode("utf-8", "replace")).digest())
    for name, data in sorted(tests.items()):
        digest.update(hashlib.sha256(name.encode("utf-8", "replace") + b"\0" + data).digest())
    file = f"{item.path.rpartition('/')[2].removesuffix('.yml')}.py"
    return Program(item.path, file, code, item.kind, params, args, tests, digest.hexdigest())


def _used_modules(code: str, shared: Mapping[str, str]) -> set[str]:
    """Return the shared modules that some code may import, and those that they import."""
    used: set[str] = set()
    waiting = [code]
    while waiting:
        for name in set(_SHARED_NAME.findall(waiting.pop())) & shared.keys() - used:
            used.add(name)
            waiting.append(shared[name])
    return used


def _defaults(entries: Any, name: str, default: str) -> Iterator[tuple[str, Any]]:
    """Yield what parameters or arguments hold when a person left them as they are."""
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get(name), str):
            continue
        value = entry.get(default)
        if isinstance(value, str | int | float | bool):
            yield entry[name], str(value)[:1_000] if not isinstance(value, bool) else value
        else:
            kind = entry.get("type", 0)
            yield entry[name], _SAMPLES.get(kind, "") if isinstance(kind, int) else "value"


def _test_files(entries: Iterable[TreeEntry], folders: set[str]) -> dict[str, list[TreeEntry]]:
    """Return the tests in some folders and what lies in folders beside them, by folder."""
    found: dict[str, list[TreeEntry]] = {}
    for entry in entries:
        parts = entry.path.split("/")
        for depth in range(1, min(4, len(parts))):
            folder = "/".join(parts[:-depth])
            if folder in folders and entry.is_regular and (depth > 1 or is_test(entry)):
                found.setdefault(folder, []).append(entry)
                break
    return found


def _take_tests(
    item: ContentItem,
    surroundings: Surroundings,
    code: str,
    entries: Iterable[TreeEntry],
    data: Mapping[str, bytes | None],
) -> dict[str, bytes]:
    """Return all files that an item's unit tests need; none when it has no tests."""
    folder = item.path.rpartition("/")[0]
    stem = item.path.rpartition("/")[2].removesuffix(".yml")
    files = {entry.path.removeprefix(f"{folder}/"): data[entry.blob] or b"" for entry in entries}
    if not any(name.endswith("_test.py") for name in files):
        return {}
    if sum(map(len, files.values())) > _MOST_TEST_BYTES:
        return {}
    files[f"{stem}.py"] = code.encode("utf-8", "replace")
    for name, text in surroundings.prelude:
        files.setdefault(f"{name}.py", text.encode("utf-8", "replace"))
    for name in _used_modules(code, surroundings.shared):
        files[f"{name}.py"] = surroundings.shared[name].encode("utf-8", "replace")
    if surroundings.mock:
        files.setdefault("demistomock.py", surroundings.mock.encode("utf-8", "replace"))
    return files


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8-sig", "replace")
