from dataclasses import replace

import pytest

from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence, Level, Verdict
from autobump.decisions.risk import ItemRisk
from autobump.planning.plan import Limits, WaitReason, plan_pull_requests
from autobump.pull_requests.actions import Create, Hold, Refresh
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import OVERWRITTEN_LABEL
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.reconcile import describe_existing, find_merged, reconcile
from autobump.pull_requests.render import DesiredPullRequest
from tests.fixtures.bumps import make_bump


def desired(*bumps: Bump, existing: list[ExistingPullRequest] | None = None) -> list[DesiredPullRequest]:
    around = describe_existing(existing or [], everything)
    plan = plan_pull_requests(bumps, Limits(), around.open, around.closed)
    return [
        DesiredPullRequest(pr, PullRequestOptions(("label",)), with_notes=True, context=BodyContext())
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
