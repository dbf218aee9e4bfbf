import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from autobump.images.inside.modules import find_provider, in_standard_library, normalise_package

PYTHONS = ("2.7", *(f"3.{minor}" for minor in range(4, 15)))

NOT_KNOWN = {
    "ArgusManagedDefence": "nothing in the images has that name",
    "demisto_ml": "installed from files, and published nowhere",
    "luminateapi": "installed from files, and published nowhere",
    "pytan": "copied into its image without metadata",
    "sane_doc_reports": "its package declares no modules",
    "sdk": "copied into its image without metadata",
    "taniumpy": "copied into its image without metadata",
    "vmware": "a namespace of the packages of the vSphere SDK",
}


def find_packages(module: str) -> frozenset[str]:
    provider = find_provider(module)
    return provider.packages if provider else frozenset()


def read_table() -> dict[str, list[str]]:
    text = resources.files("autobump.images.inside").joinpath("modules.json").read_text("utf-8")
    return dict(json.loads(text))


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("bs4", "beautifulsoup4"),
        ("dateutil.parser", "python-dateutil"),
        ("yaml", "pyyaml"),
        ("Crypto.Cipher", "pycryptodome"),
        ("Cryptodome.Cipher", "pycryptodomex"),
        ("cv2", "opencv-python"),
        ("PIL.Image", "pillow"),
        ("jwt", "pyjwt"),
        ("OpenSSL", "pyopenssl"),
        ("docx", "python-docx"),
        ("magic", "python-magic"),
        ("sklearn.ensemble", "scikit-learn"),
        ("bson", "pymongo"),
        ("pkg_resources", "setuptools"),
        ("ruamel.yaml.comments", "ruamel-yaml"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
    ],
)
def test_module_is_found_under_the_package_that_installs_it(module: str, package: str) -> None:
    assert package in find_packages(module)


def test_namespace_belongs_to_all_who_install_below_it() -> None:
    assert {"google-cloud-storage", "googleapis-common-protos"} <= find_packages("google.cloud")
    assert find_packages("google.cloud") < find_packages("google")
    assert "protobuf" in find_packages("google") - find_packages("google.cloud")


def test_module_that_nobody_installs_is_not_known() -> None:
    assert find_packages("no_such_module") == frozenset()
    assert find_packages("google.no_such_module") == frozenset()
    assert find_packages("") == frozenset()


def test_module_is_told_by_its_case() -> None:
    assert find_packages("pil") == frozenset()


def test_package_has_one_spelling() -> None:
    assert {normalise_package(name) for name in ("ruamel.yaml", "Ruamel_YAML", "ruamel-yaml")} == {
        "ruamel-yaml"
    }


def test_table_is_sorted_and_normalised() -> None:
    table = read_table()
    assert list(table) == sorted(table)
    for module, packages in table.items():
        assert all(part.isidentifier() for part in module.split("."))
        assert packages == sorted({normalise_package(package) for package in packages})
        assert packages


@pytest.mark.parametrize(
    ("module", "python", "expected"),
    [
        ("__builtin__", "2.7.18", True),
        ("urlparse", "2.7.18", True),
        ("StringIO", "2.7.18", True),
        ("urlparse", "3.10.1", False),
        ("urllib.parse", "3.10.1", True),
        ("distutils.version", "3.11.9", True),
        ("distutils.version", "3.12.13", False),
        ("imp", "3.12.13", False),
        ("requests", "3.12.13", False),
    ],
)
def test_standard_library_is_that_of_the_minor_version(module: str, python: str, expected: bool) -> None:
    assert in_standard_library(module, python) is expected


@pytest.mark.parametrize("python", PYTHONS)
def test_future_is_in_every_standard_library(python: str) -> None:
    assert in_standard_library("__future__", python)


@pytest.mark.parametrize(
    ("python", "like"), [("3.99.0", "3.14"), ("4.0", "3.14"), ("3.0.1", "3.2"), ("2.4.6", "2.6")]
)
def test_python_that_is_not_known_counts_as_the_nearest_that_is(python: str, like: str) -> None:
    for module in ("distutils", "urlparse", "asyncio", "tomllib", "unittest"):
        assert in_standard_library(module, python) is in_standard_library(module, like)


def test_import_reads_neither_table_nor_standard_library() -> None:
    code = (
        "import sys, autobump.images.inside.modules as modules;"
        "print('stdlib_list' in sys.modules, modules._read_table.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "0"]


@pytest.mark.corpus
def test_modules_whose_package_is_not_known_are_these(corpus: Path) -> None:
    files = json.loads((corpus / "imports.json").read_text())
    from_platform = {"demistomock", "CommonServerPython", "CommonServerUserPython"}
    unknown = set()
    for module in {module for modules in files.values() for module in modules}:
        top = module.split(".")[0]
        if top in from_platform or top.endswith("ApiModule") or find_packages(module):
            continue
        if not any(in_standard_library(module, python) for python in PYTHONS):
            unknown.add(module if find_packages(top) else top)
    assert unknown == NOT_KNOWN.keys()
