"""What GitHub may refuse or leave out without costing the pull request: drafts, people, labels."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.github import standing_in
from tests.fixtures.repositories import commit, script_pack
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.world import OLD, World

LABEL = "docker-image-auto-update"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    files: dict[str, str | bytes] = {}
    for pack, image in (("A", "x"), ("B", "draft")):
        files |= script_pack(pack, {f"{pack}One": f"demisto/{image}:{OLD}"})
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        monkeypatch.setattr("time.sleep", lambda _: None)
        world = World(tmp_path, github)
        world.publish(x=["1.0.0.2"], draft=["1.0.0.2"])
        world.settings["registry"] = {"facts": "none"}
        yield world


def notes(report: Any) -> list[str]:
    return [pr["note"] or "" for pr in report["pull_requests"]]


def test_drafts_that_are_not_offered_are_ordinary_pull_requests_and_it_is_said_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.github.offers_drafts = False
    world.settings["pull_requests"]["draft"] = True
    report = world.run()
    assert [(pr["action"], pr["failure"]) for pr in report["pull_requests"]] == [("create", None)] * 2
    assert [(pull.draft, pull.labels) for pull in world.github.pulls] == [(False, [LABEL])] * 2
    first, second = notes(report)
    assert "drafts are not offered in this repository" in first
    assert second == ""
    assert capsys.readouterr().err.count("drafts are not offered") == 1
    assert world.github.calls.count("POST /repos/demisto/content/pulls") == 3
    world.writes()
    assert world.actions() == ["leave", "leave"]
    assert world.writes() == []


def test_draft_of_an_update_at_risk_is_an_ordinary_one_with_its_label_and_title(world: World) -> None:
    world.settings["registry"] = {}
    commit(world.github.git, {"Packs/A/Scripts/AOne/AOne.py": "import dns.resolver\n"})
    facts = {"python": "3.10.1", "os": "A"}
    old = {**facts, "packages": {"dnspython": ["2.6.1", "ISC"]}}
    new = {**facts, "packages": {"requests": ["2.31.0", "Apache"]}}
    world.tags.write_text(json.dumps({"demisto/x": {OLD: old, "1.0.0.2": new}}))
    world.github.offers_drafts = False
    world.run()
    (pull,) = world.github.pulls
    assert (pull.draft, pull.title) == (False, "Update demisto/x to 1.0.0.2 (1 pack, may break)")
    assert "autobump:breaking" in pull.labels


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_lost_answer_beside_drafts_that_are_not_offered_makes_no_second_one(world: World, lost: int) -> None:
    world.github.offers_drafts = False
    world.settings["pull_requests"]["draft"] = True
    posts = 0

    def lose(request: Request) -> Reply | None:
        nonlocal posts
        if request.method == "POST" and request.path.endswith("/pulls"):
            posts += 1
            return Reply(hang_up=True) if posts == lost else None
        return None

    world.github.before = lose
    assert world.actions() == ["create", "create"]
    assert [pull.draft for pull in world.github.pulls] == [False, False]


def test_other_refusal_of_a_draft_is_told_as_what_it_is(world: World) -> None:
    """Also where the branch is named so."""
    world.settings["pull_requests"]["draft"] = True

    def refuse(request: Request) -> Reply | None:
        if request.method != "POST" or not request.path.endswith("/pulls"):
            return None
        told = f"No commits between master and {json.loads(request.body)['head']}"
        return Reply(
            422, json.dumps({"message": "Validation Failed", "errors": [{"message": told}]}).encode()
        )

    world.github.before = refuse
    report = world.run(status=1)
    assert all("No commits between" in pr["failure"] for pr in report["pull_requests"])
    assert notes(report) == ["", ""]
    assert world.github.calls.count("POST /repos/demisto/content/pulls") == 2


def test_assignees_after_the_tenth_are_named(world: World) -> None:
    people = [f"Person{number}" for number in range(12)]
    world.settings["pull_requests"] |= {"assignees": people, "max_open": 1}
    report = world.run()
    assert notes(report) == ["assign #1: GitHub left out Person10, Person11"]
    assert world.github.pull(1).assignees == people[:10]


@pytest.mark.parametrize(
    ("setting", "path", "answer", "told"),
    [
        ("assignees", "/assignees", {"assignees": [{"login": "PERSON"}]}, "assign #1: GitHub left out other"),
        (
            "reviewers",
            "/requested_reviewers",
            {"requested_reviewers": [{"login": "person"}]},
            "ask for reviews on #1: GitHub left out other",
        ),
        (
            "team_reviewers",
            "/requested_reviewers",
            {"requested_teams": [{"slug": "person"}], "requested_reviewers": []},
            "ask for reviews on #1: GitHub left out other",
        ),
        ("assignees", "/assignees", {}, ""),
        ("assignees", "/assignees", [], ""),
    ],
)
def test_people_that_the_answer_does_not_hold_are_named(
    world: World, setting: str, path: str, answer: object, told: str
) -> None:
    world.settings["pull_requests"] |= {setting: ["person", "other"], "max_open": 1}
    world.github.before = lambda request: (
        Reply(201, json.dumps(answer).encode()) if request.path.endswith(path) else None
    )
    report = world.run()
    assert notes(report) == [told]
    assert world.github.pull(1).labels == [LABEL]


@pytest.mark.parametrize("refused", ["bad", LABEL])
def test_label_that_is_refused_keeps_no_other_off_and_costs_no_pull_request(
    world: World, refused: str
) -> None:
    world.settings["pull_requests"] |= {"labels": [LABEL, "bad", "good"], "max_open": 1}

    def refuse(request: Request) -> Reply | None:
        asked = request.method == "POST" and request.path.endswith("/labels")
        told = b'{"message": "Validation Failed", "errors": [{"message": "name is too long"}]}'
        return Reply(422, told) if asked and refused in json.loads(request.body)["labels"] else None

    world.github.before = refuse
    (made,) = world.run(status=1)["pull_requests"]
    assert (made["number"], made["failure"]) == (
        1,
        f"cannot label #1: Validation Failed; name is too long ({refused})",
    )
    assert sorted(world.github.pull(1).labels) == sorted({LABEL, "bad", "good"} - {refused})


@pytest.mark.parametrize(
    ("allowed", "method"),
    [
        ({"merge", "squash", "rebase"}, "merge"),
        ({"squash", "rebase"}, "squash"),
        ({"squash"}, "squash"),
        ({"rebase"}, "rebase"),
    ],
)
def test_auto_merge_takes_a_method_that_the_repository_allows_and_asks_once(
    world: World, allowed: set[str], method: str
) -> None:
    world.github.merge_methods = allowed
    world.settings["pull_requests"]["automerge"] = True
    assert notes(world.run()) == ["", ""]
    assert [(pull.automerge, pull.merge_method) for pull in world.github.pulls] == [(True, method)] * 2
    assert world.github.calls.count("GET /repos/demisto/content") == 1
    world.github.calls.clear()
    assert world.actions() == ["leave", "leave"]
    assert len(world.github.calls) <= 5


@pytest.mark.parametrize(
    "reply", [Reply(403, b'{"message": "Forbidden"}'), Reply(404, b"{}"), Reply(200, b"{}")]
)
def test_auto_merge_takes_the_usual_method_where_none_is_known(world: World, reply: Reply) -> None:
    world.settings["pull_requests"]["automerge"] = True
    whole = "/repos/demisto/content"
    world.github.before = lambda request: reply if request.path == whole else None
    world.run()
    assert [(pull.automerge, pull.merge_method) for pull in world.github.pulls] == [(True, "merge")] * 2


def test_auto_merge_goes_on_to_the_next_method_where_a_rule_refuses_one(world: World) -> None:
    world.settings["pull_requests"]["automerge"] = True

    def refuse(request: Request) -> Reply | None:
        if request.path != "/graphql":
            return None
        method = json.loads(request.body)["variables"]["input"]["mergeMethod"]
        told = [{"message": "Merge method merge commits are not allowed on this branch"}]
        refusal = {"data": {"enablePullRequestAutoMerge": None}, "errors": told}
        return Reply(200, json.dumps(refusal).encode()) if method == "MERGE" else None

    world.github.before = refuse
    assert notes(world.run()) == ["", ""]
    assert [pull.merge_method for pull in world.github.pulls] == ["squash"] * 2


def test_auto_merge_that_is_refused_is_noted_and_loses_nothing(world: World) -> None:
    world.settings["pull_requests"] |= {"automerge": True, "max_open": 1}
    refusal = Reply(200, b'{"data": null, "errors": [{"message": "Pull request is in clean status"}]}')
    world.github.before = lambda request: refusal if request.path == "/graphql" else None
    (note,) = notes(world.run())
    assert note.startswith("auto-merge of #1 is not on")
    assert "Pull request is in clean status" in note
    assert world.github.calls.count("POST /graphql") == 1
    assert world.github.pull(1).labels == [LABEL]
