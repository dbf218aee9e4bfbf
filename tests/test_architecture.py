"""The imports tell the floor plan; this holds it. `docs/architecture.md` draws it."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "autobump"
DIAGRAM = PACKAGE.parent / "docs" / "architecture.md"

FLOORS = (
    ("cli",),
    ("demo",),
    ("service", "report"),
    ("passes",),
    ("forges", "evidence"),
    ("pull_requests",),
    ("settings",),
    ("planning",),
    ("decisions",),
    ("content", "images"),
    ("support",),
)
"""From the door down; a room imports only rooms on floors below its own."""

MOST_MODULES = 10
"""Modules at the top of a room, beside its own folders; `support` alone may have more."""

AT_THE_DOOR = {"__init__.py", "__main__.py"}
"""The only modules outside of rooms."""

PURE_ROOMS = ("decisions", "planning", "pull_requests")
"""Rooms that decide, and so reach for no file, process, network or clock, nor for a module that does."""

PURE = (
    "content/imports.py",
    "content/python/conditions.py",
    "content/python/lines.py",
    "content/python/versions.py",
    "content/item.py",
    "content/pack.py",
    "content/problem.py",
    "content/listing.py",
    "evidence/compare.py",
    "content/yaml/events.py",
    "content/yaml/load.py",
    "content/yaml/outline.py",
    "content/yaml/scan.py",
    "content/yaml/splice.py",
    "images/advisories/compare.py",
    "images/advisories/cvss.py",
    "images/advisories/cvss4.py",
    "images/advisories/record.py",
    "images/choice.py",
    "images/inside/changes.py",
    "images/inside/deprecated.py",
    "images/inside/facts.py",
    "images/inside/licences.py",
    "images/inside/page.py",
    "images/inside/system.py",
    "images/reference.py",
    "images/registries.py",
    "images/results.py",
    "images/spelling.py",
    "service/health.py",
    "settings/checks.py",
    "settings/cron.py",
    "settings/model.py",
    "settings/values.py",
    "support/markdown.py",
    "support/printable.py",
)
"""Modules of other rooms that are as pure."""

IO = {"os", "subprocess", "socket", "requests", "github", "tempfile", "pathlib", "time", "shutil", "sqlite3"}

ONE_IMPORTER = {
    "_ruamel_yaml": {"content/yaml/events.py", "content/yaml/scan.py"},
    "apscheduler": {"service/process.py"},
    "click": {"cli/"},
    "cronsim": {"settings/cron.py"},
    "fcntl": {"support/lock.py"},
    "github": {"forges/github/api.py", "forges/github/client.py", "forges/github/errors.py"},
    "jinja2": {"report/html.py"},
    "prometheus_client": {"service/metrics.py"},
    "requests": {"forges/github/", "support/http/"},
    "ruamel": {"content/yaml/"},
    "signal": {"service/signals.py", "support/parallel.py"},
    "sqlite3": {"support/sqlite_file.py"},
    "stdlib_list": {"images/inside/modules.py"},
    "subprocess": {"support/git.py", "evidence/container.py", "evidence/engine.py", "evidence/wheels.py"},
    "tenacity": {"support/http/retry.py"},
}
"""Libraries that only these modules, or modules of these folders, may import."""


def imports_of(source: str) -> Iterator[str]:
    """Yield what a module imports when it runs, `from a import b` as both `a` and `a.b`."""
    tree = ast.parse(source)
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text()
    for path in sorted(PACKAGE.rglob("*.py"))
    if "demo/content" not in path.as_posix() and path.parent.name != "runner"  # these run elsewhere
}
IMPORTS = {module: frozenset(imports_of(source)) for module, source in SOURCES.items()}


def dotted(module: str) -> str:
    return f"autobump.{module}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")


BY_NAME = {dotted(module): module for module in IMPORTS}


def own_imports(module: str, imports: Mapping[str, frozenset[str]] = IMPORTS) -> set[str]:
    """Return the modules of autobump that a module imports."""
    return {BY_NAME[name] for name in imports[module] if name in BY_NAME} - {module}


def room_of(module: str) -> str:
    return module.split("/")[0]


def floor_of(room: str) -> int:
    return next(floor for floor, rooms in enumerate(FLOORS) if room in rooms)


@cache
def reached_from(module: str) -> frozenset[str]:
    """Return every module that is imported with a module, itself included."""
    reached, waiting = set[str](), [module]
    while waiting:
        if (one := waiting.pop()) not in reached:
            reached.add(one)
            waiting += own_imports(one)
    return frozenset(reached)


INSIDE_ROOMS = [module for module in IMPORTS if module not in AT_THE_DOOR]


def test_every_module_lies_in_a_room_of_the_plan() -> None:
    rooms = {room for floor in FLOORS for room in floor}
    assert [module for module in INSIDE_ROOMS if room_of(module) not in rooms or "/" not in module] == []


@pytest.mark.parametrize("module", INSIDE_ROOMS)
def test_room_imports_only_rooms_below_it(module: str) -> None:
    room = room_of(module)
    upward = {
        other
        for other in own_imports(module)
        if other not in AT_THE_DOOR and room_of(other) != room and floor_of(room_of(other)) <= floor_of(room)
    }
    assert upward == set()


def test_no_module_imports_itself_through_others() -> None:
    circles = [
        f"{module} -> {other}"
        for module in INSIDE_ROOMS
        for other in own_imports(module)
        if module in reached_from(other) and not module.endswith("__init__.py")
    ]
    assert circles == []


def test_no_room_is_crowded() -> None:
    folders = Counter(Path(module).parent for module in INSIDE_ROOMS if not module.endswith("__init__.py"))
    crowded = {folder.as_posix(): number for folder, number in folders.items() if number > MOST_MODULES}
    assert set(crowded) <= {"support"}


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_library_has_its_importer(library: str) -> None:
    importers = {
        module for module, names in IMPORTS.items() if any(name.split(".")[0] == library for name in names)
    }
    places = ONE_IMPORTER[library]
    assert {module for module in importers if not module.startswith(tuple(places))} == set()
    assert {place for place in places if not any(module.startswith(place) for module in importers)} == set()


@pytest.mark.parametrize(
    "module", [*PURE, *(module for module in INSIDE_ROOMS if room_of(module) in PURE_ROOMS)]
)
def test_pure_module_reaches_no_io(module: str) -> None:
    reached = {
        f"{one} imports {name}"
        for one in reached_from(module)
        for name in IMPORTS[one]
        if name.split(".")[0] in IO
    }
    assert reached == set()


def test_diagram_shows_the_rooms_and_their_order() -> None:
    drawing = DIAGRAM.read_text().split("```mermaid\n")[1].split("```")[0]
    drawn = re.findall(r"^  (\w+)(?:\[.*?\])? --> (\w+)", drawing, re.MULTILINE)
    assert {room for arrow in drawn for room in arrow} == {room for floor in FLOORS for room in floor} - {
        "demo"
    }
    assert [arrow for arrow in drawn if floor_of(arrow[0]) >= floor_of(arrow[1])] == []


def test_no_module_is_named_for_nothing() -> None:
    banned = {"utils", "helpers", "common", "manager"}
    assert {Path(module).stem for module in IMPORTS} & banned == set()


def test_long_module_is_explained() -> None:
    long = {module for module, source in SOURCES.items() if source.count("\n") > 350}
    guide = (PACKAGE.parent / ".github" / "CONTRIBUTING.md").read_text()
    assert [module for module in sorted(long) if f"`{module}`" not in guide] == []
