"""The life of pull requests on GitHub, against the stateful stand-in, through the command line."""

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.pull_requests.labels import CLOSED_LABEL, OVERWRITTEN_LABEL
from autobump.pull_requests.marker import find_marker
from autobump.support.git import Git
from tests.fixtures.github import Pull, standing_in
from tests.fixtures.repositories import commit, item_yaml, script_pack, show
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.world import OLD, SETTINGS, World, every_action, numberless, prepare_every_action

LABEL = "docker-image-auto-update"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    files: dict[str, str | bytes] = {}
    for pack, image in (("A", "x"), ("B", "x"), ("C", "y")):
        files |= script_pack(pack, {f"{pack}One": f"demisto/{image}:{OLD}"})
    github = standing_in(tmp_path / "github", files)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        yield World(tmp_path, github)


def test_first_pass_makes_them_and_the_second_writes_nothing(world: World) -> None:
    report = world.run()
    assert [(pr["action"], pr["number"]) for pr in report["pull_requests"]] == [("create", 1), ("create", 2)]
    first = world.github.pull(1)
    assert first.title == "Update demisto/x to 1.0.0.2 (2 packs)"
    assert first.labels == [LABEL]
    marker = find_marker(first.body)
    assert marker is not None
    assert marker.head == world.github.head_of(first.branch) == report["pull_requests"][0]["head"]
    assert show(world.github.git, marker.head, "Packs/A/Scripts/AOne/AOne.yml").decode() == item_yaml(
        "demisto/x:1.0.0.2", name="AOne"
    )
    changed = world.github.git.run("diff", "--name-only", "master", marker.head).decode().split()
    assert len(changed) == 6
    world.writes()
    assert world.actions() == ["leave", "leave"]
    assert len(world.github.calls) <= 5
    assert world.writes() == []


def test_dry_run_says_the_same_and_writes_nothing(world: World) -> None:
    dry = world.run("--dry-run")
    assert world.writes() == []
    assert world.github.pulls == []
    made = world.run()
    assert [pr["action"] for pr in dry["pull_requests"]] == [pr["action"] for pr in made["pull_requests"]]
    assert [pr["branch"] for pr in dry["pull_requests"]] == [pr["branch"] for pr in made["pull_requests"]]


def test_new_pull_request_costs_at_most_eight_calls(world: World) -> None:
    world.settings["pull_requests"] |= {
        "reviewers": ["reviewer"],
        "team_reviewers": ["team"],
        "assignees": ["person"],
        "max_open": 1,
        "draft": True,
    }
    world.run()
    pull = world.github.pull(1)
    assert (pull.draft, pull.reviewers, pull.assignees) == (True, ["reviewer", "team"], ["person"])
    idle, base = 5, 1
    assert len(world.github.calls) <= idle + base + 8


@pytest.mark.parametrize(("number", "most"), [(10, 5), (100, 10)])
def test_idle_pass_costs_few_calls_however_many_are_open(world: World, number: int, most: int) -> None:
    files: dict[str, str | bytes] = {}
    for place in range(number):
        files |= script_pack(f"P{place}", {"One": f"demisto/i{place}:{OLD}"})
    commit(world.github.git, {**files, **{f"Packs/{p}/pack_metadata.json": None for p in "ABC"}})
    world.publish(**{f"i{place}": ["1.0.0.2"] for place in range(number)})
    world.settings["pull_requests"] |= {"max_open": number, "max_new_per_run": number}
    assert world.actions() == ["create"] * number
    world.github.calls.clear()
    assert world.actions() == ["leave"] * number
    assert len(world.github.calls) <= most


def test_newer_tag_refreshes_the_same_number_on_the_current_base(world: World) -> None:
    world.run()
    base = commit(world.github.git, {"README.md": "moved on"})
    world.writes()
    assert world.actions() == ["leave", "leave"]
    assert world.writes() == []
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    report = world.run()
    assert sorted((pr["action"], pr["number"]) for pr in report["pull_requests"]) == [
        ("leave", 2),
        ("refresh", 1),
    ]
    pull = world.github.pull(1)
    assert pull.title == "Update demisto/x to 1.0.0.3 (2 packs)"
    assert world.github.git.line("rev-parse", f"{pull.branch}^") == base
    assert len(world.github.pulls) == 2


def test_file_changed_on_the_base_refreshes(world: World) -> None:
    world.run()
    commit(
        world.github.git,
        {"Packs/A/Scripts/AOne/AOne.yml": item_yaml(f"demisto/x:{OLD}", name="AOne", comment="x")},
    )
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert world.github.merge(1)


def test_item_done_elsewhere_leaves_the_pull_request(world: World) -> None:
    world.run()
    commit(world.github.git, {"Packs/A/Scripts/AOne/AOne.yml": item_yaml("demisto/x:1.0.0.2", name="AOne")})
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert world.github.pull(1).title == "Update demisto/x to 1.0.0.2 (1 pack)"
    commit(world.github.git, {"Packs/B/Scripts/BOne/BOne.yml": item_yaml("demisto/x:1.0.0.2", name="BOne")})
    assert sorted(world.actions()) == ["close", "leave"]
    pull = world.github.pull(1)
    assert (pull.state, len(pull.comments)) == ("closed", 1)
    assert "none of its updates is wanted" in pull.comments[0][1]
    assert world.github.head_of(pull.branch) == ""


def test_merged_pull_request_is_done(world: World) -> None:
    world.run()
    assert world.github.merge(1)
    assert world.actions() == ["leave"]


def test_branch_left_behind_by_a_merge_is_deleted_once(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    assert world.github.merge(1, delete_branch=False)
    assert sorted(world.actions()) == ["close", "leave"]
    assert world.github.head_of(branch) == ""
    assert world.github.pull(1).comments == []
    assert world.actions() == ["leave"]


def test_update_after_a_merge_with_the_branch_left_behind_makes_a_new_pull_request(world: World) -> None:
    world.run()
    world.github.merge(1, delete_branch=False)
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    report = world.run()
    assert sorted((pr["action"], pr["number"]) for pr in report["pull_requests"]) == [
        ("create", 3),
        ("leave", 2),
    ]
    assert world.github.merge(3)


@pytest.mark.parametrize("end", ["merge", "close"])
@pytest.mark.parametrize("first_end", ["merge", "close"])
def test_branch_left_behind_serves_again_also_when_earlier_pull_requests_had_it(
    world: World, first_end: str, end: str
) -> None:
    world.run()
    branch = world.github.pull(1).branch
    getattr(world.github, first_end)(1, delete_branch=True)
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    world.run()
    assert world.github.pull(3).branch == branch
    getattr(world.github, end)(3, delete_branch=False)
    world.publish(x=["1.0.0.4"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["create", "leave"]
    assert world.github.pull(4).branch == branch
    assert world.github.pull(4).title == "Update demisto/x to 1.0.0.4 (2 packs)"
    assert sorted(world.actions()) == ["leave", "leave"]


@pytest.mark.parametrize("delete_branch", [False, True])
def test_closed_pull_request_stays_closed_until_a_newer_target(world: World, delete_branch: bool) -> None:
    world.run()
    world.github.close(1, delete_branch=delete_branch)
    for _ in range(3):
        report = world.run()
        assert sorted(pr["action"] for pr in report["pull_requests"]) == ["hold", "leave"]
        waits = [bump["waiting"]["reason"] for bump in report["bumps"] if bump["waiting"]]
        assert waits == ["closed-by-maintainer"] * 2
    assert CLOSED_LABEL in world.github.pull(1).labels
    world.writes()
    world.run()
    assert world.writes() == []
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["create", "leave"]
    assert len(world.github.pulls) == 3


def test_closed_one_is_remembered_behind_a_hundred_newer_ones(world: World) -> None:
    world.run()
    world.github.close(1)
    world.run()
    for number in range(120):
        pull = world.github.pulls[0]
        copy = type(pull)(
            number + 3, f"autobump/z/{number}", "master", "", "", "content-bot", "", state="closed"
        )
        copy.labels, copy.updated = [LABEL], 10_000 + number
        world.github.pulls.append(copy)
    assert sorted(world.actions()) == ["hold", "leave"]


def test_closed_one_whose_label_was_taken_away_does_not_come_back(world: World) -> None:
    world.run()
    world.github.remove_label(1, LABEL)
    world.github.close(1)
    assert sorted(world.actions()) == ["hold", "leave"]
    assert len(world.github.pulls) == 2
    assert sorted(world.actions()) == ["hold", "leave"]


def test_commit_of_a_person_is_never_overwritten(world: World) -> None:
    world.run()
    head = commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=world.github.pull(1).branch)
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    world.writes()
    report = world.run()
    assert sorted(pr["action"] for pr in report["pull_requests"]) == ["hold", "leave"]
    assert [b["waiting"]["reason"] for b in report["bumps"] if b["waiting"]] == ["edited-by-maintainer"] * 2
    assert world.writes() == []
    assert world.github.head_of(world.github.pull(1).branch) == head


def test_commit_that_a_person_amended_is_never_overwritten(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    head = world.github.amend(branch, {"Packs/A/Scripts/AOne/AOne.py": "a fix\n"})
    assert sorted(world.actions()) == ["hold", "leave"]
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["hold", "leave"]
    assert world.github.head_of(branch) == head


def test_commit_of_a_person_in_the_middle_of_a_pass_is_not_overwritten(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    pushed: list[str] = []

    def push(request: Request) -> Reply | None:
        if request.path.endswith("/git/commits") and not pushed:
            pushed.append(commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=branch))
        return None

    world.github.before = push
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    report = world.run(status=1)
    assert "was moved while this pass ran" in report["pull_requests"][0]["failure"]
    assert world.github.head_of(branch) == pushed[0]
    assert sorted(world.actions()) == ["hold", "leave"]


def test_branch_a_person_left_commits_on_is_not_used_again(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    head = commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=branch)
    assert world.github.merge(1, delete_branch=False)
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["create", "leave"]
    assert world.github.pull(3).branch != branch
    assert world.github.head_of(branch) == head
    assert sorted(world.actions()) == ["leave", "leave"]


def test_rebuild_label_asks_for_a_fresh_branch_once(world: World) -> None:
    world.run()
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=world.github.pull(1).branch)
    world.github.add_label(1, "autobump:rebuild")
    assert sorted(world.actions()) == ["leave", "refresh"]
    pull = world.github.pull(1)
    assert pull.labels == [LABEL]
    assert world.github.git.line("rev-list", "--count", f"master..{pull.branch}") == "1"
    assert world.actions() == ["leave", "leave"]


@pytest.fixture
def large(world: World) -> World:
    """Return a world with a pull request of a pack so large that its marker names no paths."""
    items = {f"D{'x' * 60}{number:03}": f"demisto/z:{OLD}" for number in range(300)}
    commit(world.github.git, script_pack("D", items))
    world.publish(x=["1.0.0.2"], y=["1.0.0.2"], z=["1.0.0.2"])
    assert world.actions() == ["create", "create", "create"]
    marker = find_marker(world.github.pull(3).body)
    assert marker is not None
    assert (marker.packs, marker.paths) == (("D",), ())
    return world


def test_large_pull_request_survives_an_outage_and_a_pass_over_other_paths(
    large: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    large.run("--tags", "oci:http://127.0.0.1:1", status=1)
    large.run("--path", "Packs/A/*")
    assert [pull.state for pull in large.github.pulls] == ["open"] * 3
    assert large.actions() == ["leave", "leave", "leave"]


def test_list_of_tags_that_lacks_an_image_closes_nothing(world: World) -> None:
    world.run()
    world.publish(y=["1.0.0.2"])
    report = world.run()
    assert {skip["reason"] for skip in report["skipped"]} == {"image-not-found"}
    assert [pull.state for pull in world.github.pulls] == ["open", "open"]
    world.publish(x=["1.0.0.2"], y=["1.0.0.2"])
    assert world.actions() == ["leave", "leave"]


@pytest.mark.parametrize("tags", [{"demisto/other": ["1.0.0.2"]}, {}])
def test_list_of_tags_that_lacks_every_image_is_an_error_and_closes_nothing(
    world: World, tags: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    world.run()
    world.tags.write_text(json.dumps(tags))
    assert world.run(status=1 if tags else 2) is None
    told = "does not know any of the 2 images asked for" if tags else "names no image"
    assert told in capsys.readouterr().err
    assert [pull.state for pull in world.github.pulls] == ["open", "open"]


@pytest.mark.parametrize("lost", ["Packs/A/Scripts/AOne/AOne.yml", "Packs/A/pack_metadata.json"])
def test_file_that_git_lost_closes_nothing(world: World, lost: str) -> None:
    world.run()
    git = world.github.git
    commit(git, {lost: show(git, "master", lost) + b"\n"})
    name = git.line("rev-parse", f"master:{lost}")
    (git.directory / "objects" / name[:2] / name[2:]).unlink()
    report = world.run(status=1)
    assert [(problem["path"], problem["reason"]) for problem in report["problems"]] == [
        ("Packs/A/Scripts/AOne/AOne.yml", "unreadable")
    ]
    assert [pull.state for pull in world.github.pulls] == ["open", "open"]


@pytest.mark.parametrize("cut", range(1, 8))
def test_rebuild_that_was_cut_off_anywhere_still_puts_the_label_back(
    world: World, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    world.run()
    world.github.remove_label(1, LABEL)
    world.github.add_label(1, "autobump:rebuild")
    world.run_cut_off(cut)
    world.run()
    assert world.github.pull(1).labels == [LABEL]
    assert world.actions() == ["leave", "leave"]


@pytest.mark.parametrize("how", ["hold label", "label taken away"])
def test_label_of_a_person_counts(world: World, how: str) -> None:
    world.run()
    if how == "hold label":
        world.github.add_label(1, "autobump:hold")
    else:
        world.github.remove_label(1, LABEL)
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    world.writes()
    assert sorted(world.actions()) == ["hold", "leave"]
    assert world.writes() == []


def test_overwritten_tag_is_labelled_and_nothing_more_is_done(world: World) -> None:
    world.run()
    tags = json.loads(world.tags.read_text())
    tags["demisto/x"]["1.0.0.2"]["digest"] = "sha256:" + "f" * 64
    world.tags.write_text(json.dumps(tags))
    report = world.run()
    assert [(pr["action"], "digest" in pr["why"]) for pr in report["pull_requests"]] == [
        ("hold", True),
        ("leave", False),
    ]
    assert OVERWRITTEN_LABEL in world.github.pull(1).labels
    world.writes()
    world.run()
    assert world.writes() == []
    world.github.add_label(1, "autobump:rebuild")
    world.run()
    assert world.github.pull(1).labels == [LABEL]


def test_part_of_a_merged_update_that_a_person_took_back_is_not_proposed_again(world: World) -> None:
    git = world.github.git
    world.run()
    (merged,) = (pull for pull in world.github.open_pulls() if "demisto/x" in pull.title)
    assert world.github.merge(merged.number)
    path = "Packs/A/Scripts/AOne/AOne.yml"
    commit(git, {path: show(git, "master^", path)})
    report = world.run()
    assert [pr["action"] for pr in report["pull_requests"]] == ["leave"]
    assert [skip["path"] for skip in report["skipped"] if skip["reason"] == "held"] == [path]
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["create", "leave"]


@pytest.mark.parametrize("delete_branch", [False, True])
def test_pull_request_closed_under_another_text_stays_closed(world: World, delete_branch: bool) -> None:
    world.run()
    world.github.pull(1).body = "Not needed, see #99."
    world.github.close(1, delete_branch=delete_branch)
    for _ in range(2):
        assert sorted(world.actions()) == ["hold", "leave"]
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    assert sorted(world.actions()) == ["create", "leave"]


def test_pull_request_that_a_person_pushed_to_and_wrote_anew_keeps_its_packs(world: World) -> None:
    world.run()
    pull = world.github.pull(1)
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=pull.branch)
    pull.body = "Mine now."
    commit(world.github.git, script_pack("D", {"DOne": f"demisto/x:{OLD}"}))
    report = world.run()
    made = [(pr["action"], pr["packs"]) for pr in report["pull_requests"]]
    assert sorted(made) == [("create", ["D"]), ("hold", ["A", "B"]), ("leave", ["C"])]


def test_pull_request_to_another_branch_is_left_alone_until_a_rebuild_is_asked_for(world: World) -> None:
    world.run()
    git = world.github.git
    git.run("branch", "main", "master")
    world.settings["content"] = {"base": "main"}
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])
    report = world.run()
    assert [(pr["action"], pr["why"]) for pr in report["pull_requests"]] == [
        ("hold", "it goes to the branch master")
    ] * 2
    world.github.add_label(1, "autobump:rebuild")
    assert sorted(world.actions()) == ["hold", "refresh"]
    assert [pull.base for pull in world.github.pulls] == ["main", "master"]
    assert sorted(world.actions()) == ["hold", "leave"]


def test_marker_forged_by_an_outsider_does_not_count(world: World) -> None:
    world.run("--dry-run")
    body = world.run("--dry-run")["pull_requests"][0]["body"]
    commit(world.github.git, {"x": "y"}, branch="autobump/evil/00000000")
    world.github.pulls.append(
        Pull(1, "autobump/evil/00000000", "master", "t", body, "outsider", "", labels=[LABEL])
    )
    report = world.run()
    assert sorted(pr["action"] for pr in report["pull_requests"]) == ["create", "create", "hold"]


EVIL = {"Packs/A/Scripts/AOne/AOne.py": "evil\n"}


def test_branch_forged_in_autobumps_name_is_made_anew_before_anything_is_made_of_it(world: World) -> None:
    world.run()
    pull = world.github.pull(1)
    expected = world.github.git.line("rev-parse", f"{pull.branch}^{{tree}}")
    world.github.amend(pull.branch, EVIL, forged=True)
    world.github.pulls.remove(pull)
    assert sorted(world.actions()) == ["adopt", "leave"]
    (made,) = (one for one in world.github.open_pulls() if one.branch == pull.branch)
    assert world.github.git.line("rev-parse", f"{made.branch}^{{tree}}") == expected
    assert world.actions() == ["leave", "leave"]


def test_commit_forged_in_autobumps_name_on_an_open_pull_request_is_made_anew(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    expected = world.github.git.line("rev-parse", f"{branch}^{{tree}}")
    world.github.amend(branch, EVIL, forged=True)
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert world.github.git.line("rev-parse", f"{branch}^{{tree}}") == expected
    assert world.actions() == ["leave", "leave"]


def test_branch_forged_while_a_pass_runs_is_not_taken(world: World) -> None:
    dry = world.run("--dry-run")["pull_requests"][0]
    git = world.github.git

    def forge(request: Request) -> Reply | None:
        if request.method == "POST" and request.path.endswith("/git/refs"):
            branch = json.loads(request.body)["ref"].removeprefix("refs/heads/")
            if branch == dry["branch"] and not world.github.head_of(branch):
                git.run("update-ref", f"refs/heads/{branch}", json.loads(request.body)["sha"])
                world.github.amend(branch, EVIL, forged=True)
        return None

    world.github.before = forge
    report = world.run(status=1)
    assert "is there already and holds something else" in report["pull_requests"][0]["failure"]
    assert [pull.branch for pull in world.github.open_pulls()] == [report["pull_requests"][1]["branch"]]


def test_only_the_author_makes_a_commit_autobumps(world: World) -> None:
    world.run()
    pull = world.github.pull(1)
    message = world.github.git.run("log", "-1", "--format=%B", pull.branch)
    person = Git(
        world.github.git.directory,
        env={
            f"GIT_{role}_{what}": "person" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        },
    )
    tree, parent = f"{pull.branch}^{{tree}}", f"{pull.branch}^"
    made = person.run("commit-tree", tree, "-p", parent, "-F", "-", stdin=message).decode().strip()
    person.run("update-ref", f"refs/heads/{pull.branch}", made)
    assert sorted(world.actions()) == ["hold", "leave"]


def test_pull_request_that_an_outsider_closed_keeps_nothing_out(world: World) -> None:
    dry = world.run("--dry-run")["pull_requests"][0]
    theirs = Pull(50, dry["branch"], "master", dry["title"], dry["body"], "outsider", "", state="closed")
    world.github.pulls.append(theirs)
    assert world.actions() == ["create", "create"]
    assert [pull.user for pull in world.github.open_pulls()] == ["content-bot"] * 2


def test_pull_request_that_an_outsider_opens_for_our_branch_meanwhile_is_not_taken_for_ours(
    world: World,
) -> None:
    def open_first(request: Request) -> Reply | None:
        if request.method == "POST" and request.path.endswith("/pulls") and not world.github.pulls:
            asked = json.loads(request.body)
            theirs = Pull(50, asked["head"], asked["base"], "Mine", asked["body"], "outsider", "")
            world.github.pulls.append(theirs)
        return None

    world.github.before = open_first
    report = world.run(status=1)
    assert "already exists" in report["pull_requests"][0]["failure"]
    theirs = world.github.pull(50)
    assert (theirs.title, theirs.labels) == ("Mine", [])


def test_pull_requests_of_outsiders_without_end_make_no_duplicates(world: World) -> None:
    forged = world.run("--dry-run")["pull_requests"][0]["body"]
    stranger = {
        "number": 1,
        "html_url": "",
        "state": "open",
        "body": forged,
        "user": {"login": "outsider"},
        "head": {"ref": "autobump/evil/00000000", "repo": {"full_name": "demisto/content"}},
    }
    flood = Reply(body=json.dumps([stranger] * 100).encode())

    def endless(request: Request) -> Reply | None:
        listing = request.method == "GET" and request.path.endswith("/pulls")
        return flood if listing and "head" not in request.query else None

    world.run()
    expected = world.github.state()
    world.github.before = endless
    assert set(world.actions()) == {"adopt", "hold"}
    assert len(world.github.pulls) == 2
    world.github.before = lambda _: None
    assert world.actions() == ["leave", "leave"]
    assert world.github.state() == expected


def test_branch_of_a_pass_that_was_cut_off_is_told_from_what_a_merge_left(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    assert world.github.merge(1)
    world.publish(x=["1.0.0.3"], y=["1.0.0.2"])

    def cut(request: Request) -> Reply | None:
        opens = request.method == "POST" and request.path.endswith("/pulls")
        return Reply(422, b'{"message": "cut off"}') if opens else None

    world.github.before = cut
    world.run(status=1)
    world.github.before = lambda _: None
    assert sorted(world.actions()) == ["adopt", "leave"]
    assert world.github.pull(3).branch == branch


def test_branch_of_a_stranger_under_the_prefix_is_left_alone(world: World) -> None:
    branch = world.run("--dry-run")["pull_requests"][0]["branch"]
    head = commit(world.github.git, {"x": "y"}, branch=branch)
    assert sorted(world.actions()) == ["create", "hold"]
    assert world.github.head_of(branch) == head


def test_reviewer_who_is_no_collaborator_does_not_lose_the_pull_request(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.settings["pull_requests"] |= {"reviewers": ["stranger", "reviewer"], "team_reviewers": ["team"]}
    report = world.run(status=1)
    assert [(pr["action"], pr["number"], pr["failure"]) for pr in report["pull_requests"]] == [
        (
            "create",
            number,
            f"cannot ask for reviews on #{number}: "
            "Reviews may only be requested from collaborators: stranger (stranger)",
        )
        for number in (1, 2)
    ]
    pull = world.github.pull(1)
    assert (pull.labels, pull.reviewers) == ([LABEL], ["reviewer", "team"])
    assert world.actions() == ["leave", "leave"]


def test_default_repository_is_not_written_to_from_a_clone_of_another(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.github.git.run("remote", "add", "origin", "https://github.com/acme/content.git")
    world.run(status=2)
    assert "--set content.repository=acme/content" in capsys.readouterr().err
    assert world.github.calls == []
    world.settings["content"] = {"repository": "demisto/content"}
    assert world.actions() == ["create", "create"]


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("archived", "the repository is archived and read-only"),
        ("token", "GitHub does not accept the token"),
        ("repository", "is not there, or the token may not see demisto/other"),
        ("no token", "set GITHUB_TOKEN"),
        ("half an app", "set both AUTOBUMP_APP_ID"),
        ("no key", "is not the text of a PEM file"),
        ("unreachable", "cannot be reached at 127.0.0.1:1: Connection refused"),
        ("nonsense", "GITHUB_API_URL is no address of an API: 'nonsense'"),
        ("http://", "GITHUB_API_URL is no address"),
        ("ftp://x", "GITHUB_API_URL is no address"),
        ("http://127.0.0.1:99999", "GITHUB_API_URL is no address"),
    ],
)
def test_trouble_is_told_in_one_clear_line(
    world: World,
    trouble: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    status = 1
    if trouble == "archived":
        world.github.archived = True
    elif trouble == "token":
        monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    elif trouble == "repository":
        world.settings["content"] = {"repository": "demisto/other"}
    elif trouble == "no token":
        monkeypatch.delenv("GITHUB_TOKEN")
        status = 2
    elif trouble == "half an app":
        monkeypatch.setenv("AUTOBUMP_APP_ID", "1")
        status = 2
    elif trouble == "no key":
        monkeypatch.setenv("AUTOBUMP_APP_ID", "1")
        monkeypatch.setenv("AUTOBUMP_APP_PRIVATE_KEY", "no key at all")
        status = 2
    elif trouble == "unreachable":
        monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    else:
        monkeypatch.setenv("GITHUB_API_URL", trouble)
        status = 2
    report = world.run(status=status)
    told = capsys.readouterr().err if report is None else report["pull_requests"][0]["failure"]
    assert message in told
    assert told.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("path", "reply", "message"),
    [
        (
            "/git/trees",
            Reply(403, b'{"message": "Resource not accessible by integration"}'),
            "the token has no permission for it (Resource not accessible by integration)",
        ),
        (
            "/git/refs",
            Reply(422, b'{"message": "Repository rule violations found"}'),
            "Repository rule violations found",
        ),
        (
            "/pulls",
            Reply(422, b'{"message": "Validation Failed", "errors": [{"message": "no base"}]}'),
            "no base",
        ),
    ],
    ids=["permission", "protected prefix", "base branch"],
)
def test_refused_write_is_told_and_the_next_pull_request_goes_on(
    world: World, path: str, reply: Reply, message: str
) -> None:
    refusals = [reply]

    def refuse(request: Request) -> Reply | None:
        return (
            refusals.pop() if request.method == "POST" and request.path.endswith(path) and refusals else None
        )

    world.github.before = refuse
    report = world.run(status=1)
    failed, made = report["pull_requests"]
    assert message in failed["failure"]
    assert "\n" not in failed["failure"]
    assert (made["failure"], made["number"]) == (None, 1)
    assert sorted(world.actions()) in (["adopt", "leave"], ["create", "leave"])
    assert len(world.github.open_pulls()) == 2


def test_commit_that_github_does_not_have_is_told(world: World) -> None:
    def missing(request: Request) -> Reply | None:
        if "/git/commits/" in request.path and request.method == "GET":
            return Reply(404, b'{"message": "Not Found"}')
        if request.path.endswith("/commits/heads%2Fmaster"):
            return Reply(
                200,
                json.dumps({"sha": "a" * 40, "commit": {"message": "", "tree": {"sha": tree[0]}}}).encode(),
            )
        return None

    tree = ["b" * 40]
    world.github.before = missing
    report = world.run(status=1)
    assert all("push it, or fetch master" in pr["failure"] for pr in report["pull_requests"])
    assert world.github.pulls == []


def test_base_branch_with_the_same_files_serves_as_well(world: World) -> None:
    git = world.github.git
    tree, parent = git.line("rev-parse", "master^{tree}"), git.line("rev-parse", "master")
    tip = world.github._commit_tree(tree, [], "same files, other commit", "person")

    def other(request: Request) -> Reply | None:
        if request.method == "GET" and request.path.endswith(f"/git/commits/{parent}"):
            git.run("update-ref", "refs/heads/master", tip)
            return Reply(404, b'{"message": "Not Found"}')
        return None

    world.github.before = other
    world.run()
    assert git.line("rev-parse", f"{world.github.pull(1).branch}^") == tip


def test_secondary_limit_is_waited_for_and_a_used_up_budget_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    refusals = [Reply(403, b'{"message": "You have exceeded a secondary rate limit"}', {"Retry-After": "30"})]

    def limited(request: Request) -> Reply | None:
        return refusals.pop() if request.path.endswith("/git/trees") and refusals else None

    world.github.before = limited
    assert world.actions() == ["create", "create"]
    assert 30 in waits

    world.publish(x=["1.0.0.3"], y=["1.0.0.3"])
    refusals[:] = [Reply(429, b"{}", {"Retry-After": "86400"})]
    report = world.run(status=1)
    assert all("limit-reached" in pr["failure"] for pr in report["pull_requests"])
    assert world.actions() == ["refresh", "refresh"]


class Calm:
    """A world with work of every kind, and what a pass leaves there that nothing disturbs.

    Attributes:
        right: The states of GitHub from which another pass was seen to end like that.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prepared = every_action(folder / "prepared")
        with serve(self.prepared.github.answer) as server, pytest.MonkeyPatch.context() as patch:
            patch.setenv("GITHUB_API_URL", server.url)
            prepare_every_action(self.prepared)
        self.prepared.github.git.run("repack", "-a", "-d", "--quiet")  # fewer files to copy
        world = self.copied("calm")
        assert set(passing(world)) == {"create", "adopt", "refresh", "leave", "close", "hold"}
        self.calls = list(world.github.calls)
        self.expected = numberless(world.github)
        self.right: set[str] = set()

    def copied(self, name: str) -> World:
        (self.folder / name).mkdir()
        world = World(self.folder / name, self.prepared.github.copy(self.folder / name / "github"))
        world.settings = self.prepared.settings
        world.tags = self.prepared.tags
        return world


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: None)
        patch.setenv("GITHUB_TOKEN", "bot-token")
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        return Calm(tmp_path_factory.mktemp("calm"))


def passing(world: World, when: str = "", cut_at: int = 0) -> list[str]:
    """Run one pass that loses GitHub at a call, and return the names of its actions."""
    calls = itertools.count(1)
    now = [0]

    def before(_: Request) -> Reply | None:
        now[0] = next(calls)
        gone = cut_at and (now[0] > cut_at or (when == "before" and now[0] == cut_at))
        return Reply(hang_up=True) if gone and when != "lost" else None

    def after(_: Request) -> Reply | None:
        return Reply(hang_up=True) if now[0] == cut_at and when != "before" else None

    world.github.before, world.github.after = before, after
    with serve(world.github.answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_API_URL", server.url)
        report = world.run(status=None)
    return [pr["action"] for pr in report["pull_requests"]] if report else []


@pytest.mark.parametrize("when", ["before", "after", "lost"])
def test_pass_cut_off_at_any_call_ends_like_an_uninterrupted_one(
    calm: Calm, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """`before` and `after` end the process around one call; `lost` drops one answer and goes on.

    A call that reads leaves GitHub as it was, so to be cut off before or after it is the same, and from each
    state the next pass is made once.
    """
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
    assert len(calm.calls) > 30
    left: set[str] = set()
    for k, call in enumerate(calm.calls, start=1):
        if when == "after" and call.startswith("GET "):
            continue
        world = calm.copied(f"{when}{k}")
        passing(world, when, k)
        state = world.github.exact_state()
        left.add(state)
        if state in calm.right:
            continue
        passing(world)
        assert numberless(world.github) == calm.expected, f"cut {when} call {k}: {call}"
        calm.right.add(state)
    assert len(left) > 1


def test_two_passes_at_once_end_like_one(world: World, tmp_path: Path) -> None:
    threads = []
    reports: list[int] = []

    def one(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        twin = World(folder, world.github)
        config = folder / "settings.yml"
        config.write_text(json.dumps(twin.settings))
        options = ["--repo", str(world.github.git.directory), "--rev", "master", "--config", str(config)]
        options += ["--tags", f"file:{twin.tags}", "--output", str(folder / "out"), "--format", "json"]
        reports.append(run_command(["run", "--forge", "github", *options]))

    for name in ("one", "two"):
        threads.append(threading.Thread(target=one, args=(name,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert sorted(pull.title for pull in world.github.open_pulls()) == [
        "Update demisto/x to 1.0.0.2 (2 packs)",
        "Update demisto/y to 1.0.0.2 (1 pack)",
    ]
    assert all(pull.labels == [LABEL] for pull in world.github.pulls)
    assert world.actions() == ["leave", "leave"]


def test_own_clone_serves_where_there_is_no_checkout(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = tmp_path / "server" / "demisto"
    hosted.mkdir(parents=True)
    (hosted / "content").symlink_to(world.github.git.directory)
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        world.github.git.run("config", key, "true")
    monkeypatch.setenv("GITHUB_SERVER_URL", f"file://{tmp_path}/server")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    config = tmp_path / "s.yml"
    settings = {"registry": {"cache": str(tmp_path / "cache")}, **SETTINGS}
    config.write_text(json.dumps(settings))
    options = ["--forge", "github", "--config", str(config), "--tags", f"file:{world.tags}"]
    assert run_command(["run", *options]) == 0
    assert len(world.github.open_pulls()) == 2
    base = commit(world.github.git, {"README.md": "moved on"})
    world.publish(x=["1.0.0.3"], y=["1.0.0.3"])
    assert run_command(["run", *options]) == 0
    assert world.github.git.line("rev-parse", f"{world.github.pull(1).branch}^") == base
    assert run_command(["run", *options, "--tags", "carrier-pigeon"]) == 2


def test_clone_is_not_fetched_with_the_token_of_another_server(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert run_command(["run", "--forge", "github", "--tags", f"file:{world.tags}"]) == 2
    assert "set GITHUB_SERVER_URL as well as GITHUB_API_URL" in capsys.readouterr().err


def test_update_that_a_person_took_back_is_not_proposed_again_and_blocks_nothing(world: World) -> None:
    git = world.github.git
    commit(git, script_pack("A", {"ATwo": f"demisto/y:{OLD}"}))
    before = git.line("rev-parse", "master")
    world.run()
    (merged,) = (pull for pull in world.github.open_pulls() if "demisto/x" in pull.title)
    assert world.github.merge(merged.number)
    there = git.run("ls-tree", "-r", "--name-only", before).decode().split("\n")
    changed = git.run("diff", "--name-only", before, "master").decode().split()
    commit(git, {path: show(git, before, path) if path in there else None for path in changed})

    report = world.run()
    held = {skip["path"]: skip["detail"] for skip in report["skipped"] if skip["reason"] == "held"}
    assert sorted(Path(path).stem for path in held) == ["AOne", "BOne"]
    assert all(f"#{merged.number} to 1.0.0.2 was merged for this very item" in why for why in held.values())
    assert not [pull for pull in world.github.open_pulls() if "demisto/x" in pull.title]
    paths = [path for pr in report["pull_requests"] for path in pr["paths"]]
    assert "Packs/A/Scripts/ATwo/ATwo.yml" in paths

    world.publish(x=["1.0.0.2", "1.0.0.3"], y=["1.0.0.2"])
    for pull in world.github.open_pulls():
        assert world.github.merge(pull.number)
    world.run()
    assert "Update demisto/x to 1.0.0.3 (2 packs)" in [pull.title for pull in world.github.open_pulls()]


def allow_automerge(world: World) -> None:
    """Turn it on, and look at no risk: what is not known of an image would keep it off."""
    world.settings["pull_requests"]["automerge"] = True
    world.settings["registry"] = {"facts": "none"}


@pytest.mark.parametrize("body", [b'{"login": "content-b', b"<html>We will be back soon</html>"])
@pytest.mark.parametrize(
    "call", ["GET /user", "GET /pulls", "POST /git/refs", "POST /pulls", "POST /graphql"]
)
def test_answer_that_is_no_json_is_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str, body: bytes
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    allow_automerge(world)
    spoiled = [Reply(200, body)]

    def spoil(request: Request) -> Reply | None:
        verb, _, path = call.partition(" ")
        met = request.method == verb and request.path.endswith(path)
        return spoiled.pop() if met and spoiled else None

    world.github.after = spoil
    assert world.actions() == ["create", "create"]
    assert not spoiled
    assert [(pull.labels, pull.automerge) for pull in world.github.pulls] == [([LABEL], True)] * 2


def test_answer_that_stays_no_json_is_told_in_one_line(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    world.github.before = lambda _: Reply(200, b"<html>We will be back soon</html>")
    assert world.run(status=1) is None
    err = capsys.readouterr().err
    assert err == "autobump: cannot ask who the token is: GitHub answered no JSON (ValueError)\n"


def test_auto_merge_that_a_cut_off_pass_did_not_turn_on_is_turned_on_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    allow_automerge(world)
    world.github.before = lambda request: Reply(hang_up=True) if request.path == "/graphql" else None
    world.run(status=1)
    world.github.before = lambda _: None
    assert [pull.automerge for pull in world.github.pulls] == [False, False]
    assert world.actions() == ["refresh", "refresh"]
    assert [pull.automerge for pull in world.github.pulls] == [True, True]


def test_auto_merge_that_a_person_turned_off_stays_off(world: World) -> None:
    allow_automerge(world)
    world.run()
    world.github.pull(1).automerge = False
    world.publish(x=["1.0.0.3"], y=["1.0.0.3"])
    assert world.actions() == ["refresh", "refresh"]
    assert [pull.automerge for pull in world.github.pulls] == [False, True]


def test_auto_merge_that_the_repository_does_not_allow_loses_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    allow_automerge(world)
    refusal = Reply(200, b'{"data": null, "errors": [{"message": "Auto merge is not allowed"}]}')
    world.github.before = lambda request: refusal if request.path == "/graphql" else None
    assert world.actions() == ["create", "create"]
    assert [pull.labels for pull in world.github.pulls] == [[LABEL], [LABEL]]
    assert "turn on auto-merge of #1: Auto merge is not allowed" in capsys.readouterr().err
