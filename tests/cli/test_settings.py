"""Every command finds the settings in the same way."""

import json
from pathlib import Path

import click
import pytest

from autobump.cli import run_command
from tests.cli.test_cli import NEEDED
from tests.fixtures.commands import COMMANDS
from tests.fixtures.repositories import make_repository, script_pack

READERS = sorted(
    name for name, command in COMMANDS.items() if "config" in {one.name for one in command.params}
)
EXTRA = {"images": ["--in-use"]}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose committed settings are wrong, so that who reads them cannot but tell."""
    files = script_pack("A", {"S": "demisto/x:1.0.0.1"}) | {
        ".github/autobump.yml": "policy: {supprt: [xsoar]}\n"
    }
    return make_repository(tmp_path / "content", files, bare=False).directory


def line_of(command: str) -> list[str]:
    """Return the command with the arguments that it needs."""
    arguments = [
        NEEDED.get(command, {})[str(parameter.name)]
        for parameter in COMMANDS[command].params
        if isinstance(parameter, click.Argument) and str(parameter.name) in NEEDED.get(command, {})
    ]
    return [*command.split(), *arguments, *EXTRA.get(command, [])]


def test_every_command_that_has_settings_is_looked_at() -> None:
    assert {"plan", "verify", "run", "schedule", "explain", "tags", "diff", "images", "matrix"} < set(READERS)
    assert {"config check", "config show"} < set(READERS)


@pytest.mark.parametrize("command", READERS)
def test_settings_of_the_commit_are_read(
    command: str, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ".github/autobump.yml:1:10: policy.supprt: unknown key"
    assert run_command([*line_of(command), "--repo", str(repository)]) == 2
    assert told in capsys.readouterr().err
    monkeypatch.chdir(repository / "Packs")
    assert run_command(line_of(command)) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["images", "--with", "pandas"], ["tags", "demisto/x", "--export", "o.json"]]
)
@pytest.mark.parametrize("packs", [True, False])
def test_settings_of_the_commit_are_read_where_a_repository_is_not_needed(
    arguments: list[str],
    packs: bool,
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not packs:
        repository = make_repository(
            tmp_path / "other", {".github/autobump.yml": "policy: {supprt: [xsoar]}\n"}, bare=False
        ).directory
    monkeypatch.chdir(repository)
    assert run_command(arguments) == 2
    assert "policy.supprt: unknown key" in capsys.readouterr().err


@pytest.mark.parametrize("command", READERS)
def test_help_says_which_file_is_read(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([*command.split(), "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "[default: $AUTOBUMP_CONFIG, then .github/autobump.yml of the commit of --repo]" in words
    assert "--repo DIR" in words


def test_matrix_tags_and_diff_do_what_the_committed_settings_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = tmp_path / "tags.json"
    tags.write_text(
        json.dumps({"demisto/x": {"1.0.0.1": {"python": "3.9.1"}, "1.0.0.2": {"python": "3.9.2"}}})
    )
    settings = {
        "content": {"repository": "acme/content", "base": "main"},
        "registry": {"source": f"file:{tags}"},
    }
    files = script_pack("A", {"S": "demisto/x:1.0.0.1"}) | {".github/autobump.yml": json.dumps(settings)}
    git = make_repository(tmp_path / "content", files)
    assert run_command(["matrix", "--repo", str(git.directory)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "include": [{"repository": "acme/content", "base": "main"}]
    }
    assert run_command(["tags", "demisto/x:1.0.0.1", "--repo", str(git.directory)]) == 0
    assert "* 1.0.0.2" in capsys.readouterr().out
    monkeypatch.chdir(git.directory)
    assert run_command(["diff", "demisto/x", "1.0.0.1", "1.0.0.2"]) == 0
    assert "3.9.2" in capsys.readouterr().out
