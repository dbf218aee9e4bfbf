from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.decisions.risk import ItemRisk
from autobump.images.advisories.compare import AdvisoryDiff
from autobump.images.choice import Release
from autobump.planning.plan import WaitReason
from autobump.planning.rollouts import Kept, ReplaceName, RolloutRules, find_begun, keep_targets
from autobump.planning.waves import WavePullRequest
from tests.fixtures.bumps import make_bump

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
IMAGE = "demisto/python3"


def tag(build: int) -> Release:
    return make_bump("X", "X", target=f"1.0.0.{build}").target


OLDER, RUNNING, NEWER = tag(8), tag(9), tag(10)
FOUND: dict[str, object] = {IMAGE: (NEWER, RUNNING, OLDER, tag(1))}


def item(pack: str, *, on: int = 1, target: Release = NEWER) -> Bump:
    return make_bump(pack, pack, current=f"1.0.0.{on}", target=target.tag.text)


A, B, C = (item(pack) for pack in "ABC")


def pr(
    *bumps: Bump,
    is_open: bool = False,
    is_merged: bool = True,
    target: Release = RUNNING,
    wave: str = "one",
    named: bool = True,
) -> WavePullRequest:
    return WavePullRequest(
        IMAGE,
        target.tag.text,
        wave,
        tuple(bump.path for bump in bumps) if named else (),
        is_open,
        None if is_open else NOW,
        tuple(bump.item.pack for bump in bumps),
        "sha256:nine",
        is_merged and not is_open,
    )


def keep(bumps: Iterable[Bump], *prs: WavePullRequest, found: Any = None, **rules: Any) -> Kept:
    return keep_targets(bumps, prs, RolloutRules(found=found or FOUND, **rules))


def targets(kept: Kept) -> dict[str, int]:
    return {bump.item.pack: bump.target.tag.build for bump in kept.bumps}


def waiting(kept: Kept) -> dict[str, str]:
    assert all(wait.reason is WaitReason.WAITING_FOR_WAVE for wait in kept.waiting)
    return {wait.bump.item.pack: wait.detail for wait in kept.waiting}


def fixing(*builds: int) -> Callable[[str, str, str], bool]:
    """Return what says that each of these tags fixes something that any tag before it has."""
    return lambda image, older, newer: (
        image == IMAGE and int(newer.split(".")[-1]) in builds and int(older.split(".")[-1]) < max(builds)
    )


def test_items_of_a_running_rollout_get_its_target_and_those_that_have_it_wait() -> None:
    done = item("A", on=9)
    kept = keep([done, B, C], pr(A), pr(B, is_open=True, wave="two"))
    assert targets(kept) == {"B": 9, "C": 9}
    assert waiting(kept) == {"A": "the rollout of 1.0.0.9 comes first: 2 items to go"}
    assert {bump.newest for bump in kept.bumps} == {NEWER}
    assert kept.waiting[0].bump.target == NEWER


def test_newest_tag_begins_the_next_rollout_when_the_last_wave_is_merged() -> None:
    done = [item(pack, on=9) for pack in "ABC"]
    assert targets(keep(done, pr(A), pr(B, C, wave="two"))) == {"A": 10, "B": 10, "C": 10}


def test_last_wave_that_is_open_still_runs() -> None:
    done = [item(pack, on=9) for pack in "AB"]
    kept = keep([*done, C], pr(A), pr(B), pr(C, is_open=True, wave="two"))
    assert targets(kept) == {"C": 9}
    assert waiting(kept) == dict.fromkeys("AB", "the rollout of 1.0.0.9 comes first: 1 item to go")


def test_rollout_is_over_when_what_is_left_of_it_was_closed() -> None:
    refused = frozenset({(IMAGE, "1.0.0.9", "B")})
    kept = keep([item("A", on=9), B], pr(A), pr(B, is_merged=False), refused=refused)
    assert targets(kept) == {"A": 10, "B": 10}


def test_what_was_closed_keeps_to_the_target_that_was_refused_while_the_rollout_runs() -> None:
    refused = frozenset({(IMAGE, "1.0.0.9", "B")})
    assert targets(keep([B, C], pr(B, is_merged=False), refused=refused)) == {"B": 9, "C": 9}


def test_update_that_a_person_took_back_does_not_keep_the_rollout_running() -> None:
    assert targets(keep([A, item("B", on=9)], pr(A), pr(B))) == {"A": 10, "B": 10}
    assert targets(keep([A, item("B", on=9)], pr(A, named=False), pr(B))) == {"A": 10, "B": 10}


def test_item_beside_others_of_its_pack_that_are_done_is_still_to_come() -> None:
    beside = make_bump("A", "Beside", target="1.0.0.10")
    assert targets(keep([beside], pr(A))) == {"A": 9}


def test_other_images_and_rollouts_that_never_began_go_on_with_the_newest_tag() -> None:
    other = make_bump("D", "D", image="demisto/other", target="1.0.0.10")
    assert targets(keep([A, other], pr(A, is_open=True))) == {"A": 9, "D": 10}
    assert targets(keep([A])) == {"A": 10}


def test_pull_request_from_before_the_waves_begins_no_rollout() -> None:
    assert targets(keep([A, B], pr(A, is_open=True, wave=""))) == {"A": 10, "B": 10}


def test_newest_rollout_that_began_is_the_one_that_counts() -> None:
    assert targets(keep([A, B, C], pr(A, target=OLDER), pr(B, is_open=True))) == {"A": 9, "B": 9, "C": 9}
    assert targets(keep([A, B], pr(A, target=OLDER, is_open=True), pr(A, target=NEWER))) == {"A": 10, "B": 10}


def test_item_on_a_tag_between_the_two_is_left_alone_until_the_rollout_is_over() -> None:
    found = {IMAGE: (tag(12), tag(11), RUNNING)}
    ahead = item("A", on=11, target=tag(12))
    running = item("B", target=tag(12))
    assert waiting(keep([ahead, running], pr(B, is_open=True), found=found)).keys() == {"A"}
    assert targets(keep([ahead], pr(B), found=found)) == {"A": 12}


def test_item_without_a_tag_that_counts_is_pinned_to_the_running_target() -> None:
    assert targets(keep([make_bump("A", "A", current="", target="1.0.0.10")], pr(B, is_open=True))) == {
        "A": 9
    }


def test_always_begins_anew_with_every_newer_tag() -> None:
    kept = keep([item("A", on=9), B], pr(A), pr(B, is_open=True), replace="always", fixes=fixing())
    assert targets(kept) == {"A": 10, "B": 10}


@pytest.mark.parametrize(("mode", "builds"), [("security", 10), ("never", 9)])
def test_tag_that_fixes_something_of_security_replaces_the_target(mode: ReplaceName, builds: int) -> None:
    kept = keep([A, B], pr(A, is_open=True), replace=mode, fixes=fixing(10))
    assert targets(kept) == {"A": builds, "B": builds}


def test_what_the_running_target_fixes_as_well_does_not_replace_it() -> None:
    urgent = [replace(bump, fixes_security=True) for bump in (A, B)]
    assert targets(keep(urgent, pr(A, is_open=True), fixes=fixing(9))) == {"A": 9, "B": 9}


@pytest.mark.parametrize("mode", ["security", "never"])
def test_target_that_was_withdrawn_or_overwritten_is_replaced(mode: ReplaceName) -> None:
    opened = pr(A, is_open=True)
    withdrawn = {IMAGE: (NEWER, OLDER)}
    assert targets(keep([A, B], opened, found=withdrawn, replace=mode)) == {"A": 10, "B": 10}
    overwritten = frozenset({(IMAGE, "1.0.0.9")})
    assert targets(keep([A, B], opened, overwritten=overwritten, replace=mode)) == {"A": 10, "B": 10}


def test_rollout_before_one_that_was_withdrawn_does_not_come_back() -> None:
    prs = [pr(A, target=OLDER, is_open=True), pr(B, is_open=True)]
    assert targets(keep([A, B], *prs, found={IMAGE: (NEWER, OLDER)})) == {"A": 10, "B": 10}


def test_hold_that_leaves_only_an_older_tag_goes_on_by_itself() -> None:
    held = item("A", target=OLDER)
    kept = keep([held, B], pr(B, is_open=True))
    assert targets(kept) == {"A": 8, "B": 9}


def test_item_that_a_hold_keeps_from_the_running_target_waits_for_the_newer_one() -> None:
    def may_take(bump: Bump, release: Release) -> bool:
        return bump.item.pack != "A" or release.tag.build != 9

    kept = keep([A, B], pr(B, is_open=True), may_take=may_take)
    assert (targets(kept), set(waiting(kept))) == ({"B": 9}, {"A"})
    assert targets(keep([A, item("B", on=9)], pr(B), may_take=may_take)) == {"A": 10, "B": 10}


def test_item_whose_hold_cannot_be_told_waits_unless_its_pull_request_is_open() -> None:
    kept = keep([A, B], pr(B, is_open=True), may_take=lambda *_: None)
    assert (targets(kept), set(waiting(kept))) == ({"B": 9}, {"A"})
    assert "2 items to go" in waiting(kept)["A"]


def test_pass_over_a_part_begins_no_newer_rollout() -> None:
    kept = keep([item("A", on=9)], pr(A), partial=True)
    assert waiting(kept) == {"A": "a pass over a part cannot tell whether the rollout of 1.0.0.9 is done"}


def test_target_that_the_registry_did_not_show_is_kept() -> None:
    kept = keep([item("A", on=9)], pr(A), unconfirmed=frozenset({(IMAGE, "1.0.0.9")}))
    assert waiting(kept) == {"A": "the rollout of 1.0.0.9 comes first"}


def test_what_was_found_out_of_another_target_is_forgotten() -> None:
    seen = replace(A, risk=ItemRisk(()), risk_group="breaking", may_join=False, fixes_security=True)
    seen = replace(seen, advisories=AdvisoryDiff())
    (bump,) = keep([seen], pr(B, is_open=True)).bumps
    assert bump == replace(A, target=RUNNING, newest=NEWER)


def test_item_gets_the_newest_tag_again_when_the_rollout_turns_out_to_be_over() -> None:
    """A later round of the same pass has found that nothing is left of it."""
    kept = keep([A, item("B", on=9)], pr(B))
    assert targets(kept) == {"A": 9}
    again = keep([*kept.bumps, item("B", on=9)], pr(B), refused=frozenset({(IMAGE, "1.0.0.9", "A")}))
    assert {bump.path: (bump.target, bump.newest) for bump in again.bumps} == {
        A.path: (NEWER, None),
        B.path: (NEWER, None),
    }


def test_second_round_changes_nothing() -> None:
    prs = [pr(A), pr(B, is_open=True)]
    first = keep([item("A", on=9), B, C], *prs)
    again = keep([*first.bumps, *(wait.bump for wait in first.waiting)], *prs)
    assert again == first


def test_newest_rollout_of_an_image_and_every_open_one_may_run() -> None:
    prs = [pr(A, target=OLDER), pr(B, target=NEWER), pr(A, is_open=True), pr(C, wave="", target=tag(20))]
    assert find_begun(prs) == {(IMAGE, "1.0.0.10"): {"sha256:nine"}, (IMAGE, "1.0.0.9"): {"sha256:nine"}}
    assert find_begun([replace(pr(A), target="latest")]) == {}
    assert find_begun([replace(pr(A), digest="")]) == {(IMAGE, "1.0.0.9"): set()}


def test_rules_without_settings() -> None:
    rules = RolloutRules()
    assert (rules.replace, rules.partial, rules.may_take(A, NEWER), rules.fixes("", "", "")) == (
        "security",
        False,
        True,
        False,
    )
