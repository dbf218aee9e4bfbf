from pathlib import Path

import pytest

from autobump.content.cache import ContentCache
from autobump.content.code import name_code, read_code
from autobump.content.imports import ItemCode, Use
from autobump.content.reader import read_content
from autobump.content.tree import ContentTree
from autobump.support.progress import Silent
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata

FOLDER = "Packs/Mail/Scripts/Mail"
YAML = f"{FOLDER}/Mail.yml"


def read(folder: Path, files: dict[str, str], cache: ContentCache | None = None) -> ItemCode:
    """Read the code of the one item of a pack `Mail`."""
    pack = {"Packs/Mail/pack_metadata.json": pack_metadata()}
    tree = ContentTree.open(make_repository(folder, pack | files).directory)
    content = read_content(tree, packs=["Mail"], progress=Silent(), cache=ContentCache(None))
    (code,) = read_code(tree, content.items, cache or ContentCache(None)).values()
    return code


def modules(code: ItemCode) -> list[str]:
    assert code.absent == ""
    return [use.module for use in code.uses]


def test_code_lies_beside_the_yaml_file(tmp_path: Path) -> None:
    files = {YAML: item_yaml(), f"{FOLDER}/Mail.py": "import a", f"{FOLDER}/Mail_test.py": "import pytest"}
    assert modules(read(tmp_path, files)) == ["a"]


def test_letter_case_of_the_name_does_not_matter(tmp_path: Path) -> None:
    files = {YAML: item_yaml(), f"{FOLDER}/mail.py": "import a", f"{FOLDER}/other.py": "import b"}
    assert modules(read(tmp_path, files)) == ["a"]


def test_only_python_file_is_the_code_whatever_its_name(tmp_path: Path) -> None:
    files = {YAML: item_yaml(), f"{FOLDER}/code.py": "import a", f"{FOLDER}/conftest.py": "import pytest"}
    assert modules(read(tmp_path, files)) == ["a"]


def test_several_python_files_are_not_guessed_among(tmp_path: Path) -> None:
    files = {YAML: item_yaml(), f"{FOLDER}/one.py": "import a", f"{FOLDER}/two.py": "import b"}
    assert read(tmp_path, files).absent == "several Python files lie beside it"


def test_unified_script_holds_its_code(tmp_path: Path) -> None:
    code = "script: |-\n  import a\n  print 'x'\n"
    text = item_yaml().replace("script: '-'\n", code)
    assert modules(read(tmp_path, {"Packs/Mail/Scripts/script-Mail.yml": text})) == ["a"]


def test_unified_integration_holds_its_code(tmp_path: Path) -> None:
    text = item_yaml(kind="integration").replace("  script: '-'\n", '  script: "import a\\nimport b"\n')
    assert modules(read(tmp_path, {"Packs/Mail/Integrations/Mail.yml": text})) == ["a", "b"]


def test_item_without_its_code_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, {YAML: item_yaml()}).absent == "its code could not be read"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("powershell", "PowerShell code is not analysed"), ("javascript", "JavaScript code is not analysed")],
)
def test_other_languages_say_so(tmp_path: Path, language: str, expected: str) -> None:
    text = item_yaml().replace("type: python", f"type: {language}")
    assert read(tmp_path, {YAML: text, f"{FOLDER}/Mail.py": "import a"}).absent == expected


def test_what_shared_modules_import_counts_as_the_items_own(tmp_path: Path) -> None:
    shared = "Packs/ApiModules/Scripts"
    files = {
        YAML: item_yaml(),
        f"{FOLDER}/Mail.py": "from OneApiModule import *\nimport a",
        f"{shared}/OneApiModule/OneApiModule.py": "import b\nfrom TwoApiModule import *",
        f"{shared}/TwoApiModule/TwoApiModule.py": "import c\nfrom OneApiModule import *",
        f"{shared}/TwoApiModule/TwoApiModule_test.py": "import pytest",
    }
    assert set(read(tmp_path, files).uses) == {
        Use("a", guarded=False),
        Use("b", guarded=False, through="OneApiModule"),
        Use("c", guarded=False, through="TwoApiModule"),
    }


def test_known_blob_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {YAML: item_yaml(), f"{FOLDER}/Mail.py": "import a\ntry:\n  import b\nexcept ImportError: pass\n"}
    first = read(tmp_path / "one", files, ContentCache(tmp_path / "cache"))
    monkeypatch.setattr("autobump.content.code.find_imports", lambda source: pytest.fail("read again"))
    assert read(tmp_path / "two", files, ContentCache(tmp_path / "cache")) == first


@pytest.mark.parametrize(
    "code",
    [
        "".join(f"import a{number}\n" for number in range(1_001)),
        "".join(f"import {'a' * 1_000}{number}\n" for number in range(101)),
    ],
)
def test_code_that_imports_more_than_a_person_writes_is_not_read(tmp_path: Path, code: str) -> None:
    assert (
        read(tmp_path, {YAML: item_yaml(), f"{FOLDER}/Mail.py": code}).absent == "its code could not be read"
    )


def names(folder: Path, files: dict[str, str]) -> dict[str, str]:
    pack = {"Packs/Mail/pack_metadata.json": pack_metadata()}
    tree = ContentTree.open(make_repository(folder, pack | files).directory)
    content = read_content(tree, packs=["Mail"], progress=Silent(), cache=ContentCache(None))
    return name_code(tree, content.items)


INSIDE = item_yaml().replace("script: '-'", "script: import a")
LOOSE = "Packs/Mail/Scripts/script-Mail.yml"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ({YAML: item_yaml(), f"{FOLDER}/Mail.py": "a"}, {YAML: item_yaml(x="y")}, True),
        ({YAML: item_yaml(), f"{FOLDER}/Mail.py": "a"}, {f"{FOLDER}/Mail.py": "b"}, False),
        ({YAML: item_yaml(), f"{FOLDER}/Mail.py": "a"}, {f"{FOLDER}/Mail_test.py": "b"}, True),
        ({YAML: item_yaml(), f"{FOLDER}/Mail.py": "a"}, {f"{FOLDER}/README.md": "b"}, True),
        ({YAML: item_yaml(), f"{FOLDER}/Mail.py": "a"}, {f"{FOLDER}/more.py": "b"}, False),
        ({YAML: item_yaml(), f"{FOLDER}/Mail.ps1": "a"}, {f"{FOLDER}/Mail.ps1": "b"}, False),
        ({YAML: item_yaml(), f"{FOLDER}/Mail.js": "a"}, {f"{FOLDER}/Mail.js": "b"}, False),
        ({YAML: INSIDE}, {YAML: INSIDE.replace("version: -1", "version: 2")}, True),
        ({YAML: INSIDE}, {YAML: INSIDE.replace("import a", "import b")}, False),
        ({LOOSE: INSIDE}, {LOOSE: INSIDE.replace("3.9.8.24399", "3.9.8.24400")}, True),
        ({LOOSE: INSIDE}, {LOOSE: INSIDE.replace("import a", "import b")}, False),
        ({LOOSE: INSIDE}, {"Packs/Mail/Scripts/other.py": "b"}, True),
        ({YAML: item_yaml()}, {YAML: item_yaml(x="y")}, True),
    ],
)
def test_code_has_another_name_when_it_changes_and_only_then(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], same: bool
) -> None:
    old, new = names(tmp_path / "old", before), names(tmp_path / "new", before | after)
    assert list(old) == list(new) == [next(iter(before))]
    assert (old == new) is same
