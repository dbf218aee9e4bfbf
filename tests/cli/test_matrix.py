"""What `matrix --by image` prints for a workflow with a job for each image."""

import json
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.support.git import Git
from tests.fixtures.repositories import make_repository, script_pack

OLD, NEW = "1.0.0.1", "1.0.0.2"
PACKS = {
    **script_pack("A", {"One": f"demisto/b:{OLD}", "Two": f"demisto/a:{OLD}", "Three": f"demisto/c:{NEW}"}),
    **script_pack("B", {"Four": f"demisto/b:{OLD}", "Five": f"demisto/c:{NEW}"}),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a repository `one` and the tags of its images."""
    make_repository(tmp_path / "one", PACKS)
    (tmp_path / "tags.json").write_text(json.dumps({f"demisto/{name}": [OLD, NEW] for name in "abc"}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def matrix(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return the rows that the command prints in its one line."""
    assert run_command(["matrix", "--by", "image", "--tags", "file:tags.json", *arguments]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    document = json.loads(out)
    assert list(document) == ["include"]
    return document["include"]


def settings(folder: Path, *repositories: str) -> str:
    """Write settings that list repositories, each in the folder of its name, and return their path."""
    entries = [{"repository": f"owner/{name}", "path": str(folder / name)} for name in repositories]
    path = folder / "settings.yml"
    path.write_text(json.dumps({"repositories": entries, "registry": {"facts": "none"}}))
    return str(path)


def test_images_that_have_updates_come_with_most_items_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix(capsys, "--repo", "one") == [
        {"image": "demisto/b", "items": 2},
        {"image": "demisto/a", "items": 1},
    ]


def test_repository_without_updates_has_no_rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_repository(folder / "done", script_pack("A", {"One": f"demisto/a:{NEW}"}))
    assert matrix(capsys, "--repo", "done") == []


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (("--image", "demisto/a"), [{"image": "demisto/a", "items": 1}]),
        (("--pack", "B"), [{"image": "demisto/b", "items": 1}]),
        (("--path", "*/Two.yml"), [{"image": "demisto/a", "items": 1}]),
        (("--image", "demisto/c"), []),
    ],
)
def test_filters_choose_among_the_items(
    filters: tuple[str, str], rows: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix(capsys, "--repo", "one", *filters) == rows


def test_rows_of_several_repositories_say_whose_they_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_repository(folder / "two", script_pack("C", dict.fromkeys(("X", "Y", "Z"), f"demisto/a:{OLD}")))
    assert matrix(capsys, "--config", settings(folder, "one", "two")) == [
        {"repository": "owner/two", "image": "demisto/a", "items": 3},
        {"repository": "owner/one", "image": "demisto/b", "items": 2},
        {"repository": "owner/one", "image": "demisto/a", "items": 1},
    ]


def test_worker_of_a_row_finds_what_the_row_counts(capsys: pytest.CaptureFixture[str]) -> None:
    for row in matrix(capsys, "--repo", "one"):
        options = ["--repo", "one", "--tags", "file:tags.json", "--format", "json"]
        assert run_command(["plan", *options, "--image", row["image"]]) == 0
        assert len(json.loads(capsys.readouterr().out)["bumps"]) == row["items"]


def test_repository_that_fails_has_no_rows_and_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir()
    command = ["matrix", "--by", "image", "--tags", "file:tags.json"]
    assert run_command([*command, "--config", settings(folder, "empty", "one")]) == 0
    out, err = capsys.readouterr()
    assert {row["repository"] for row in json.loads(out)["include"]} == {"owner/one"}
    assert "owner/empty" in err


def test_without_the_option_rows_are_repositories(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["matrix", "--config", settings(folder, "one")]) == 0
    assert json.loads(capsys.readouterr().out) == {"include": [{"repository": "owner/one", "base": "master"}]}


def test_repository_is_called_as_its_remote_says_where_no_settings_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def names(*options: str) -> Any:
        assert run_command(["matrix", "--repo", "one", *options]) == 0
        return json.loads(capsys.readouterr().out)["include"]

    assert names() == [{"repository": "demisto/content", "base": "master"}]
    Git(folder / "one").run("remote", "add", "origin", "https://github.com/acme/content.git")
    assert names() == [{"repository": "acme/content", "base": "master"}]
    assert names("--set", "content.repository=acme/other") == [{"repository": "acme/other", "base": "master"}]
