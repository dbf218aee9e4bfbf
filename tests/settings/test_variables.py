"""Which variables of the environment count, which are refused, and which are left alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.settings.model import Settings
from autobump.settings.variables import CONFIG_VARIABLE, SECRETS, require_known_variables
from autobump.support.errors import SettingsError

PROJECT = Path(__file__).resolve().parents[2]
PLACES = ("autobump", "tests", "benchmarks", "fuzz", ".github", ".ci", "Makefile")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("AUTOBUMP_POLICY__SUPPORT", "did you mean AUTOBUMP__POLICY__SUPPORT?"),
        ("AUTOBUMP_POLICY_SUPPORT", "did you mean AUTOBUMP__POLICY__SUPPORT?"),
        ("AUTOBUMP_PULL_REQUESTS_MAX_ITEM", "did you mean AUTOBUMP__PULL_REQUESTS__MAX_ITEMS?"),
        ("AUTOBUMP_POLICY_RISK__BREAKING", "did you mean AUTOBUMP__POLICY__RISK__BREAKING?"),
        ("AUTOBUMP_POLCY__SUPPORT", "did you mean AUTOBUMP__POLICY__SUPPORT?"),
        ("AUTOBUMP_policy__support", "did you mean AUTOBUMP__POLICY__SUPPORT?"),
        ("AUTOBUMP_REGISTRY_PASWORD", "did you mean AUTOBUMP_REGISTRY_PASSWORD?"),
        ("AUTOBUMP_APPID", "did you mean AUTOBUMP_APP_ID?"),
        ("AUTOBUMP_CONFG", "did you mean AUTOBUMP_CONFIG?"),
        ("AUTOBUMP_POLICY_XYZZY_PLUGH", "a key is AUTOBUMP__SECTION__KEY"),
        ("AUTOBUMP_X__Y", "a key is AUTOBUMP__SECTION__KEY"),
    ],
)
def test_variable_that_looks_like_a_setting_is_refused_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(SettingsError) as caught:
        require_known_variables({name: "x", "AUTOBUMP__POLICY__SUPPORT": "[xsoar]", "HOME": "/"})
    assert [str(fault) for fault in caught.value.faults] == [f"${name}: unknown variable; {meant}"]


def test_every_variable_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        require_known_variables({"AUTOBUMP_POLICY_X": "1", "AUTOBUMP_CONFG": "2"})
    assert [fault.file for fault in caught.value.faults] == ["$AUTOBUMP_CONFG", "$AUTOBUMP_POLICY_X"]


def names_in_the_project() -> Iterator[str]:
    """Yield the names of variables that code, tests and workflows read or set, but for this file."""
    read = re.compile(
        r"""(?:environ(?:\.get|\.pop)?[\[(]\s*|(?:get|set)env\(\s*|vars\.|secrets\.)["']?(AUTOBUMP_[A-Z]\w*)"""
        r"""|^\s*(AUTOBUMP_[A-Z]\w*)[:=]""",
        re.MULTILINE,
    )
    for place in PLACES:
        path = PROJECT / place
        for file in (
            [path] if path.is_file() else [*path.rglob("*.py"), *path.rglob("*.sh"), *path.rglob("*.yml")]
        ):
            if "node_modules" not in file.parts and file.name != Path(__file__).name:
                yield from (one or other for one, other in read.findall(file.read_text("utf-8", "replace")))


def test_names_that_belong_to_somebody_else_are_left_alone() -> None:
    names = {*names_in_the_project(), CONFIG_VARIABLE, *SECRETS}
    assert {"AUTOBUMP_CORPUS", "AUTOBUMP_GOLDEN", "AUTOBUMP_KILLS", "AUTOBUMP_ENABLED"} < names
    others = {
        "AUTOBUMP_VERSION",
        "AUTOBUMP_HOME",
        "AUTOBUMP_IMAGE",
        "AUTOBUMP_GITHUB_TOKEN",
        "AUTOBUMP_CASES",
        "AUTOBUMP",
    }
    require_known_variables(dict.fromkeys(names | others, "x"))


def test_empty_variable_says_nothing() -> None:
    require_known_variables({"AUTOBUMP_POLICY__SUPPORT": " "})


def test_every_section_is_known_by_its_name() -> None:
    for section in Settings.model_fields:
        with pytest.raises(SettingsError):
            require_known_variables({f"AUTOBUMP_{section.upper()}_ANYTHING": "x"})


def test_command_ends_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOBUMP_POLICY__SUPPORT", "[xsoar]")
    assert run_command(["config", "show"]) == 2
    told = "autobump: $AUTOBUMP_POLICY__SUPPORT: unknown variable; did you mean AUTOBUMP__POLICY__SUPPORT?\n"
    assert capsys.readouterr() == ("", told)
