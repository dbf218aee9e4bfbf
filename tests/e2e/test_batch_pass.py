"""Pull requests of several images, from the command line to a forge and back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autobump.cli import run_command
from autobump.pull_requests.marker import find_marker
from tests.fixtures.github import standing_in
from tests.fixtures.repositories import branches, commit, item_yaml, make_repository, script_pack, show
from tests.fixtures.servers import serve
from tests.fixtures.world import OLD, World

BOTH = {"One": f"demisto/x:{OLD}", "Two": f"demisto/y:{OLD}"}
FILES: dict[str, str | bytes] = {
    **script_pack("A", {"One": f"demisto/x:{OLD}"}),
    **script_pack("B", {"Two": f"demisto/y:{OLD}"}),
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    github = standing_in(tmp_path / "github", FILES)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        world = World(tmp_path, github)
        world.settings["pull_requests"] |= {"group": "batch"}
        yield world


def only(report: Any) -> Any:
    (pr,) = report["pull_requests"]
    return pr


def test_batch_is_made_and_left_alone_afterwards(world: World) -> None:
    made = only(world.run())
    assert (made["action"], made["title"]) == ("create", "Update 2 images (2 packs)")
    assert made["images"] == [
        {"image": "demisto/x", "target": "1.0.0.2"},
        {"image": "demisto/y", "target": "1.0.0.2"},
    ]
    assert (made["image"], made["target"]) == ("demisto/x", "1.0.0.2")
    (pull,) = world.github.pulls
    marker = find_marker(pull.body)
    assert marker is not None
    assert len(marker.images) == 2
    world.writes()
    assert world.actions() == ["leave"]
    assert world.writes() == []


def test_newer_tag_of_one_image_refreshes_the_same_pull_request(world: World) -> None:
    before = only(world.run())
    world.publish(x=["1.0.0.2", "1.0.0.3"], y=["1.0.0.2"])
    after = only(world.run())
    assert (after["action"], after["branch"], after["number"]) == (
        "refresh",
        before["branch"],
        before["number"],
    )
    assert {image["image"]: image["target"] for image in after["images"]} == {
        "demisto/x": "1.0.0.3",
        "demisto/y": "1.0.0.2",
    }
    assert world.actions() == ["leave"]


def test_image_that_is_done_elsewhere_leaves_the_batch(world: World) -> None:
    before = only(world.run())
    commit(world.github.git, {"Packs/A/Scripts/One/One.yml": item_yaml("demisto/x:1.0.0.2", name="One")})
    after = only(world.run())
    assert (after["action"], after["number"]) == ("refresh", before["number"])
    assert after["images"] == [{"image": "demisto/y", "target": "1.0.0.2"}]
    assert world.github.pull(before["number"]).title == "Update demisto/y to 1.0.0.2 (1 pack)"


def test_closed_batch_is_a_no_to_both_images_and_opened_again_it_goes_on(world: World) -> None:
    number = only(world.run())["number"]
    world.github.close(number)
    report = world.run()
    assert only(report)["action"] == "hold"
    assert {bump["waiting"]["reason"] for bump in report["bumps"]} == {"closed-by-maintainer"}
    world.github.reopen(number)
    assert world.actions() == ["refresh"]
    assert world.actions() == ["leave"]


def test_newer_tag_of_one_image_is_proposed_after_the_batch_was_closed(world: World) -> None:
    world.github.close(only(world.run())["number"])
    world.publish(x=["1.0.0.2", "1.0.0.3"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["create", "hold"]
    assert [pull.title for pull in world.github.open_pulls()] == ["Update demisto/x to 1.0.0.3 (1 pack)"]


def test_commit_of_a_person_keeps_the_batch_as_it_is(world: World) -> None:
    made = only(world.run())
    commit(world.github.git, {"Packs/A/x": "mine"}, branch=made["branch"])
    world.publish(x=["1.0.0.2", "1.0.0.3"], y=["1.0.0.2"])
    report = world.run()
    assert only(report)["action"] == "hold"
    assert {bump["waiting"]["reason"] for bump in report["bumps"]} == {"edited-by-maintainer"}


@pytest.mark.parametrize(("before", "after"), [("image", "batch"), ("batch", "image")])
def test_what_is_open_stays_when_the_setting_changes(world: World, before: str, after: str) -> None:
    world.settings["pull_requests"]["group"] = before
    made = world.run()["pull_requests"]
    world.settings["pull_requests"]["group"] = after
    assert world.actions() == ["leave"] * len(made)
    world.publish(x=["1.0.0.2", "1.0.0.3"], y=["1.0.0.2", "1.0.0.3"])
    assert world.actions() == ["refresh"] * len(made)


def test_pass_that_is_cut_off_at_any_write_ends_with_one_batch(world: World) -> None:
    for cut in range(1, 5):
        world.run_cut_off(cut)
    world.run()
    assert [pull.title for pull in world.github.open_pulls()] == ["Update 2 images (2 packs)"]
    assert world.actions() == ["leave"]


def test_pack_of_two_images_moves_once_and_its_note_lists_both(tmp_path: Path) -> None:
    git = make_repository(tmp_path / "r", script_pack("A", BOTH))
    tags, config, output = (tmp_path / name for name in ("tags.json", "settings.yml", "report.json"))
    tags.write_text(json.dumps({f"demisto/{name}": [OLD, "1.0.0.2"] for name in "xy"}))
    config.write_text("pull_requests: {group: batch}")
    options = ["--repo", str(git.directory), "--config", str(config), "--tags", f"file:{tags}"]
    options += ["--format", "json", "--output", str(output)]
    for action in ("create", "leave"):
        assert run_command(["run", "--forge", "local", *options]) == 0
        assert only(json.loads(output.read_text()))["action"] == action
    ((branch, _),) = branches(git).items()
    assert branch.startswith("autobump/batch/")
    assert json.loads(show(git, branch, "Packs/A/pack_metadata.json"))["currentVersion"] == "1.0.1"
    note = show(git, branch, "Packs/A/ReleaseNotes/1_0_1.md").decode()
    assert "demisto/x:1.0.0.2" in note
    assert "demisto/y:1.0.0.2" in note
