from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.planning.pauses import pause
from autobump.planning.plan import WaitReason
from autobump.planning.waves import Turns, WavePullRequest
from tests.fixtures.bumps import make_bump

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
IMAGE = "demisto/python3"
A, B = make_bump("A", "One"), make_bump("B", "Two")


def merged(*bumps: Bump, days: int, image: str = IMAGE, paths: bool = True) -> WavePullRequest:
    """Return a pull request of these items that was merged so many days ago."""
    named = tuple(bump.path for bump in bumps) if paths else ()
    packs = tuple(bump.item.pack for bump in bumps)
    done = NOW - timedelta(days=days)
    return WavePullRequest(image, "1.0.0.5", "", named, False, done, packs, is_merged=True)


def paused(*prs: WavePullRequest, bumps: tuple[Bump, ...] = (A, B), interval: timedelta = FORTNIGHT) -> Turns:
    return pause(bumps, prs, interval, NOW)


def packs(turns: Turns) -> list[str]:
    return [wait.bump.item.pack for wait in turns.waiting]


def test_item_waits_until_the_time_since_its_last_update_has_passed() -> None:
    turns = paused(merged(A, days=13))
    (wait,) = turns.waiting
    assert turns.ready == (B,)
    assert wait.reason is WaitReason.TOO_SOON
    assert wait.detail == (
        "its last update was merged on 2026-06-02, and the next one comes from 2026-06-16 12:00 UTC on"
    )
    assert packs(paused(merged(A, days=14))) == []


def test_without_an_interval_nothing_waits() -> None:
    assert paused(merged(A, days=0), interval=timedelta()) == Turns((A, B), ())


def test_last_update_counts_whatever_came_before_and_in_whatever_order_they_are_told() -> None:
    old, young = merged(A, days=40), merged(A, days=3)
    assert packs(paused(old, young)) == packs(paused(young, old)) == ["A"]


def test_what_fixes_something_of_security_goes_out_at_once() -> None:
    urgent = replace(A, fixes_security=True)
    assert paused(merged(A, B, days=1), bumps=(urgent, B)).ready == (urgent,)


def test_what_is_open_already_stays_open() -> None:
    opened = WavePullRequest(IMAGE, "1.0.0.9", "", (A.path,), is_open=True, packs=("A",))
    assert packs(paused(merged(A, B, days=1), opened)) == ["B"]
    unnamed = replace(opened, paths=())
    assert packs(paused(merged(A, B, days=1), unnamed)) == ["B"]


def test_open_pull_request_frees_its_own_items_alone() -> None:
    other = make_bump("A", "Other")
    opened = WavePullRequest(IMAGE, "1.0.0.9", "", (other.path,), is_open=True, packs=("A",))
    assert packs(paused(merged(A, days=1), opened)) == ["A"]


def test_merged_pull_request_that_names_no_items_counts_for_its_packs() -> None:
    assert packs(paused(merged(A, days=1, paths=False))) == ["A"]


def test_merged_pull_request_that_names_items_says_nothing_of_others_of_the_pack() -> None:
    assert packs(paused(merged(make_bump("A", "Other"), days=1))) == []


def test_update_of_another_image_does_not_count() -> None:
    assert packs(paused(merged(A, days=1, image="demisto/other"))) == []


def test_what_was_closed_unmerged_and_what_has_no_date_does_not_count() -> None:
    closed = replace(merged(A, days=1), is_merged=False)
    undated = replace(merged(B, days=1), done_at=None)
    assert packs(paused(closed, undated)) == []


@given(
    ages=st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 40)), max_size=8),
    interval=st.integers(0, 30),
)
def test_item_waits_exactly_while_its_youngest_update_is_younger_than_the_interval(
    ages: list[tuple[str, int]], interval: int
) -> None:
    bumps = {"A": A, "B": B}
    prs = [merged(bumps[pack], days=days) for pack, days in ages]
    turns = paused(*prs, interval=timedelta(days=interval))
    assert sorted([*packs(turns), *(bump.item.pack for bump in turns.ready)]) == ["A", "B"]
    for pack in "AB":
        mine = [days for name, days in ages if name == pack]
        assert (pack in packs(turns)) == (bool(mine) and min(mine) < interval)
