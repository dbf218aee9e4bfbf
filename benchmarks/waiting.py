"""A year of daily passes over the corpus with real tags on their days: `python -m benchmarks.waiting`.

What autobump opens, refreshes and closes with each value of `rollout.replace`, and with
`policy.min_interval`. People merge three of ten open pull requests a day and close one of fifty; limits are
the default ones. Advisories are those of a later day, so tags are told to fix more than was known then.
"""

import hashlib
import json
import lzma
import random
import tempfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.images.advisories.compare import AdvisoryDiff, compare_matches
from autobump.images.advisories.record import Severity
from autobump.images.advisories.source import AdvisorySource, open_advisories
from autobump.images.choice import Release
from autobump.images.inside.changes import NOT_TOLD, package_key
from autobump.images.reference import find_immutable_tag, parse_image_ref
from autobump.planning.order import FIRST, rank_lags
from autobump.planning.pauses import pause
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.planning.rollouts import ReplaceName, RolloutRules, keep_targets
from autobump.planning.waves import Wave, WaveData, take_turns
from autobump.pull_requests.actions import Close, Create, Refresh
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.reconcile import describe_existing, reconcile
from autobump.pull_requests.render import DesiredPullRequest
from benchmarks.order import read_bumps
from tests.fixtures.corpus import corpus_folder, unpack_content

START = datetime(2025, 5, 31, tzinfo=UTC)
DAYS = 365
MERGED_A_DAY, CLOSED_A_DAY = 0.3, 0.02
_TOLD = 100
"""So many finished pull requests does GitHub tell a pass of."""

WAVES = (
    Wave("well tested", min_coverage=70, soak=timedelta(days=2)),
    Wave("tested", min_coverage=30, soak=timedelta(days=2)),
    Wave("hardly tested"),
)


@dataclass(frozen=True)
class Rule:
    """The settings of one year."""

    name: str
    replace: ReplaceName = "security"
    min_interval: timedelta = timedelta()
    waves: tuple[Wave, ...] = WAVES
    advised: bool = True


RULES = (
    Rule("always", "always"),
    Rule("security"),
    Rule("never", "never"),
    Rule("security, 14 days", "security", timedelta(days=14)),
    Rule("no waves", waves=()),
    Rule("no waves, 14 days", min_interval=timedelta(days=14), waves=()),
    Rule("no waves, 60 days", min_interval=timedelta(days=60), waves=()),
    Rule("60 days, unadvised", min_interval=timedelta(days=60), waves=(), advised=False),
)


@dataclass
class Registry:
    """Real tags on their days, and what they fix."""

    dated: Mapping[str, Sequence[tuple[datetime, Release]]]
    packages: Mapping[tuple[str, str], Mapping[str, str]]
    advisories: AdvisorySource
    _diffs: dict[tuple[str, str, str], bool] = field(default_factory=dict)

    def found(self, at: datetime) -> dict[str, tuple[Release, ...]]:
        """Return what the registry holds at a time, newest first."""
        found = {}
        for image, releases in self.dated.items():
            count = bisect_right([made for made, _ in releases], at)
            known = [release for _, release in releases[:count]]
            found[image] = tuple(sorted(known, key=lambda release: release.tag.order, reverse=True))
        return found

    def fixes(self, image: str, older: str, newer: str) -> bool:
        """Whether moving from one tag to another fixes something severe."""
        key = (image, older, newer)
        if key not in self._diffs:
            self._diffs[key] = self._compare(*key).fixes(Severity.HIGH)
        return self._diffs[key]

    def _compare(self, image: str, older: str, newer: str) -> AdvisoryDiff:
        sides = []
        for tag in (older, newer):
            installed = sorted(self.packages.get((image, tag), {}).items())
            records = self.advisories.find(installed)
            sides.append({one[0]: records[one] for one in installed if one in records})
        return compare_matches(*sides)


def read_registry(folder: Path, images: Set[str] = frozenset()) -> Registry:
    """Return the immutable tags of images, by default all, that have a date, and their packages."""
    everything = json.loads(lzma.decompress((folder / "images-2026-05.json.xz").read_bytes()))
    dated: dict[str, list[tuple[datetime, Release]]] = defaultdict(list)
    packages = {}
    for image in images or everything:
        for name, facts in everything[image].items():
            tag = find_immutable_tag(name)
            if tag and facts and facts.get("created"):
                made = datetime.fromisoformat(facts["created"])
                dated[image].append((made, Release(tag, made, None)))
                told = facts.get("packages") or {}
                packages[image, name] = {
                    key: version[0]
                    for package, version in told.items()
                    if (key := package_key(package)) not in NOT_TOLD
                }
    advisories = open_advisories(f"file:{folder / 'osv-pypi.json.xz'}", None)
    assert advisories is not None
    return Registry(
        {image: sorted(releases, key=lambda one: one[0]) for image, releases in dated.items()},
        packages,
        advisories,
    )


@dataclass
class Year:
    """A repository, its pull requests, and people, day after day."""

    rule: Rule
    registry: Registry
    bumps: dict[str, Bump]
    made: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    updates: Counter[str] = field(default_factory=Counter)
    existing: list[ExistingPullRequest] = field(default_factory=list)
    _numbers: int = 0

    def run(self, days: int) -> None:
        """Make one pass each day."""
        dice = random.Random(20250531)  # noqa: S311 - a simulation, not a secret
        coverage = WaveData({f"{path[:-4]}.py".lower(): _coverage_of(path) for path in self.bumps})
        for day in range(1, days + 1):
            now = START + timedelta(days=day)
            self._pass(now, coverage)
            self._people_act(now, dice)

    def _pass(self, now: datetime, coverage: WaveData) -> None:
        rule, found = self.rule, self.registry.found(now)
        state = describe_existing(self.existing, _everything)
        bumps = [
            replace(bump, target=found[bump.image.repository][0])
            for bump in self.bumps.values()
            if bump.current and found[bump.image.repository][0].tag.build > bump.current.build
        ]
        waiting: set[str] = set()
        if rule.waves and rule.replace != "always":
            rules = RolloutRules(rule.replace, found, state.refused, fixes=self._fixes)
            kept = keep_targets(bumps, state.waves, rules)
            bumps, waiting = list(kept.bumps), {wait.bump.path for wait in kept.waiting}
            assert not waiting & {bump.path for bump in bumps}
        bumps = [
            replace(bump, fixes_security=self._fixes(repository, older, newer))
            for bump in bumps
            for (repository, older), (_, newer) in [bump.tags]
        ]
        ranks = rank_lags(bumps, found) | {bump.path: FIRST for bump in bumps if bump.fixes_security}
        turns = take_turns(bumps, rule.waves, state.waves, state.refused, coverage, now)
        ready = pause(turns.ready, state.waves, rule.min_interval, now).ready
        plan = plan_pull_requests(ready, Limits(), state.open, state.closed, frozenset(), ranks)
        desired = [
            DesiredPullRequest(pr, PullRequestOptions(()), with_notes=True, contexts=(BodyContext(),))
            for pr in plan.pull_requests
        ]
        for action in reconcile(desired, self.existing, (), _everything):
            self.made[f"{now:%Y-%m}"][action.name] += 1
            if isinstance(action, Create | Refresh):
                self._numbers += isinstance(action, Create)
                number = self._numbers if isinstance(action, Create) else action.existing.number
                self._put(number, action.desired.branch, action.desired.marker.at("head"))
            elif isinstance(action, Close):
                self.existing.remove(action.existing)

    def _fixes(self, image: str, older: str, newer: str) -> bool:
        return self.rule.advised and self.registry.fixes(image, older, newer)

    def _put(self, number: int | None, branch: str, marker: Marker) -> None:
        self.existing = [pr for pr in self.existing if pr.number != number]
        opened = ExistingPullRequest(branch, PullRequestState.OPEN, number, None, "head", "", marker)
        self.existing.append(opened)

    def _people_act(self, now: datetime, dice: random.Random) -> None:
        kept: list[ExistingPullRequest] = []
        for pr in sorted(
            self.existing, key=lambda pr: (pr.state is PullRequestState.OPEN, pr.done_at or now)
        ):
            chance = dice.random() if pr.state is PullRequestState.OPEN else 1
            if chance < MERGED_A_DAY and pr.marker is not None:
                self._merge(pr.marker)
                pr = replace(pr, state=PullRequestState.MERGED, head="", done_at=now)
            elif chance < MERGED_A_DAY + CLOSED_A_DAY:
                pr = replace(pr, state=PullRequestState.CLOSED, head="", done_at=now)
            kept.append(pr)
        merged = [pr for pr in kept if pr.state is PullRequestState.MERGED]
        forgotten = {pr.number for pr in merged[:-_TOLD]}
        self.existing = [pr for pr in kept if pr.number not in forgotten]

    def _merge(self, marker: Marker) -> None:
        tag = find_immutable_tag(marker.target)
        for path in marker.paths:
            bump = self.bumps[path]
            assert tag is not None
            assert bump.current is not None
            assert tag.build > bump.current.build, "a downgrade, or twice to one tag"
            image = parse_image_ref(bump.image.with_tag(tag.text))
            self.bumps[path] = replace(bump, image=image, current=tag)
            self.updates[path] += 1

    @property
    def total(self) -> Counter[str]:
        """What was done in the whole time."""
        return sum(self.made.values(), Counter())

    def updates_of(self, wave: str) -> float:
        """Return how often an item of a wave was updated, on average."""
        mine = [self.updates[path] for path in self.bumps if _wave_of(path) == wave]
        return sum(mine) / max(len(mine), 1)


def at_start(bumps: Sequence[Bump], registry: Registry) -> dict[str, Bump]:
    """Return items as they were when the year began: each on the newest tag of that day."""
    found = registry.found(START)
    items = {}
    for bump in bumps:
        known = found.get(bump.image.repository)
        if known:
            image = parse_image_ref(bump.image.with_tag(known[0].tag.text))
            items[bump.path] = replace(bump, image=image, current=known[0].tag)
    return items


def describe(years: Sequence[Year]) -> str:
    """Return the table: opened, refreshed and closed by autobump in each month, by rule."""
    names = ("create", "refresh", "close")
    lines = [
        f"{len(years[0].bumps):,} items; opened / refreshed / closed by autobump",
        f"{'':10}" + "".join(f"{year.rule.name:>20}" for year in years),
    ]
    for month in sorted({month for year in years for month in year.made}):
        cells = [" / ".join(f"{year.made[month][name]:>3}" for name in names) for year in years]
        lines.append(f"{month:10}" + "".join(f"{cell:>20}" for cell in cells))
    cells = [" / ".join(str(year.total[name]) for name in names) for year in years]
    lines.append(f"{'total':10}" + "".join(f"{cell:>20}" for cell in cells))
    lines += ["", "updates of an item in the year, on average"]
    for wave in WAVES:
        lines.append(
            f"{wave.name:14}" + "".join(f"{year.updates_of(wave.name):>20.1f}" for year in years)[4:]
        )
    never = [sum(1 for path in year.bumps if not year.updates[path]) for year in years]
    lines.append(f"{'never updated':14}" + "".join(f"{number:>20}" for number in never)[4:])
    return "\n".join(lines)


def _everything(_: Any) -> bool:
    return True


def _coverage_of(path: str) -> float:
    """Make up the coverage of an item, always the same."""
    return int(hashlib.sha256(path.encode()).hexdigest()[:8], 16) % 101


def _wave_of(path: str) -> str:
    return next(wave.name for wave in WAVES if _coverage_of(path) >= wave.min_coverage)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="autobump-waiting-") as folder:
        bumps = read_bumps(unpack_content(Path(folder) / "content"))
    registry = read_registry(corpus_folder())
    years = []
    for rule in RULES:
        year = Year(rule, registry, at_start(bumps, registry))
        year.run(DAYS)
        years.append(year)
    print(describe(years))


if __name__ == "__main__":
    main()
