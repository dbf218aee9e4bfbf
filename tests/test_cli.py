"""What every command does with words on its command line that are not what they should be."""

import json
from pathlib import Path

import click
import pytest

from autobump.cli import run_command
from tests.support.commands import COMMANDS
from tests.support.repositories import make_repository, script_pack

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
