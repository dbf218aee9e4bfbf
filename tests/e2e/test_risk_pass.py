"""What becomes of items that a new image may break, on GitHub, through the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autobump.pull_requests.marker import find_marker
from tests.fixtures.github import standing_in
from tests.fixtures.repositories import commit, script_pack
from tests.fixtures.servers import Reply, serve
from tests.fixtures.world import OLD, World, digest_of

LABEL = "docker-image-auto-update"
BS4, REQUESTS = ["4.10.0", "MIT"], ["2.26.0", "Apache Software License"]


def publish(world: World, *, facts: bool = True, **tags: dict[str, list[str]]) -> None:
    """Publish tags of demisto/x, each with its packages, or with nothing known of them."""
    packages = {OLD: {"beautifulsoup4": BS4, "requests": REQUESTS}} | {
        tag.strip("v").replace("_", "."): listed for tag, listed in tags.items()
    }
    known: dict[str, Any] = {
        tag: {"digest": digest_of(tag), "python": "3.10.1", "packages": listed if facts else None}
        for tag, listed in packages.items()
    }
    world.tags.write_text(json.dumps({"demisto/x": known}))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    image = f"demisto/x:{OLD}"
    files: dict[str, str | bytes] = {}
    for pack, names in (("A", ("ASafe", "ARisky")), ("B", ("BRisky",)), ("C", ("CSafe",))):
        files |= script_pack(pack, dict.fromkeys(names, image))
        for name in names:
            module = "bs4" if "Risky" in name else "requests"
            files[f"Packs/{pack}/Scripts/{name}/{name}.py"] = f"import {module}\n"
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        made = World(tmp_path, github)
        publish(made, v1_0_0_2={"requests": REQUESTS})
        yield made


def opened(world: World) -> dict[tuple[str, ...], tuple[bool, tuple[str, ...]]]:
    """Return whether each open pull request is a draft, and its labels, by the names of its items."""
    return {
        tuple(Path(path).stem for path in marker.paths): (pull.draft, tuple(sorted(pull.labels)))
        for pull in world.github.pulls
        if pull.state == "open" and (marker := find_marker(pull.body))
    }


SAFE = (False, (LABEL,))
UNKNOWN = (False, ("autobump:unknown", LABEL))
DRAFT = (True, ("autobump:breaking", LABEL))


def test_items_at_risk_get_a_draft_of_their_own_and_hold_nothing_up(world: World) -> None:
    report = world.run()
    assert opened(world) == {("ASafe", "CSafe"): SAFE, ("BRisky",): DRAFT}
    waiting = {bump["name"]: bump["waiting"] for bump in report["bumps"] if bump["waiting"]}
    assert waiting["ARisky"]["reason"] == "pack-busy"
    risky = next(pull for pull in world.github.pulls if pull.draft)
    assert risky.title == "Update demisto/x to 1.0.0.2 (B, may break)"
    assert "which the new image lacks" in risky.body
    assert world.actions() == ["leave", "leave"]


def test_item_at_risk_follows_when_the_rest_of_its_pack_is_merged(world: World) -> None:
    world.run()
    safe = next(pull for pull in world.github.pulls if not pull.draft)
    world.github.merge(safe.number)
    world.run()
    assert opened(world) == {("BRisky",): DRAFT, ("ARisky",): DRAFT}


def test_newer_image_without_the_risk_brings_the_item_back_among_the_safe_ones(world: World) -> None:
    world.run()
    publish(world, v1_0_0_2={"requests": REQUESTS}, v1_0_0_3={"requests": REQUESTS, "beautifulsoup4": BS4})
    world.run()
    world.run()
    safe = [(names, draft) for names, (draft, _) in opened(world).items()]
    assert sorted(safe) == [(("ARisky", "ASafe", "CSafe"), False), (("BRisky",), False)]


def test_items_keep_their_lane_while_nothing_is_known_of_the_images(world: World) -> None:
    world.run()
    before = opened(world)
    publish(world, facts=False, v1_0_0_2={})
    world.settings["registry"] = {"cache": str(world.folder / "other-cache")}
    assert world.actions() == ["leave", "leave"]
    assert opened(world) == before


def test_risk_that_is_held_is_not_updated(world: World) -> None:
    world.settings["policy"] = {"risk": {"breaking": "hold"}}
    report = world.run()
    assert opened(world) == {("ASafe", "CSafe"): SAFE}
    held = {skip["path"]: skip for skip in report["skipped"] if skip["reason"] == "held"}
    assert sorted(Path(path).stem for path in held) == ["ARisky", "BRisky"]
    assert all("which the new image lacks" in skip["detail"] for skip in held.values())


def test_risk_that_is_ignored_goes_with_the_rest_and_is_still_told(world: World) -> None:
    world.settings["policy"] = {"risk": {"breaking": "ignore"}}
    world.run()
    assert opened(world) == {("ARisky", "ASafe", "BRisky", "CSafe"): SAFE}
    assert "2 items may break" in world.github.pulls[0].body


def test_items_to_be_looked_at_get_a_label_or_a_draft(world: World) -> None:
    major = {"requests": ["3.0.0", "MIT"], "beautifulsoup4": BS4}
    publish(world, v1_0_0_2=major)
    world.run()
    label = ("autobump:review", LABEL)
    assert opened(world) == {("ARisky", "ASafe", "BRisky", "CSafe"): (False, label)}
    world.settings["policy"] = {"risk": {"review": "separate"}}
    world.run()
    world.run()
    assert opened(world) == {("ARisky", "BRisky"): SAFE, ("CSafe",): (True, label)}


def test_unknown_images_are_no_reason_to_separate(world: World) -> None:
    publish(world, facts=False, v1_0_0_2={})
    world.run()
    assert opened(world) == {("ARisky", "ASafe", "BRisky", "CSafe"): UNKNOWN}
    body = world.github.pulls[0].body
    assert "❔ **4 items not checked in full**, see below." in body
    assert "- **unknown**: what is inside the old and the new image is not known: all items" in body


def test_unknown_old_image_is_told_and_the_new_one_still_checked(world: World) -> None:
    publish(world, v1_0_0_2={"requests": REQUESTS})
    known = json.loads(world.tags.read_text())
    known["demisto/x"][OLD]["packages"] = None
    world.tags.write_text(json.dumps(known))
    world.run()
    (pull,) = world.github.pulls
    assert sorted(pull.labels) == ["autobump:review", "autobump:unknown", LABEL]
    assert "imports `bs4`, which the new image lacks" in pull.body
    publish(world, v1_0_0_2={"requests": REQUESTS, "beautifulsoup4": BS4})
    assert world.actions() == ["refresh"]
    assert pull.labels == [LABEL]


def test_plan_shows_the_same_pull_requests(world: World) -> None:
    made = world.run("--dry-run")
    assert sorted(pr["labels"] for pr in made["pull_requests"]) == [[LABEL], [LABEL, "autobump:breaking"]]
    risks = {bump["name"]: bump["risk"] and bump["risk"]["level"] for bump in made["bumps"]}
    assert risks == {"ARisky": "breaking", "ASafe": "none", "BRisky": "breaking", "CSafe": "none"}


def test_change_of_code_on_the_base_is_seen(world: World) -> None:
    world.run()
    commit(world.github.git, {"Packs/B/Scripts/BRisky/BRisky.py": "import requests\n"})
    world.run()
    world.run()
    assert ("BRisky",) in opened(world)
    assert opened(world)[("BRisky",)] == SAFE


def test_bump_that_is_refused_elsewhere_moves_no_item_out_of_its_lane(world: World) -> None:
    files = script_pack("D", {"DOther": f"demisto/y:{OLD}"})
    commit(world.github.git, files)
    known = json.loads(world.tags.read_text())
    known["demisto/y"] = {OLD: {}, "1.0.0.2": {}}
    world.tags.write_text(json.dumps(known))
    world.run()
    before = opened(world)
    edited = dict(files)
    path = "Packs/D/Scripts/DOther/DOther.yml"
    # An alias refers to the image: this one is refused only when it is written.
    edited[path] = edited[path].replace("dockerimage: ", "dockerimage: &image ") + "other: *image\n"
    commit(world.github.git, edited)
    world.run()
    assert (
        opened(world).items() >= {key: value for key, value in before.items() if key != ("DOther",)}.items()
    )
    assert all(draft == (names == ("BRisky",)) for names, (draft, _) in opened(world).items())


def test_risk_that_becomes_known_is_told_once(world: World) -> None:
    publish(world, facts=False, v1_0_0_2={})
    world.settings["policy"] = {"risk": {"breaking": "ignore"}}
    world.run()
    assert "is not known" in world.github.pulls[0].body
    publish(world, v1_0_0_2={"requests": ["3.0.0", "MIT"], "beautifulsoup4": BS4})
    assert world.actions() == ["refresh"]
    assert "autobump:review" in world.github.pulls[0].labels
    assert world.actions() == ["leave"]


def test_auto_merge_is_off_while_something_is_to_be_looked_at(world: World) -> None:
    world.settings["pull_requests"]["automerge"] = True
    publish(world, facts=False, v1_0_0_2={})
    world.run()
    assert not [call for call in world.github.calls if "graphql" in call]


def test_auto_merge_ends_before_a_newer_image_that_is_to_be_looked_at_gets_in(world: World) -> None:
    world.settings["pull_requests"]["automerge"] = True
    world.settings["policy"] = {"risk": {"breaking": "ignore"}}
    publish(world, v1_0_0_2={"requests": REQUESTS, "beautifulsoup4": BS4})
    world.run()
    (pull,) = world.github.pulls
    assert (pull.automerge, pull.labels) == (True, [LABEL])
    publish(world, v1_0_0_3={"requests": ["3.0.0", "MIT"], "beautifulsoup4": BS4})
    world.writes()
    assert world.actions() == ["refresh"]
    assert (pull.automerge, sorted(pull.labels)) == (False, ["autobump:review", LABEL])
    writes = world.writes()
    assert writes.index("POST /graphql") < next(n for n, call in enumerate(writes) if "/git/refs/" in call)


def test_pull_request_whose_auto_merge_cannot_be_turned_off_keeps_its_image(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.settings["pull_requests"]["automerge"] = True
    publish(world, v1_0_0_2={"requests": REQUESTS, "beautifulsoup4": BS4})
    world.run()
    (pull,) = world.github.pulls
    head, refusal = world.github.head_of(pull.branch), b'{"errors": [{"message": "not now"}]}'
    world.github.before = lambda request: Reply(200, refusal) if request.path == "/graphql" else None
    publish(world, v1_0_0_3={"requests": ["3.0.0", "MIT"], "beautifulsoup4": BS4})
    report = world.run(status=1)
    assert [pr["failure"] for pr in report["pull_requests"]] == ["cannot turn off auto-merge of #1: not now"]
    assert world.github.head_of(pull.branch) == head


def test_label_of_a_risk_goes_with_the_risk(world: World) -> None:
    publish(world, v1_0_0_2={"requests": ["3.0.0", "MIT"], "beautifulsoup4": BS4})
    world.run()
    (pull,) = world.github.pulls
    assert sorted(pull.labels) == ["autobump:review", LABEL]
    publish(world, facts=False, v1_0_0_3={})
    world.run()
    # It may hold: nothing is known.
    assert sorted(pull.labels) == ["autobump:review", "autobump:unknown", LABEL]
    publish(world, v1_0_0_4={"requests": REQUESTS, "beautifulsoup4": BS4})
    world.run()
    assert pull.labels == [LABEL]


@pytest.mark.parametrize("cut", range(1, 9))
def test_labels_of_a_risk_are_right_after_a_pass_that_was_cut_off_anywhere(
    world: World, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    safe = {"requests": REQUESTS, "beautifulsoup4": BS4}
    risky = {"requests": ["3.0.0", "MIT"], "beautifulsoup4": BS4}
    publish(world, v1_0_0_2=safe)
    world.run()
    (pull,) = world.github.pulls
    publish(world, v1_0_0_3=risky)
    world.run_cut_off(cut)
    world.run()
    assert sorted(pull.labels) == ["autobump:review", LABEL]
    publish(world, v1_0_0_3=risky, v1_0_0_4=safe)
    world.run_cut_off(cut)
    world.run()
    assert pull.labels == [LABEL]
    assert world.actions() == ["leave"]
