from typing import Any

import pytest
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.decisions.risk import ItemRisk
from autobump.planning.parts import Part, update_of
from autobump.planning.plan import (
    ClosedPullRequest,
    Limits,
    OpenPullRequest,
    Waiting,
    WaitReason,
    plan_pull_requests,
)
from autobump.planning.waves import WavePullRequest
from autobump.pull_requests.actions import Action, Adopt, Close, Create, Hold, Leave, Refresh
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import CLOSED_LABEL, OVERWRITTEN_LABEL
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.reconcile import describe_existing, find_merged, reconcile
from autobump.pull_requests.render import DesiredPullRequest
from tests.conftest import NOW
from tests.fixtures.bumps import make_bump


def desired(*bumps: Bump, existing: list[ExistingPullRequest] | None = None) -> list[DesiredPullRequest]:
    around = describe_existing(existing or [], everything)
    plan = plan_pull_requests(bumps, Limits(), around.open, around.closed)
    return [
        DesiredPullRequest(pr, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),))
        for pr in plan.pull_requests
    ]


def existing_for(
    want: DesiredPullRequest, state: PullRequestState = PullRequestState.OPEN
) -> ExistingPullRequest:
    return ExistingPullRequest(want.branch, state, 7, None, "h" * 40, "", want.marker.at("h" * 40))


def everything(_: Marker) -> bool:
    return True


def names(
    wants: list[DesiredPullRequest], existing: list[ExistingPullRequest], *, in_view: bool = True
) -> list[str]:
    return [action.name for action in reconcile(wants, existing, (), lambda _: in_view)]


BUMP = make_bump("A", "One")


def test_bump_that_nothing_covers_is_created() -> None:
    assert names(desired(BUMP), []) == ["create"]


def test_pull_request_that_is_still_right_is_left() -> None:
    wants = desired(BUMP)
    assert names(wants, [existing_for(wants[0])]) == ["leave"]


def test_another_title_is_no_reason_to_touch_a_pull_request() -> None:
    (want,) = desired(BUMP)
    for part in (Part(names_packs=True), Part(number=2, of=3)):
        told = replace(want, part=part)
        assert told.title != want.title
        assert names([told], [existing_for(want)]) == ["leave"]


def test_number_of_an_open_pull_request_is_read_from_its_marker() -> None:
    (want,) = desired(BUMP)
    update = update_of([("demisto/python3", "1.0.0.9")], "", "")
    found = existing_for(replace(want, part=Part(number=2, of=13)))
    assert describe_existing([found], everything).parts == {want.branch: (update, Part(number=2, of=13))}
    assert describe_existing([replace(found, state=PullRequestState.MERGED)], everything).parts == {}
    assert found.marker is not None
    for spoiled in ("", "2", "0/2", "2/0", "x/2", "2/2/2", "123456/2"):
        odd = replace(found, marker=replace(found.marker, part=spoiled))
        assert describe_existing([odd], everything).parts == {}


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ([make_bump("A", "One", target="1.0.0.10")], "newer"),
        ([make_bump("A", "One"), make_bump("A", "Two")], "items changed"),
        ([make_bump("A", "One", blob="b")], "changed on the base"),
        ([make_bump("A", "One", version="1.0.1")], "changed on the base"),
    ],
)
def test_pull_request_is_refreshed_when_something_it_says_is_not_so_any_more(
    now: list[Bump], why: str
) -> None:
    found = existing_for(desired(BUMP)[0])
    (action,) = reconcile(desired(*now, existing=[found]), [found], (), everything)
    assert isinstance(action, Refresh)
    assert why in action.why
    assert action.existing.number == 7


def ran(verdict: str, detail: str = "", level: Level = Level.LOAD) -> Bump:
    """Return the bump with what running its item showed."""
    return replace(BUMP, risk=ItemRisk().with_evidence(Evidence(level, Verdict(verdict), detail)))


@pytest.mark.parametrize(
    "now", [ran("mends", "x"), ran("same", "with stand-ins"), ran("same", level=Level.TESTS)]
)
def test_pull_request_is_refreshed_when_running_its_items_shows_something_else(now: Bump) -> None:
    found = existing_for(desired(ran("same"))[0])
    (action,) = reconcile(desired(now, existing=[found]), [found], (), everything)
    assert isinstance(action, Refresh)
    assert (action.why, action.rewrite) == ("what running its items shows changed", False)


def test_pull_request_is_refreshed_when_its_items_ran_for_the_first_time() -> None:
    found = existing_for(desired(replace(BUMP, risk=ItemRisk()))[0])
    assert names(desired(ran("same"), existing=[found]), [found]) == ["refresh"]


def test_pull_request_is_left_when_evidence_is_the_same_or_missing_this_time() -> None:
    found = existing_for(desired(ran("same"))[0])
    assert names(desired(ran("same"), existing=[found]), [found]) == ["leave"]
    assert names(desired(replace(BUMP, risk=ItemRisk()), existing=[found]), [found]) == ["leave"]


def test_branch_without_a_pull_request_is_adopted() -> None:
    wants = desired(BUMP)
    orphan = replace(existing_for(wants[0]), state=PullRequestState.ORPHAN, number=None)
    assert names(wants, [orphan]) == ["adopt"]


def test_pull_request_that_is_not_wanted_any_more_is_closed() -> None:
    assert names([], [existing_for(desired(BUMP)[0])]) == ["close"]


def test_pull_request_a_person_pushed_to_is_held_whatever_is_wanted() -> None:
    wants = desired(BUMP)
    edited = replace(existing_for(wants[0]), hold_reason="edited")
    assert names(wants, [edited]) == ["hold"]
    assert names([], [edited]) == ["hold"]


def test_branch_of_a_stranger_under_our_prefix_is_held() -> None:
    wants = desired(BUMP)
    foreign = replace(existing_for(wants[0]), hold_reason="edited", marker=None)
    assert names(wants, [foreign]) == ["hold"]


def test_pull_request_outside_the_filters_is_neither_closed_nor_refreshed() -> None:
    assert names([], [existing_for(desired(BUMP)[0])], in_view=False) == []
    assert len(reconcile([], [OPEN], (), lambda marker: marker.packs == ("A",))) == 1
    assert reconcile([], [OPEN], (), lambda marker: marker.packs == ("B",)) == ()


def test_closed_pull_request_stays_closed() -> None:
    found = existing_for(desired(BUMP)[0], PullRequestState.CLOSED)
    assert desired(BUMP, existing=[found]) == []
    assert names([], [found]) == []


def test_newer_target_after_a_closed_pull_request_makes_a_new_one() -> None:
    found = existing_for(desired(BUMP)[0], PullRequestState.CLOSED)
    wants = desired(make_bump("A", "One", target="1.0.0.10"), existing=[found])
    assert names(wants, [found]) == ["create"]


def test_actions_are_sorted_by_branch() -> None:
    wants = desired(BUMP, make_bump("B", "Two", image="demisto/boto3"))
    actions = reconcile(wants, [], (), everything)
    assert [type(action).__name__ for action in actions] == ["Create", "Create"]
    assert [want.branch for want in wants] == sorted(want.branch for want in wants)


def test_merged_branch_that_was_left_behind_is_deleted() -> None:
    merged = existing_for(desired(BUMP)[0], PullRequestState.MERGED)
    assert names([], [merged]) == ["close"]
    assert names([], [replace(merged, head="")]) == []
    assert names([], [replace(merged, hold_reason="edited")]) == []


def test_new_pull_request_takes_over_the_branch_a_finished_one_left_behind() -> None:
    earlier = desired(make_bump("A", "One", target="1.0.0.8"))[0]
    (action,) = reconcile(desired(BUMP), [existing_for(earlier, PullRequestState.MERGED)], (), everything)
    assert isinstance(action, Create)
    assert action.leftover == "h" * 40


def test_update_that_was_merged_for_the_same_files_is_known() -> None:
    wants = desired(BUMP)
    merged = replace(existing_for(wants[0], PullRequestState.MERGED), head="")
    assert list(find_merged(wants, [merged])) == [BUMP.path]
    assert find_merged(desired(make_bump("A", "One", blob="b")), [merged]) == {}
    done_by_us = replace(merged, marker=replace(wants[0].marker, closed="none of its updates is wanted"))
    assert find_merged(wants, [done_by_us]) == {}
    assert find_merged(wants, [existing_for(wants[0])]) == {}


def test_text_or_labels_that_are_behind_are_mended_without_a_new_commit() -> None:
    wants = desired(BUMP)
    (action,) = reconcile(wants, [replace(existing_for(wants[0]), unfinished="cut off")], (), everything)
    assert isinstance(action, Refresh)
    assert not action.rewrite


def test_rebuild_comes_before_a_hold() -> None:
    wants = desired(BUMP)
    found = replace(existing_for(wants[0]), hold_reason="edited", rebuild=True)
    (action,) = reconcile(wants, [found], (), everything)
    assert isinstance(action, Refresh)
    assert action.rewrite


def test_digest_that_changed_under_a_tag_is_held_and_labelled_once() -> None:
    wants = desired(make_bump("A", "One", digest="sha256:new"))
    found = existing_for(wants[0])
    assert found.marker is not None
    found = replace(found, marker=replace(found.marker, digest="sha256:old"))
    (action,) = reconcile(wants, [found], (), everything)
    assert isinstance(action, Hold)
    assert (action.reason, action.add_label) == (WaitReason.TAG_OVERWRITTEN, OVERWRITTEN_LABEL)
    labelled = replace(found, labels=frozenset({OVERWRITTEN_LABEL}))
    (again,) = reconcile(wants, [labelled], (), everything)
    assert isinstance(again, Hold)
    assert again.add_label == ""


def test_unknown_digest_says_nothing_about_a_tag() -> None:
    wants = desired(BUMP)
    found = existing_for(wants[0])
    assert found.marker is not None
    known = replace(found, marker=replace(found.marker, digest="sha256:old"))
    assert names(wants, [known]) == ["leave"]


def test_lifted_pull_request_keeps_nothing_out_and_is_remembered_before_the_new_one_is_made() -> None:
    (wanted,) = desired(BUMP)
    closed = existing_for(wanted, PullRequestState.CLOSED)
    assert desired(BUMP, existing=[closed]) == []
    lifted = replace(closed, lift=True)
    wants = desired(BUMP, existing=[lifted])
    assert names(wants, [lifted]) == ["lift", "create"]


def test_lifted_pull_request_does_not_tell_how_far_a_rollout_is() -> None:
    closed = existing_for(desired(BUMP)[0], PullRequestState.CLOSED)
    assert len(describe_existing([closed], everything).waves) == 1
    assert describe_existing([replace(closed, lift=True)], everything).waves == ()


def test_lift_frees_only_what_no_other_closed_pull_request_keeps_out() -> None:
    closed = existing_for(desired(BUMP)[0], PullRequestState.CLOSED)
    lifted, other = replace(closed, lift=True), replace(closed, number=8)
    around = describe_existing([lifted, other], everything)
    waiting = plan_pull_requests([BUMP], Limits(), (), around.closed).waiting
    assert [wait.reason for wait in waiting] == [WaitReason.CLOSED_BY_MAINTAINER]
    actions = reconcile([], [lifted, other], waiting, everything)
    assert [
        (action.name, action.existing.number) for action in actions if not isinstance(action, Create)
    ] == [
        ("lift", 7),
        ("hold", 8),
    ]


def action_for(
    wanted: DesiredPullRequest | None,
    found: ExistingPullRequest,
    waiting: tuple[Waiting, ...] = (),
) -> Action:
    """Return the one action for what is wanted and what exists."""
    (action,) = reconcile([wanted] if wanted else [], [found], waiting, everything)
    return action


def marked(found: ExistingPullRequest, **changes: Any) -> ExistingPullRequest:
    """Return the same with another marker."""
    assert found.marker is not None
    return replace(found, marker=replace(found.marker, **changes))


OPEN = existing_for(desired(BUMP)[0])
CLOSED = replace(OPEN, state=PullRequestState.CLOSED)
MERGED = replace(OPEN, state=PullRequestState.MERGED)
ORPHAN = replace(OPEN, state=PullRequestState.ORPHAN, number=None)


def test_planning_hears_of_an_open_pull_request_all_that_it_has_to_keep_to() -> None:
    found = marked(replace(OPEN, hold_reason="edited"), wave="one", lane="breaking")
    state = describe_existing([found], everything)
    assert state.open == (
        OpenPullRequest(
            OPEN.branch,
            "#7",
            "demisto/python3",
            ("A",),
            "edited",
            in_view=True,
            wave="one",
            risk_group="breaking",
        ),
    )
    assert state.closed == ()
    assert state.waves == (
        WavePullRequest("demisto/python3", "1.0.0.9", "one", (BUMP.path,), True, None, ("A",)),
    )
    assert state.risk_groups == {BUMP.path: "breaking"}
    assert state.itemised_packs == {("demisto/python3", "A")}
    assert describe_existing([found], lambda marker: marker.packs == ("A",)).open[0].in_view
    assert not describe_existing([found], lambda marker: marker.packs == ("B",)).open[0].in_view


def test_rebuild_lets_planning_use_a_pull_request_that_is_held() -> None:
    found = replace(OPEN, hold_reason="edited", rebuild=True)
    assert describe_existing([found], everything).open[0].hold_reason == ""


def test_planning_hears_of_a_closed_pull_request_what_stays_out() -> None:
    state = describe_existing([replace(CLOSED, done_at=NOW)], everything)
    assert state.closed == (ClosedPullRequest("#7", "demisto/python3", "1.0.0.9", ("A",)),)
    (told,) = state.waves
    assert told == WavePullRequest("demisto/python3", "1.0.0.9", "", (BUMP.path,), False, NOW, ("A",))
    assert (state.open, state.risk_groups, state.itemised_packs) == ((), {}, set())


def test_planning_hears_of_a_merged_pull_request_when_it_was_merged() -> None:
    (told,) = describe_existing([replace(marked(MERGED, digest="sha256:x"), done_at=NOW)], everything).waves
    assert (told.is_merged, told.is_open, told.done_at, told.digest) == (True, False, NOW, "sha256:x")


def test_orphan_and_what_autobump_closed_itself_tell_nothing_of_a_rollout() -> None:
    state = describe_existing([ORPHAN, marked(MERGED, closed="not wanted")], everything)
    assert (state.open, state.closed, state.waves) == ((), (), ())


def test_pull_request_without_a_marker_tells_planning_nothing() -> None:
    state = describe_existing([replace(OPEN, marker=None), replace(CLOSED, marker=None)], everything)
    assert (state.open, state.closed, state.waves) == ((), (), ())


def test_very_large_pull_request_does_not_list_its_items() -> None:
    assert describe_existing([marked(OPEN, paths=())], everything).itemised_packs == set()


def test_branches_with_the_commits_of_others_are_reserved_once_their_pull_request_is_done() -> None:
    edited = [replace(found, hold_reason="edited") for found in (CLOSED, MERGED)]
    for found in edited:
        assert describe_existing([found], everything).reserved_branches == {OPEN.branch}
        assert describe_existing([replace(found, head="")], everything).reserved_branches == set()
        assert describe_existing([replace(found, hold_reason="")], everything).reserved_branches == set()
    assert describe_existing([replace(OPEN, hold_reason="edited")], everything).reserved_branches == set()


def test_planning_hears_of_pull_requests_by_branch_and_number() -> None:
    found = [replace(OPEN, branch=branch, number=number) for branch, number in (("b", 1), ("a", 9), ("a", 1))]
    without = replace(OPEN, branch="a", number=None)
    labels = [pr.label for pr in describe_existing([*found, without], everything).open]
    assert labels == ["a", "#1", "#9", "#1"]


def test_open_pull_request_counts_before_an_orphan_and_that_before_a_finished_one() -> None:
    (wanted,) = desired(BUMP)
    for order in ([OPEN, ORPHAN, MERGED], [MERGED, ORPHAN, OPEN]):
        assert isinstance(reconcile([wanted], order, (), everything)[0], Leave)
        assert isinstance(reconcile([wanted], [pr for pr in order if pr != OPEN], (), everything)[0], Adopt)


def test_of_finished_pull_requests_the_one_that_left_the_branch_counts_else_the_last() -> None:
    (wanted,) = desired(make_bump("A", "One", target="1.0.0.10"))
    left = replace(MERGED, number=3, head="3" * 40)
    gone = replace(MERGED, number=9, head="")
    for order in ([left, gone], [gone, left]):
        (action,) = reconcile([wanted], order, (), everything)
        assert action == Create(wanted, leftover="3" * 40)
    later = replace(MERGED, number=5, head="5" * 40)
    for order in ([left, later], [later, left]):
        assert reconcile([wanted], order, (), everything) == (Create(wanted, leftover="5" * 40),)
    first, unnumbered = replace(left, number=1), replace(later, number=None)
    assert reconcile([wanted], [unnumbered, first], (), everything) == (Create(wanted, leftover="3" * 40),)


def test_branch_of_an_open_pull_request_is_no_leftover() -> None:
    (wanted,) = desired(BUMP)
    assert reconcile([wanted], [], (), everything) == (Create(wanted),)
    assert action_for(wanted, CLOSED) == Create(wanted, leftover="h" * 40)
    assert action_for(wanted, ORPHAN) == Adopt(wanted, ORPHAN)
    assert action_for(wanted, OPEN) == Leave(wanted, OPEN)


def test_hold_says_the_word_of_the_person() -> None:
    (wanted,) = desired(BUMP)
    for found in (replace(OPEN, hold_reason="edited"), replace(ORPHAN, hold_reason="edited")):
        held = Hold(found, WaitReason.EDITED_BY_MAINTAINER, "edited")
        assert action_for(wanted, found) == held
        assert action_for(None, found) == held


@pytest.mark.parametrize("state", [PullRequestState.CLOSED, PullRequestState.MERGED])
def test_branch_that_a_person_changed_is_left_to_them_when_it_is_done(state: PullRequestState) -> None:
    assert names([], [replace(OPEN, state=state, hold_reason="edited")]) == []


def test_rebuild_says_that_a_person_asked_for_it() -> None:
    (wanted,) = desired(BUMP)
    found = replace(OPEN, rebuild=True)
    assert action_for(wanted, found) == Refresh(wanted, found, "a person asked for a rebuild")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"target": "1.0.0.8"}, "1.0.0.9 is newer than 1.0.0.8"),
        ({"paths": ("p",)}, "its items changed"),
        ({"base": "b"}, "a file it touches changed on the base"),
    ],
)
def test_refresh_says_what_is_not_so_any_more(changes: dict[str, object], why: str) -> None:
    (wanted,) = desired(BUMP)
    found = marked(OPEN, **changes)
    assert action_for(wanted, found) == Refresh(wanted, found, why)


def test_pull_request_whose_marker_is_gone_is_written_anew() -> None:
    (wanted,) = desired(BUMP)
    found = replace(OPEN, marker=None)
    assert action_for(wanted, found) == Refresh(wanted, found, "its marker is gone")
    assert names([], [found]) == []


def test_close_says_whether_it_was_merged_or_is_not_wanted() -> None:
    assert action_for(None, OPEN) == Close(OPEN, "none of its updates is wanted any more")
    assert action_for(None, ORPHAN) == Close(ORPHAN, "none of its updates is wanted any more")
    assert action_for(None, MERGED) == Close(MERGED, "it is merged and its branch was left behind")


def test_tag_that_is_behind_another_digest_says_so() -> None:
    (wanted,) = desired(make_bump("A", "One", digest="sha256:new"))
    found = marked(OPEN, digest="sha256:old")
    detail = "the digest behind 1.0.0.9 is not the one it was made for"
    assert action_for(wanted, found) == Hold(found, WaitReason.TAG_OVERWRITTEN, detail, OVERWRITTEN_LABEL)
    newer = marked(found, target="1.0.0.8")
    assert isinstance(action_for(wanted, newer), Refresh)
    changed = marked(found, base="b")
    assert isinstance(action_for(wanted, changed), Hold)


def test_tag_that_is_behind_its_digest_again_loses_its_label() -> None:
    (wanted,) = desired(make_bump("A", "One", digest="sha256:old"))
    found = marked(replace(OPEN, labels=frozenset({OVERWRITTEN_LABEL})), digest="sha256:old")
    why = "the digest behind 1.0.0.9 is again the one it was made for"
    assert action_for(wanted, found) == Refresh(wanted, found, why, rewrite=False)
    (unknown,) = desired(BUMP)
    assert isinstance(action_for(unknown, found), Leave)


def test_digest_that_the_pull_request_was_not_made_for_says_nothing() -> None:
    (wanted,) = desired(make_bump("A", "One", digest="sha256:new"))
    assert isinstance(action_for(wanted, marked(OPEN, digest="")), Leave)


@pytest.mark.parametrize("unproven", [False, True])
def test_what_was_cut_off_is_finished_and_rewritten_unless_it_is_proven(unproven: bool) -> None:
    (wanted,) = desired(BUMP)
    found = replace(OPEN, unfinished="it has no labels", unproven=unproven)
    assert action_for(wanted, found) == Refresh(wanted, found, "it has no labels", rewrite=unproven)


def test_text_is_written_anew_when_what_is_known_of_its_risk_changed() -> None:
    (wanted,) = desired(BUMP)
    assert wanted.marker.risk == ""
    risky = replace(BUMP, risk=ItemRisk())
    (assessed,) = desired(risky)
    assert assessed.marker.risk == "none"
    found = marked(OPEN, risk="review")
    why = "what is known of its risk changed"
    assert action_for(assessed, found) == Refresh(assessed, found, why, rewrite=False)
    assert isinstance(action_for(assessed, marked(OPEN, risk="none")), Leave)
    assert isinstance(action_for(wanted, found), Leave)
    assert isinstance(action_for(assessed, replace(found, number=None)), Leave)


def waits(reason: WaitReason, bump: Bump = BUMP) -> tuple[Waiting, ...]:
    return (Waiting(bump, reason, "why"),)


def test_closed_pull_request_that_keeps_something_out_is_shown_and_labelled_once() -> None:
    kept_out = waits(WaitReason.CLOSED_BY_MAINTAINER)
    why = "a person closed it without merging"
    assert action_for(None, CLOSED, kept_out) == Hold(
        CLOSED, WaitReason.CLOSED_BY_MAINTAINER, why, CLOSED_LABEL
    )
    labelled = replace(CLOSED, labels=frozenset({CLOSED_LABEL}))
    assert action_for(None, labelled, kept_out) == Hold(labelled, WaitReason.CLOSED_BY_MAINTAINER, why)


@pytest.mark.parametrize(
    ("found", "waiting"),
    [
        (CLOSED, waits(WaitReason.PACK_BUSY)),
        (CLOSED, waits(WaitReason.CLOSED_BY_MAINTAINER, make_bump("B", "One"))),
        (CLOSED, waits(WaitReason.CLOSED_BY_MAINTAINER, make_bump("A", "One", target="1.0.0.10"))),
        (CLOSED, waits(WaitReason.CLOSED_BY_MAINTAINER, make_bump("A", "One", image="demisto/x"))),
        (replace(CLOSED, marker=None), waits(WaitReason.CLOSED_BY_MAINTAINER)),
        (replace(MERGED, head=""), waits(WaitReason.CLOSED_BY_MAINTAINER)),
    ],
)
def test_closed_pull_request_that_keeps_nothing_out_is_not_shown(
    found: ExistingPullRequest, waiting: tuple[Waiting, ...]
) -> None:
    assert reconcile([], [found], waiting, everything) == ()


def test_actions_come_by_branch_and_number_and_those_without_a_number_first() -> None:
    found = [
        replace(OPEN, branch="b", number=2),
        replace(OPEN, branch="a", number=9, state=PullRequestState.CLOSED),
        replace(OPEN, branch="a", number=1, state=PullRequestState.CLOSED),
        replace(OPEN, branch="a", number=None),
    ]
    actions = reconcile([], found, waits(WaitReason.CLOSED_BY_MAINTAINER), everything)
    shown = [
        (action.existing.branch, action.existing.number)
        for action in actions
        if not isinstance(action, Create)
    ]
    assert shown == [("a", None), ("a", 1), ("a", 9), ("b", 2)]


def test_update_that_was_merged_before_says_by_which_pull_request() -> None:
    wants = desired(BUMP)
    merged = marked(MERGED, items=tuple(wants[0].items.values()))
    assert find_merged(wants, [merged]) == {
        BUMP.path: "#7 to 1.0.0.9 was merged for this very item: the analysed commit is older, or a person "
        "took it back"
    }


def test_update_to_another_target_or_of_another_image_was_not_merged_before() -> None:
    wants = desired(BUMP)
    merged = marked(MERGED, items=tuple(wants[0].items.values()))
    assert find_merged(wants, [marked(merged, target="1.0.0.8")]) == {}
    assert find_merged(wants, [marked(merged, image="demisto/x")]) == {}
    assert find_merged(wants, [replace(merged, marker=None)]) == {}
    assert find_merged(wants, [replace(merged, state=PullRequestState.CLOSED)]) == {}


def test_item_is_known_by_its_image_and_code_where_the_marker_names_items() -> None:
    (wanted,) = desired(BUMP, make_bump("A", "Two"))
    one, two = wanted.items
    merged = marked(MERGED, items=(wanted.items[two],), base="another")
    assert list(find_merged([wanted], [merged])) == [two]
    assert one != two


def test_item_is_known_by_its_file_where_an_earlier_version_wrote_the_marker() -> None:
    (wanted,) = desired(BUMP, make_bump("A", "Two"))
    paths = tuple(sorted(wanted.planned.paths))
    merged = marked(MERGED, paths=paths, blobs=("aaaa", "bbbb"), items=(), base="another")
    assert list(find_merged([wanted], [merged])) == [paths[0]]
    assert find_merged([wanted], [marked(merged, paths=("p", "q"))]) == {}
    assert list(find_merged([wanted], [marked(merged, blobs=("aaaa",))])) == [paths[0]]


def test_items_of_a_pull_request_that_is_too_large_to_name_them_are_known_by_its_base() -> None:
    (wanted,) = desired(BUMP, make_bump("A", "Two"))
    merged = marked(MERGED, items=(), blobs=(), base=wanted.marker.base)
    assert sorted(find_merged([wanted], [merged])) == sorted(wanted.planned.paths)
    assert find_merged([wanted], [marked(merged, base="another")]) == {}
