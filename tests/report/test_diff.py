import json
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.images.sources.image_pages import GitHubPages
from autobump.support.errors import RegistryError

OLD = {
    "created": "2024-01-01T10:00:00Z",
    "digest": "sha256:" + "1" * 64,
    "python": "3.9.8",
    "os": "Alpine Linux v3.14",
    "size": "27.28 MB",
    "packages": {"six": ["1.15.0", "MIT"], "bs4": ["0.0.1", "MIT"], "tld": ["0.1", "MIT"]},
}
NEW = OLD | {
    "python": "3.10.1",
    "packages": {"six": ["1.16.0", "MIT"], "chardet": ["5.2.0", "LGPL"], "tld": ["0.1", "GPLv2"]},
}


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({"demisto/x": {"1.0.0.1": OLD, "1.0.0.2": NEW}}))
    return f"file:{path}"


def diff(facts: str, *arguments: str, status: int = 0) -> None:
    assert run_command(["diff", "demisto/x", *arguments, "--facts", facts]) == status


def test_table_shows_facts_packages_and_licences(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    diff(facts, "1.0.0.1", "1.0.0.2")
    out = capsys.readouterr().out
    for line in ("Python", "3.9.8", "3.10.1", "removed", "chardet", "weak copyleft"):
        assert line in out
    assert "Licence of tld: MIT, now GPLv2 (strong copyleft)" in out
    assert max(len(line) for line in out.splitlines()) <= 200


def test_json_is_for_programs(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    diff(facts, "1.0.0.1", "1.0.0.2", "--format", "json")
    document = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["change"]) for one in document["packages"]] == [
        ("bs4", "removed"),
        ("chardet", "added"),
        ("six", "minor"),
    ]
    assert document["licences"] == [
        {"name": "chardet", "old": None, "new": "LGPL", "kind": "weak copyleft"},
        {"name": "tld", "old": "MIT", "new": "GPLv2", "kind": "strong copyleft"},
    ]
    assert (document["old"]["python"], document["new"]["python"]) == ("3.9.8", "3.10.1")


def test_markdown_is_for_people(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    diff(facts, "1.0.0.1", "1.0.0.2", "--format", "markdown")
    out = capsys.readouterr().out
    assert "| `bs4` | **removed** | `0.0.1` |  |  |" in out
    assert "| `chardet` | added |  | `5.2.0` | **weak copyleft**: `LGPL` |" in out


@pytest.mark.parametrize("shape", ["table", "markdown", "json"])
def test_packages_of_the_system_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    path = tmp_path / "tags.json"
    old = OLD | {"os_packages": {"zlib": ["1.2-r0", "zlib"]}}
    new = OLD | {"os_packages": {"zlib": ["1.3-r0", "zlib"]}}
    path.write_text(json.dumps({"demisto/x": {"1.0.0.1": old, "1.0.0.2": new}}))
    diff(f"file:{path}", "1.0.0.1", "1.0.0.2", "--format", shape)
    out = capsys.readouterr().out
    if shape == "json":
        assert json.loads(out)["os_packages"] == [{"name": "zlib", "old": "1.2-r0", "new": "1.3-r0"}]
    else:
        assert all(word in out for word in ("System package", "zlib", "1.2-r0", "1.3-r0"))


@pytest.mark.parametrize("shape", ["table", "markdown", "json"])
def test_name_that_looks_like_a_known_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    path = tmp_path / "tags.json"
    new = OLD | {"packages": {"reqeusts": ["1.0", "MIT"]}}
    path.write_text(json.dumps({"demisto/x": {"1.0.0.1": OLD, "1.0.0.2": new}}))
    diff(f"file:{path}", "1.0.0.1", "1.0.0.2", "--format", shape)
    out = capsys.readouterr().out
    if shape == "json":
        assert json.loads(out)["lookalikes"] == [{"name": "reqeusts", "like": "requests"}]
    else:
        assert "is named almost like" in out


def test_same_tag_differs_in_nothing(facts: str, capsys: pytest.CaptureFixture[str]) -> None:
    diff(facts, "1.0.0.1", "1.0.0.1")
    assert "demisto/x: the same." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "status", "message"),
    [
        ("1.0.0.1", "1.0.0.9", 1, "nothing is published of what is inside demisto/x:1.0.0.9"),
        ("1.0.0.1", "no tag", 2, "no tag"),
    ],
)
def test_unknown_tag_is_told(
    facts: str, capsys: pytest.CaptureFixture[str], old: str, new: str, status: int, message: str
) -> None:
    diff(facts, old, new, status=status)
    assert message in capsys.readouterr().err


def test_without_a_source_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["diff", "demisto/x", "1.0.0.1", "1.0.0.2", "--facts", "none"]) == 2
    assert "name one with --facts" in capsys.readouterr().err


def test_source_that_does_not_answer_is_told_with_one_that_needs_no_network(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RegistryError("the pages cannot be reached")

    monkeypatch.setattr(GitHubPages, "read_page", refuse)
    assert run_command(["diff", "demisto/x", "1.0.0.1", "1.0.0.2"]) == 1
    assert "cannot be reached; --facts dockerfiles-info:FOLDER reads" in capsys.readouterr().err
