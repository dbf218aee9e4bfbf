import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.images.results import NotFound, Unavailable
from autobump.planning.order import rank_lags
from autobump.planning.plan import Limits, OpenPullRequest, WaitReason, plan_pull_requests
from autobump.planning.pull_request import PlannedPullRequest
from tests.fixtures.bumps import make_bump, make_bumps
from tests.fixtures.quarter import Quarter, list_releases, merge_all

MANY = Limits(max_open=1000, max_new_per_run=1000)


def in_order(bumps: list[Bump], limits: Limits = MANY) -> list[PlannedPullRequest]:
    """Return the pull requests in the order in which limits let them through."""
    order: list[PlannedPullRequest] = []
    most = len(plan_pull_requests(bumps, limits).pull_requests)
    for number in range(1, most + 1):
        bounded = Limits(limits.max_items, max_open=number, max_new_per_run=limits.max_new_per_run)
        order += [pr for pr in plan_pull_requests(bumps, bounded).pull_requests if pr not in order]
    return order


def test_pull_request_with_most_items_comes_first_whatever_its_image_is_called() -> None:
    bumps = (
        make_bumps("A", 1, image="demisto/accessdata")
        + make_bumps("B", 3, image="demisto/boto3")
        + make_bumps("C", 9, image="demisto/python3")
    )
    assert [pr.repository for pr in in_order(bumps)] == [
        "demisto/python3",
        "demisto/boto3",
        "demisto/accessdata",
    ]


def test_those_with_as_many_items_come_by_the_name_of_their_image() -> None:
    images = ["demisto/zeep", "demisto/boto3", "demisto/ml"]
    bumps = [make_bump(f"Pack{number}", "One", image=image) for number, image in enumerate(images)]
    assert [pr.repository for pr in in_order(bumps)] == sorted(images)


@pytest.mark.parametrize("limits", [Limits(max_open=1), Limits(max_new_per_run=1)])
def test_limits_cut_what_achieves_least(limits: Limits) -> None:
    bumps = make_bumps("A", 2, image="demisto/boto3") + make_bumps("B", 3)
    plan = plan_pull_requests(bumps, limits)
    assert [pr.repository for pr in plan.pull_requests] == ["demisto/python3"]
    assert {(w.bump.item.pack, w.reason) for w in plan.waiting} == {("A", WaitReason.LIMIT_REACHED)}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"A": 10, "B": 20, "C": 15, "D": 5}, [("A", "C"), ("B", "D")]),
        ({"A": 5, "B": 6, "C": 20, "D": 19}, [("A", "C"), ("B", "D")]),
        ({"A": 1, "B": 24, "C": 24, "D": 1}, [("A", "B"), ("C", "D")]),
        ({"A": 40, "B": 25, "C": 1}, [("A",), ("B",), ("C",)]),
    ],
)
def test_pack_goes_where_it_leaves_least_room(sizes: dict[str, int], expected: list[tuple[str, ...]]) -> None:
    bumps = [bump for pack, count in sizes.items() for bump in make_bumps(pack, count)]
    assert sorted(pr.packs for pr in plan_pull_requests(bumps, MANY).pull_requests) == expected


def test_pack_of_two_images_goes_with_the_one_that_has_most_items() -> None:
    shared = [make_bump("Shared", "One", image="demisto/boto3"), make_bump("Shared", "Two")]
    bumps = [*shared, *make_bumps("A", 2, image="demisto/boto3"), *make_bumps("B", 3)]
    plan = plan_pull_requests(bumps, MANY)
    assert {pr.repository: pr.packs for pr in plan.pull_requests} == {
        "demisto/python3": ("B", "Shared"),
        "demisto/boto3": ("A",),
    }
    assert [(wait.bump.path, wait.reason) for wait in plan.waiting] == [
        (shared[0].path, WaitReason.PACK_BUSY)
    ]


def test_pack_that_would_end_last_has_its_turn_in_every_pass() -> None:
    """One pack uses eight images; everything else fits into five passes of two."""
    bumps = [make_bump("Common", f"Item{n}", image=f"demisto/image{n}") for n in range(8)]
    bumps += [bump for pack in "ABCDEF" for bump in make_bumps(pack, 25)]
    plans = list(merge_all(bumps, Limits(max_new_per_run=2)))
    assert len(plans) == 8
    assert all(any("Common" in pr.packs for pr in plan.pull_requests) for plan in plans)


def test_pack_of_many_images_takes_no_turn_from_a_larger_one_while_it_will_not_end_last() -> None:
    bumps = [make_bump("Common", f"Item{n}", image=f"demisto/image{n}") for n in range(3)]
    bumps += [bump for pack in "ABCDEF" for bump in make_bumps(pack, 25)]
    plans = list(merge_all(bumps, Limits(max_new_per_run=2)))
    assert [len(pr.bumps) for plan in plans[:3] for pr in plan.pull_requests] == [25] * 6


_BUMPS = st.lists(
    st.builds(
        make_bump,
        st.sampled_from("ABCDEFGH"),
        st.sampled_from(["One", "Two", "Three", "Four", "Five"]),
        image=st.sampled_from(["demisto/python3", "demisto/boto3", "demisto/ml"]),
    ),
    unique_by=lambda bump: bump.path,
)


@given(_BUMPS, st.integers(1, 8), st.data())
def test_rest_of_a_plan_comes_out_again_when_a_pass_was_killed_on_the_way(
    bumps: list[Bump], max_items: int, data: st.DataObject
) -> None:
    limits = Limits(max_items=max_items, max_open=1000, max_new_per_run=1000)
    plan = plan_pull_requests(bumps, limits)
    made = data.draw(st.sets(st.integers(0, len(plan.pull_requests))))
    existing = [
        OpenPullRequest(pr.branch, pr.branch, pr.repository, pr.packs)
        for number, pr in enumerate(plan.pull_requests)
        if number in made
    ]
    assert plan_pull_requests(bumps, limits, existing) == plan


@given(_BUMPS, st.integers(1, 8), st.integers(1, 3))
def test_everything_is_done_when_everything_is_merged(bumps: list[Bump], max_items: int, new: int) -> None:
    plans = merge_all(bumps, Limits(max_items=max_items, max_new_per_run=new))
    done = [path for plan in plans for pr in plan.pull_requests for path in pr.paths]
    assert sorted(done) == sorted(bump.path for bump in bumps)


def test_pull_request_that_is_open_keeps_its_branch_and_its_packs() -> None:
    existing = OpenPullRequest("autobump/boto3/old", "#3", "demisto/boto3", ("A", "B"))
    bumps = [
        make_bump("A", "One", image="demisto/boto3"),
        make_bump("B", "One", image="demisto/boto3"),
        *make_bumps("A", 5),
        *make_bumps("C", 9, image="demisto/boto3"),
    ]
    plan = plan_pull_requests(bumps, MANY, [existing])
    assert ("autobump/boto3/old", ("A", "B")) in [(pr.branch, pr.packs) for pr in plan.pull_requests]
    assert {wait.detail for wait in plan.waiting} == {"the pack A is in #3"}


def test_rank_tells_how_often_the_largest_lag_halves() -> None:
    releases = list_releases({"demisto/python3": range(1, 1001), "demisto/ml": [1, 1000]})
    bumps = [
        make_bump("A", "One", current="1.0.0.999", target="1.0.0.1000"),
        make_bump("A", "Two", current="1.0.0.996", target="1.0.0.1000"),
        make_bump("A", "Three", current="1.0.0.800", target="1.0.0.1000"),
        make_bump("B", "Four", image="demisto/ml", target="1.0.0.1000"),
    ]
    ranks = rank_lags(bumps, releases)
    # Of demisto/ml half of the tags are newer, and of the third item's image a fifth: they are not kept up.
    assert ranks == {bumps[0].path: 9, bumps[1].path: 7}


@pytest.mark.parametrize("found", [None, NotFound("no"), Unavailable("down"), ()])
def test_image_of_which_no_tags_are_known_has_no_rank(found: object) -> None:
    assert rank_lags([make_bump("A", "One")], {"demisto/python3": found} if found is not None else {}) == {}


def test_item_without_a_tag_was_never_kept_up() -> None:
    releases = list_releases({"demisto/python3": range(1, 100)})
    assert rank_lags([make_bump("A", "One", current="")], releases) == {}


def test_item_that_was_just_updated_comes_after_those_that_never_were() -> None:
    releases = list_releases({"demisto/python3": range(100, 900, 10), "demisto/ml": [1, 500]})
    bumps = [
        *(make_bump("Big", f"Item{n}", current="1.0.0.880", target="1.0.0.890") for n in range(20)),
        make_bump("Small", "One", image="demisto/ml", target="1.0.0.500"),
    ]
    ranks = rank_lags(bumps, releases)
    plan = plan_pull_requests(bumps, Limits(max_new_per_run=1), ranks=ranks)
    assert [pr.repository for pr in plan.pull_requests] == ["demisto/ml"]
    both = [*bumps[:20], make_bump("Big", "Two", image="demisto/ml", target="1.0.0.500")]
    plan = plan_pull_requests(both, MANY, ranks=rank_lags(both, releases))
    assert [pr.repository for pr in plan.pull_requests] == ["demisto/ml"], "its pack is free for it, too"


def test_item_is_kept_up_while_an_eighth_of_the_tags_of_its_image_is_newer_and_no_more() -> None:
    releases = list_releases({"demisto/python3": range(1, 81)})
    ranks = rank_lags([make_bump("A", "One", current="1.0.0.70", target="1.0.0.80")], releases)
    assert ranks == {"Packs/A/Scripts/One/One.yml": 0}
    assert rank_lags([make_bump("A", "One", current="1.0.0.69", target="1.0.0.80")], releases) == {}
    assert rank_lags([make_bump("A", "One", current="1.0.0.80", target="1.0.0.80")], releases) == {}
    assert rank_lags([], releases) == {}


def test_items_on_the_same_tag_of_an_image_have_the_same_rank() -> None:
    releases = list_releases({"demisto/python3": range(1, 101), "demisto/ml": range(1, 101)})
    bumps = [
        make_bump("A", "One", current="1.0.0.99", target="1.0.0.100"),
        make_bump("A", "Two", current="1.0.0.99", target="1.0.0.100"),
        make_bump("A", "Three", image="demisto/ml", current="1.0.0.92", target="1.0.0.100"),
        make_bump("B", "Old", image="demisto/ml", current="1.0.0.4", target="1.0.0.100"),
    ]
    assert rank_lags(bumps, releases) == {bumps[0].path: 6, bumps[1].path: 6, bumps[2].path: 3}


def test_lag_counts_from_the_newest_build_of_the_plan_and_is_never_less_than_one() -> None:
    releases = list_releases({"demisto/python3": range(1, 101), "demisto/ml": range(1, 301)})
    bumps = [
        make_bump("A", "One", current="1.0.0.299", target="1.0.0.300", image="demisto/ml"),
        make_bump("A", "Two", current="1.0.0.99", target="1.0.0.100"),
    ]
    # The second is 201 behind the newest build of all, which is the largest lag.
    assert rank_lags(bumps, releases) == {bumps[0].path: 7, bumps[1].path: 0}


def test_those_at_risk_come_after_safe_ones_of_as_many_items() -> None:
    risky = replace(make_bump("A", "One", image="demisto/a"), risk_group="breaking")
    safe = make_bump("B", "Two", image="demisto/b")
    assert [pr.risk_group for pr in in_order([risky, safe])] == ["", "breaking"]
    more = [replace(bump, risk_group="breaking") for bump in make_bumps("C", 2, image="demisto/c")]
    assert [pr.packs for pr in in_order([*more, safe])] == [("C",), ("B",)]


def test_newer_target_of_an_image_comes_first_and_takes_the_pack() -> None:
    older, newer = make_bump("A", "One", target="1.0.0.8"), make_bump("B", "Two", target="1.0.0.9")
    assert [str(pr.target.tag) for pr in in_order([older, newer])] == ["1.0.0.9", "1.0.0.8"]
    both = [make_bump("A", "One", target="1.0.0.8"), make_bump("A", "Two", target="1.0.0.9")]
    assert [pr.paths for pr in in_order(both)] == [(both[1].path,)]
    same_build = [make_bump("A", "One", target="1.0.0.9"), make_bump("B", "Two", target="1.2.0.9")]
    assert [str(pr.target.tag) for pr in in_order(same_build)] == ["1.2.0.9", "1.0.0.9"]


def test_pack_goes_to_what_was_kept_up_least_and_then_to_the_larger_group() -> None:
    old = [make_bump("A", "Old", image="demisto/old"), *make_bumps("B", 3)]
    shared = make_bump("A", "New")
    ranks = {shared.path: 3}
    plan = plan_pull_requests([*old, shared], MANY, ranks=ranks)
    assert {pr.repository: pr.packs for pr in plan.pull_requests} == {
        "demisto/old": ("A",),
        "demisto/python3": ("B",),
    }
    unranked = plan_pull_requests([*old, shared], MANY)
    assert {pr.repository: pr.packs for pr in unranked.pull_requests} == {"demisto/python3": ("A", "B")}


def test_pack_of_safe_items_and_items_at_risk_goes_to_the_safe_ones_however_few() -> None:
    risky = [replace(bump, risk_group="breaking") for bump in make_bumps("A", 5)]
    safe = make_bump("A", "Safe", image="demisto/x")
    plan = plan_pull_requests([*risky, safe], MANY)
    assert [pr.paths for pr in plan.pull_requests] == [(safe.path,)]


def test_what_was_kept_up_least_comes_first_whatever_its_size() -> None:
    large, small = make_bumps("A", 5), make_bump("B", "One", image="demisto/x")
    ranks = dict.fromkeys((bump.path for bump in large), 1)
    for given_ranks, first in ((ranks, "demisto/x"), ({}, "demisto/python3")):
        plan = plan_pull_requests([*large, small], Limits(max_new_per_run=1), ranks=given_ranks)
        assert [pr.repository for pr in plan.pull_requests] == [first]
    # One item that was not kept up is enough.
    partly = {bump.path: 1 for bump in large[1:]}
    plan = plan_pull_requests([*large, small], Limits(max_new_per_run=1), ranks=partly)
    assert [pr.repository for pr in plan.pull_requests] == ["demisto/python3"]


def test_waves_of_an_image_never_share_a_pull_request() -> None:
    bumps = [replace(make_bump(pack, "One"), wave=wave) for pack, wave in (("A", "two"), ("B", "one"))]
    assert [(pr.wave, pr.packs) for pr in in_order(bumps)] == [("one", ("B",)), ("two", ("A",))]


def test_pack_larger_than_a_pull_request_leaves_no_room_and_the_rest_fills_up_exactly() -> None:
    bumps = [
        bump for pack, size in (("A", 26), ("B", 25), ("C", 24), ("D", 1)) for bump in make_bumps(pack, size)
    ]
    assert sorted(pr.packs for pr in plan_pull_requests(bumps, MANY).pull_requests) == [
        ("A",),
        ("B",),
        ("C", "D"),
    ]


def test_among_equals_a_pack_goes_where_room_was_first() -> None:
    bumps = [bump for pack in "ABCD" for bump in make_bumps(pack, 13 if pack in "AB" else 12)]
    assert sorted(pr.packs for pr in plan_pull_requests(bumps, MANY).pull_requests) == [
        ("A", "C"),
        ("B", "D"),
    ]


def make_quarter(
    dice: random.Random, limits: Limits, *, review_passes: int = 0, fair: bool = True
) -> Quarter:
    """Return two large images and forty small ones, some of them in packs of the large ones."""
    bumps: list[Bump] = []
    for number in range(90):
        bumps += make_bumps(f"Pack{number:03}", dice.randint(1, 5), image="demisto/python3")
    for number in range(80, 110):
        bumps += [make_bump(f"Pack{number:03}", "Old", image="demisto/python")]
    builds: dict[str, list[int]] = {
        "demisto/python3": list(range(100, 5000, 50)),
        "demisto/python": list(range(120, 5000, 100)),
    }
    for number in range(40):
        image, pack = f"demisto/small{number:02}", dice.choice([f"Pack{number:03}", f"Own{number:03}"])
        bumps += [
            make_bump(pack, f"{image[8:]}{n}", image=image, current="1.0.0.101")
            for n in range(dice.randint(1, 3))
        ]
        builds[image] = [101, dice.randint(1000, 4000), 4001 + number]
    releases = list_releases(builds)
    quarter = Quarter({bump.path: bump for bump in bumps}, releases, limits, review_passes, fair)
    for image in builds:
        quarter.publish(image)
    return quarter


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("limits", "review_passes", "days", "rebuilt_every"),
    [
        (Limits(max_new_per_run=2, max_open=2), 0, 90, 3),
        (Limits(max_new_per_run=3, max_open=10), 2, 90, 2),
        (Limits(max_new_per_run=1, max_open=1), 0, 300, 5),
        (Limits(max_new_per_run=2, max_open=2), 0, 150, 1),
    ],
)
def test_no_image_waits_for_ever_behind_those_that_are_rebuilt_all_the_time(
    seed: int, limits: Limits, review_passes: int, days: int, rebuilt_every: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    quarter = make_quarter(dice, limits, review_passes=review_passes)
    for day in range(days):
        if day % rebuilt_every == 0:
            quarter.publish("demisto/python3")
            quarter.publish("demisto/python")
            quarter.publish(f"demisto/small{dice.randrange(40):02}")
        quarter.run()
    assert not quarter.never_updated
    assert max(quarter.updates.values()) > 1


def test_without_ranks_small_images_would_wait_for_ever() -> None:
    quarter = make_quarter(random.Random(1), Limits(max_new_per_run=2, max_open=2), fair=False)  # noqa: S311 - a simulation
    for day in range(90):
        if day % 3 == 0:
            quarter.publish("demisto/python3")
            quarter.publish("demisto/python")
        quarter.run()
    assert len(quarter.never_updated) > 30


@pytest.mark.parametrize("every", [1, 2, 4])
def test_small_image_has_its_turn_though_it_is_rebuilt_as_often_as_the_large_one(every: int) -> None:
    bumps = [bump for n in range(40) for bump in make_bumps(f"Pack{n:02}", 5)]
    small = make_bump("Own", "One", image="demisto/small")
    builds = {"demisto/python3": range(1, 1000), "demisto/small": range(1, 1000, 3)}
    quarter = Quarter({b.path: b for b in [*bumps, small]}, list_releases(builds), Limits(max_new_per_run=1))
    for day in range(120):
        if day % every == 0:
            quarter.publish("demisto/small")
            quarter.publish("demisto/python3")
        quarter.run()
    assert quarter.updates[small.path] >= 3
    assert all(quarter.updates[bump.path] >= 3 for bump in bumps)
