"""Settings that have no effect on a repository, each told with where it stands."""

from datetime import date
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.settings.checks import find_unused_settings
from autobump.settings.load import parse_settings
from tests.fixtures.bumps import make_bump
from tests.fixtures.repositories import make_repository, script_pack

TODAY = date(2026, 6, 1)
BUMPS = [
    make_bump("Mail", "Sandbox"),
    make_bump("Slack", "Post", image="demisto/slack"),
    make_bump("ApiModules", "CommonApi"),
]
ITEMS = [(bump.item, bump.image.repository) for bump in BUMPS]


def idle(text: str) -> list[str]:
    """Return what is told of settings, each line as a key and why."""
    settings = parse_settings(text.encode(), "s.yml")
    return [
        f"{'.'.join(map(str, path))}: {why}" for path, why in find_unused_settings(settings, ITEMS, TODAY)
    ]


def hold(text: str) -> str:
    return f"policy: {{holds: [{{reason: why, {text}}}]}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "policy: {exclude_packs: [ApiModules, Mial]}",
            "policy.exclude_packs.1: no item has the pack 'Mial'; did you mean Mail?",
        ),
        (
            "policy: {exclude_packs: [Mail, ApiModules, Zzz]}",
            "policy.exclude_packs.2: no item has the pack 'Zzz'",
        ),
        (
            "policy: {exclude_images: [demisto/pyhton3]}",
            "policy.exclude_images.0: no item has the image 'demisto/pyhton3'; did you mean demisto/python3?",
        ),
        (
            "policy: {exclude_packs: [Mail]}",
            "policy.exclude_packs: replaces the default: without ApiModules in the list, it is updated",
        ),
        (
            hold("packs: [Slak], until: 2027-01-01"),
            "policy.holds.0.packs.0: no item has the pack 'Slak'; did you mean Slack?",
        ),
        (
            hold("images: ['demisto/py*', 'acme/*'], python: '3.11'"),
            "policy.holds.0.images.1: no item has the image 'acme/*'",
        ),
        (
            hold("items: [sandbox], max_tag: 1.0.0.5"),
            "policy.holds.0.items.0: no item has the id 'sandbox'; did you mean Sandbox?",
        ),
        (hold("paths: ['Pack/*'], python: '3.11'"), "policy.holds.0.paths.0: no item has the path 'Pack/*'"),
        (
            hold("packs: [Mail], images: [demisto/slack], python: '3.11'"),
            "policy.holds.0: no item is covered by all that it names",
        ),
        (
            hold("packs: [Mail], until: 2026-06-01"),
            "policy.holds.0.until: 2026-06-01 is over; the rule holds nothing back any more",
        ),
        (
            hold("packs: [Mail], until: 2020-01-01, skip_tags: [1.0.0.5]"),
            "policy.holds.0.until: 2020-01-01 is over; only the rest of the rule counts",
        ),
        (
            "registry: {namespaces: [demisto, own.example/demisto]}",
            "registry.namespaces.1: no source answers for this registry; name it in registry.hosts",
        ),
        (
            "rollout: {waves: [{name: a, packs: ['Common*']}]}",
            "rollout.waves.0.packs.0: no item has the pack 'Common*'",
        ),
        (
            "rollout: {waves: [{name: a, images: [demisto/slac]}]}",
            "rollout.waves.0.images.0: no item has the image 'demisto/slac'; did you mean demisto/slack?",
        ),
    ],
)
def test_setting_without_effect_is_told_with_the_nearest_name(text: str, told: str) -> None:
    assert idle(text) == [told]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "policy: {exclude_packs: [Mail, 'S?ack', ApiModules], exclude_images: ['demisto/*']}",
        "policy: {exclude_packs: [ApiModules]}",
        hold("packs: [Mail], items: [Sandbox], images: [demisto/python3], until: 2026-06-02"),
        hold("paths: ['*/Post.yml'], skip_tags: [1.0.0.5]"),
        "rollout: {waves: [{name: a, packs: ['M*'], images: [demisto/python3]}]}",
    ],
)
def test_defaults_and_names_that_match_are_not_told(text: str) -> None:
    assert idle(text) == []


def test_config_check_tells_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "policy:\n  exclude_images:\n    - demisto/y\n    - demisto/pyhton3\n"
    files = script_pack("A", {"S": "demisto/python3:1.0.0.1", "T": "demisto/y:1.0.0.1", "U": "not an image"})
    make_repository(tmp_path / "r", files | {".github/autobump.yml": settings})
    options = ["--repo", str(tmp_path / "r"), "--set", "policy.exclude_packs=[B]"]
    assert run_command(["config", "check", *options]) == 0
    valid, held, *notes = capsys.readouterr().out.splitlines()
    assert valid == ".github/autobump.yml, command line: settings are valid"
    assert held.endswith(": root Packs, 1 pack, 3 items")
    assert notes == [
        "note: --set policy.exclude_packs: policy.exclude_packs.0: no item has the pack 'B'",
        "note: .github/autobump.yml:4:7: policy.exclude_images.1: no item has the image 'demisto/pyhton3'; "
        "did you mean demisto/python3?",
    ]
    # Of no commit nothing is known, and names that several repositories share need not be in each.
    (tmp_path / "s.yml").write_text("policy: {exclude_packs: [B]}\nrepositories: [{repository: a/b}]\n")
    monkeypatch.chdir(tmp_path)
    for arguments in (["--set", "policy.exclude_packs=[B]"], ["s.yml", "--repo", "r"]):
        assert run_command(["config", "check", *arguments]) == 0
        assert "note" not in capsys.readouterr().out
