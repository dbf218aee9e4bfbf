import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.module_table import merge, read_modules, render

SHARED = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"


def wheel(folder: Path, files: Mapping[str, str]) -> Path:
    path = folder / "sample-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def source_archive(folder: Path, files: Mapping[str, str]) -> Path:
    path = folder / "sample-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"sample-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_folders_single_files_and_compiled_modules_are_modules(tmp_path: Path) -> None:
    files = ("whole/__init__.py", "whole/inner/deep.py", "single.py", "_fast.cpython-310-x86_64-linux-gnu.so")
    assert read_modules(wheel(tmp_path, dict.fromkeys(files, ""))) == {"whole", "single", "_fast"}


def test_what_is_not_for_import_is_left_out(tmp_path: Path) -> None:
    files = (
        "tests/__init__.py",
        "docs/conf.py",
        "sample.libs/lib.so",
        "sample-stubs/__init__.py",
        "data.txt",
    )
    assert read_modules(wheel(tmp_path, dict.fromkeys(files, ""))) == set()


def test_files_moved_into_place_at_installation_count(tmp_path: Path) -> None:
    files = ("sample-1.0.data/purelib/moved/__init__.py", "sample-1.0.data/scripts/tool.py")
    assert read_modules(wheel(tmp_path, dict.fromkeys(files, ""))) == {"moved"}


def test_shared_folder_is_looked_into_until_a_package_owns_one(tmp_path: Path) -> None:
    without_init = {"google/cloud/storage/__init__.py": "", "google/cloud/storage/blob.py": ""}
    assert read_modules(wheel(tmp_path, without_init)) == {"google.cloud.storage"}
    with_shared_init = {"backports/__init__.py": SHARED, "backports/tarfile/__init__.py": ""}
    assert read_modules(wheel(tmp_path, with_shared_init)) == {"backports.tarfile"}
    declared = {"zope/__init__.py": "", "zope/event.py": "", "s-1.dist-info/namespace_packages.txt": "zope\n"}
    assert read_modules(wheel(tmp_path, declared)) == {"zope.event"}


def test_package_with_code_of_its_own_is_not_taken_for_shared(tmp_path: Path) -> None:
    files = {"nats/__init__.py": SHARED + "def connect(): ...\n", "nats/client.py": ""}
    assert read_modules(wheel(tmp_path, files)) == {"nats"}


def test_source_archive_is_read_by_its_top_level_names_and_never_run(tmp_path: Path) -> None:
    files = {
        "setup.py": "raise SystemExit('run')",
        "src/old.egg-info/top_level.txt": "old\n",
        "src/old/__init__.py": "",
        "src/other/__init__.py": "",
    }
    assert read_modules(source_archive(tmp_path, files)) == {"old"}


def test_source_archive_without_top_level_names_tells_nothing(tmp_path: Path) -> None:
    assert read_modules(source_archive(tmp_path, {"old/__init__.py": "", "setup.py": ""})) == set()


def test_packages_not_read_keep_their_modules() -> None:
    table = {"cv2": {"headless", "opencv"}, "gone": {"opencv"}}
    assert merge(table, {"opencv": {"cv2", "new"}}) == {"cv2": {"headless", "opencv"}, "new": {"opencv"}}


def test_table_has_one_sorted_line_for_each_module() -> None:
    assert render({"b": {"y", "x"}, "a": {"z"}}) == '{\n"a": ["z"],\n"b": ["x", "y"]\n}\n'
