"""The imports tell the structure; this holds it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "autobump"

CLI = {
    f"cli/{name}.py"
    for name in ("__init__", "demo", "init", "inspect", "options", "output", "passes", "settings")
}

ONE_IMPORTER = {
    "ruamel": {f"content/yaml/{name}.py" for name in ("events", "load", "outline", "splice")},
    "_ruamel_yaml": {"content/yaml/scan.py"},
    "subprocess": {"support/git.py"},
    "sqlite3": {"support/sqlite_file.py"},
    "click": {
        f"cli/{name}.py"
        for name in ("__init__", "demo", "init", "inspect", "options", "output", "passes", "settings")
    },
    "github": {"forges/github/api.py", "forges/github/client.py"},
    "jinja2": {"report/html.py"},
    "stdlib_list": {"images/inside/modules.py"},
    "apscheduler": {"service/schedule.py"},
    "prometheus_client": {"service/metrics.py"},
    "fcntl": {"support/lock.py"},
    "signal": {"service/schedule.py", "support/parallel.py"},
}
"""Libraries that only these modules may import."""

PURE = (
    "decisions/eligibility.py",
    "content/imports.py",
    "content/item.py",
    "content/pack.py",
    "content/release_notes.py",
    "content/yaml/scan.py",
    "content/yaml/events.py",
    "content/yaml/load.py",
    "content/yaml/outline.py",
    "content/yaml/splice.py",
    "settings/checks.py",
    "settings/cron.py",
    "service/health.py",
    "images/choice.py",
    "images/inside/deprecated.py",
    "images/inside/facts.py",
    "images/inside/changes.py",
    "images/inside/licences.py",
    "images/inside/page.py",
    "images/reference.py",
    "support/markdown.py",
    "support/printable.py",
    "planning/plan.py",
    "decisions/risk.py",
    "pull_requests/body/text.py",
    "pull_requests/dashboard.py",
    "pull_requests/edits.py",
    "pull_requests/body/image_change.py",
    "pull_requests/marker.py",
    "pull_requests/reconcile.py",
    "pull_requests/render.py",
)
"""Modules that decide, and so must not reach for files, processes, the network or the clock."""

IO = {
    "os",
    "subprocess",
    "socket",
    "requests",
    "github",
    "tempfile",
    "pathlib",
    "time",
    "shutil",
    "autobump.support.git",
}

FORWARD = ("content", "images", "decisions", "planning", "pull_requests", "forges", "report")
"""The route: a package may import those before it, never those behind it."""


def imports_of(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


MODULES = {path.relative_to(PACKAGE).as_posix(): imports_of(path) for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_library_has_its_one_importer(library: str) -> None:
    importers = {
        module for module, names in MODULES.items() if any(name.split(".")[0] == library for name in names)
    }
    assert importers == ONE_IMPORTER[library]


@pytest.mark.parametrize("module", PURE)
def test_pure_module_does_no_io(module: str) -> None:
    reached = {name for name in MODULES[module] if name in IO or name.split(".")[0] in IO}
    assert reached == set()


@pytest.mark.parametrize("module", MODULES)
def test_packages_import_only_what_lies_before_them_on_the_route(module: str) -> None:
    package = module.split("/")[0]
    if package not in FORWARD:
        return
    behind = FORWARD[FORWARD.index(package) + 1 :]
    offending = {name for name in MODULES[module] for other in behind if name.startswith(f"autobump.{other}")}
    assert offending == set()


def test_no_module_is_named_for_nothing() -> None:
    banned = {"utils", "helpers", "common", "manager"}
    assert {Path(module).stem for module in MODULES} & banned == set()
