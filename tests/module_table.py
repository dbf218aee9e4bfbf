"""Writes `autobump/images/inside/modules.json`: which packages install which modules.

Run as `make modules WHEELS=folder`. The folder holds wheels, and source archives of packages without one.
They are only read: nothing is fetched, built or run. Several versions of a package count together, as modules
were renamed between versions.

Packages in the folder are written anew and the others are kept. Packages in no image are left out. If pigar's
wheel lies there, too, its database fills in the packages that are not known otherwise.

Source: the list of files in each package's own wheel, and the database of pigar 2.2.0 (the top-level modules
that packages declare), both read on 2026-11-21.
"""

import argparse
import ast
import json
import lzma
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from tests.fixtures.corpus import corpus_folder

TABLE = Path(__file__).resolve().parents[1] / "autobump" / "images" / "inside" / "modules.json"
Table = dict[str, set[str]]

NOT_FOR_IMPORT = {
    "benchmarks",
    "doc",
    "docs",
    "example",
    "examples",
    "images",
    "samples",
    "scripts",
    "src",
    "test",
    "tests",
}
"""What some packages install by accident beside their modules."""


DOCUMENTED = {
    "opencv-python-headless": {"cv2"},
    "pycrypto": {"Crypto"},
    "typing-extensions": {"typing_extensions"},
}
"""What pigar lacks or has wrong, from the documentation of the packages themselves."""

SHARED_BY = 3
"""A top-level name that so many packages declare is a namespace, and says nothing of one of them."""


def main() -> int:
    """Bring the table up to date and return an exit code."""
    parser = argparse.ArgumentParser(description="Write which packages install which modules.")
    parser.add_argument("folders", nargs="+", type=Path, help="folders of wheels and source archives")
    folders = parser.parse_args().folders
    in_images = read_packages(corpus_folder() / "images-2026-05.json.xz")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for package, archive in archives(folders):
        if package in in_images:
            found[package] |= read_modules(archive)
    if not found:
        parser.error("the folders hold no wheel of a package that is in an image")
    table = merge(read_table(TABLE), found)
    for folder in folders:
        for database in folder.glob("pigar-*.whl"):
            table = fill(table, read_pigar(database, in_images - DOCUMENTED.keys()))
    table = merge(table, DOCUMENTED)
    TABLE.write_text(render(table), "utf-8")
    known = set().union(*table.values())
    print(f"{len(table)} modules of {len(known)} packages; {len(in_images - known)} packages are not known")  # noqa: T201 - a tool says what it did
    return 0


def read_packages(images: Path) -> set[str]:
    """Return the names of all packages in all images."""
    with lzma.open(images) as file:
        tags = [facts for tags in json.load(file).values() for facts in tags.values()]
    return {canonicalize_name(name) for facts in tags for name in facts["packages"] or ()}


def archives(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield every wheel and source archive with the name of its package."""
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix == ".whl":
                yield parse_wheel_filename(path.name)[0], path
            elif path.name.endswith(".tar.gz"):
                yield parse_sdist_filename(path.name)[0], path


def read_modules(archive: Path) -> set[str]:
    """Return the import paths that an archive installs."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return importable(*wheel_files(wheel))
    with tarfile.open(archive) as source:
        return importable(*source_files(source))


Files = dict[PurePosixPath, Callable[[], bytes]]
"""What an archive installs: path below the folder of packages, and how to read it."""


def wheel_files(wheel: zipfile.ZipFile) -> tuple[Files, set[str]]:
    """Return the files of a wheel and the namespaces it declares."""
    files: Files = {}
    declared: set[str] = set()
    for entry in wheel.infolist():
        name, path = entry.filename, PurePosixPath(entry.filename)
        if entry.is_dir():
            continue
        if path.parts[0].endswith(".data"):
            if path.parts[1] not in ("purelib", "platlib"):
                continue
            path = PurePosixPath(*path.parts[2:])
        if path.parts[0].endswith(".dist-info"):
            if path.name == "namespace_packages.txt":
                declared |= set(wheel.read(name).decode().split())
            continue
        files[path] = partial(wheel.read, name)
    return files, declared


def source_files(source: tarfile.TarFile) -> tuple[Files, set[str]]:
    """Return the files of a source archive that its metadata names, and the namespaces it declares.

    Which folders would be installed is told by `top_level.txt` alone; without it nothing is.
    """
    members = {PurePosixPath(member.name): member for member in source.getmembers() if member.isfile()}

    def read(path: PurePosixPath) -> bytes:
        file = source.extractfile(members[path])
        return file.read() if file else b""

    files: Files = {}
    declared: set[str] = set()
    for metadata in {path.parent for path in members if path.parent.suffix == ".egg-info"}:
        if metadata / "namespace_packages.txt" in members:
            declared |= set(read(metadata / "namespace_packages.txt").decode().split())
        if metadata / "top_level.txt" not in members:
            continue
        top_level = set(read(metadata / "top_level.txt").decode().split())
        for path in members:
            if path.is_relative_to(metadata.parent):
                inner = path.relative_to(metadata.parent)
                if inner.parts[0].split(".")[0] in top_level:
                    files[inner] = partial(read, path)
    return files, declared


def importable(files: Files, declared: set[str]) -> set[str]:
    """Return the import paths among files: the modules and the folders that are packages of their own.

    A folder that packages share is no path of any one of them; what lies in it is.
    """
    modules = set()
    for path in files:
        if path.suffix not in (".py", ".so", ".pyd"):
            continue
        above = reversed(path.parents[:-1])
        package = next((folder for folder in above if is_package(folder, files, declared)), None)
        module = package or path.with_name(path.name.split(".")[0])
        named = all(part.isidentifier() for part in module.parts) and module.name != "__init__"
        if named and NOT_FOR_IMPORT.isdisjoint(module.parts):
            modules.add(".".join(module.parts))
    return modules


def is_package(folder: PurePosixPath, files: Files, declared: set[str]) -> bool:
    """Tell whether a folder is a package of its own, not one that packages share."""
    read = files.get(folder / "__init__.py")
    return read is not None and ".".join(folder.parts) not in declared and not is_shared(read())


def is_shared(code: bytes) -> bool:
    """Tell whether an `__init__.py` does nothing but let other packages install beside it."""
    if b"extend_path" not in code and b"declare_namespace" not in code:
        return False
    try:
        body = ast.parse(code).body
    except SyntaxError:
        return False
    return not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body)


def read_table(path: Path) -> Table:
    """Return the table as it is, empty if there is none yet."""
    if not path.exists():
        return {}
    return {module: set(packages) for module, packages in json.loads(path.read_text("utf-8")).items()}


def merge(table: Table, found: dict[str, set[str]]) -> Table:
    """Return the table with all that is known of the found packages replaced."""
    merged = defaultdict(set, {module: packages - found.keys() for module, packages in table.items()})
    for package, modules in found.items():
        for module in modules:
            merged[module].add(package)
    return {module: packages for module, packages in merged.items() if packages}


def read_pigar(wheel: Path, wanted: set[str]) -> dict[str, set[str]]:
    """Return the top-level modules of packages as pigar's database has them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    with tempfile.NamedTemporaryFile() as copy:
        with zipfile.ZipFile(wheel) as archive, archive.open("pigar/.db.sqlite3") as database:
            shutil.copyfileobj(database, copy)
        copy.flush()
        query = (
            "SELECT d.name, m.name FROM distributions d "
            "JOIN top_level_module_names m ON m.distribution_id = d.id"
        )
        with closing(sqlite3.connect(copy.name)) as connection:
            for name, module in connection.execute(query):
                package = canonicalize_name(name)
                if package in wanted and module.isidentifier() and module not in NOT_FOR_IMPORT:
                    found[package].add(module)
    return found


def fill(table: Table, declared: dict[str, set[str]]) -> Table:
    """Return the table with packages that it lacks; names that packages share are left out."""
    known = set().union(*table.values()) if table else set()
    namespaces = {module.split(".")[0] for module in table if "." in module}
    claims = Counter(module for modules in declared.values() for module in modules)
    filled = defaultdict(set, {module: set(packages) for module, packages in table.items()})
    for package, modules in declared.items():
        for module in modules:
            if package not in known and module not in namespaces and claims[module] < SHARED_BY:
                filled[module].add(package)
    return dict(filled)


def render(table: Table) -> str:
    """Return the table as JSON, one line for each module."""
    lines = (f"{json.dumps(module)}: {json.dumps(sorted(table[module]))}" for module in sorted(table))
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
