"""The commit status that tells evidence, against the stand-in, through the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autobump.pull_requests.marker import find_marker
from tests.fixtures.evidence import RAISED, RAN, write_evidence
from tests.fixtures.github import standing_in
from tests.fixtures.repositories import commit, script_pack
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.world import OLD, World

STATUS = "autobump/verify"
BASE = {"Packs/Base/Scripts/CommonServerPython/CommonServerPython.py": "shared = 1\n"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    files: dict[str, str | bytes] = {**BASE}
    for pack in "AB":
        files |= script_pack(pack, {f"{pack}One": f"demisto/x:{OLD}"})
        files[f"Packs/{pack}/Scripts/{pack}One/{pack}One.py"] = f"code = '{pack}'\n"
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        world = World(tmp_path, github)
        world.settings["registry"] = {"facts": "none"}
        yield world


def status_of(world: World, number: int) -> tuple[str, str]:
    """Return state and description of the status at the head of a pull request."""
    return world.github.statuses[world.github.head_of(world.github.pull(number).branch)][STATUS]


def sound(world: World) -> str:
    return str(write_evidence(world, {f"x:{OLD}": {}, "x:1.0.0.2": {}}))


def broken(world: World) -> str:
    return str(write_evidence(world, {f"x:{OLD}": {}, "x:1.0.0.2": {"BOne": RAISED}}))


def test_commit_of_items_that_run_alike_gets_a_success(world: World) -> None:
    assert world.actions("--evidence", sound(world)) == ["create"]
    assert status_of(world, 1) == ("success", "2 same")


def test_commit_of_an_item_that_breaks_gets_a_failure(world: World) -> None:
    world.settings["policy"] = {"risk": {"breaking": "ignore"}}
    assert world.actions("--evidence", broken(world)) == ["create"]
    assert status_of(world, 1) == ("failure", "1 breaks, 1 same")
    assert "- **breaks**: `NameError: x (line 2)`: `BOne`" in world.github.pull(1).body


def test_items_that_break_wait_in_a_draft_of_their_own(world: World) -> None:
    assert world.actions("--evidence", broken(world)) == ["create", "create"]
    told = {status_of(world, pull.number)[0]: pull.draft for pull in world.github.pulls}
    assert told == {"success": False, "failure": True}


def test_commit_gets_no_status_where_nothing_was_run(world: World) -> None:
    world.actions()
    assert world.github.statuses == {}


def test_second_pass_with_the_same_evidence_writes_nothing(world: World) -> None:
    evidence = sound(world)
    world.actions("--evidence", evidence)
    world.writes()
    assert world.actions("--evidence", evidence) == ["leave"]
    assert world.actions() == ["leave"]
    assert world.writes() == []


def test_new_evidence_changes_text_and_status_of_the_same_commit(world: World) -> None:
    world.settings["policy"] = {"risk": {"breaking": "ignore"}}
    world.actions()
    head = world.github.head_of(world.github.pull(1).branch)
    assert world.actions("--evidence", broken(world)) == ["refresh"]
    assert world.github.head_of(world.github.pull(1).branch) == head
    assert status_of(world, 1)[0] == "failure"
    marker = find_marker(world.github.pull(1).body)
    assert marker is not None
    assert marker.evidence


def test_new_commit_gets_a_status_of_its_own(world: World) -> None:
    evidence = write_evidence(world, {f"x:{tag}": {} for tag in (OLD, "1.0.0.2", "1.0.0.3")})
    world.actions("--evidence", str(evidence))
    world.publish(x=["1.0.0.3"])
    assert world.actions("--evidence", str(evidence)) == ["refresh"]
    assert status_of(world, 1) == ("success", "2 same")
    assert len(world.github.statuses) == 2


def test_changed_code_has_no_evidence_any_more(world: World) -> None:
    evidence = sound(world)
    commit(world.github.git, {"Packs/A/Scripts/AOne/AOne.py": "code = 'new'\n"})
    world.actions("--evidence", evidence)
    assert status_of(world, 1) == ("success", "1 same")


def test_evidence_of_several_machines_is_put_together(world: World) -> None:
    files = [write_evidence(world, {f"x:{tag}": {"AOne": RAN}}, f"{tag}.json") for tag in (OLD, "1.0.0.2")]
    options = [option for file in files for option in ("--evidence", str(file))]
    world.actions(*options)
    assert status_of(world, 1) == ("success", "2 same")


@pytest.mark.parametrize("status", [403, 404, 422])
def test_status_that_is_refused_is_a_note_and_costs_nothing_else(world: World, status: int) -> None:
    def refuse(request: Request) -> Reply | None:
        refused = Reply(status, b'{"message": "Resource not accessible by integration"}')
        return refused if "/statuses/" in request.path else None

    world.github.before = refuse
    report = world.run("--evidence", sound(world), status=None)
    (made,) = report["pull_requests"]
    assert (made["action"], made["number"]) == ("create", 1)
    assert world.github.pull(1).labels == ["docker-image-auto-update"]
    assert "the status autobump/verify is missing" in str(report)


def test_pass_that_is_cut_off_before_the_status_sets_it_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    evidence = sound(world)

    def hang_up(request: Request) -> Reply | None:
        return Reply(hang_up=True) if "/statuses/" in request.path else None

    world.github.before = hang_up
    world.run("--evidence", evidence, status=None)
    world.github.before = lambda _: None
    world.run("--evidence", evidence)
    assert status_of(world, 1) == ("success", "2 same")


def test_dry_run_sets_no_status(world: World) -> None:
    world.run("--evidence", sound(world), "--dry-run")
    assert world.github.statuses == {}
