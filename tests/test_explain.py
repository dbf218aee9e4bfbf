import json
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.git import Git
from tests.support.repositories import commit, item_yaml, make_repository, script_pack

PATH = "Packs/A/Scripts/One/One.yml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    files = script_pack("A", {"One": "demisto/python3:3.10.1.100", "Two": "demisto/python3:3.10.1.100"})
    return make_repository(tmp_path / "content", files).directory


def explain(
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, object],
    path: str = PATH,
) -> str:
    """Return what is explained of one item, with three newer tags."""
    (tmp_path / "s.yml").write_text(json.dumps(settings))
    (tmp_path / "tags.json").write_text(
        json.dumps({"demisto/python3": ["3.10.1.100", "3.11.9.200", "3.12.1.300"]})
    )
    options = [
        "--repo",
        repository,
        "--config",
        tmp_path / "s.yml",
        "--tags",
        f"file:{tmp_path / 'tags.json'}",
    ]
    assert run_command(["explain", path, *map(str, options)]) == 0
    return capsys.readouterr().out


def test_hold_is_named_with_its_reason_and_what_it_holds_back(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holds = [
        {"reason": "not ready for 3.12", "images": ["demisto/*"], "python": "3.11"},
        {"reason": "another pack", "packs": ["B"], "until": "2099-01-01"},
    ]
    out = explain(repository, tmp_path, capsys, {"policy": {"holds": holds}})
    assert "hold    policy.holds.0        not ready for 3.12\n" in out
    assert "policy.holds.1" not in out
    assert "update  target                3.10.1.100 -> 3.11.9.200\n" in out
    assert (
        "held    newer tag             3.12.1.300 has Python 3.12 and not 3.11: not ready for 3.12\n" in out
    )
    assert "* 3.11.9.200" in out


def test_item_that_is_held_says_why(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holds = [{"reason": "release week", "items": ["One"], "until": "2099-01-01"}]
    out = explain(repository, tmp_path, capsys, {"policy": {"holds": holds}})
    assert "skip    held                  3.12.1.300 frozen until 2099-01-01: release week\n" in out


def test_wave_is_named_with_what_opens_it(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waves = [{"name": "first", "packs": ["B"], "soak": "3 days"}, {"name": "second", "packs": ["A"]}]
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": waves}})
    assert (
        "wave    second (2 of 2)       opens when the pull requests of first are merged or closed "
        "and 3 days have passed\n"
    ) in out


def test_item_of_the_first_wave_waits_for_nobody(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": [{"name": "first"}]}})
    assert "wave    first (1 of 1)        open from the start\n" in out


def test_item_that_no_wave_takes_comes_last(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waves = [{"name": "first", "packs": ["B"]}]
    out = explain(repository, tmp_path, capsys, {"rollout": {"waves": waves}})
    assert "wave    rest (2 of 2)         opens when the pull requests of first are merged or closed\n" in out


def test_flaw_that_a_pass_would_find_is_named_and_no_tag_is_chosen(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(Git(repository), {"Packs/A/ReleaseNotes": "a file"})
    out = explain(repository, tmp_path, capsys, {})
    assert out.endswith("problem unsafe-edit           ReleaseNotes of its pack is no folder\n")
    assert "chosen" not in out
    without_notes = explain(repository, tmp_path, capsys, {"pull_requests": {"release_notes": False}})
    assert "update  target                3.10.1.100 -> 3.12.1.300\n" in without_notes


@pytest.mark.parametrize(("name", "shown"), [("line\nfeed", "line\\nfeed"), ("\x1b[2J", "\\x1b[2J")])
def test_unsafe_path_is_a_problem_and_stays_in_its_line(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    path = f"Packs/A/Scripts/{name}.yml"
    commit(Git(repository), {path: item_yaml("demisto/python3:3.10.1.100")})
    first, _, problem = explain(repository, tmp_path, capsys, {}, path).splitlines()
    assert first.startswith(f"Packs/A/Scripts/{shown}.yml at ")
    assert problem.startswith("problem unsafe-path ")
