"""Defaults, over them the file, over it the environment, over it the command line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.settings.load import LoadedSettings, load_settings
from autobump.settings.model import Settings
from autobump.support.errors import SettingsError
from tests.fixtures.repositories import make_repository, script_pack


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yml").write_text("pull_requests: {max_items: 2}\npolicy:\n  support: [xsoar, partner]\n")
    return Path("s.yml")


def load(file: Path | None, *changes: str) -> LoadedSettings:
    return load_settings(file, None, changes)


def faults(file: Path | None, *changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, *changes)
    return [str(fault) for fault in caught.value.faults]


def test_later_layers_count(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def max_items(file: Path | None, *changes: str) -> tuple[int, str]:
        loaded = load(file, *changes)
        return loaded.settings.limits.max_items, loaded.origin

    assert max_items(None) == (25, "built-in defaults")
    assert max_items(file) == (2, "s.yml")
    monkeypatch.setenv("AUTOBUMP__PULL_REQUESTS__MAX_ITEMS", "3")
    assert max_items(file) == (3, "s.yml, environment")
    assert max_items(None) == (3, "built-in defaults, environment")
    assert max_items(file, "pull_requests.max_items=4") == (4, "s.yml, environment, command line")
    assert max_items(file, "pull_requests.max_items=4", "pull_requests.max_items=5")[0] == 5


def test_layer_changes_its_key_and_no_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUMP__POLICY__RISK__BREAKING", "hold")
    settings = load(file, "pull_requests.draft=true").settings
    assert settings.policy.support == ("xsoar", "partner")
    assert settings.policy.risk.breaking == "hold"
    assert settings.policy.risk.review == "label"
    assert (settings.pull_requests.draft, settings.pull_requests.max_items) == (True, 2)


def test_values_are_yaml_and_lists_are_replaced_as_a_whole(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBUMP__REGISTRY__NAMESPACES", "[demisto, acme]")
    monkeypatch.setenv("AUTOBUMP__REGISTRY__MIN_AGE", "3 days")
    settings = load(file, "policy.support=[community]", "schedule.listen=null").settings
    assert settings.registry.namespaces == ("demisto", "acme")
    assert settings.registry.min_age.days == 3
    assert settings.policy.support == ("community",)
    assert settings.schedule.listen is None


def test_section_can_be_given_as_a_whole_and_is_merged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUMP__PULL_REQUESTS", "{draft: true, max_open: 7}")
    monkeypatch.setenv("AUTOBUMP__PULL_REQUESTS__MAX_OPEN", "8")
    prs = load(file).settings.pull_requests
    assert (prs.max_items, prs.draft, prs.max_open) == (2, True, 8)


def test_empty_variable_says_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBUMP__PULL_REQUESTS__MAX_ITEMS", " ")
    assert load(None).settings == Settings()
    assert load(file).origin == "s.yml"


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        (
            "PULL_REQUESTS__MAX_ITEM",
            "5",
            'pull_requests.max_item: unknown key; did you mean "max_items"?',
        ),
        ("POLCY__SUPPORT", "[xsoar]", 'polcy: unknown key; did you mean "policy"?'),
        (
            "PULL_REQUESTS__MAX_ITEMS",
            "0",
            "pull_requests.max_items: 0: input should be greater than or equal to 1",
        ),
        (
            "POLICY__SUPPORT",
            "[gold]",
            "policy.support.0: \"gold\" is not 'xsoar', 'partner', 'developer', 'community', "
            "'xsiam', 'internal' or 'none'",
        ),
        ("POLICY__SUPPORT__0", "xsoar", "policy.support: {'0': 'xsoar'} must be a list"),
        ("POLICY", "5", "policy: 5 must be a mapping of keys"),
        ("REGISTRY__NAMESPACES", "[demisto", "a bracket that opens in line 1 is never closed"),
        (
            "",
            "5",
            "unknown key; known keys: content, registry, policy, rollout, pull_requests, verify, "
            "schedule, repositories",
        ),
    ],
)
def test_fault_in_the_environment_names_its_variable(
    name: str, value: str, fault: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AUTOBUMP__{name}", value)
    (told,) = faults(file)
    assert told.startswith(f"$AUTOBUMP__{name}: ")
    assert told.endswith(fault)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            "policy.exclude_pack=[A]",
            '--set policy.exclude_pack: unknown key; did you mean "exclude_packs"?',
        ),
        (
            "policy.risk.braking=hold",
            '--set policy.risk.braking: unknown key; did you mean "breaking"?',
        ),
        (
            "pull_requests.draft=maybe",
            '--set pull_requests.draft: "maybe": input should be a valid boolean',
        ),
        ("policy.risk=", "--set policy.risk: null must be a mapping of keys"),
        ("policy.support=[", "--set policy.support: a bracket that opens in line 1 is never closed"),
        ("pull_requests.draft", '--set: "pull_requests.draft" must be section.key=value'),
        ("policy..x=1", '--set: "policy..x=1" must be section.key=value'),
        ("=1", '--set: "=1" must be section.key=value'),
    ],
)
def test_fault_on_the_command_line_names_its_option(change: str, fault: str, file: Path) -> None:
    assert faults(file, change) == [fault]


@pytest.mark.parametrize(
    "text",
    [
        "schedule:\n  cron: 3.10  # in the morning\n",
        "schedule: {timezone: UTC, cron: 3.10}\n",
        "schedule: {'cron': 3.10, timezone: UTC}\n",
        "\ufeffschedule:\r\n  cron:   3.10\r\n",
    ],
)
def test_number_in_the_place_of_text_is_shown_as_it_is_written(
    text: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "3.10 must be text; put it in quotes"
    file.write_bytes(text.encode())
    (fault,) = faults(file)
    assert fault.endswith(f": schedule.cron: {told}")
    assert faults(None, "schedule.cron=3.10") == [f"--set schedule.cron: {told}"]
    assert faults(None, "schedule={cron: 3.10}") == [f"--set schedule: schedule.cron: {told}"]
    monkeypatch.setenv("AUTOBUMP__SCHEDULE__CRON", " 3.10 ")
    assert faults(None) == [f"$AUTOBUMP__SCHEDULE__CRON: schedule.cron: {told}"]


def test_number_in_a_list_is_shown_as_it_is_written_where_that_can_be_told(file: Path) -> None:
    file.write_text("policy:\n  support: [xsoar, 0x10]\n  exclude_packs:\n    - 1_0\n    - true\n")
    support, *packs = faults(file)
    assert support.endswith(
        ": policy.support.1: 0x10 is not 'xsoar', 'partner', 'developer', 'community', "
        "'xsiam', 'internal' or 'none'"
    )
    assert [fault.rpartition(": ")[2] for fault in packs] == [
        "1_0 must be text; put it in quotes",
        "true must be text; put it in quotes",
    ]
    file.write_text("a: &x 3.10\nschedule:\n  cron: *x\n  timezone:\n    3.10\n")
    shown = [fault.split(": ", 2)[2] for fault in faults(file)]
    assert shown[1:] == ["3.1 must be text; put it in quotes"] * 2


def test_faults_of_all_layers_are_told_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("policy:\n  a: 1\n")
    monkeypatch.setenv("AUTOBUMP__REGISTRY__B", "2")
    assert [fault.split(":")[0] for fault in faults(file, "schedule.c=3")] == [
        "$AUTOBUMP__REGISTRY__B",
        "--set schedule.c",
        "s.yml",
    ]


def test_contradiction_is_told_where_the_setting_stands(file: Path) -> None:
    file.write_text("rollout:\n  waves:\n    - name: a\n      images: [acme/*]\n")
    why = "rollout.waves.0.images: can never match: registry.namespaces has none of these owners"
    assert faults(file) == [f"s.yml:4:7: {why}"]
    assert load(file, "registry.namespaces=[acme]").settings.waves
    change = "rollout.waves=[{name: a, images: [acme/*]}]"
    assert faults(None, change) == [f"--set rollout.waves: {why}"]


KEYS = ("policy", "policy.support", "policy.holds", "policy.risk.breaking", "x.y.z", "x")
VALUES = ("5", "'5'", "[5]", "{a: 5}", "null", "true", "2027-01-31", "&a [*a]", "!x y")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("key", KEYS)
def test_no_value_of_another_kind_is_taken_or_ends_in_a_traceback(key: str, value: str, file: Path) -> None:
    assert all(fault.startswith(f"--set {key}: ") for fault in faults(file, f"{key}={value}"))


def plan(repository: Path, *options: str) -> Any:
    output = repository.parent / "plan.json"
    tags = ["--tags", f"file:{repository.parent / 'tags.json'}"]
    arguments = ["plan", "--repo", str(repository), *tags, "--format", "json", "--output", str(output)]
    assert run_command([*arguments, *options]) == 0
    return json.loads(output.read_text())


def sizes(report: Any) -> Sequence[int]:
    return sorted(len(pr["paths"]) for pr in report["pull_requests"])


def test_plan_goes_by_all_layers_and_tags_count_as_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tags.json").write_text(json.dumps({"demisto/x": ["1.0.0.1", "1.0.0.2"]}))
    packs: dict[str, str] = {}
    for name in "ABCD":
        packs |= script_pack(name, {name: "demisto/x:1.0.0.1"})
    settings = "pull_requests: {max_items: 3}\nregistry: {source: file:none.json}\n"
    make_repository(tmp_path / "r", packs | {".github/autobump.yml": settings})
    assert sizes(plan(tmp_path / "r")) == [1, 3]
    monkeypatch.setenv("AUTOBUMP__PULL_REQUESTS__MAX_ITEMS", "2")
    assert sizes(plan(tmp_path / "r")) == [2, 2]
    assert sizes(plan(tmp_path / "r", "--set", "pull_requests.max_items=1")) == [1, 1, 1, 1]
    assert sizes(plan(tmp_path / "r", "--set", "registry.source=file:other.json")) == [2, 2]


def test_wrong_setting_of_a_command_is_wrong_usage(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["config", "check", str(file), "--set", "policy.x=1"]) == 2
    assert "--set policy.x: unknown key" in capsys.readouterr().err
