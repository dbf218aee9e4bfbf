"""What every command does with words on its command line that are not what they should be."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from autobump.cli import run_command
from autobump.images.choice import TagRecord
from autobump.images.sources.snapshot import SnapshotSource
from autobump.support.git import Git
from tests.fixtures.commands import COMMANDS
from tests.fixtures.repositories import branches, commit, make_repository, script_pack

PROJECT = Path(__file__).resolve().parents[2]
EVIL = "no/such\nEVIL: begins a line\x1b[31m"
NEEDED = {
    "explain": {"path": "Packs/A/Scripts/S/S.yml"},
    "tags": {"images": "demisto/x"},
    "diff": {"image": "demisto/x", "old": "1.0.0.1", "new": "1.0.0.2"},
    "init": {"repository": "a/b", "base": "main", "action": "a/b@c"},
}
"""What a command wants beside the word that is tried."""


def words(command: str) -> set[str]:
    """Return every place on a command line that takes a word."""
    return {
        str(parameter.name)
        for parameter in COMMANDS[command].params
        if not (isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count))
    }


def test_service_takes_no_words_of_its_own() -> None:
    assert words("schedule") < words("run")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_repository(tmp_path, script_pack("A", {"S": "demisto/x:1.0.0.1"}), bare=False)
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/x": ["1.0.0.1", "1.0.0.2"]}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "word"),
    # A service with a wrong filter waits for its time before it tells; it is told as `run` tells it.
    [(command, word) for command in COMMANDS if command != "schedule" for word in sorted(words(command))],
)
def test_word_of_the_command_line_stays_in_the_line_that_repeats_it(
    command: str, word: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = NEEDED.get(command, {}) | {word: EVIL}
    if "tags" in words(command):
        given.setdefault("tags", "file:tags.json")
    arguments = []
    for parameter in COMMANDS[command].params:
        if text := given.get(str(parameter.name)):
            arguments += [text] if isinstance(parameter, click.Argument) else [parameter.opts[0], text]
    status = run_command([*command.split(), *arguments])
    out, err = capsys.readouterr()
    assert status in (0, 2)
    assert "\nEVIL" not in out + err
    assert "\x1b" not in out + err


def end_without_reader(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command whose stdout nobody reads any more, and return its exit code and stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "autobump", *arguments],
            env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    "line",
    [
        "plan --tags file:tags.json",
        "plan --tags file:tags.json --format markdown --actions",
        "explain Packs/A/Scripts/S/S.yml --tags file:tags.json",
        "tags demisto/x --tags file:tags.json",
        "matrix",
        "demo",
        "config check",
        "config show",
        "config schema",
    ],
)
def test_reader_that_went_away_is_no_failure(line: str, repository: Path) -> None:
    assert end_without_reader(*line.split()) == (0, "")


def test_reader_that_went_away_costs_no_report_of_what_was_done(repository: Path) -> None:
    reports = [f"report.{ending}" for ending in ("json", "md", "html", "txt")]
    options = [part for report in reports for part in ("--report", report)]
    told = {"GITHUB_STEP_SUMMARY": "summary", "GITHUB_OUTPUT": "outputs"}
    assert end_without_reader("run", "--tags", "file:tags.json", "--actions", *options, **told) == (0, "")
    (made,) = json.loads((repository / "report.json").read_text())["pull_requests"]
    assert made["action"] == "create"
    for name in (*reports, "summary"):
        assert "Update demisto/x to 1.0.0.2" in (repository / name).read_text()
    assert "pull-requests=1\n" in (repository / "outputs").read_text()


def test_reader_that_went_away_hides_no_failure(repository: Path) -> None:
    commit(Git(repository), {"Packs/A/Scripts/Bad/Bad.yml": "a: [\n"})
    assert end_without_reader("plan", "--tags", "file:tags.json", "--strict") == (1, "")


def test_reader_that_went_away_does_not_keep_init_from_writing_all(repository: Path) -> None:
    options = ("--yes", "--repository", "a/b", "--base", "main", "--action", "a/b@c")
    assert end_without_reader("init", *options) == (0, "")
    assert (repository / ".github" / "autobump.yml").exists()
    assert (repository / ".github" / "workflows" / "autobump.yml").exists()


def end_with_closed(streams: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run a command some of whose standard streams the shell closed; return exit code, stdout and stderr."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m autobump "$@" {streams}', sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "line", ["plan --tags file:tags.json", "tags demisto/x --tags file:tags.json", "demo"]
)
def test_closed_stdout_is_told_in_a_line(line: str, repository: Path) -> None:
    told = "autobump: cannot write the result to stdout: Bad file descriptor\n"
    assert end_with_closed(">&-", *line.split()) == (1, "", told)


def test_closed_stdout_costs_no_report_of_what_was_done(repository: Path) -> None:
    options = ("--tags", "file:tags.json", "--report", "report.json")
    assert end_with_closed(">&-", "run", *options)[0] == 1
    (made,) = json.loads((repository / "report.json").read_text())["pull_requests"]
    assert branches(Git(repository)) == {made["branch"]: made["head"]}


def test_closed_streams_cost_nothing_when_nothing_is_for_them(repository: Path) -> None:
    options = ("--tags", "file:tags.json", "--format", "json", "--output", "out.json")
    assert end_with_closed("<&- >&- 2>&-", "run", *options) == (0, "", "")
    (made,) = json.loads((repository / "out.json").read_text())["pull_requests"]
    assert branches(Git(repository)) == {made["branch"]: made["head"]}


def test_closed_stderr_changes_no_result_and_no_exit_code(repository: Path) -> None:
    options = ("plan", "--tags", "file:tags.json")
    plain = end_with_closed("", *options)
    assert plain[0] == 0
    assert end_with_closed("2>&-", *options) == plain
    assert end_with_closed("2>&-", "plan", "--tags", "odd") == (2, "", "")


@pytest.mark.parametrize("place", ["nowhere/result.json", "file/result.json"])
@pytest.mark.parametrize("option", ["--output", "--report"])
def test_place_where_no_result_can_be_written_is_refused_before_the_pass(
    option: str, place: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "file").touch()
    assert run_command(["run", "--tags", "file:tags.json", option, place]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"autobump: cannot write {place}: No")
    assert (out, err.count("\n")) == ("", 1)
    assert branches(Git(repository)) == {}


@pytest.mark.parametrize("command", ["plan", "run", "verify", "images --in-use"])
def test_dash_is_stdout(command: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = [*command.split(), "--tags", "file:tags.json", "--format", "json"]
    assert run_command([*line, "--output", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 1
    assert not (repository / "-").exists()


def test_every_output_takes_a_dash() -> None:
    outputs = {
        name: parameter.get_help_record(click.Context(command))
        for name, command in COMMANDS.items()
        for parameter in command.params
        if parameter.name == "output" and isinstance(parameter, click.Option)
    }
    assert {"plan", "verify", "run", "images"} <= set(outputs)
    assert all(record and "- is stdout" in record[1] for record in outputs.values())


def test_dash_beside_annotations_is_refused_as_stdout_is(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["plan", "--tags", "file:tags.json", "--actions", "--format", "json", "--output", "-"]
    assert run_command(line) == 2
    assert "--actions writes to stdout" in capsys.readouterr().err


def test_folder_below_a_repository_is_told_to_be_read_as_a_whole(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["plan", "--tags", "file:tags.json"]
    told = (
        "autobump: warning: the whole repository is read, not only the folder "
        "(folder=Packs/A, restrict_with=--path 'Packs/A/*')\n"
    )
    assert run_command([*line, "--repo", "Packs/A"]) == 0
    assert capsys.readouterr().err == told
    assert run_command([*line, "--repo", "Packs/A", "--path", "Packs/A/*"]) == 0
    assert run_command([*line, "--repo", "."]) == 0
    assert run_command([*line, "--repo", ".git"]) == 0
    monkeypatch.chdir("Packs/A")
    assert run_command([*line[:-1], "file:../../tags.json"]) == 0  # where one stands names no folder
    assert capsys.readouterr().err == ""


def test_result_goes_through_a_link_and_leaves_it(repository: Path) -> None:
    (repository / "results").mkdir()
    (repository / "results" / "today.json").write_text("older")
    (repository / "latest.json").symlink_to("results/today.json")
    line = ["plan", "--tags", "file:tags.json", "--format", "json", "--output", "latest.json"]
    assert run_command(line) == 0
    assert (repository / "latest.json").is_symlink()
    assert json.loads((repository / "results" / "today.json").read_text())["files"] == 1


def test_look_at_a_place_leaves_nothing_there(repository: Path) -> None:
    (repository / "results").mkdir()
    (repository / "results" / "older.json").write_text("older")
    places = ("--output", "results/new.json", "--report", "results/older.json")
    assert run_command(["plan", "--tags", "no such source", *places]) == 2
    assert [file.name for file in (repository / "results").iterdir()] == ["older.json"]
    assert (repository / "results" / "older.json").read_text() == "older"


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_result_whose_place_goes_away_meanwhile_is_shown(
    option: str, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "results").mkdir()
    fetch = SnapshotSource.fetch_tags

    def take_away(self: SnapshotSource, image: str) -> tuple[TagRecord, ...]:
        shutil.rmtree("results", ignore_errors=True)
        return fetch(self, image)

    monkeypatch.setattr(SnapshotSource, "fetch_tags", take_away)
    line = ["run", "--tags", "file:tags.json", "--format", "json", option, "results/result.json"]
    assert run_command(line) == 1
    out, err = capsys.readouterr()
    assert err == "autobump: cannot write results/result.json: No such file or directory\n"
    (made,) = json.loads(out)["pull_requests"]
    assert branches(Git(repository)) == {made["branch"]: made["head"]}


def test_job_summary_that_cannot_be_written_is_told_and_costs_nothing_else(repository: Path) -> None:
    files = {"GITHUB_STEP_SUMMARY": "/nowhere/x", "GITHUB_OUTPUT": "outputs"}
    code, out, err = end_with_closed("", "run", "--tags", "file:tags.json", "--actions", **files)
    named = "cannot write /nowhere/x, which GITHUB_STEP_SUMMARY names"
    assert (code, err) == (1, f"autobump: {named}: No such file or directory\n")
    assert "Update demisto/x to 1.0.0.2" in out
    assert "pull-requests=1\n" in (repository / "outputs").read_text()


@pytest.mark.parametrize("form", ["json", "html"])
def test_what_programs_read_never_shares_stdout_with_commands(
    form: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["run", "--tags", "file:tags.json", "--actions", "--format", form]
    assert run_command(line) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "name a file with --output" in err
    assert branches(Git(repository)) == {}
    assert run_command([*line, "--output", "result"]) == 0
    assert (repository / "result").read_text()[0] in "{<"


@pytest.mark.parametrize("folder", ["Packs/A", "Packs/A/"])
def test_path_of_a_folder_is_told_with_the_glob_that_is_meant(
    folder: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--tags", "file:tags.json", "--path")
    assert run_command(["plan", *options, folder]) == 2
    assert "for what is in a folder write 'Packs/A/*'" in capsys.readouterr().err
    for glob in ("Packs/A/*", "Packs/[A]/Scripts/S/S.y?l", "Packs/A/Scripts/S/S.yml"):
        assert run_command(["plan", *options, glob]) == 0


def test_address_is_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["plan", "--repo", "https://github.com/acme/content"]) == 2
    told = "https://github.com/acme/content is an address; name a folder with a clone of it"
    assert told in capsys.readouterr().err


def test_file_whose_name_begins_a_line_is_named_in_one(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "s\nEVIL.yml"
    (repository / name).write_text("pull_requests: {max_items: 5}\n")
    for arguments in (
        ["config", "check", name],
        ["config", "show", name],
        ["explain", "Packs/A/Scripts/S/S.yml", "--config", name, "--tags", "file:tags.json"],
        ["tags", "demisto/x", "--tags", "file:tags.json", "--export", name],
    ):
        assert run_command(arguments) == 0
        out, err = capsys.readouterr()
        assert "s\\nEVIL.yml" in out + err
        assert "\nEVIL" not in out + err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name one IMAGE; none or several go with --export FILE alone"),
        (["demisto/x", "demisto/y"], "name one IMAGE; none or several go with --export FILE alone"),
    ],
)
def test_tags_refuses_what_it_would_leave_out(
    arguments: list[str], told: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["tags", *arguments, "--tags", "file:tags.json"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["config"]])
def test_command_that_needs_another_shows_its_help(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*command, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert help_text.count("\n") > 5
    assert run_command(command) == 2
    assert capsys.readouterr() == ("", help_text)


@pytest.mark.parametrize("arguments", [["plan", "--strict"], ["run"], ["tags", "--export", "exported.json"]])
def test_source_that_knows_no_image_is_an_error(
    arguments: list[str], repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "tags.json").write_text(json.dumps({"demisto/other": ["1.0.0.2"]}))
    assert run_command([*arguments, "--repo", ".", "--tags", "file:tags.json"]) == 1
    told = (
        "the source of tags does not know the only image asked for, so nothing is decided: the tag file has"
    )
    assert f"autobump: {told} no image demisto/x; " in capsys.readouterr().err
    assert not (repository / "exported.json").exists()
    (repository / "pages").mkdir()
    assert run_command([*arguments, "--repo", ".", "--tags", "dockerfiles-info:pages"]) == 2
    assert "pages holds no image page" in capsys.readouterr().err


def test_interrupt_before_everything_is_loaded_is_told_in_a_line() -> None:
    interrupted = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'autobump.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from autobump.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", interrupted], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "autobump: interrupted\n")


LOOKS = {
    "explain": ["explain", "One"],
    "tags": ["tags", f"demisto/{'long-name-' * 3}x"],
    "diff": ["diff", f"demisto/{'long-name-' * 3}x", "1.0.0.1", "1.0.0.2", "--facts", "file:tags.json"],
    "images": ["images", "--in-use"],
    "plan": ["plan"],
    "run": ["run", "--dry-run"],
}


@pytest.mark.parametrize("columns", [60, 100])
@pytest.mark.parametrize("command", LOOKS)
def test_what_a_command_shows_keeps_to_the_width(
    command: str,
    columns: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = f"demisto/{'long-name-' * 3}x"
    make_repository(tmp_path, script_pack("Alpha", {"One": f"{name}:1.0.0.1"}), bare=False)
    packages = {f"package-with-a-long-name-{number}": [f"{number}.0.0", "MIT License"] for number in range(3)}
    tags = {name: {"1.0.0.1": {"packages": {}}, "1.0.0.2": {"packages": packages, "python": "3.12"}}}
    (tmp_path / "tags.json").write_text(json.dumps(tags))
    monkeypatch.chdir(tmp_path)
    line = [*LOOKS[command], *([] if command == "diff" else ["--tags", "file:tags.json"])]
    assert run_command(line) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) > 60
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run_command(line) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    if command == "run":
        assert (" From " in out) == (columns == 100)
