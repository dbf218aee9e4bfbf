"""What the reports that people read have in common."""

import json
import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from autobump.content.problem import Problem
from autobump.decisions.risk import ItemRisk, RiskLevel
from autobump.passes.result import PassResult
from autobump.planning.plan import Limits, WaitReason
from autobump.pull_requests.actions import Close, Create, Hold, Outcome
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.report.markdown import render_markdown
from autobump.report.summary import risk_line
from autobump.report.table import render_table
from tests.fixtures.bumps import make_bump, make_bumps
from tests.fixtures.results import REVISION, at_risk, make_result, render_html, render_json

Render = Callable[[PassResult], str]
EVERY_FORM = pytest.mark.parametrize("render", [render_table, render_markdown, render_html])


def plain(text: str) -> str:
    """Return a report without its markup, and with one space between words."""
    return " ".join(re.sub("<[^>]*>|[`*|]", " ", text).split())


def ran(*failures: str, dry_run: bool = False) -> PassResult:
    """Return the result of a run that made a pull request, or failed to, or would have."""
    planned = make_result([make_bump("A", "One")])
    (desired,) = planned.desired
    outcome = Outcome(Create(desired), None if failures else REVISION, failure="".join(failures))
    return replace(planned, outcomes=(outcome,), dry_run=dry_run)


@EVERY_FORM
def test_dry_run_says_that_nothing_was_written_and_what_would_be_done(render: Render) -> None:
    text = plain(render(ran(dry_run=True)))
    assert "Dry run: nothing was written." in text
    assert "would create" in text
    for words in ("What was done", "What the pass did"):
        assert words not in text


@pytest.mark.parametrize("render", [render_table, render_markdown])
def test_what_was_done_is_counted(render: Render) -> None:
    here = ran()
    assert "Branches of this repository: 1 created; nothing was pushed." in plain(render(here))
    (outcome,) = here.outcomes or ()
    there = replace(here, outcomes=(replace(outcome, url="https://github.com/a/b/pull/1"),))
    assert "Pull requests: 1 created." in plain(render(there))
    assert "Pull requests: would create 1." in plain(render(ran(dry_run=True)))
    assert "Pull requests: 1 failed." in plain(render(ran("no")))
    planned = plain(render(make_result([make_bump("A", "One")])))
    assert "Pull requests:" not in planned
    assert "pushed" not in planned


@EVERY_FORM
def test_update_beside_no_list_of_deprecated_images_is_told(render: Render) -> None:
    told = "Deprecated images: no list was read (registry.deprecated_images)"
    result = make_result([make_bump("A", "One")])
    assert told not in plain(render(result))
    assert told in plain(render(replace(result, checks_deprecated=False)))
    assert told not in plain(render(replace(make_result(), checks_deprecated=False)))


@EVERY_FORM
def test_folder_of_the_packs_is_named_where_it_is_not_the_usual_one(render: Render) -> None:
    assert " in demo/content at " in plain(render(replace(ran(), root="demo/content")))
    assert " in Packs" not in plain(render(ran()))


@EVERY_FORM
def test_run_for_good_says_nothing_of_a_dry_one(render: Render) -> None:
    text = plain(render(ran()))
    assert "Dry run" not in text
    assert "would" not in text


def test_document_of_a_run_tells_whether_it_was_dry() -> None:
    assert json.loads(render_json(ran(dry_run=True)))["dry_run"] is True
    assert json.loads(render_json(ran()))["dry_run"] is False
    assert "dry_run" not in json.loads(render_json(make_result()))


@EVERY_FORM
def test_action_that_failed_is_told_as_failed(render: Render) -> None:
    text = plain(render(ran("the branch is checked out")))
    assert "create failed" in text
    assert "the branch is checked out" in text


@EVERY_FORM
def test_what_follows_is_told_by_image(render: Render) -> None:
    bumps = [bump for pack in "ABC" for bump in make_bumps(pack, 25)]
    bumps += make_bumps("D", 4, image="demisto/boto3")
    text = plain(render(make_result(bumps, limits=Limits(max_new_per_run=1))))
    assert "54 items of 2 images in 3 later pull requests: all is done in about 3 more passes" in text
    assert "demisto/python3 50 2" in text
    assert "demisto/boto3 4 3" in text


@EVERY_FORM
def test_nothing_is_said_of_what_follows_when_nothing_does(render: Render) -> None:
    assert "To follow" not in plain(render(make_result([make_bump("A", "One")])))


@pytest.mark.parametrize("render", [render_table, render_markdown])
def test_many_images_that_follow_are_told_together(render: Render) -> None:
    bumps = [make_bump(f"P{n:02}", "One", image=f"demisto/image{n:02}") for n in range(20)]
    result = make_result(bumps, limits=Limits(max_new_per_run=1))
    text = plain(render(result))
    assert "demisto/image10 1 10" in text
    assert "9 more images 9 19" in text
    assert "demisto/image11 1" not in text
    assert "demisto/image19 1 19" in plain(render_html(result))


def test_document_names_the_images_of_each_pull_request() -> None:
    planned = make_result([make_bump("A", "One")])
    marker = planned.desired[0].marker
    found = ExistingPullRequest("autobump/x/1", PullRequestState.OPEN, 7, None, "", "", marker)
    unknown = replace(found, branch="autobump/x/2", marker=None)
    outcomes = tuple(Outcome(Close(pr, "done"), None) for pr in (found, unknown))
    outcomes += (Outcome(Create(planned.desired[0]), REVISION),)
    for result, number in ((planned, 1), (replace(planned, outcomes=outcomes), 3)):
        rows = json.loads(render_json(result))["pull_requests"]
        assert len(rows) == number
        for row in rows:
            images = [{"image": row["image"], "target": row["target"]}] if row["image"] else []
            assert row["images"] == images


def test_document_tells_all_that_follows() -> None:
    bumps = [make_bump(f"P{n}", "One", image=f"demisto/image{n}") for n in range(3)]
    assert json.loads(render_json(make_result(bumps, limits=Limits(max_new_per_run=1))))["queue"] == {
        "items": 2,
        "passes": 2,
        "images": [
            {"image": "demisto/image1", "items": 1, "passes": 1},
            {"image": "demisto/image2", "items": 1, "passes": 2},
        ],
    }
    never = json.loads(render_json(make_result(bumps, limits=Limits(max_open=0))))["queue"]
    assert (never["items"], never["passes"]) == (3, None)


@pytest.mark.parametrize("render", [render_table, render_markdown])
def test_line_tells_how_many_updates_are_at_risk(render: Render) -> None:
    unknown = replace(make_bump("F", "Six"), risk=ItemRisk(known=False))
    harmless = replace(make_bump("E", "Five"), risk=ItemRisk())
    review = [at_risk(make_bump(pack, "One"), RiskLevel.REVIEW) for pack in ("B", "C")]
    result = make_result([at_risk(make_bump("A", "One")), *review, make_bump("D", "Four"), harmless, unknown])
    assert "Risk of 5 updates: 1 breaking, 2 review, 1 none found, 1 not known." in plain(render(result))


def test_line_of_risk_is_left_out_when_there_is_none() -> None:
    assert risk_line(make_result([replace(make_bump("E", "Five"), risk=ItemRisk())])) == ""
    assert risk_line(make_result([make_bump("E", "Five")])) == ""


def test_page_names_its_repository() -> None:
    text = plain(render_html(replace(make_result(), repository="acme/content")))
    assert text.count("acme/content") == 2  # in the title of the window, and above the result
    assert "acme/content , 0 item files at 0123456789ab" in text


@pytest.mark.parametrize("render", [render_table, render_markdown])
def test_problems_of_one_cause_are_one_row_with_their_number(render: Render) -> None:
    down = [Problem(f"Packs/A/Scripts/{n}/{n}.yml", "A", "tags-unavailable", "503") for n in range(40)]
    odd = [Problem(f"Packs/B/Scripts/{n}/{n}.yml", "B", "invalid-yaml", "a tab", 3, n) for n in (1, 2)]
    result = make_result(problems=[*odd, *down])
    text = plain(render(result))
    assert "tags-unavailable 40 Packs/A/Scripts/0/0.yml 503" in text
    assert "Packs/A/Scripts/1/1.yml" not in text
    # What stands in a line has a place of its own.
    assert "invalid-yaml 1 Packs/B/Scripts/1/1.yml:3:1 a tab" in text
    assert "invalid-yaml 1 Packs/B/Scripts/2/2.yml:3:2 a tab" in text
    assert text.index("tags-unavailable") < text.index("invalid-yaml")
    assert len(json.loads(render_json(result))["problems"]) == 42


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_tables_keep_to_the_width_and_paths_break_at_slashes(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    path = "Packs/" + "/".join(f"Folder{number}" for number in range(20)) + "/One.yml"
    problem = Problem(path, "A", "tags-unavailable", "503")
    lines = render_table(make_result(problems=[problem]), colour=False).splitlines()
    assert max(map(len, lines)) <= columns
    shown = [line.strip() for line in lines if "Folder" in line]
    assert len(shown) > 1
    # A line ends behind a slash: no part of the path begins in one line and ends in another.
    assert all(re.search(r"Folder\d+/( |$)|One\.yml", line) for line in shown)


def test_last_lines_on_a_terminal_are_the_summary() -> None:
    result = make_result([make_bump("A", "One")])
    assert render_table(result, colour=False).splitlines()[0].startswith("1 item file at")
    assert "1 item file at" in render_table(result, colour=True).splitlines()[-2]


@pytest.mark.parametrize("render", [render_table, render_markdown])
def test_lines_tell_what_waits_and_that_nobody_was_asked_for_vulnerabilities(render: Render) -> None:
    bumps = [make_bump(pack, "One", image=f"demisto/{pack.lower()}") for pack in "ABC"]
    bumps[0] = at_risk(bumps[0], RiskLevel.REVIEW)
    text = plain(render(make_result(bumps, limits=Limits(max_new_per_run=1))))
    assert "1 in 1 pull request, 2 wait. Risk of the 1 looked at: 1 review." in text
    assert "Known vulnerabilities: not asked for (registry.advisories)." in text
    assert "wait" not in plain(render(make_result(bumps)))
    assert "Known vulnerabilities" not in plain(render(make_result()))


def test_pull_request_that_is_held_keeps_its_place_packs_and_risk() -> None:
    planned = make_result([make_bump(pack, "One") for pack in ("A", "B")])
    marker = replace(planned.desired[0].marker, risk="review", part="2/3")
    existing = ExistingPullRequest(
        "autobump/x/1", PullRequestState.OPEN, 7, "https://github.example/pull/7", "", "", marker
    )
    outcome = Outcome.unchanged(
        Hold(existing, WaitReason.EDITED_BY_MAINTAINER, "it has the label autobump:hold")
    )
    text = plain(render_table(replace(planned, outcomes=(outcome,))))
    assert "(A, B, part 2 of 3)" in text
    assert "review" in text
    assert "https://github.example/pull/7: it has the label autobump:hold" in text
