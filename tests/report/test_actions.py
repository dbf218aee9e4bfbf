from pathlib import Path

import pytest
from msgspec.structs import replace

from autobump.cli import run_command
from autobump.content.problem import Problem
from autobump.decisions.evaluation import Evaluation, Notice
from autobump.passes.result import Failure, PassResult, RepositoryOutcome
from autobump.planning.plan import Plan
from autobump.report import actions
from autobump.report.actions import ActionsReport, report_to_actions
from tests.conftest import NOW
from tests.fixtures.bumps import make_bump
from tests.fixtures.repositories import make_repository, script_pack

RESULT = PassResult("f" * 40, NOW, Evaluation(0, (), (), (), ()), Plan((), ()), ())


def told(tmp_path: Path, *problems: Problem, notices: tuple[Notice, ...] = ()) -> tuple[list[str], str, str]:
    """Return the annotations, the summary and the outputs of a pass with some problems."""
    evaluation = replace(
        RESULT.evaluation,
        bumps=(make_bump("A", "One"), make_bump("A", "Two")),
        problems=problems,
        notices=notices,
    )
    files = {"GITHUB_STEP_SUMMARY": tmp_path / "summary", "GITHUB_OUTPUT": tmp_path / "output"}
    environ = {name: str(path) for name, path in files.items()}
    told = report_to_actions([RepositoryOutcome("", replace(RESULT, evaluation=evaluation))], environ)
    assert told.failures == ()
    return list(told.commands), files["GITHUB_STEP_SUMMARY"].read_text(), files["GITHUB_OUTPUT"].read_text()


def test_summary_and_outputs_go_where_actions_wants_them(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("earlier=1\n")
    commands, summary, outputs = told(tmp_path, Problem("a.yml", "A", "invalid-yaml", "odd", 3, 7))
    assert commands == ["::warning file=a.yml,line=3,col=7,title=invalid-yaml::odd"]
    assert summary.startswith("## autobump\n")
    assert outputs == "earlier=1\nbumps=2\npull-requests=0\nproblems=1\n"


def test_outside_actions_nothing_is_written(tmp_path: Path) -> None:
    assert report_to_actions([RepositoryOutcome("", RESULT)], {}) == ActionsReport((), ())


def test_file_that_cannot_be_written_keeps_nothing_from_the_others(tmp_path: Path) -> None:
    files = {"GITHUB_STEP_SUMMARY": "/nowhere/summary", "GITHUB_OUTPUT": str(tmp_path / "output")}
    (failure,) = report_to_actions([RepositoryOutcome("", RESULT)], files).failures
    cause = "which GITHUB_STEP_SUMMARY names: No such file or directory"
    assert failure == f"cannot write /nowhere/summary, {cause}"
    assert "bumps=0\n" in (tmp_path / "output").read_text()


def test_registry_that_fails_is_an_error(tmp_path: Path) -> None:
    commands, _, _ = told(tmp_path, Problem("a.yml", "A", "tags-unavailable", "503"))
    assert commands == ["::error file=a.yml,title=tags-unavailable::503"]


def test_what_fails_as_a_whole_is_the_first_error_and_a_problem_in_the_outputs(tmp_path: Path) -> None:
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "output")}
    problems = tuple(Problem(f"{n}.yml", "A", "tags-unavailable", "503") for n in range(20))
    result = replace(
        RESULT,
        evaluation=replace(RESULT.evaluation, problems=problems),
        dashboard_failure="the repository has no issues",
        other_failures=(Failure("repository a/b", "no\n::notice::way"),),
    )
    assert list(report_to_actions([RepositoryOutcome("", result)], environ).commands[:3]) == [
        "::error title=Failed::dashboard: the repository has no issues",
        "::error title=Failed::repository a/b: no%0A::notice::way",
        "::error file=0.yml,title=tags-unavailable::503 (and 19 more files)",
    ]
    assert "problems=22\n" in (tmp_path / "output").read_text()
    summary = (tmp_path / "summary").read_text()
    assert "| `dashboard` | `the repository has no issues` |" in summary
    assert "| `repository a/b` | `no ::notice::way` |" in summary


def test_names_cannot_begin_a_command(tmp_path: Path) -> None:
    hostile = "a,b:c%\r\n::set-output name=x::y.yml"
    commands, _, outputs = told(
        tmp_path, Problem(hostile, "A", "unsafe-path", hostile), notices=(Notice(hostile, hostile),)
    )
    for command in commands:
        assert "\n" not in command
        assert "\r" not in command
    assert commands[0] == (
        "::warning file=a%2Cb%3Ac%25%0D%0A%3A%3Aset-output name=x%3A%3Ay.yml,title=unsafe-path"
        "::a,b:c%25%0D%0A::set-output name=x::y.yml"
    )
    assert "set-output" not in outputs


def test_annotations_of_several_repositories_name_theirs_and_point_at_no_file(tmp_path: Path) -> None:
    problems = (
        Problem("a.yml", "A", "invalid-yaml", "odd", 3, 7),
        Problem("b.yml", "B", "unsafe-edit", "no"),
    )
    evaluation = replace(RESULT.evaluation, problems=problems, notices=(Notice("a.yml", "misplaced"),))
    both = [
        RepositoryOutcome(f"owner/{name}", replace(RESULT, evaluation=evaluation)) for name in ("one", "two")
    ]
    commands = report_to_actions([*both, RepositoryOutcome("owner/three", None, "no\nway")], {}).commands
    assert commands == (
        "::error title=Failed::repository owner/three: no%0Away",
        "::warning title=invalid-yaml::owner/one: a.yml:3:7: odd",
        "::warning title=unsafe-edit::owner/one: b.yml: no",
        "::warning title=invalid-yaml::owner/two: a.yml:3:7: odd",
        "::warning title=unsafe-edit::owner/two: b.yml: no",
        "::notice ::owner/one: a.yml: misplaced",
        "::notice ::owner/two: a.yml: misplaced",
    )


def test_summary_of_several_repositories_keeps_them_apart(tmp_path: Path) -> None:
    both = [RepositoryOutcome(f"owner/{name}", RESULT) for name in ("one", "two")]
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "output")}
    report_to_actions([*both, RepositoryOutcome("owner/three", None, "no way")], environ)
    summary = (tmp_path / "summary").read_text()
    heads = [line for line in summary.splitlines() if line.startswith("#")]
    assert heads == ["# `owner/one`", "## autobump", "# `owner/two`", "## autobump", "# `owner/three`"]
    assert "**Failed:** `no way`" in summary
    assert (tmp_path / "output").read_text() == "bumps=0\npull-requests=0\nproblems=1\n"


def test_no_more_annotations_than_github_shows(tmp_path: Path) -> None:
    odd = (Problem(f"{n}.yml", "A", "invalid-yaml", "odd", 1, 1) for n in range(50))
    commands, _, outputs = told(tmp_path, *odd)
    assert len(commands) == 10
    assert "problems=50" in outputs


def test_summary_is_cut_to_what_github_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MAX_SUMMARY_BYTES", 300)
    _, summary, _ = told(tmp_path, *(Problem(f"é{n}.yml", "A", "invalid-yaml", str(n)) for n in range(50)))
    assert len(summary.encode()) <= 300
    assert summary.endswith("the whole result is in the report.\n")


def test_table_on_stdout_cannot_give_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    repository = make_repository(tmp_path / "content", script_pack("A", {"One": "demisto/x:1.0.0.1"}))
    (tmp_path / "tags.json").write_text('{"demisto/x": []}')
    tags = f"file:{tmp_path / 'tags.json'}"
    assert run_command(["plan", "--repo", str(repository.directory), "--tags", tags, "--actions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert f"::{token}::" in lines
