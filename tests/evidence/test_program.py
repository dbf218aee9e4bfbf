import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from autobump.content.cache import ContentCache
from autobump.content.item import ItemKind
from autobump.content.reader import read_content
from autobump.content.tree import MAX_FILE_BYTES, ContentTree
from autobump.evidence.program import Program, Surroundings, read_programs
from autobump.support.progress import Silent
from tests.fixtures.repositories import item_yaml, make_repository, pack_metadata

FOLDER = "Packs/Mail/Scripts/Mail"
YAML = f"{FOLDER}/Mail.yml"
CODE = f"{FOLDER}/Mail.py"
INTEGRATION = "Packs/Mail/Integrations/Mail/Mail.yml"
INTEGRATION_CODE = "Packs/Mail/Integrations/Mail/Mail.py"
SHARED = "Packs/ApiModules/Scripts"
BASE = "Packs/Base/Scripts"
PLATFORM = {
    f"{BASE}/CommonServerPython/CommonServerPython.py": "def shared(): pass\n",
    f"{BASE}/CommonServerUserPython/CommonServerUserPython.py": "def own(): pass\n",
}

Files = Mapping[str, str]


def read(
    folder: Path, files: Files, *, with_tests: bool = False
) -> tuple[Surroundings, Mapping[str, Program | str]]:
    """Read what is executed of the items of a pack `Mail`."""
    pack = {"Packs/Mail/pack_metadata.json": pack_metadata()}
    tree = ContentTree.open(make_repository(folder, {**pack, **files}).directory)
    content = read_content(tree, packs=["Mail"], progress=Silent(), cache=ContentCache(None))
    return read_programs(tree, content.items, with_tests=with_tests)


def read_one(folder: Path, files: Files, *, with_tests: bool = False) -> Program:
    (program,) = read(folder, files, with_tests=with_tests)[1].values()
    assert isinstance(program, Program), program
    return program


def why_not(folder: Path, files: Files) -> str:
    (why,) = read(folder, files)[1].values()
    assert isinstance(why, str)
    return why


def script(**keys: str) -> str:
    return item_yaml(name="Mail", **keys)


def integration(**keys: str) -> str:
    return item_yaml(name="Mail", kind="integration", **keys)


def test_code_of_a_split_item_lies_beside_it(tmp_path: Path) -> None:
    program = read_one(tmp_path, {YAML: script(), CODE: "import a\n"})
    assert (program.path, program.file, program.code) == (YAML, "Mail.py", "import a\n")
    assert program.load_request() == {
        "script": "import a\n",
        "integration": False,
        "native": False,
        "file": "Mail.py",
        "params": {},
        "args": {},
    }


def test_unified_script_holds_its_code(tmp_path: Path) -> None:
    text = script().replace("script: '-'\n", "script: |-\n  import a\n  print(1)\n")
    program = read_one(tmp_path, {"Packs/Mail/Scripts/script-Mail.yml": text})
    assert (program.code, program.file) == ("import a\nprint(1)", "script-Mail.py")


def test_unified_integration_holds_its_code(tmp_path: Path) -> None:
    text = integration().replace("  script: '-'\n", '  script: "import a\\nimport b"\n')
    program = read_one(tmp_path, {"Packs/Mail/Integrations/Mail.yml": text})
    assert (program.code, program.kind) == ("import a\nimport b", ItemKind.INTEGRATION)
    assert program.load_request()["integration"] is True


def test_byte_order_mark_is_no_code(tmp_path: Path) -> None:
    assert read_one(tmp_path, {YAML: script(), CODE: "\ufeffimport a"}).code == "import a"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({YAML: script().replace("type: python", "type: javascript")}, "JavaScript code is not run"),
        ({YAML: script().replace("type: python", "type: powershell")}, "PowerShell code is not run"),
        (
            {YAML: script(), f"{FOLDER}/one.py": "a", f"{FOLDER}/two.py": "b"},
            "several Python files lie beside it",
        ),
        ({YAML: script()}, "it has no code"),
        ({YAML: script(), CODE: "x" * (MAX_FILE_BYTES + 1)}, "its code could not be read"),
        ({YAML: script(), CODE: ""}, "it has no code"),
        ({"Packs/Mail/Scripts/script-Mail.yml": script()}, "it has no code"),
    ],
)
def test_item_without_code_to_run_says_why(tmp_path: Path, files: Files, why: str) -> None:
    assert why_not(tmp_path, files) == why


def test_platforms_own_modules_come_before_every_item_in_their_order(tmp_path: Path) -> None:
    around, _ = read(tmp_path, {YAML: script(), CODE: "a", **PLATFORM})
    assert [name for name, _ in around.prelude] == ["CommonServerPython", "CommonServerUserPython"]
    assert around.request() == {
        "prelude": [
            ["CommonServerPython.py", "def shared(): pass\n"],
            ["CommonServerUserPython.py", "def own(): pass\n"],
        ],
        "shared": {},
        "stand_ins": False,
    }


def test_stand_ins_take_the_place_of_a_base_pack_that_is_not_there(tmp_path: Path) -> None:
    around, _ = read(tmp_path, {YAML: script(), CODE: "a"})
    assert around.lacks_platform
    assert around.request() == {"prelude": [], "shared": {}, "stand_ins": True}


def test_packs_that_lie_elsewhere_have_their_own_base_pack(tmp_path: Path) -> None:
    files = {YAML: script(), CODE: "a", **PLATFORM, f"{SHARED}/OneApiModule/OneApiModule.py": "b"}
    moved = {f"content/{path}": text for path, text in files.items()}
    pack = {"content/Packs/Mail/pack_metadata.json": pack_metadata()}
    tree = ContentTree.open(make_repository(tmp_path, pack | moved).directory)
    tree.choose_root("content/Packs")
    content = read_content(tree, packs=["Mail"], progress=Silent(), cache=ContentCache(None))
    around, programs = read_programs(tree, content.items, with_tests=False)
    assert (around.lacks_platform, list(around.shared)) == (False, ["OneApiModule"])
    assert list(programs) == [f"content/{YAML}"]


CONFIGURATION = """\
configuration:
- {name: url, type: 0, defaultvalue: 'https://mail.example'}
- {name: ports, type: 0, defaultvalue: 443}
- {name: insecure, type: 8, defaultvalue: true}
- {name: proxy, type: 8}
- {name: host, type: 0}
- {name: credentials, type: 9}
- {name: severity, type: 16}
- {name: interval, type: 19, defaultvalue: [1]}
- {name: other, type: 999}
- {name: words, type: text}
- {display: no name, type: 0}
- no mapping
"""


def test_parameters_hold_their_defaults_or_what_a_person_could_enter(tmp_path: Path) -> None:
    program = read_one(tmp_path, {INTEGRATION: integration() + CONFIGURATION, INTEGRATION_CODE: "a"})
    assert program.params == {
        "url": "https://mail.example",
        "ports": "443",
        "insecure": True,
        "proxy": False,
        "host": "https://example.invalid",
        "credentials": {"identifier": "user", "password": "secret", "credentials": {}, "credential": ""},
        "severity": [],
        "interval": "1",
        "other": "",
        "words": "value",
    }
    assert program.args == {}


def test_arguments_hold_their_defaults(tmp_path: Path) -> None:
    text = script() + "args:\n- {name: days, defaultValue: '3'}\n- {name: kind, type: Unknown}\n"
    program = read_one(tmp_path, {YAML: text, CODE: "a"})
    assert program.args == {"days": "3", "kind": "value"}
    assert program.load_request()["args"] == program.args


@pytest.mark.parametrize("lists", ["configuration: x\nargs: {a: b}\n", "configuration: []\n", ""])
def test_odd_lists_of_parameters_are_none(tmp_path: Path, lists: str) -> None:
    program = read_one(tmp_path, {INTEGRATION: integration() + lists, INTEGRATION_CODE: "a"})
    assert (program.params, program.args) == ({}, {})


TESTED = {
    YAML: script(),
    CODE: "from OneApiModule import *\n",
    f"{FOLDER}/Mail_test.py": "def test_a(): pass\n",
    f"{FOLDER}/conftest.py": "",
    f"{FOLDER}/test_data/deep/answer.json": "{}",
    f"{FOLDER}/README.md": "words",
    f"{SHARED}/OneApiModule/OneApiModule.py": "from TwoApiModule import *\n",
    f"{SHARED}/TwoApiModule/TwoApiModule.py": "x = 1\n",
    f"{SHARED}/ThreeApiModule/ThreeApiModule.py": "y = 1\n",
    "Tests/demistomock/demistomock.py": "mock = 1\n",
    **PLATFORM,
}


def test_unit_tests_bring_what_they_need(tmp_path: Path) -> None:
    program = read_one(tmp_path, TESTED, with_tests=True)
    assert set(program.tests) == {
        "Mail.py",
        "Mail_test.py",
        "conftest.py",
        "test_data/deep/answer.json",
        "OneApiModule.py",
        "TwoApiModule.py",
        "CommonServerPython.py",
        "CommonServerUserPython.py",
        "demistomock.py",
    }
    request = program.tests_request()
    assert request["tests"] == ["Mail_test.py"]
    assert base64.b64decode(request["files"]["demistomock.py"]) == b"mock = 1\n"


def test_unit_tests_are_not_read_when_they_are_not_run(tmp_path: Path) -> None:
    assert read_one(tmp_path, TESTED).tests == {}


def test_item_without_a_test_file_has_no_tests(tmp_path: Path) -> None:
    files = {YAML: script(), CODE: "a", f"{FOLDER}/test_data/a_test.json": "", f"{FOLDER}/conftest.py": ""}
    assert read_one(tmp_path, files, with_tests=True).tests == {}


def test_tests_with_too_much_data_are_left_out(tmp_path: Path) -> None:
    large = {f"{FOLDER}/test_data/{number}": "x" * 900_000 for number in range(10)}
    assert read_one(tmp_path, {**TESTED, **large}, with_tests=True).tests == {}


def test_unified_item_has_no_tests(tmp_path: Path) -> None:
    text = script().replace("script: '-'\n", "script: import a\n")
    files = {"Packs/Mail/Scripts/script-Mail.yml": text, "Packs/Mail/Scripts/Other/Other_test.py": "a"}
    assert read_one(tmp_path, files, with_tests=True).tests == {}


KNOWN = {
    YAML: script() + "args:\n- {name: days, defaultValue: '3'}\n",
    **{path: text for path, text in TESTED.items() if path != YAML},
}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param({CODE: "from OneApiModule import *\nb"}, False, id="its code"),
        pytest.param({YAML: KNOWN[YAML].replace("'3'", "'4'")}, False, id="the default of an argument"),
        pytest.param({f"{SHARED}/OneApiModule/OneApiModule.py": "z"}, False, id="a shared module"),
        pytest.param({f"{SHARED}/TwoApiModule/TwoApiModule.py": "z"}, False, id="one that it takes along"),
        pytest.param({f"{BASE}/CommonServerPython/CommonServerPython.py": "z"}, False, id="the platform"),
        pytest.param({f"{SHARED}/ThreeApiModule/ThreeApiModule.py": "z"}, True, id="another shared module"),
        pytest.param({YAML: KNOWN[YAML].replace("3.9.8.24399", "3.9.8.24400")}, True, id="its image"),
        pytest.param({YAML: f"{KNOWN[YAML]}comment: x\n"}, True, id="its description"),
        pytest.param({f"{FOLDER}/README.md": "other"}, True, id="its page"),
        pytest.param({"Packs/Mail/pack_metadata.json": pack_metadata("1.0.1")}, True, id="the version"),
        pytest.param({"Packs/Mail/Scripts/Other/Other.txt": "z"}, True, id="a file elsewhere"),
        pytest.param({f"{FOLDER}/Mail_test.py": "def test_b(): pass"}, True, id="a test that is not run"),
    ],
)
def test_key_changes_when_what_is_executed_changes_and_only_then(
    tmp_path: Path, changed: Files, same: bool
) -> None:
    old, new = (read_one(tmp_path / name, {**KNOWN, **more}) for name, more in (("a", {}), ("b", changed)))
    assert (old.key == new.key) is same


@pytest.mark.parametrize(
    "changed",
    [
        {f"{FOLDER}/Mail_test.py": "def test_b(): pass"},
        {f"{FOLDER}/test_data/deep/answer.json": "[]"},
        {"Tests/demistomock/demistomock.py": "mock = 2\n"},
    ],
)
def test_key_changes_with_tests_that_are_run(tmp_path: Path, changed: Files) -> None:
    old = read_one(tmp_path / "a", KNOWN, with_tests=True)
    assert old.key != read_one(tmp_path / "b", {**KNOWN, **changed}, with_tests=True).key


def test_script_and_integration_of_the_same_code_are_two_programs(tmp_path: Path) -> None:
    one = read_one(tmp_path / "a", {YAML: script(), CODE: "a"})
    two = read_one(tmp_path / "b", {INTEGRATION: integration(), INTEGRATION_CODE: "a"})
    assert one.key != two.key


def test_copies_in_two_packs_are_one_program(tmp_path: Path) -> None:
    other = "Packs/Mail/Scripts/Other"
    _, programs = read(
        tmp_path, {YAML: script(), CODE: "a", f"{other}/Other.yml": script(), f"{other}/Other.py": "a"}
    )
    keys = {program.key for program in programs.values() if isinstance(program, Program)}
    assert (len(programs), len(keys)) == (2, 1)
