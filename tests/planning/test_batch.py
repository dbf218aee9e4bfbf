"""`pull_requests.group: batch`: images of few items in one pull request."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.planning.plan import (
    ClosedPullRequest,
    Limits,
    OpenPullRequest,
    Plan,
    WaitReason,
    plan_pull_requests,
)
from autobump.planning.pull_request import PlannedPullRequest
from autobump.planning.queue import forecast
from tests.fixtures.bumps import make_bump, make_bumps

MANY = Limits(max_open=1000, max_new_per_run=1000, together=True)


def images_of(plan: Plan) -> list[list[str]]:
    return sorted([image.repository for image in pr.images] for pr in plan.pull_requests)


def open_images(pr: PlannedPullRequest) -> list[OpenPullRequest]:
    return [
        OpenPullRequest(
            pr.branch, "#1", image.repository, image.packs, wave=pr.wave, risk_group=pr.risk_group
        )
        for image in pr.images
    ]


def test_images_of_few_items_come_together_the_one_with_most_items_first() -> None:
    bumps = make_bumps("A", 2, image="demisto/a") + make_bumps("B", 3, image="demisto/b", target="2.0.0.5")
    (pr,) = plan_pull_requests(bumps, MANY).pull_requests
    assert [(image.repository, image.target.tag.text, image.packs) for image in pr.images] == [
        ("demisto/b", "2.0.0.5", ("B",)),
        ("demisto/a", "1.0.0.9", ("A",)),
    ]
    assert (pr.repository, pr.target.tag.text, pr.packs) == ("demisto/b", "2.0.0.5", ("A", "B"))
    assert pr.branch.startswith("autobump/batch/")


def test_image_of_more_than_half_of_a_pull_request_stays_alone() -> None:
    bumps = [*make_bumps("A", 13, image="demisto/a"), *make_bumps("B", 12, image="demisto/b")]
    bumps += make_bumps("C", 1, image="demisto/c")
    assert images_of(plan_pull_requests(bumps, MANY)) == [["demisto/a"], ["demisto/b", "demisto/c"]]


def test_each_image_has_pull_requests_of_its_own_by_default() -> None:
    bumps = make_bumps("A", 1, image="demisto/a") + make_bumps("B", 1, image="demisto/b")
    default = Limits()
    assert images_of(plan_pull_requests(bumps, default)) == [["demisto/a"], ["demisto/b"]]


def test_pack_of_two_images_is_in_one_pull_request() -> None:
    bumps = [make_bump("A", "One", image="demisto/a"), make_bump("A", "Two", image="demisto/b")]
    plan = plan_pull_requests(bumps, MANY)
    assert images_of(plan) == [["demisto/a", "demisto/b"]]
    assert plan.waiting == ()


@pytest.mark.parametrize(("wave", "risk_group"), [("first", ""), ("", "breaking")])
def test_bumps_of_other_waves_and_risk_groups_stay_apart(wave: str, risk_group: str) -> None:
    bumps = [
        replace(make_bump("A", "One", image="demisto/a"), wave=wave, risk_group=risk_group),
        make_bump("B", "Two", image="demisto/b"),
    ]
    assert images_of(plan_pull_requests(bumps, MANY)) == [["demisto/a"], ["demisto/b"]]


def test_batch_that_is_open_keeps_its_branch_and_its_images() -> None:
    bumps = [make_bump("A", "One", image="demisto/a"), make_bump("B", "Two", image="demisto/b")]
    (pr,) = plan_pull_requests(bumps, MANY).pull_requests
    newer = [make_bump("A", "One", image="demisto/a", target="1.0.0.10"), bumps[1]]
    more = make_bumps("C", 3, image="demisto/c")
    plan = plan_pull_requests([*newer, *more], MANY, open_images(pr))
    kept = next(one for one in plan.pull_requests if one.branch == pr.branch)
    assert [(image.repository, image.target.tag.text) for image in kept.images] == [
        ("demisto/a", "1.0.0.10"),
        ("demisto/b", "1.0.0.9"),
    ]
    assert images_of(plan) == [["demisto/a", "demisto/b"], ["demisto/c"]]


def test_image_whose_items_are_done_leaves_the_batch_and_the_branch_stays() -> None:
    bumps = [make_bump("A", "One", image="demisto/a"), make_bump("B", "Two", image="demisto/b")]
    (pr,) = plan_pull_requests(bumps, MANY).pull_requests
    (left,) = plan_pull_requests(bumps[1:], MANY, open_images(pr)).pull_requests
    assert (left.branch, [image.repository for image in left.images]) == (pr.branch, ["demisto/b"])


@pytest.mark.parametrize("before", [True, False])
def test_what_is_open_stays_when_the_setting_changes(before: bool) -> None:
    bumps = [make_bump("A", "One", image="demisto/a"), make_bump("B", "Two", image="demisto/b")]
    plan = plan_pull_requests(bumps, replace(MANY, together=before))
    existing = [one for pr in plan.pull_requests for one in open_images(pr)]
    assert plan_pull_requests(bumps, replace(MANY, together=not before), existing) == plan


def test_batch_that_a_person_holds_counts_once_against_max_open() -> None:
    held = [OpenPullRequest("b", "#1", f"demisto/{name}", (name,), hold_reason="edited") for name in "xyz"]
    plan = plan_pull_requests(make_bumps("A", 1), Limits(max_open=2, together=True), held)
    assert len(plan.pull_requests) == 1


def test_what_follows_is_counted_by_batches() -> None:
    bumps = [bump for pack in "ABCD" for bump in make_bumps(pack, 5, image=f"demisto/{pack.lower()}")]
    one_each = Limits(max_items=10, max_new_per_run=1)
    for limits, passes in ((one_each, 3), (replace(one_each, together=True), 1)):
        queue = forecast(plan_pull_requests(bumps, limits).waiting, limits)
        assert queue.passes == passes


_TARGETS = st.sampled_from(["1.0.0.8", "1.0.0.9"])


def lists_of_bumps(targets: st.SearchStrategy[str]) -> st.SearchStrategy[list[Bump]]:
    return st.lists(_bumps(targets), unique_by=lambda bump: bump.path)


def _bumps(targets: st.SearchStrategy[str]) -> st.SearchStrategy[Bump]:
    return st.builds(
        lambda bump, wave, group: replace(bump, wave=wave, risk_group=group),
        st.builds(
            make_bump,
            st.sampled_from("ABCDEFGH"),
            st.sampled_from(["One", "Two", "Three", "Four", "Five"]),
            image=st.sampled_from([f"demisto/{name}" for name in ("python3", "boto3", "ml", "zeep")]),
            target=targets,
        ),
        st.sampled_from(["", "", "first"]),
        st.sampled_from(["", "", "breaking"]),
    )


_BUMPS = lists_of_bumps(_TARGETS)


@given(_BUMPS, st.integers(1, 8), st.integers(0, 4))
def test_plan_holds_to_its_bounds(bumps: list[Bump], max_items: int, new: int) -> None:
    plan = plan_pull_requests(bumps, replace(MANY, max_items=max_items, max_new_per_run=new))
    planned = [path for pr in plan.pull_requests for path in pr.paths]
    assert sorted([*planned, *(wait.bump.path for wait in plan.waiting)]) == sorted(b.path for b in bumps)
    assert len(plan.pull_requests) <= new
    packs = Counter(pack for pr in plan.pull_requests for pack in pr.packs)
    assert set(packs.values()) <= {1}
    for pr in plan.pull_requests:
        assert len(pr.bumps) <= max_items or len(pr.packs) == len(pr.images) == 1
        assert len({image.repository for image in pr.images}) == len(pr.images)
        assert len({(bump.wave, bump.risk_group) for bump in pr.bumps}) == 1
        assert sorted(path for image in pr.images for path in image.paths) == list(pr.paths)
        assert all(b.target == image.target for image in pr.images for b in image.bumps)


@given(_BUMPS, st.integers(1, 8))
def test_no_two_pull_requests_that_fit_together_are_left_apart(bumps: list[Bump], max_items: int) -> None:
    plan = plan_pull_requests(bumps, replace(MANY, max_items=max_items))
    prs = [(pr, {image.repository for image in pr.images}) for pr in plan.pull_requests]
    for number, (one, images) in enumerate(prs):
        for other, others in prs[number + 1 :]:
            few = len(one.bumps) * 2 <= max_items and len(other.bumps) * 2 <= max_items
            same = (one.wave, one.risk_group) == (other.wave, other.risk_group)
            assert not (few and same and images.isdisjoint(others))


@given(lists_of_bumps(st.just("1.0.0.9")), st.integers(1, 8), st.data())
def test_rest_of_a_plan_comes_out_again_when_a_pass_was_killed_on_the_way(
    bumps: list[Bump], max_items: int, data: st.DataObject
) -> None:
    limits = replace(MANY, max_items=max_items)
    plan = plan_pull_requests(bumps, limits)
    made = data.draw(st.sets(st.integers(0, len(plan.pull_requests))))
    existing = [one for n, pr in enumerate(plan.pull_requests) if n in made for one in open_images(pr)]
    again = plan_pull_requests(bumps, limits, existing)
    assert again.pull_requests == plan.pull_requests


@given(_BUMPS, st.integers(1, 8), st.integers(1, 3))
def test_everything_is_done_when_everything_is_merged(bumps: list[Bump], max_items: int, new: int) -> None:
    left, limits = list(bumps), replace(MANY, max_items=max_items, max_new_per_run=new)
    while left:
        done = {path for pr in plan_pull_requests(left, limits).pull_requests for path in pr.paths}
        assert done
        left = [bump for bump in left if bump.path not in done]


def test_closed_batch_keeps_out_each_of_its_images_and_no_other() -> None:
    bumps = [make_bump("A", "One", image="demisto/a"), make_bump("B", "Two", image="demisto/b")]
    closed = [ClosedPullRequest("#1", f"demisto/{name.lower()}", "1.0.0.9", (name,)) for name in "AB"]
    newer = [make_bump("A", "One", image="demisto/a", target="1.0.0.10"), bumps[1]]
    plan = plan_pull_requests(newer, MANY, closed=closed)
    assert images_of(plan) == [["demisto/a"]]
    assert [wait.reason for wait in plan.waiting] == [WaitReason.CLOSED_BY_MAINTAINER]
