"""When an update may wait, on GitHub, through the command line."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobump.pull_requests.marker import find_marker
from tests.fixtures.github import Pull, standing_in
from tests.fixtures.repositories import script_pack
from tests.fixtures.servers import serve
from tests.fixtures.world import OLD, World, digest_of

WAVES = {"waves": [{"name": "first", "packs": ["A"]}, {"name": "second", "packs": ["B"]}]}
FIRST, NEWER = "1.0.0.2", "1.0.0.9"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    files: dict[str, str | bytes] = {}
    for pack in "ABC":
        files |= script_pack(pack, {f"{pack}One": f"demisto/x:{OLD}"})
    files["Packs/C/Scripts/COne/COne.py"] = "import bs4\n"
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        made = World(tmp_path, github)
        github.now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        made.publish(x=[FIRST])
        yield made


def opened(world: World) -> dict[str, str]:
    """Return the target of each open pull request, by its packs."""
    markers = [marker for pull in world.github.open_pulls() if (marker := find_marker(pull.body))]
    return {"".join(marker.packs): marker.target for marker in markers}


def publish_packages(world: World, packages: dict[str, dict[str, list[str]]]) -> None:
    known = {
        tag: {"digest": digest_of(f"x:{tag}"), "python": "3.10.1", "packages": inside}
        for tag, inside in packages.items()
    }
    world.tags.write_text(json.dumps({"demisto/x": known}))


def merge_all(world: World) -> None:
    for pull in world.github.open_pulls():
        assert world.github.merge(pull.number)


def waiting(report: Any) -> dict[str, tuple[str, str]]:
    return {
        bump["name"]: (bump["waiting"]["reason"], bump["waiting"]["detail"])
        for bump in report["bumps"]
        if bump["waiting"]
    }


def begin_rollout(world: World, **settings: Any) -> None:
    """Bring the first wave to the first tag, open the second, and publish a newer tag."""
    world.settings["rollout"] = WAVES | settings
    world.run()
    merge_all(world)
    world.run()
    assert opened(world) == {"B": FIRST}
    world.publish(x=[FIRST, NEWER])


def test_running_rollout_keeps_its_target_and_the_newest_tag_begins_the_next_one(world: World) -> None:
    begin_rollout(world)
    world.writes()
    report = world.run()
    assert opened(world) == {"B": FIRST}
    assert world.writes() == []
    assert waiting(report)["AOne"] == (
        "waiting-for-wave",
        "the rollout of 1.0.0.2 comes first: 2 items to go",
    )
    merge_all(world)
    world.run()
    assert opened(world) == {"C": FIRST}
    merge_all(world)
    world.run()
    assert opened(world) == {"A": NEWER}


def test_always_begins_anew_with_a_newer_tag(world: World) -> None:
    begin_rollout(world, replace="always")
    world.run()
    assert opened(world) == {"A": NEWER}


@pytest.mark.parametrize(
    ("mode", "found"), [("security", {"A": NEWER}), ("never", {"B": FIRST})], ids=["security", "never"]
)
def test_tag_that_fixes_a_vulnerability_begins_the_rollout_anew(
    world: World, mode: str, found: dict[str, str]
) -> None:
    record = {
        "id": "PYSEC-1",
        "affected": [
            {"package": {"ecosystem": "PyPI", "name": "bad"}, "versions": ["1.0"], "ranges": []},
        ],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    }
    export = world.folder / "osv.json"
    export.write_text(json.dumps({"records": [record]}))
    world.settings["registry"] = {"advisories": f"file:{export}"}
    begin_rollout(world, replace=mode)
    versions = {OLD: "1.0", FIRST: "1.0", NEWER: "2.0"}
    publish_packages(world, {tag: {"bad": [version, "MIT"]} for tag, version in versions.items()})
    world.run()
    assert opened(world) == found


def test_target_that_was_withdrawn_is_replaced(world: World) -> None:
    begin_rollout(world, replace="never")
    world.publish(x=[NEWER])
    world.run()
    assert opened(world) == {"A": NEWER}


def test_target_that_was_overwritten_is_replaced_once_there_is_a_newer_one(world: World) -> None:
    begin_rollout(world, replace="never")
    tags = json.loads(world.tags.read_text())
    tags["demisto/x"][FIRST]["digest"] = digest_of("something else")
    world.tags.write_text(json.dumps(tags))
    world.run()
    assert opened(world) == {"A": NEWER}


def test_item_that_is_held_for_its_risk_does_not_keep_the_rollout_running(world: World) -> None:
    world.settings["policy"] = {"risk": {"breaking": "hold"}}
    world.settings["registry"] = {"advisories": "none"}
    begin_rollout(world)
    publish_packages(world, {OLD: {"bs4": ["1.0", "MIT"]}, FIRST: {}, NEWER: {}})
    merge_all(world)
    report = world.run()
    assert {Path(row["path"]).stem: row["reason"] for row in report["skipped"]} == {"COne": "held"}
    assert opened(world) == {"A": NEWER}


def test_pass_over_a_part_begins_no_newer_rollout(world: World) -> None:
    begin_rollout(world)
    report = world.run("--pack", "A")
    assert waiting(report)["AOne"] == (
        "waiting-for-wave",
        "a pass over a part cannot tell whether the rollout of 1.0.0.2 is done",
    )


def test_item_is_not_proposed_again_within_the_interval(world: World) -> None:
    world.settings["policy"] = {"min_interval": "14 days"}
    world.run()
    merge_all(world)
    world.publish(x=[FIRST, NEWER])
    report = world.run()
    reasons = waiting(report)
    assert {name: reason for name, (reason, _) in reasons.items()} == dict.fromkeys(
        ("AOne", "BOne", "COne"), "too-soon"
    )
    again = datetime.fromisoformat(world.github.now) + timedelta(days=14)
    assert f"the next one comes from {again:%Y-%m-%d %H:%M} UTC on" in reasons["AOne"][1]
    assert opened(world) == {}


def test_item_that_waited_long_enough_is_proposed_again(world: World) -> None:
    world.settings["policy"] = {"min_interval": "14 days"}
    world.run()
    world.github.now = f"{datetime.now(UTC) - timedelta(days=15):%Y-%m-%dT%H:%M:%SZ}"
    merge_all(world)
    world.publish(x=[FIRST, NEWER])
    world.run()
    assert opened(world) == {"ABC": NEWER}


def test_merged_pull_requests_behind_the_last_hundred_are_read_when_the_interval_asks_for_them(
    world: World,
) -> None:
    world.run()
    merge_all(world)
    (mine,) = world.github.pulls
    mine.updated = -1
    for number in range(100):  # others finished since
        other = Pull(900 + number, f"autobump/other/{number}", "master", "", "", mine.user, "h")
        other.state, other.closed_at, other.labels = "closed", mine.closed_at, list(mine.labels)
        other.merged_at, other.updated = mine.merged_at, number
        world.github.pulls.append(other)
    world.publish(x=[FIRST, NEWER])
    world.settings["policy"] = {"min_interval": "14 days"}
    world.github.calls.clear()
    assert set(waiting(world.run())) == {"AOne", "BOne", "COne"}
    assert sum(call.endswith("/issues") for call in world.github.calls) == 3
    world.settings["policy"] = {}
    world.github.calls.clear()
    world.run("--dry-run")
    assert sum(call.endswith("/issues") for call in world.github.calls) == 2
