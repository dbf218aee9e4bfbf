from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.planning.plan import Limits, WaitReason, plan_pull_requests
from autobump.planning.waves import REST, Turns, Wave, WaveData, WavePullRequest, take_turns
from tests.fixtures.bumps import make_bump

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
IMAGE, TARGET = "demisto/python3", "1.0.0.9"
ONE, TWO = Wave("one", packs=("A",)), Wave("two", packs=("B",))
A, B, C = (make_bump(pack, pack) for pack in "ABC")


def turns(
    bumps: Sequence[Bump],
    waves: Sequence[Wave] = (ONE, TWO),
    prs: Sequence[WavePullRequest] = (),
    refused: frozenset[tuple[str, str, str]] = frozenset(),
    facts: WaveData | None = None,
) -> Turns:
    return take_turns(bumps, waves, prs, refused, facts or WaveData(), NOW)


def pr(
    wave: str, *bumps: Bump, is_open: bool = False, done: datetime | None = NOW, target: str = TARGET
) -> WavePullRequest:
    return WavePullRequest(
        IMAGE, target, wave, tuple(b.path for b in bumps), is_open, None if is_open else done
    )


def ready(found: Turns) -> dict[str, str]:
    return {bump.item.pack: bump.wave for bump in found.ready}


def waiting(found: Turns) -> dict[str, str]:
    assert all(wait.reason is WaitReason.WAITING_FOR_WAVE for wait in found.waiting)
    return {wait.bump.item.pack: wait.detail for wait in found.waiting}


def test_without_waves_everything_is_ready() -> None:
    assert ready(turns([A, B, C], ())) == {"A": "", "B": "", "C": ""}


def test_first_wave_goes_first_and_the_others_wait() -> None:
    found = turns([A, B, C])
    assert ready(found) == {"A": "one"}
    assert waiting(found) == dict.fromkeys("BC", "the wave one comes first: 1 item to go")


def test_wave_waits_while_a_pull_request_of_the_one_before_is_open() -> None:
    found = turns([A, B], prs=[pr("one", A, is_open=True)])
    assert ready(found) == {"A": "one"}
    assert "B" in waiting(found)


def test_wave_opens_when_the_one_before_is_merged() -> None:
    assert ready(turns([B, C], prs=[pr("one", A)])) == {"B": "two"}


def test_wave_opens_when_the_one_before_is_closed_and_its_items_stay_out() -> None:
    found = turns([A, B], prs=[pr("one", A)], refused=frozenset({(IMAGE, TARGET, "A")}))
    # What was closed is handed on, so that planning can say so.
    assert ready(found) == {"A": "one", "B": "two"}


def test_wave_that_nothing_is_in_holds_nobody_up() -> None:
    assert ready(turns([B, C])) == {"B": "two"}


def test_what_no_wave_takes_comes_last() -> None:
    found = turns([C], prs=[pr("one", A), pr("two", B)])
    assert ready(found) == {"C": REST}


def test_next_wave_waits_until_the_soak_time_is_over() -> None:
    soaking = replace(ONE, soak=timedelta(days=3))
    early = turns([B], (soaking, TWO), [pr("one", A, done=NOW - timedelta(days=2))])
    assert waiting(early) == {"B": "the wave one soaks until 2026-06-02 12:00 UTC"}
    assert ready(turns([B], (soaking, TWO), [pr("one", A, done=NOW - timedelta(days=3))])) == {"B": "two"}


def test_soak_time_counts_from_the_last_pull_request() -> None:
    soaking = replace(ONE, soak=timedelta(days=3))
    done = [pr("one", A, done=NOW - timedelta(days=9)), pr("one", C, done=NOW - timedelta(days=1))]
    assert "B" in waiting(turns([B], (soaking, TWO), done))


def test_newer_target_begins_with_the_first_wave_again() -> None:
    newer = [replace(bump, target=make_bump("X", "X", target="1.0.0.10").target) for bump in (A, B)]
    found = turns(newer, prs=[pr("one", A), pr("two", B, is_open=True)])
    assert ready(found) == {"A": "one"}
    assert "B" in waiting(found)


def test_images_roll_out_on_their_own() -> None:
    other = make_bump("B", "Other", image="demisto/other")
    assert {bump.path for bump in turns([A, other]).ready} == {A.path, other.path}


def test_what_is_open_stays_open_whatever_becomes_of_its_wave() -> None:
    found = turns([A, B], prs=[pr("two", B, is_open=True)])
    assert ready(found) == {"A": "one", "B": "two"}


def test_pull_request_from_before_the_waves_goes_on() -> None:
    assert ready(turns([B], prs=[pr("", B, is_open=True)])) == {"B": ""}


def test_full_wave_leaves_the_rest_to_the_next_that_takes_it() -> None:
    waves = [Wave("few", max_items=2), Wave("many")]
    bumps = [make_bump("P", f"I{number}") for number in range(5)]
    found = turns(bumps, waves)
    assert [bump.path for bump in found.ready] == [bump.path for bump in bumps[:2]]
    assert len(found.waiting) == 3


def test_full_wave_stays_full_when_its_items_are_merged() -> None:
    waves = [Wave("few", max_items=2), Wave("many")]
    bumps = [make_bump("P", f"I{number}") for number in range(5)]
    found = turns(bumps[2:], waves, [pr("few", *bumps[:2])])
    assert [(bump.path, bump.wave) for bump in found.ready] == [(bump.path, "many") for bump in bumps[2:]]


def test_waves_select_by_coverage_support_and_nightly_tests() -> None:
    facts = WaveData({A.path.replace(".yml", ".py").lower(): 91.9}, frozenset({"B"}))
    assert Wave("w", min_coverage=91.9).accepts(A, facts)
    assert not Wave("w", min_coverage=92).accepts(A, facts)
    assert Wave("w", max_coverage=0).accepts(B, facts)
    assert Wave("w", nightly=True).accepts(B, facts)
    assert not Wave("w", nightly=True).accepts(A, facts)
    assert Wave("w", nightly=False).accepts(A, facts)
    assert Wave("w", support=("xsoar",)).accepts(A, facts)
    assert not Wave("w", support=("partner",)).accepts(A, facts)
    assert not Wave("w", images=("demisto/x*",)).accepts(A, facts)


def test_pass_over_a_part_opens_no_wave_that_was_not_open() -> None:
    found = take_turns([B], (ONE, TWO), (), frozenset(), WaveData(), NOW, partial=True)
    assert waiting(found) == {"B": "a pass over a part cannot tell whether the wave one is done"}
    begun = [pr("two", C, is_open=True)]
    assert ready(take_turns([B], (ONE, TWO), begun, frozenset(), WaveData(), NOW, partial=True)) == {
        "B": "two"
    }


def test_wave_that_says_nothing_but_its_name_takes_every_item_and_any_number() -> None:
    assert Wave("w") == Wave("w", 0, 100, (), None, (), (), None, timedelta())
    assert WaveData() == WaveData({}, frozenset())
    assert WavePullRequest(IMAGE, TARGET, "w", (), True).done_at is None


def test_wave_behind_the_last_keeps_its_name() -> None:
    assert REST == "rest"


def test_items_of_every_image_wait_on_their_own() -> None:
    others = [make_bump(pack, "Other", image="demisto/other") for pack in "AB"]
    found = turns([A, B, *others])
    assert {wait.bump.path for wait in found.waiting} == {B.path, others[1].path}
    assert {bump.path for bump in found.ready} == {A.path, others[0].path}


def test_without_waves_nothing_waits() -> None:
    assert turns([A], ()).waiting == ()


def test_pull_request_of_a_wave_that_is_not_set_any_more_goes_on_and_the_rest_has_none() -> None:
    found = turns([A, B], (), [pr("one", A, is_open=True)])
    assert ready(found) == {"A": "one", "B": ""}
    assert found.waiting == ()


def test_wave_counts_the_items_of_all_of_its_pull_requests() -> None:
    waves = [Wave("few", max_items=2), Wave("many")]
    bumps = [make_bump("P", f"I{number}") for number in range(3)]
    found = turns(bumps[2:], waves, [pr("few", bumps[0]), pr("few", bumps[1])])
    assert [bump.wave for bump in found.ready] == ["many"]


def test_wave_that_comes_first_says_how_many_of_its_items_are_open_or_to_come() -> None:
    more = [make_bump("A", f"More{number}") for number in range(2)]
    found = turns([A, B, *more], prs=[pr("one", *more, is_open=True)])
    assert waiting(found) == {"B": "the wave one comes first: 3 items to go"}


def test_each_item_is_updated_once_in_its_wave_and_no_wave_opens_before_the_last_has_soaked() -> None:
    soak = timedelta(days=2)
    waves = [Wave("one", packs=("A",), soak=soak), Wave("two", packs=("B", "C"), soak=soak)]
    left = [make_bump(pack, f"{pack}{n}") for pack in "ABCDE" for n in range(3)]
    wave_of = {bump.path: {"A": "one", "B": "two", "C": "two"}.get(bump.item.pack, REST) for bump in left}
    merged: list[WavePullRequest] = []
    began: dict[str, datetime] = {}
    now = NOW
    for _ in range(20):
        for planned in plan_pull_requests(
            take_turns(left, waves, merged, frozenset(), WaveData(), now).ready, Limits(max_items=3)
        ).pull_requests:
            assert {wave_of[path] for path in planned.paths} == {planned.wave}
            began.setdefault(planned.wave, now)
            merged.append(WavePullRequest(IMAGE, TARGET, planned.wave, planned.paths, False, now))
            left = [bump for bump in left if bump.path not in planned.paths]
        now += timedelta(days=1)
    assert left == []
    assert sorted(path for one in merged for path in one.paths) == sorted(wave_of)
    assert began == {"one": NOW, "two": NOW + soak, REST: NOW + 2 * soak}


def test_updates_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    bumps = [make_bump("A", f"Item{number}") for number in range(20)]
    opened = [pr("one", *bumps[:10], is_open=True)]

    def refuse(*_: object) -> bool:
        raise AssertionError("the cost would grow with the square of their number")

    monkeypatch.setattr(Bump, "__eq__", refuse)
    assert len(turns(bumps, prs=opened).ready) == 20
