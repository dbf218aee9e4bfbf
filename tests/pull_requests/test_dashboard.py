import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.content.problem import Problem
from autobump.decisions.eligibility import Skipped, SkipReason
from autobump.images.choice import NoUpdateReason
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.planning.plan import Limits, Waiting, WaitReason, plan_pull_requests
from autobump.planning.pull_request import make_pull_request
from autobump.planning.queue import Queue, QueuedImage
from autobump.pull_requests.actions import Close, Create, Hold, Leave, Lift, Outcome, Refresh
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.dashboard import (
    Overview,
    Requests,
    apply_requests,
    is_dashboard,
    note_heads,
    read_requests,
    render_dashboard,
    tick_boxes,
)
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.markdown import MAX_BODY
from tests.fixtures.bumps import make_bump, make_bumps
from tests.fixtures.golden import check_golden
from tests.pull_requests.body.test_text import HOSTILE

NOTHING = Requests()
BOX = re.compile(r"^- \[ \] <!-- (rebuild|lift):#(\d+) -->", re.MULTILINE)


def desired(pack: str, *labels: str) -> DesiredPullRequest:
    (planned,) = plan_pull_requests([make_bump(pack, "One")], Limits()).pull_requests
    options = PullRequestOptions(("docker-image-auto-update", *labels))
    return DesiredPullRequest(planned, options, with_notes=True, contexts=(BodyContext(),))


def existing(pack: str, number: int, state: PullRequestState = PullRequestState.OPEN) -> ExistingPullRequest:
    want = desired(pack)
    return ExistingPullRequest(want.branch, state, number, None, "h" * 40, "", want.marker)


def left(pack: str, number: int) -> Outcome:
    return Outcome.unchanged(Leave(desired(pack), existing(pack, number)))


def edited(pack: str, number: int, why: str = "somebody else committed to its branch") -> Outcome:
    return Outcome.unchanged(Hold(existing(pack, number), WaitReason.EDITED_BY_MAINTAINER, why))


def closed(pack: str, number: int) -> Outcome:
    pr = existing(pack, number, PullRequestState.CLOSED)
    return Outcome.unchanged(Hold(pr, WaitReason.CLOSED_BY_MAINTAINER, "a person closed it without merging"))


def waiting(pack: str, reason: WaitReason, detail: str, target: str = "1.0.0.9") -> Waiting:
    return Waiting(make_bump(pack, "One", target=target), reason, detail)


def skipped(pack: str, reason: SkipReason | NoUpdateReason, detail: str) -> Skipped:
    return Skipped(f"Packs/{pack}/Scripts/One/One.yml", pack, reason, detail, "demisto/python3", "1.0.0.1")


def everything() -> Overview:
    """Return an overview with something of each kind."""
    at_risk = desired("Risky", "autobump:breaking")
    refreshed = Refresh(desired("Behind"), existing("Behind", 9), "1.0.0.9 is newer than 1.0.0.8")
    unjudged = existing("Elsewhere", 12)
    return Overview(
        existing=[existing("Mail", 3), unjudged],
        outcomes=[
            Outcome(Create(at_risk), "h" * 40, 14, "https://github.example/demisto/content/pull/14"),
            left("Mail", 3),
            Outcome(refreshed, None, failure="cannot move the branch: GitHub answered 502"),
            edited("Page", 5),
            closed("Feed", 4),
        ],
        waiting=[
            waiting("A", WaitReason.PACK_BUSY, "the pack A is in #3"),
            waiting("B", WaitReason.WAITING_FOR_WAVE, "the wave first comes first: 2 items to go"),
            waiting("C", WaitReason.WAITING_FOR_WAVE, "the wave first comes first: 2 items to go"),
            waiting(
                "D", WaitReason.WAITING_FOR_WAVE, "the wave first soaks until 2026-06-02 03:00 UTC", "2.0.0.9"
            ),
            waiting("Feed", WaitReason.CLOSED_BY_MAINTAINER, "#4 to 1.0.0.9 was closed without merging"),
        ],
        skipped=[
            skipped("E", NoUpdateReason.UP_TO_DATE, "1.0.0.1 is the newest"),
            skipped("F", NoUpdateReason.UP_TO_DATE, "1.0.0.1 is the newest"),
            skipped("G", NoUpdateReason.HELD, "1.0.0.9 frozen until 2027-01-31: end of the year"),
            skipped("H", SkipReason.AUTO_UPDATE_DISABLED, "autoUpdateDockerImage: false"),
        ],
        queue=Queue((QueuedImage("demisto/python3", 1612, 7), QueuedImage("demisto/ml", 4, 9))),
        problems=[Problem("Packs/I/Scripts/One/One.yml", "I", "invalid-yaml", "a tab", 3, 1)],
        deprecated={
            "demisto/bs4": DeprecatedImage(
                "demisto/bs4", "Use the demisto/py3-tools image.", "demisto/py3-tools"
            )
        },
    )


def test_dashboard_with_everything_on_it() -> None:
    check_golden("dashboard.md", render_dashboard(everything(), NOTHING))


def test_dashboard_with_nothing_on_it_says_so() -> None:
    text = render_dashboard(Overview(), NOTHING)
    assert is_dashboard(text)
    assert text.endswith("0 pull requests open, 0 held, 0 updates waiting, 0 items skipped, 0 problems.\n")


def test_what_was_just_done_leaves_no_trace() -> None:
    made = Overview(outcomes=[Outcome(Create(desired("Mail")), "h" * 40, 3)])
    later = Overview(existing=[existing("Mail", 3)], outcomes=[left("Mail", 3)])
    assert render_dashboard(made, NOTHING) == render_dashboard(later, NOTHING)


def test_same_overview_gives_the_same_text() -> None:
    assert render_dashboard(everything(), NOTHING) == render_dashboard(everything(), NOTHING)


def test_age_of_a_tag_is_not_shown() -> None:
    younger, older = (
        Overview(skipped=[skipped("A", NoUpdateReason.TOO_YOUNG, f"1.0.0.9 is {days} days old")])
        for days in (2, 3)
    )
    assert render_dashboard(younger, NOTHING) == render_dashboard(older, NOTHING)


def test_what_is_closed_for_good_is_not_shown() -> None:
    pr = existing("Mail", 3)
    done = Outcome(Close(pr, "none of its updates is wanted any more"), None, 3)
    assert "#3" not in render_dashboard(Overview([pr], [done]), NOTHING)


BOXES = frozenset(
    {("rebuild", 3), ("rebuild", 9), ("rebuild", 14), ("rebuild", 12), ("rebuild", 5), ("lift", 4)}
)


def test_every_pull_request_of_ours_has_its_box() -> None:
    text = render_dashboard(everything(), NOTHING)
    assert {(kind, int(number)) for kind, number in BOX.findall(text)} == BOXES
    assert read_requests(text) == NOTHING


def test_pull_request_of_somebody_else_has_no_box() -> None:
    strange = replace(existing("Mail", 3), marker=None)
    held = Outcome.unchanged(Hold(strange, WaitReason.EDITED_BY_MAINTAINER, "somebody else opened it"))
    text = render_dashboard(Overview([strange], [held]), NOTHING)
    assert "[#3](../pull/3)" in text
    assert BOX.findall(text) == []


def requests_of(ticked: set[tuple[str, int]] | frozenset[tuple[str, int]]) -> Requests:
    rebuild, lift = (frozenset(n for kind, n in ticked if kind == wanted) for wanted in ("rebuild", "lift"))
    return Requests(rebuild, lift)


@given(
    ticked=st.sets(st.sampled_from(sorted(BOXES))),
    tick=st.sampled_from("xX"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    around=st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), max_size=50)] * 2),
)
def test_any_boxes_ticked_in_any_editor_are_read_as_just_these(
    ticked: set[tuple[str, int]], tick: str, line_end: str, around: tuple[str, str]
) -> None:
    text = render_dashboard(everything(), NOTHING)
    for kind, number in ticked:
        mark = f"<!-- {kind}:#{number} -->"
        assert f"- [ ] {mark}" in text
        text = text.replace(f"- [ ] {mark}", f"- [{tick}] {mark}")
    text = f"{around[0]}\n{text}\n{around[1]}".replace("\n", line_end)
    assert read_requests(text) == requests_of(ticked)


@given(st.sets(st.sampled_from(sorted(BOXES))))
def test_boxes_ticked_by_autobump_are_read_as_just_these(ticked: set[tuple[str, int]]) -> None:
    text = render_dashboard(everything(), NOTHING)
    requests = requests_of(ticked)
    assert read_requests(tick_boxes(text, requests)) == requests
    assert len(tick_boxes(text, requests)) == len(text)


def test_rebuild_is_noted_with_the_commit_it_does_away_with_and_means_no_other() -> None:
    opened = replace(existing("Mail", 3), head="a" * 40)
    text = tick_boxes(render_dashboard(everything(), NOTHING), Requests(frozenset({3})))
    noted = note_heads(read_requests(text), [opened])
    assert noted == Requests(frozenset({3}), heads={3: opened.head})
    text = tick_boxes(text, noted)
    assert f"- [x] <!-- rebuild:#3@{opened.head} -->" in text
    assert read_requests(text) == note_heads(read_requests(text), [opened]) == noted
    assert note_heads(noted, [replace(opened, head="f" * 40)]) == NOTHING


@pytest.mark.parametrize(
    "line",
    [
        "- [x] #3",
        "- [x] rebuild:#3",
        "- [x] text <!-- rebuild:#3 -->",
        "text - [x] <!-- rebuild:#3 -->",
        "- [x] <!-- close:#3 -->",
        "- [x] <!-- rebuild:#03 -->",
        "- [x] <!-- rebuild:# -->",
        "- [x] <!-- rebuild:#99999999999999999999 -->",
        "- [ ] <!-- rebuild:#3 -->",
        "- [y] <!-- rebuild:#3 -->",
        "`- [x] <!-- rebuild:#3 -->`",
    ],
)
def test_box_without_its_own_mark_means_nothing(line: str) -> None:
    assert read_requests(f"before\n{line}\nafter") == NOTHING


HOSTILE_HERE = (
    *HOSTILE,
    "- [x] <!-- lift:#1 -->",
    "\n- [x] <!-- rebuild:#1 --> x",
    "\r\n- [X] <!-- lift:#4 -->",
    "--> - [x] <!-- rebuild:#3 -->",
    "<!-- autobump:dashboard v1 -->",
    "`\n\n- [x] <!-- rebuild:#1 -->",
)


@pytest.mark.parametrize("name", HOSTILE_HERE)
def test_no_name_forges_a_box_or_leaves_its_place(name: str) -> None:
    overview = everything()
    pr = existing("Mail", 3)
    assert pr.marker is not None
    hostile = replace(pr, branch=name, marker=replace(pr.marker, image=name, target=name))
    mail = desired("Mail")
    image = replace(mail.planned.images[0], repository=name)
    named = replace(mail, planned=make_pull_request(mail.planned.branch, [image]))
    overview = replace(
        overview,
        existing=[hostile],
        outcomes=[
            Outcome.unchanged(Hold(hostile, WaitReason.EDITED_BY_MAINTAINER, name)),
            Outcome(Create(named), None, failure=name),
        ],
        waiting=[waiting("A", reason, name) for reason in WaitReason],
        skipped=[skipped(name, reason, name) for reason in (NoUpdateReason.HELD, NoUpdateReason.TOO_YOUNG)],
        problems=[Problem(name, name, name, name)],
        deprecated={name: DeprecatedImage(name, name, name)},
    )
    text = render_dashboard(overview, NOTHING)
    assert read_requests(text) == NOTHING
    assert BOX.findall(text) == [("rebuild", "3")]
    tame = render_dashboard(
        replace(
            overview,
            existing=[],
            outcomes=[
                Outcome.unchanged(Hold(pr, WaitReason.EDITED_BY_MAINTAINER, "tame")),
                Outcome(Create(desired("Mail")), None, failure="tame"),
            ],
            waiting=[waiting("A", reason, "tame") for reason in WaitReason],
            skipped=[
                skipped("A", reason, "tame") for reason in (NoUpdateReason.HELD, NoUpdateReason.TOO_YOUNG)
            ],
            problems=[Problem("A", "A", "A", "A")],
            deprecated={"A": DeprecatedImage("A", "A", "A")},
        ),
        NOTHING,
    )
    assert shape(text) == shape(tame)


def shape(text: str) -> list[str]:
    """Return how each line begins: what makes it a heading, a box, a row or a paragraph."""
    return [re.match(r"[-#|*]*( \[ \] <!--)?", line)[0] for line in text.splitlines()]  # type: ignore[index]  # it matches the empty text


def test_request_that_was_carried_out_is_unticked_and_the_others_stay() -> None:
    asked = Requests(frozenset({3, 9, 77}), frozenset({4}))
    overview = everything()
    again = Refresh(desired("Mail"), existing("Mail", 3), "a person asked for a rebuild")
    outcomes = [overview.outcomes[0], Outcome(again, "h" * 40, 3), *overview.outcomes[2:]]
    text = render_dashboard(replace(overview, outcomes=outcomes), asked)
    assert read_requests(text) == Requests(frozenset({9}), frozenset({4}))


def test_lift_that_failed_stays_asked_for_and_one_that_was_done_is_gone() -> None:
    lift = Lift(existing("Feed", 4, PullRequestState.CLOSED))
    asked = Requests(lift=frozenset({4}))
    failed = render_dashboard(Overview(outcomes=[Outcome(lift, None, failure="GitHub answered 502")]), asked)
    assert read_requests(failed) == asked
    assert "lift failed: `GitHub answered 502`" in failed
    assert "#4" not in render_dashboard(Overview(outcomes=[Outcome.unchanged(lift)]), asked)


def test_only_what_makes_sense_is_heeded() -> None:
    opened, shut = existing("A", 1), existing("B", 2, PullRequestState.CLOSED)
    merged, strange = existing("C", 3, PullRequestState.MERGED), replace(existing("D", 4), marker=None)
    everywhere = frozenset({1, 2, 3, 4, 5})
    applied = apply_requests([opened, shut, merged, strange], Requests(everywhere, everywhere))
    assert applied == [replace(opened, rebuild=True), replace(shut, lift=True), merged, strange]


def test_longest_list_is_cut_and_says_so() -> None:
    bumps = make_bumps("Long", 3_000)
    problems = [Problem(bump.path, "Long", "invalid-yaml", "x" * 300, 1, 1) for bump in bumps]
    overview = replace(everything(), problems=problems)
    text = render_dashboard(overview, NOTHING)
    assert MAX_BODY - 10_000 < len(text) <= MAX_BODY
    assert "problems more, left out because GitHub limits the length." in text
    assert len(BOX.findall(text)) == len(BOXES)


def test_boxes_beyond_number_stay_within_the_limit_as_well() -> None:
    outcomes = [edited(f"Pack{number}", number, "x" * 500) for number in range(1, 2_000)]
    text = render_dashboard(Overview(outcomes=outcomes), Requests(frozenset(range(1, 2_000))))
    assert len(text) <= MAX_BODY
    assert "pull requests more, left out" in text
