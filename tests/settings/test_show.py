import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autobump
from autobump.cli import run_command
from autobump.content.yaml.load import load_with_places
from autobump.settings.load import load_settings, parse_settings
from autobump.settings.show import show_settings, write_value
from autobump.settings.variables import SECRETS
from autobump.support.errors import SettingsError
from tests.fixtures.repositories import make_repository, script_pack
from tests.fixtures.settings import uncomment_examples

PACKAGE = Path(autobump.__file__).parent


def show(*arguments: str) -> str:
    return show_settings(load_settings(None, None, arguments))


def origins(text: str) -> dict[str, str]:
    """Return the origin of every key that is shown, by its last part."""
    rows = (line.partition(": ")[::2] for line in text.splitlines() if "  # " in line)
    return {key.strip(): rest.rpartition("  # ")[2] for key, rest in rows}


def test_every_key_is_shown_with_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "s.yml"
    file.write_text("policy:\n  support: [xsoar]\n  risk:\n    review: ignore\n")
    monkeypatch.setenv("AUTOBUMP__PULL_REQUESTS__MAX_ITEMS", "5")
    monkeypatch.setenv("AUTOBUMP__CONTENT", "{base: main}")
    text = show_settings(load_settings(file, None, ["policy.risk.breaking=hold"]))
    shown = origins(text)
    assert shown["support"] == f"{file}:2"
    assert shown["review"] == f"{file}:4"
    assert shown["max_items"] == "$AUTOBUMP__PULL_REQUESTS__MAX_ITEMS"
    assert shown["base"] == "$AUTOBUMP__CONTENT"
    assert shown["breaking"] == "--set policy.risk.breaking"
    assert shown["repository"] == shown["max_open"] == shown["waves"] == "default"
    assert "  max_items: 5  " in text
    assert "    breaking: hold  " in text


def test_file_of_the_commit_is_shown_as_a_pass_finds_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = script_pack("A", {"S": "demisto/x:1.0.0.1"})
    make_repository(tmp_path / "r", packs | {".github/autobump.yml": "content:\n  base: main\n"})
    for place, options in ((tmp_path, ["--repo", "r"]), (tmp_path / "r", [])):
        monkeypatch.chdir(place)
        assert run_command(["config", "show", *options]) == 0
        assert origins(capsys.readouterr().out)["base"] == ".github/autobump.yml:2"


def test_what_is_shown_reads_back_as_the_same_settings(tmp_path: Path) -> None:
    file = tmp_path / "s.yml"
    file.write_text(uncomment_examples())
    loaded = load_settings(file, None, ["registry.min_age=36 hours"])
    assert parse_settings(show_settings(loaded).encode(), "shown") == loaded.settings


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_every_value_reads_back_from_its_one_line(value: object) -> None:
    text = write_value(value)
    assert "\n" not in text
    assert load_with_places(f"[{text}]  # default")[0] == [value]


@pytest.mark.parametrize(
    "text", ["null", "true", "5", "3.11", "~", "a: b", "a #b", "- a", "", " a", "a ", "[", "'"]
)
def test_text_that_would_read_as_something_else_is_quoted(text: str) -> None:
    assert write_value(text) == f'"{text}"'


@pytest.mark.parametrize(
    "text", ["demisto/x", "~/.cache", "0 3 * * 1-5", "127.0.0.1:9464", "file:a b.json", "3 days"]
)
def test_text_that_needs_no_quotes_has_none(text: str) -> None:
    assert write_value(text) == text


def test_secrets_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    assert show().endswith("\n# Secrets in the environment:\n#   none\n")
    for number, name in enumerate(SECRETS):
        monkeypatch.setenv(name, f"hidden {number}")
    text = show("policy.exclude_packs=[hidden 0]")
    assert "hidden" not in text
    assert "  exclude_packs: [***]" in text
    assert text.endswith("".join(f"#   {name}: ***\n" for name in SECRETS))


def test_every_secret_that_is_read_anywhere_is_known() -> None:
    read = {
        node.args[0].value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("find_secret", "find_text")
        and isinstance(node.args[0], ast.Constant)
    }
    addresses = {"GITHUB_API_URL", "GITHUB_SERVER_URL"}
    assert read - addresses == set(SECRETS)


def test_settings_that_cannot_be_used_are_not_shown() -> None:
    with pytest.raises(SettingsError):
        show("policy.risk=5")
