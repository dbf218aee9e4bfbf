"""What `plan` shows of one pull request, and what `-v` tells of a pass."""

import json
from pathlib import Path

import pytest

from autobump.cli import run_command
from tests.fixtures.repositories import make_repository, script_pack

IMAGES = {"One": "demisto/x:1.0.0.1", "Other": "demisto/y:1.0.0.1"}


@pytest.fixture
def line(tmp_path: Path) -> list[str]:
    """The beginning of a line that plans two pull requests."""
    files = {**script_pack("A", {"One": IMAGES["One"]}), **script_pack("B", {"Other": IMAGES["Other"]})}
    repository = make_repository(tmp_path / "r", files).directory
    tags = tmp_path / "tags.json"
    tags.write_text(json.dumps({key: ["1.0.0.1", "1.0.0.2"] for key in ("demisto/x", "demisto/y")}))
    return ["plan", "--repo", str(repository), "--tags", f"file:{tags}"]


def plan(line: list[str], capsys: pytest.CaptureFixture[str], *more: str, status: int = 0) -> tuple[str, str]:
    assert run_command([*line, *more]) == status
    return capsys.readouterr()


def test_one_pull_request_is_shown_as_it_would_read(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    planned = json.loads(plan(line, capsys, "--format", "json")[0])["pull_requests"]
    branch = next(pr["branch"] for pr in planned if pr["image"] == "demisto/y")
    for name in (branch, branch.removeprefix("autobump/")):
        out, _ = plan(line, capsys, "--show", name)
        assert out.startswith(f"Update demisto/y to 1.0.0.2 (1 pack)\n\nBranch: {branch}\nLabels: ")
        assert "Updates 1 item in 1 pack to `demisto/y:1.0.0.2`." in out
        assert "demisto/x" not in out
        assert "<!--" not in out
        assert out.endswith("autobump then leaves it alone.\n")


@pytest.mark.parametrize("branch", ["x", "autobump/x/00000000", "", "a\nb"])
def test_branch_that_is_not_in_the_plan_is_refused_with_those_near(
    line: list[str], capsys: pytest.CaptureFixture[str], branch: str
) -> None:
    out, err = plan(line, capsys, "--show", branch, status=2)
    assert out == ""
    assert "in the plan's 2 pull requests" in err
    assert len(err.splitlines()) == 1


def test_plan_without_pull_requests_says_so(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    _, err = plan(line, capsys, "--image", "demisto/z", "--show", "x", status=2)
    assert "in the plan, which has none" in err or "demisto/z" in err


@pytest.mark.parametrize("place", ["before", "behind"])
def test_verbose_tells_the_sources_and_what_was_read(
    line: list[str], capsys: pytest.CaptureFixture[str], place: str
) -> None:
    words = ["-v", *line] if place == "before" else [*line, "-v"]
    _, err = plan(words, capsys, "--format", "json")
    assert "info: sources opened (tags=file:" in err
    assert "info: reading items (files=2, remembered=0" in err
    assert "info: tags looked up (images=2, failed=0)" in err


def test_credentials_of_a_source_are_not_told(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = [*line[:-1], "oci:https://user:hunter2@127.0.0.1:9", "-vv"]
    assert run_command(words) != 0
    assert "hunter2" not in capsys.readouterr().err
