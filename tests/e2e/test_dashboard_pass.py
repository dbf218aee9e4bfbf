"""The dashboard over several passes, against the stateful stand-in, through the command line."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autobump.pull_requests.dashboard import Requests, read_requests
from autobump.pull_requests.labels import CLOSED_LABEL, DASHBOARD_LABEL
from autobump.pull_requests.marker import find_marker
from tests.fixtures.github import GitHubStandIn, Issue, Pull, standing_in
from tests.fixtures.repositories import commit, script_pack
from tests.fixtures.servers import Reply, Request, serve
from tests.fixtures.world import OLD, World

FILES: dict[str, str | bytes] = {}
for _pack, _image in (("A", "x"), ("B", "x"), ("C", "y")):
    FILES |= script_pack(_pack, {f"{_pack}One": f"demisto/{_image}:{OLD}"})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    github = standing_in(tmp_path / "github", FILES)
    with serve(github.answer) as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_TOKEN", "bot-token")
        world = World(tmp_path, github)
        world.settings["pull_requests"]["dashboard"] = True
        yield world


def board(world: World) -> Issue:
    (issue,) = world.github.issues
    return issue


def tick(world: World, mark: str) -> None:
    """Tick a box as the web does: its line ends are those of a form."""
    issue = board(world)
    assert f"- [ ] <!-- {mark} -->" in issue.body
    ticked = issue.body.replace(f"- [ ] <!-- {mark} -->", f"- [x] <!-- {mark} -->")
    issue.body = ticked.replace("\n", "\r\n")


def close_and_show(world: World) -> None:
    """Close the pull request of two packs, and let the dashboard show it."""
    world.run()
    world.github.close(1, delete_branch=True)
    assert sorted(world.actions()) == ["hold", "leave"]
    assert "<!-- lift:#1 -->" in board(world).body


def test_first_pass_makes_it_and_an_idle_one_costs_one_call_more(world: World) -> None:
    world.run()
    issue = board(world)
    assert (issue.number, issue.user, issue.state) == (3, "content-bot", "open")
    assert issue.labels == [DASHBOARD_LABEL]
    assert "- [ ] <!-- rebuild:#1 --> [#1](../pull/1) `Update demisto/x to 1.0.0.2 (2 packs)`" in issue.body
    world.writes()
    assert world.actions() == ["leave", "leave"]
    assert len(world.github.calls) <= 5 + 1
    assert world.writes() == []


def test_it_is_off_by_default_and_costs_nothing(world: World) -> None:
    del world.settings["pull_requests"]["dashboard"]
    world.run()
    world.github.calls.clear()
    assert world.actions() == ["leave", "leave"]
    assert len(world.github.calls) <= 5
    assert world.github.issues == []


def test_it_is_edited_when_something_changes(world: World) -> None:
    world.run()
    before = board(world).body
    commit(world.github.git, {"Packs/C/Scripts/COne/COne.yml": "\tno: yaml"})
    world.run()
    assert board(world).body != before
    assert "`invalid-yaml`" in board(world).body
    world.writes()
    world.run()
    assert world.writes() == []


def test_dry_run_writes_nothing_and_heeds_what_is_ticked(world: World) -> None:
    world.run("--dry-run")
    assert world.github.issues == []
    close_and_show(world)
    tick(world, "lift:#1")
    ticked = board(world).body
    world.writes()
    assert sorted(world.actions("--dry-run")) == ["create", "leave", "lift"]
    assert world.writes() == []
    assert board(world).body == ticked


def test_pass_over_some_items_leaves_it_alone(world: World) -> None:
    world.run()
    tick(world, "rebuild:#1")
    ticked = board(world).body
    world.run("--pack", "C")
    assert board(world).body == ticked


def test_rebuild_box_makes_a_branch_afresh_that_a_person_pushed_to(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=branch)
    assert sorted(world.actions()) == ["hold", "leave"]
    assert "`edited-by-maintainer`" in board(world).body
    tick(world, "rebuild:#1")
    world.writes()
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert not any("labels" in call for call in world.writes())
    assert world.github.git.line("rev-list", "--count", f"master..{branch}") == "1"
    assert read_requests(board(world).body).rebuild == frozenset()
    assert "`edited-by-maintainer`" not in board(world).body
    assert world.actions() == ["leave", "leave"]
    assert world.writes() == []


def test_rebuild_that_failed_stays_asked_for(world: World) -> None:
    world.run()
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=world.github.pull(1).branch)
    tick(world, "rebuild:#1")

    def refuse(request: Request) -> Reply | None:
        refused = request.method == "PATCH" and "/git/refs/" in request.path
        return Reply(422, b'{"message": "Repository rule violations found"}') if refused else None

    world.github.before = refuse
    world.run(status=1)
    assert read_requests(board(world).body).rebuild == {1}
    assert "refresh failed: `cannot move the branch" in board(world).body
    world.github.before = lambda _: None
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert read_requests(board(world).body).rebuild == frozenset()


def refuse_edits(request: Request) -> Reply | None:
    """Refuse every change of an issue's text."""
    refused = request.method == "PATCH" and "/issues/" in request.path
    return Reply(403, b'{"message": "Resource not accessible by integration"}') if refused else None


def test_rebuild_whose_tick_cannot_be_taken_away_does_not_do_away_with_what_comes_later(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=branch)
    tick(world, "rebuild:#1")
    edits = itertools.count()
    # The first edit notes the commit, the second would take the tick away.
    world.github.before = lambda request: (
        refuse_edits(request) if refuse_edits(request) and next(edits) else None
    )
    assert sorted(world.actions(status=1)) == ["leave", "refresh"]
    assert read_requests(board(world).body).rebuild == {1}
    later = commit(world.github.git, {"Packs/A/README.md": "mine again"}, branch=branch)
    assert sorted(world.actions(status=1)) == ["hold", "leave"]
    world.github.before = lambda _: None
    assert sorted(world.actions()) == ["hold", "leave"]
    assert world.github.head_of(branch) == later
    assert read_requests(board(world).body).rebuild == frozenset()
    tick(world, "rebuild:#1")
    assert sorted(world.actions()) == ["leave", "refresh"]


def test_rebuild_that_cannot_be_noted_waits(world: World) -> None:
    world.run()
    branch = world.github.pull(1).branch
    head = commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=branch)
    tick(world, "rebuild:#1")
    world.github.before = refuse_edits
    assert sorted(world.actions(status=1)) == ["hold", "leave"]
    assert world.github.head_of(branch) == head
    world.github.before = lambda _: None
    assert sorted(world.actions()) == ["leave", "refresh"]


@pytest.mark.parametrize("delete_branch", [False, True])
def test_lift_box_brings_a_closed_pull_request_back_for_good(world: World, delete_branch: bool) -> None:
    world.run()
    world.github.close(1, delete_branch=delete_branch)
    world.run()
    tick(world, "lift:#1")
    report = world.run()
    actions = [(pr["action"], pr["number"]) for pr in report["pull_requests"]]
    assert sorted(actions) == [("create", 4), ("leave", 2), ("lift", 1)]
    closed, new = world.github.pull(1), world.github.pull(4)
    assert (closed.state, CLOSED_LABEL in closed.labels) == ("closed", False)
    marker = find_marker(closed.body)
    assert marker is not None
    assert marker.closed
    assert (new.state, new.title) == ("open", closed.title)
    assert "#1" not in board(world).body
    assert world.actions() == ["leave", "leave"]
    # It stays lifted when what came back ends as well, in whatever way but one.
    world.github.pulls.remove(new)
    world.github.git.run("update-ref", "-d", f"refs/heads/{new.branch}")
    assert sorted(world.actions()) == ["create", "leave"]
    world.github.close(5)
    assert sorted(world.actions()) == ["hold", "leave"]
    assert "<!-- lift:#5 -->" in board(world).body


def test_lift_that_cannot_be_remembered_lifts_nothing(world: World) -> None:
    close_and_show(world)
    tick(world, "lift:#1")

    def refuse(request: Request) -> Reply | None:
        refused = request.method == "PATCH" and request.path.endswith("/issues/1")
        return Reply(403, b'{"message": "no"}') if refused else None

    world.github.before = refuse
    world.run(status=1)
    assert world.github.open_pulls() == [world.github.pull(2)]
    assert read_requests(board(world).body).lift == {1}
    world.github.before = lambda _: None
    assert sorted(world.actions()) == ["create", "leave", "lift"]


def test_what_is_ticked_while_a_pass_runs_is_done_by_the_next(world: World) -> None:
    world.run()
    world.publish(x=["1.0.0.2"], y=["1.0.0.3"])
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=world.github.pull(1).branch)

    def meddle(request: Request) -> Reply | None:
        if request.path.endswith("/git/trees") and not read_requests(board(world).body).rebuild:
            tick(world, "rebuild:#1")
        return None

    world.github.before = meddle
    assert sorted(world.actions()) == ["hold", "refresh"]
    assert read_requests(board(world).body).rebuild == {1}
    world.github.before = lambda _: None
    assert sorted(world.actions()) == ["leave", "refresh"]
    assert read_requests(board(world).body).rebuild == frozenset()


def test_text_a_person_changed_is_written_over_after_the_ticks_in_it_were_heeded(world: World) -> None:
    world.run()
    text = board(world).body
    commit(world.github.git, {"Packs/A/README.md": "mine"}, branch=world.github.pull(1).branch)
    tick(world, "rebuild:#1")
    issue = board(world)
    issue.title = "Mine now"
    issue.body = f"hello\r\n{issue.body}\r\n- [x] <!-- rebuild:#99 --> more\r\n- [x] rebuild:#2".replace(
        "### Open", ""
    )
    report = world.run()
    done = {pr["number"]: pr["action"] for pr in report["pull_requests"]}
    assert done == {1: "refresh", 2: "leave"}
    assert (issue.body, issue.title) == (text, "Mine now")


def test_closed_one_is_left_alone_until_it_is_open_again(world: World) -> None:
    close_and_show(world)
    tick(world, "lift:#1")
    issue = board(world)
    issue.state, before = "closed", issue.body
    world.publish(x=["1.0.0.2"], y=["1.0.0.3"])
    assert sorted(world.actions()) == ["hold", "refresh"]
    assert board(world).body == before
    world.github.calls.clear()
    world.run()
    assert len(world.github.calls) <= 5 + 1
    issue.state = "open"
    assert sorted(world.actions()) == ["create", "leave", "lift"]
    assert board(world).body != before


@pytest.mark.parametrize("how", ["deleted", "label taken away", "mark taken away"])
def test_one_that_is_gone_is_made_anew_once(world: World, how: str) -> None:
    world.run()
    old = board(world)
    if how == "deleted":
        world.github.issues.clear()
    elif how == "label taken away":
        old.labels.clear()
    else:
        old.body = "mine"
    world.run()
    assert world.github.issues[-1].number == 4
    assert "<!-- rebuild:#1 -->" in world.github.issues[-1].body
    world.writes()
    world.run()
    assert world.writes() == []


def test_one_deleted_while_a_pass_runs_is_made_anew_by_the_next(world: World) -> None:
    world.run()
    world.publish(x=["1.0.0.2"], y=["1.0.0.3"])

    def delete(request: Request) -> Reply | None:
        if request.path.endswith("/git/trees"):
            world.github.issues.clear()
        return None

    world.github.before = delete
    world.run()
    assert world.github.issues == []
    world.run()
    assert board(world).number == 4


def test_other_line_ends_alone_are_no_change(world: World) -> None:
    world.run()
    issue = board(world)
    issue.body = issue.body.replace("\n", "\r\n")
    world.writes()
    world.run()
    assert world.writes() == []


@pytest.mark.parametrize(
    "kind", ["issue of a stranger", "issue of a stranger that was not asked for", "pull request of its own"]
)
def test_only_an_issue_of_its_own_counts(world: World, kind: str) -> None:

    def forget_creator(request: Request) -> Reply | None:
        query = {name: values for name, values in request.query.items() if name != "creator"}
        return world.github.answer(replace(request, query=query)) if query != request.query else None

    close_and_show(world)
    tick(world, "lift:#1")
    forged = world.github.issues.pop().body
    if kind.startswith("issue of a stranger"):
        world.github.issues.append(Issue(3, "t", forged, "person", [DASHBOARD_LABEL]))
    if kind.endswith("not asked for"):
        world.github.before = forget_creator
    if kind == "pull request of its own":
        commit(world.github.git, {"x": "y"}, branch="other")
        facts = (3, "other", "master", "t", forged, "content-bot", "")
        world.github.pulls.append(Pull(*facts, labels=[DASHBOARD_LABEL]))
    assert sorted(world.actions()) == ["hold", "leave"]
    *others, mine = world.github.issues
    assert (mine.number, mine.user) == (4, "content-bot")
    assert [other.body for other in others] in ([], [forged])
    assert read_requests(mine.body).lift == frozenset()


def test_oldest_open_one_counts_when_there_are_two(world: World) -> None:
    world.run()
    first = board(world)
    second = Issue(9, "t", first.body, first.user, [DASHBOARD_LABEL], updated=99)
    world.github.issues.append(second)
    second.body = second.body.replace("- [ ] <!-- rebuild:#1", "- [x] <!-- rebuild:#1")
    assert world.actions() == ["leave", "leave"]
    first.state = "closed"
    assert sorted(world.actions()) == ["leave", "refresh"]


def test_trouble_with_it_is_told_everywhere_and_everything_else_is_done(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, outputs = tmp_path / "summary", tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    reports = [tmp_path / f"report.{ending}" for ending in ("html", "md", "txt")]
    options = ["--actions", *(part for report in reports for part in ("--report", str(report)))]
    world.github.has_issues = False
    report = world.run(*options, status=1)
    assert [pr["action"] for pr in report["pull_requests"]] == ["create", "create"]
    cause = report["dashboard_failure"]
    assert "the repository has no issues" in cause
    out, err = capsys.readouterr()
    assert "the dashboard is not up to date" in err
    assert cause in err
    assert f"::error title=Failed::dashboard: {cause}\n" in out
    assert "problems=1\n" in outputs.read_text()
    for file in (*reports, summary):
        text = file.read_text()
        assert cause in text
        assert "1 failure" in text

    world.github.has_issues = True
    assert world.run()["dashboard_failure"] is None


def test_lost_answer_makes_no_second_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)

    def lose(request: Request) -> Reply | None:
        return Reply(hang_up=True) if request.method == "POST" and request.path.endswith("/issues") else None

    world.github.after = lose
    world.run()
    assert board(world).number == 3


def test_pass_cut_off_at_any_call_still_does_what_was_ticked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that reads leaves GitHub as it was, so to be cut off before or after it is the same."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("GITHUB_TOKEN", "bot-token")

    def passing(github: GitHubStandIn, name: str, when: str = "", cut_at: int = 0) -> None:
        calls = itertools.count(1)
        now = [0]

        def before(_: Request) -> Reply | None:
            now[0] = next(calls)
            gone = cut_at and (now[0] > cut_at or (when == "before" and now[0] == cut_at))
            return Reply(hang_up=True) if gone else None

        def after(_: Request) -> Reply | None:
            return Reply(hang_up=True) if now[0] == cut_at and when == "after" else None

        github.before, github.after = before, after
        (tmp_path / name).mkdir(exist_ok=True)
        world = World(tmp_path / name, github)
        world.settings["pull_requests"]["dashboard"] = True
        with serve(github.answer) as server:
            monkeypatch.setenv("GITHUB_API_URL", server.url)
            world.run(status=None)

    prepared = standing_in(tmp_path / "github", FILES)
    passing(prepared, "prepared")
    prepared.close(1, delete_branch=True)
    commit(prepared.git, {"Packs/C/README.md": "mine"}, branch=prepared.pull(2).branch)
    passing(prepared, "prepared")
    (issue,) = prepared.issues
    issue.body = issue.body.replace("- [ ]", "- [x]")
    assert read_requests(issue.body) == Requests(frozenset({2}), frozenset({1}))

    calm = prepared.copy(tmp_path / "calm.git")
    passing(calm, "calm")
    expected: Any = calm.state()
    assert [pull.state for pull in calm.pulls] == ["closed", "open", "open"]
    made = list(calm.calls)
    assert len(made) > 20
    seen: set[str] = set()
    for k, call in enumerate(made, start=1):
        for when in ("before",) if call.startswith("GET ") else ("before", "after"):
            github = prepared.copy(tmp_path / f"{when}{k}.git")
            passing(github, f"{when}{k}", when, cut_at=k)
            state = github.exact_state()
            if state in seen:
                continue  # another pass was made from there
            passing(github, f"{when}{k}")
            assert github.state() == expected, f"cut {when} call {k}: {call}"
            seen.add(state)
    assert len(seen) > 5


def test_items_that_wait_for_a_wave_are_told_by_their_rollout(world: World) -> None:
    world.settings["rollout"] = {"waves": [{"name": "first", "packs": ["A"]}]}
    world.run()
    row = "| `waiting-for-wave` | `demisto/x:1.0.0.2`: `the wave first comes first: 1 item to go` | 1 |"
    assert row in board(world).body


def test_dashboard_tells_how_the_rest_follows_until_nothing_is_left(world: World) -> None:
    world.settings["pull_requests"]["max_new_per_run"] = 1
    world.settings["pull_requests"]["max_open"] = 1
    world.run()
    assert "1 item of 1 image in 1 later pull request: all is done in about 1 more pass" in board(world).body
    assert "| `demisto/y` | 1 | 1 |" in board(world).body
    assert world.github.merge(1)
    world.run()
    assert "### To follow" not in board(world).body
