import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.planning.plan import ClosedPullRequest, Limits, Waiting, WaitReason, plan_pull_requests
from autobump.planning.queue import (
    QUEUE_HEADERS,
    Queue,
    QueuedImage,
    describe_queue,
    forecast,
    merge_queues,
    queue_rows,
)
from tests.fixtures.bumps import make_bump, make_bumps
from tests.fixtures.quarter import merge_all


def queue_of(bumps: list[Bump], limits: Limits) -> Queue:
    return forecast(plan_pull_requests(bumps, limits).waiting, limits)


def test_each_image_is_told_with_its_items_and_the_passes_until_its_last_one() -> None:
    bumps = [bump for pack in "ABC" for bump in make_bumps(pack, 25)]
    bumps += make_bumps("D", 4, image="demisto/boto3") + make_bumps("E", 1, image="demisto/ml")
    queue = queue_of(bumps, Limits(max_new_per_run=1))
    assert queue.images == (
        QueuedImage("demisto/python3", 50, 2),
        QueuedImage("demisto/boto3", 4, 3),
        QueuedImage("demisto/ml", 1, 4),
    )
    assert (queue.items, queue.passes) == (55, 4)


def test_pack_has_one_pull_request_in_a_pass_however_much_room_there_is() -> None:
    bumps = [make_bump("Common", f"Item{n}", image=f"demisto/image{n}") for n in range(5)]
    queue = queue_of(bumps, Limits())
    assert [(image.repository, image.passes) for image in queue.images] == [
        (f"demisto/image{n}", n) for n in range(1, 5)
    ]


def test_what_is_open_at_once_bounds_a_pass_as_well() -> None:
    bumps = [bump for pack in "ABCDE" for bump in make_bumps(pack, 25)]
    assert queue_of(bumps, Limits(max_open=2, max_new_per_run=10)).passes == 2


@pytest.mark.parametrize("limits", [Limits(max_open=0), Limits(max_new_per_run=0)])
def test_limits_that_let_nothing_through_have_no_end(limits: Limits) -> None:
    queue = queue_of(make_bumps("A", 3), limits)
    assert (queue.items, queue.passes) == (3, None)
    why = "pull_requests.max_open or pull_requests.max_new_per_run is 0"
    assert describe_queue(queue) == f"3 items of 1 image in 1 later pull request, but {why}."
    assert queue_rows(queue) == [("demisto/python3", "3", "-")]


def test_what_waits_for_a_person_does_not_follow_by_itself() -> None:
    bumps = make_bumps("A", 3)
    closed = [ClosedPullRequest("#1", "demisto/python3", "1.0.0.9", ("A",))]
    waiting = plan_pull_requests(bumps, Limits(), closed=closed).waiting
    assert len(waiting) == 3
    assert forecast(waiting, Limits()) == Queue()
    assert describe_queue(Queue()) == ""


def test_one_pass_is_told_as_one() -> None:
    queue = Queue((QueuedImage("demisto/ml", 1, 1),), 1)
    assert describe_queue(queue) == (
        "1 item of 1 image in 1 later pull request: all is done in about 1 more pass at these limits, "
        "if everything is merged between them."
    )


_BUMPS = st.lists(
    st.builds(
        make_bump,
        st.sampled_from("ABCDEFGH"),
        st.sampled_from(["One", "Two", "Three", "Four", "Five"]),
        image=st.sampled_from(["demisto/python3", "demisto/boto3", "demisto/ml"]),
    ),
    min_size=1,
    unique_by=lambda bump: bump.path,
)


@given(_BUMPS, st.integers(1, 8), st.integers(1, 3))
def test_forecast_is_near_to_what_then_happens(bumps: list[Bump], max_items: int, new: int) -> None:
    limits = Limits(max_items=max_items, max_new_per_run=new)
    queue = queue_of(bumps, limits)
    plans = list(merge_all(bumps, limits))
    planned = sum(len(pr.bumps) for pr in plans[0].pull_requests)
    assert queue.items == len(bumps) - planned
    assert abs(queue.pull_requests - sum(len(plan.pull_requests) for plan in plans[1:])) <= 2
    assert queue.passes is not None
    assert abs(queue.passes - (len(plans) - 1)) <= 2


def test_repositories_side_by_side_are_done_when_the_last_one_is() -> None:
    one = Queue((QueuedImage("demisto/ml", 4, 7), QueuedImage("demisto/x", 1, 1)), 5)
    two = Queue((QueuedImage("demisto/x", 9, 2),), 2)
    assert merge_queues(iter([one, two])) == Queue(
        (QueuedImage("demisto/x", 10, 2), QueuedImage("demisto/ml", 4, 7)), 7
    )
    never = Queue((QueuedImage("demisto/x", 9, None),))
    assert merge_queues([one, never]).passes is None


def test_nothing_is_done_in_no_pass() -> None:
    assert (Queue().images, Queue().items, Queue().passes) == ((), 0, 0)
    assert queue_rows(Queue()) == []


def test_queue_reads_as_a_table_and_as_a_sentence() -> None:
    queue = Queue((QueuedImage("demisto/ml", 1_200, 1_500), QueuedImage("demisto/x", 2, 1)), 1_300)
    assert QUEUE_HEADERS == ("Image", "Items", "Passes")
    assert queue_rows(queue) == [("demisto/ml", "1,200", "1,500"), ("demisto/x", "2", "1")]
    assert describe_queue(queue) == (
        "1,202 items of 2 images in 1,300 later pull requests: all is done in about 1,500 more passes at "
        "these limits, if everything is merged between them."
    )


def test_images_with_as_many_items_come_by_name() -> None:
    bumps = [
        make_bump(pack, pack, image=f"demisto/{image}") for pack, image in zip("ABC", "zyx", strict=True)
    ]
    waiting = [Waiting(bump, WaitReason.LIMIT_REACHED, "") for bump in bumps]
    assert [image.repository for image in forecast(waiting, Limits()).images] == [
        "demisto/x",
        "demisto/y",
        "demisto/z",
    ]
    one, two = (Queue((QueuedImage(name, 1, 1),)) for name in ("demisto/b", "demisto/a"))
    assert [image.repository for image in merge_queues([one, two]).images] == ["demisto/a", "demisto/b"]


@pytest.mark.parametrize("reason", WaitReason)
def test_only_what_waits_for_room_is_in_the_queue(reason: WaitReason) -> None:
    waits = reason in (WaitReason.LIMIT_REACHED, WaitReason.PACK_BUSY)
    assert forecast([Waiting(make_bump("A", "One"), reason, "")], Limits()).items == int(waits)


def test_pass_makes_as_many_pull_requests_as_the_limits_allow() -> None:
    bumps = [make_bump(f"P{n}", f"I{n}", image=f"demisto/i{n}") for n in range(5)]
    waiting = [Waiting(bump, WaitReason.LIMIT_REACHED, "") for bump in bumps]
    for new, passes in ((1, [1, 2, 3, 4, 5]), (2, [1, 1, 2, 2, 3]), (5, [1] * 5)):
        queue = forecast(waiting, Limits(max_new_per_run=new))
        assert [image.passes for image in queue.images] == passes


def test_items_of_a_pack_and_an_image_go_together_and_those_of_a_wave_on_their_own() -> None:
    bumps = [*make_bumps("A", 2), *make_bumps("B", 2)]
    waiting = [Waiting(bump, WaitReason.LIMIT_REACHED, "") for bump in bumps]
    one_pass = Limits(max_new_per_run=1)
    assert forecast(waiting, one_pass).images == (QueuedImage("demisto/python3", 4, 1),)
    apart = [replace(wait, bump=replace(wait.bump, wave=wait.bump.item.pack)) for wait in waiting]
    assert forecast(apart, one_pass).images == (QueuedImage("demisto/python3", 4, 2),)
    small = Limits(max_items=2, max_new_per_run=1)
    assert forecast(waiting, small).images == (QueuedImage("demisto/python3", 4, 2),)


def test_image_whose_end_is_not_known_somewhere_has_none() -> None:
    known, never = (Queue((QueuedImage("demisto/x", 1, passes),)) for passes in (3, None))
    assert merge_queues([known, never]).images == (QueuedImage("demisto/x", 2, None),)
    assert Queue((QueuedImage("demisto/x", 1, 3), QueuedImage("demisto/y", 1, None))).passes is None
