"""Rollouts over many days: what is promised to every item, whatever people do and whenever tags come out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.images.choice import Release
from autobump.planning.pauses import pause
from autobump.planning.plan import ClosedPullRequest, Limits, OpenPullRequest, plan_pull_requests
from autobump.planning.rollouts import RolloutRules, keep_targets
from autobump.planning.waves import Wave, WaveData, WavePullRequest, take_turns
from tests.fixtures.bumps import make_bump

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
IMAGE = "demisto/python3"


@cache
def item(pack: str, on: int, newest: int) -> Bump:
    return make_bump(pack, pack, current=f"1.0.0.{on}", target=f"1.0.0.{newest}")


def release(build: int) -> Release:
    return item("X", 0, build).target


@dataclass
class Repository:
    """Items on one image, its registry, and people who merge and close, day after day."""

    waves: tuple[Wave, ...]
    rules: dict[str, Any]
    interval: timedelta
    on: dict[str, int]
    builds: list[int] = field(default_factory=lambda: [1])
    prs: list[tuple[WavePullRequest, str]] = field(default_factory=list)
    updates: list[tuple[str, int, datetime]] = field(default_factory=list)
    now: datetime = NOW

    def run(self, decide: Callable[[], str]) -> None:
        """Make one pass; `decide` says of each open pull request whether it is merged, closed or left."""
        self.now += timedelta(days=1)
        newest = self.builds[-1]
        bumps = [item(pack, on, newest) for pack, on in self.on.items() if on < newest]
        prs = [one for one, _ in self.prs]
        unmerged = [one for one in prs if not one.is_open and not one.is_merged]
        closed = [ClosedPullRequest("#1", IMAGE, one.target, one.packs) for one in unmerged]
        refused = frozenset((IMAGE, one.target, pack) for one in closed for pack in one.packs)
        found = {IMAGE: tuple(release(build) for build in reversed(self.builds))}
        kept = keep_targets(bumps, prs, RolloutRules(found=found, refused=refused, **self.rules))
        stay = [*kept.bumps, *(wait.bump for wait in kept.waiting)]
        assert sorted(bump.path for bump in stay) == sorted(bump.path for bump in bumps)
        turns = take_turns(kept.bumps, self.waves, prs, refused, WaveData(), self.now)
        ready = pause(turns.ready, prs, self.interval, self.now).ready
        opened = [OpenPullRequest(b, b, IMAGE, p.packs, wave=p.wave) for p, b in self.prs if p.is_open]
        plan = plan_pull_requests(ready, Limits(max_items=2), opened, closed)
        finished = [(one, branch) for one, branch in self.prs if not one.is_open]
        now_open = [
            (
                WavePullRequest(
                    IMAGE, planned.target.tag.text, planned.wave, planned.paths, True, None, planned.packs
                ),
                planned.branch,
            )
            for planned in plan.pull_requests
        ]
        self.prs = finished + [(self._end(one, decide()), branch) for one, branch in now_open]

    def _end(self, one: WavePullRequest, decision: str) -> WavePullRequest:
        if decision == "leave":
            return one
        if decision == "merge":
            for pack in one.packs:
                build = int(one.target.split(".")[-1])
                assert build > self.on[pack], "a downgrade, or twice to one tag"
                self.on[pack] = build
                self.updates.append((pack, build, self.now))
        return replace(one, is_open=False, done_at=self.now, is_merged=decision == "merge")

    def merge_all(self) -> None:
        """Merge everything from now on until all items have the newest tag."""
        for _ in range(60):
            self.run(lambda: "merge")
            if set(self.on.values()) == {self.builds[-1]}:
                return
        raise AssertionError("items are left behind for ever")


@hypothesis_settings(max_examples=40)
@given(data=st.data())
def test_every_item_is_updated_in_the_end_once_to_a_tag_and_no_last_wave_starves(data: st.DataObject) -> None:
    packs = "ABCDE"
    waves = tuple(
        Wave(f"wave {number}", packs=tuple(group), soak=timedelta(days=data.draw(st.integers(0, 2))))
        for number, group in enumerate(data.draw(st.sampled_from(["A", "AB", "ABC"])))
    )
    days = data.draw(st.integers(0, 10))
    mode = data.draw(st.sampled_from(["security", "never"]))
    repository = Repository(waves, {"replace": mode}, timedelta(days=days), dict.fromkeys(packs, 1))
    decisions = st.sampled_from(["merge", "merge", "merge", "leave"])
    last = data.draw(st.integers(10, 25))
    for day in range(last):
        if day % 2 == 0:  # a tag comes out far more often than a rollout ends
            repository.builds.append(repository.builds[-1] + 1)
        repository.run(lambda: data.draw(decisions))
    behind = {pack: sum(1 for name, _, _ in repository.updates if name == pack) for pack in packs}
    repository.merge_all()
    assert max(behind.values()) - min(behind.values()) <= 1, "a wave was left behind"
    assert len({(pack, build) for pack, build, _ in repository.updates}) == len(repository.updates)
    for pack in packs:
        mine = [at for name, _, at in repository.updates if name == pack]
        assert all(after - before >= timedelta(days=days) for before, after in pairwise(mine))


@hypothesis_settings(max_examples=40)
@given(data=st.data())
def test_people_who_close_keep_nobody_else_waiting_for_ever(data: st.DataObject) -> None:
    waves = (Wave("one", packs=("A", "B")), Wave("two", packs=("C",)))
    repository = Repository(waves, {}, timedelta(), dict.fromkeys("ABCDE", 1))
    decisions = st.sampled_from(["merge", "close", "leave"])
    for day in range(20):
        if day % 3 == 0:
            repository.builds.append(repository.builds[-1] + 1)
        repository.run(lambda: data.draw(decisions))
    repository.builds.append(repository.builds[-1] + 1)
    repository.merge_all()


def test_with_every_newer_tag_beginning_anew_the_last_wave_starves() -> None:
    """What the setting `always` does, and why it is not the default."""
    waves = (Wave("one", packs=("A",), soak=timedelta(days=2)),)
    for mode, starves in (("always", True), ("security", False)):
        repository = Repository(waves, {"replace": mode}, timedelta(), dict.fromkeys("AB", 1))
        for _ in range(20):
            repository.builds.append(repository.builds[-1] + 1)
            repository.run(lambda: "merge")
        assert ("B" not in {pack for pack, _, _ in repository.updates}) is starves
