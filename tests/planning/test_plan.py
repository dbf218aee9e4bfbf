import random
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from autobump.decisions.bump import Bump
from autobump.planning.branch_name import branch_name
from autobump.planning.plan import (
    ClosedPullRequest,
    Limits,
    OpenPullRequest,
    Plan,
    WaitReason,
    plan_pull_requests,
)
from tests.fixtures.bumps import make_bump, make_bumps

MANY = Limits(max_open=1000, max_new_per_run=1000)


def waiting(plan: Plan) -> dict[str, WaitReason]:
    return {wait.bump.path: wait.reason for wait in plan.waiting}


def test_packs_fill_a_pull_request_up_to_the_limit_and_are_never_split() -> None:
    bumps = make_bumps("A", 10) + make_bumps("B", 10) + make_bumps("C", 10) + make_bumps("D", 40)
    plan = plan_pull_requests(bumps, MANY)
    assert sorted((pr.packs, len(pr.bumps)) for pr in plan.pull_requests) == [
        (("A", "B"), 20),
        (("C",), 10),
        (("D",), 40),
    ]


def test_each_image_has_pull_requests_of_its_own() -> None:
    bumps = make_bumps("A", 1) + make_bumps("B", 1, image="demisto/boto3")
    assert {pr.repository for pr in plan_pull_requests(bumps, MANY).pull_requests} == {
        "demisto/python3",
        "demisto/boto3",
    }


def test_pack_with_two_images_waits_for_the_first() -> None:
    bumps = [make_bump("A", "One", image="demisto/boto3"), make_bump("A", "Two")]
    plan = plan_pull_requests(bumps, MANY)
    (pr,) = plan.pull_requests
    (wait,) = plan.waiting
    assert pr.repository == "demisto/boto3"
    assert (wait.bump.path, wait.reason) == ("Packs/A/Scripts/Two/Two.yml", WaitReason.PACK_BUSY)
    assert pr.branch in wait.detail


def test_pack_claimed_by_an_open_pull_request_waits_with_its_number() -> None:
    existing = OpenPullRequest("autobump/boto3/x", "#12", "demisto/boto3", ("A",), hold_reason="edited")
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert [wait.detail for wait in plan.waiting] == ["the pack A is in #12"]


def test_bumps_stay_with_the_open_pull_request_that_covers_them() -> None:
    bumps = make_bumps("A", 2) + make_bumps("B", 1)
    existing = OpenPullRequest("autobump/python3/old", "#3", "demisto/python3", ("A",))
    plan = plan_pull_requests(bumps, MANY, [existing])
    by_branch = {pr.branch: pr.packs for pr in plan.pull_requests}
    assert by_branch == {
        "autobump/python3/old": ("A",),
        branch_name("autobump/", {"demisto/python3": ["B"]}): ("B",),
    }


def test_open_pull_request_with_nothing_left_frees_its_packs() -> None:
    existing = OpenPullRequest("autobump/boto3/old", "#3", "demisto/boto3", ("A",))
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert waiting(plan) == {}


def test_pull_request_a_person_works_on_keeps_its_bumps_waiting() -> None:
    existing = OpenPullRequest("b", "#4", "demisto/python3", ("A",), hold_reason="edited")
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert plan.pull_requests == ()
    assert list(waiting(plan).values()) == [WaitReason.EDITED_BY_MAINTAINER]


def test_closed_pull_request_keeps_its_packs_out_until_a_newer_target() -> None:
    closed = ClosedPullRequest("#5", "demisto/python3", "1.0.0.9", ("A",))
    bumps = [make_bump("A", "One"), make_bump("B", "Two")]
    plan = plan_pull_requests(bumps, MANY, closed=[closed])
    assert waiting(plan) == {bumps[0].path: WaitReason.CLOSED_BY_MAINTAINER}
    newer = [make_bump("A", "One", target="1.0.0.10")]
    assert waiting(plan_pull_requests(newer, MANY, closed=[closed])) == {}


def test_pull_request_outside_the_filters_is_left_alone_and_keeps_its_packs() -> None:
    existing = OpenPullRequest("b", "#4", "demisto/python3", ("A", "Z"), in_view=False)
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert plan.pull_requests == ()
    assert list(waiting(plan).values()) == [WaitReason.PACK_BUSY]


def test_limits_bound_what_is_open_and_what_is_new() -> None:
    bumps = [bump for pack in "ABCDEF" for bump in make_bumps(pack, 25)]
    for limits, expected in (
        (Limits(max_open=2), 2),
        (Limits(max_new_per_run=3), 3),
        (Limits(max_open=0), 0),
    ):
        plan = plan_pull_requests(bumps, limits)
        assert len(plan.pull_requests) == expected
        assert set(waiting(plan).values()) == {WaitReason.LIMIT_REACHED}
        assert len(plan.waiting) == 25 * (6 - expected)


def test_open_pull_requests_count_against_max_open() -> None:
    existing = OpenPullRequest("b", "#4", "demisto/boto3", ("Z",), hold_reason="edited")
    bumps = make_bumps("A", 25) + make_bumps("B", 25)
    assert len(plan_pull_requests(bumps, Limits(max_open=2), [existing]).pull_requests) == 1


_BUMPS = st.lists(
    st.builds(
        make_bump,
        st.sampled_from("ABCDEF"),
        st.sampled_from(["One", "Two", "Three", "Four", "Five"]),
        image=st.sampled_from(["demisto/python3", "demisto/boto3", "demisto/ml"]),
    ),
    unique_by=lambda bump: bump.path,
)


@given(_BUMPS, st.integers(1, 8), st.integers(0, 6), st.randoms(use_true_random=False))
def test_every_plan_keeps_its_promises(
    bumps: list[Bump], max_items: int, max_open: int, shuffler: random.Random
) -> None:
    limits = Limits(max_items=max_items, max_open=max_open)
    plan = plan_pull_requests(bumps, limits)

    placed = [path for pr in plan.pull_requests for path in pr.paths] + [w.bump.path for w in plan.waiting]
    assert Counter(placed) == Counter(bump.path for bump in bumps)
    assert len(plan.pull_requests) <= max_open
    packs = [pack for pr in plan.pull_requests for pack in pr.packs]
    assert len(packs) == len(set(packs))
    for pr in plan.pull_requests:
        assert len(pr.bumps) <= max_items or len(pr.packs) == 1
        whole = {b.path for b in bumps if b.image.repository == pr.repository and b.item.pack in pr.packs}
        assert set(pr.paths) == whole

    shuffled = list(bumps)
    shuffler.shuffle(shuffled)
    assert plan_pull_requests(shuffled, limits) == plan


def in_risk_group(bump: Bump, risk_group: str = "breaking") -> Bump:
    return replace(bump, risk_group=risk_group)


def test_items_at_risk_get_a_pull_request_of_their_own() -> None:
    safe, risky = make_bump("A", "Safe"), in_risk_group(make_bump("B", "Risky"))
    plan = plan_pull_requests([risky, safe], Limits())
    assert {(pr.risk_group, pr.paths) for pr in plan.pull_requests} == {
        ("", (safe.path,)),
        ("breaking", (risky.path,)),
    }


def test_item_at_risk_never_holds_up_the_rest_of_its_pack() -> None:
    safe, risky = make_bump("A", "Safe"), in_risk_group(make_bump("A", "Risky"))
    plan = plan_pull_requests([risky, safe], Limits())
    assert [pr.paths for pr in plan.pull_requests] == [(safe.path,)]
    assert [(wait.bump.path, wait.reason) for wait in plan.waiting] == [(risky.path, WaitReason.PACK_BUSY)]


def test_safe_items_come_before_those_at_risk() -> None:
    bumps = [
        in_risk_group(make_bump("A", "Risky", image="demisto/a")),
        make_bump("B", "Safe", image="demisto/b"),
    ]
    plan = plan_pull_requests(bumps, Limits(max_new_per_run=1))
    assert [pr.risk_group for pr in plan.pull_requests] == [""]


def test_same_packs_in_two_lanes_have_two_branches() -> None:
    safe = branch_name("autobump/", {"demisto/a": ["A"]})
    assert branch_name("autobump/", {"demisto/a": ["A"]}, risk_group="breaking") != safe


def test_open_pull_request_covers_its_own_lane_only() -> None:
    safe, risky = make_bump("A", "Safe"), in_risk_group(make_bump("A", "Risky"))
    beside = [OpenPullRequest("autobump/x", "#1", "demisto/python3", ("A",), risk_group="breaking")]
    plan = plan_pull_requests([safe, risky], Limits(), beside)
    assert [(pr.branch, pr.paths) for pr in plan.pull_requests] == [("autobump/x", (risky.path,))]
    assert [(wait.bump.path, wait.reason) for wait in plan.waiting] == [(safe.path, WaitReason.PACK_BUSY)]


def test_closing_a_pull_request_keeps_its_packs_out_of_every_lane() -> None:
    risky = in_risk_group(make_bump("A", "Risky"))
    closed = [ClosedPullRequest("#1", "demisto/python3", "1.0.0.9", ("A",))]
    plan = plan_pull_requests([risky], Limits(), closed=closed)
    assert [wait.reason for wait in plan.waiting] == [WaitReason.CLOSED_BY_MAINTAINER]
