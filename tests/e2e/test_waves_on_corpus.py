"""A rollout in three waves over a whole real content repository, with merges and closings by people."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autobump.content.cache import ContentCache
from autobump.content.tree import ContentTree
from autobump.forges.github.api import GitHubPace
from autobump.forges.github.client import connect_with_token
from autobump.forges.github.forge import GitHubForge, GitHubOptions
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.evaluate import Filters
from autobump.passes.one import Pass
from autobump.passes.result import PassResult
from autobump.planning.waves import REST, WaveData
from autobump.pull_requests.marker import find_marker
from autobump.settings.model import Settings
from autobump.support.git import Git
from autobump.support.progress import Silent
from autobump.support.secrets import Secret
from tests.fixtures.github import GitHubStandIn, Pull
from tests.fixtures.servers import serve

START = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
SOAK = timedelta(days=2)
IMAGES = ("demisto/python", "demisto/python3", "demisto/crypto", "demisto/boto3py3", "demisto/netmiko")
"""Most of the items, and packs that use several of these images."""

WAVES: list[dict[str, Any]] = [
    {"name": "well tested", "min_coverage": 70, "soak": "2 days", "labels": ["wave-1"]},
    {"name": "tested", "min_coverage": 30, "soak": "2 days"},
    {"name": "hardly tested"},
]
SETTINGS = Settings.model_validate(
    {
        "pull_requests": {"max_items": 40, "max_open": 60, "max_new_per_run": 60, "write_pause": "0 seconds"},
        "rollout": {"waves": WAVES, "coverage_report": "coverage.json"},
    }
)
WITHOUT = SETTINGS.model_copy(update={"rollout": Settings().rollout})
ANEW = SETTINGS.model_copy(update={"rollout": SETTINGS.rollout.model_copy(update={"replace": "always"})})


def coverage_of(path: str) -> float:
    """Make up the coverage of a Python file, always the same."""
    return int(hashlib.sha256(path.encode()).hexdigest()[:8], 16) % 101


def paths_of(pull: Pull) -> tuple[str, ...]:
    marker = find_marker(pull.body)
    return marker.paths if marker else ()


class Rollout:
    """A repository on GitHub, the bot, and people who merge what it opens."""

    def __init__(self, folder: Path, corpus_repository: Path, tags: SnapshotSource) -> None:
        Git(folder).run("clone", "--quiet", "--bare", str(corpus_repository), "content.git")
        git = Git(folder / "content.git")
        branch = git.line("symbolic-ref", "--short", "HEAD")
        self.github = GitHubStandIn(git, base=branch)
        self.tags = tags
        self.cache = ContentCache(folder / "cache")
        self.now = START
        self.settings = SETTINGS
        self.merged: list[tuple[datetime, str, str, str]] = []
        files = git.run("ls-tree", "-r", "--name-only", branch).decode().split("\n")
        self.coverage = {path.lower(): coverage_of(path) for path in files if path.endswith(".py")}

    def wave_of(self, path: str) -> str:
        """Return the wave an item should be in; one without a Python file has no coverage."""
        percent = self.coverage.get(f"{path[:-4]}.py".lower(), 0)
        return next(str(wave["name"]) for wave in WAVES if percent >= wave.get("min_coverage", 0))

    def plan(self, settings: Settings) -> PassResult:
        return self._pass(settings).plan()

    def run(self, url: str) -> PassResult:
        api = connect_with_token(Secret("bot-token"), url, "demisto/content", GitHubPace(write_seconds=0))
        prs = SETTINGS.pull_requests
        options = GitHubOptions(base=self.github.base, branch_prefix=prs.branch_prefix, labels=prs.labels)
        self.github.now = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
        self.github.calls_left = 5_000
        result = self._pass(self.settings).run(GitHubForge(api, options), dry_run=False)
        assert not [outcome.failure for outcome in result.outcomes or () if outcome.failure]
        return result

    def merge_all(self) -> None:
        for pull in self.github.open_pulls():
            marker = find_marker(pull.body)
            assert marker is not None
            assert self.github.merge(pull.number)
            self.merged += [(self.now, marker.wave, path, marker.target) for path in marker.paths]

    def _pass(self, settings: Settings) -> Pass:
        tree = ContentTree.open(self.github.git.directory, self.github.base)
        return Pass(
            tree,
            settings,
            self.tags,
            self.now,
            Silent(),
            Filters(images=IMAGES),
            self.cache,
            wave_data=WaveData(self.coverage),
        )


@pytest.fixture
def rollout(tmp_path: Path, corpus_repository: Path, corpus_tags: SnapshotSource) -> Rollout:
    return Rollout(tmp_path, corpus_repository, corpus_tags)


@pytest.mark.corpus
def test_each_item_is_updated_once_in_its_wave_and_none_is_forgotten(rollout: Rollout) -> None:
    everything = {bump.path: bump for bump in rollout.plan(WITHOUT).evaluation.bumps}
    assert len(everything) > 700
    closed: set[str] = set()
    with serve(rollout.github.answer) as server:
        for day in range(60):
            rollout.now = START + timedelta(days=day)
            result = rollout.run(server.url)
            if not rollout.github.open_pulls() and not result.evaluation.bumps:
                break
            left = {wait.bump.path for wait in result.plan.waiting if wait.reason != "closed-by-maintainer"}
            if not rollout.github.open_pulls() and not left:
                break
            if day == 0:  # a person does not want one of them
                pull = rollout.github.open_pulls()[0]
                marker = find_marker(pull.body)
                assert marker is not None
                packs = set(marker.packs)
                rollout.github.close(pull.number)
                closed |= {
                    path
                    for path, bump in everything.items()
                    if bump.item.pack in packs and bump.image.repository == marker.image
                }
            rollout.merge_all()
    updated = Counter(path for _, _, path, _ in rollout.merged)
    assert set(updated.values()) == {1}
    assert set(updated) | closed == set(everything)
    assert not set(updated) & closed
    for _, wave, path, target in rollout.merged:
        assert wave == rollout.wave_of(path)
        assert target == everything[path].target.tag.text
    for image in IMAGES:
        order = [
            (at, [one["name"] for one in WAVES].index(wave))
            for at, wave, path, _ in rollout.merged
            if everything[path].image.repository == image
        ]
        for number in (1, 2):
            before = max((at for at, wave in order if wave < number), default=START - SOAK)
            after = min((at for at, wave in order if wave == number), default=before + SOAK)
            assert after >= before + SOAK, f"{image} opened wave {number + 1} too early"
    labelled = {
        rollout.wave_of(path)
        for pull in rollout.github.pulls
        if "wave-1" in pull.labels
        for path in paths_of(pull)
    }
    assert labelled == {"well tested"}


@pytest.mark.corpus
def test_newer_target_in_the_middle_begins_with_the_first_wave_again_where_any_may(rollout: Rollout) -> None:
    image = "demisto/crypto"
    rollout.settings = ANEW
    waiting = {bump.path for bump in rollout.plan(WITHOUT).evaluation.bumps if bump.image.repository == image}
    newer = "9.9.9.99999999"
    with serve(rollout.github.answer) as server:
        result = rollout.run(server.url)
        rollout.merge_all()
        first = {path for _, _, path, _ in rollout.merged if path in waiting}
        # A pack that python3 has, too, goes with python3 first: it has more items.
        busy = {wait.bump.path for wait in result.plan.waiting if wait.reason == "pack-busy"} & waiting
        assert first | busy == {path for path in waiting if rollout.wave_of(path) == "well tested"}
        assert len(first) > len(busy)
        tags = {name: list(rollout.tags.fetch_tags(name)) for name in IMAGES}
        rollout.tags = SnapshotSource(
            {name: [one.name for one in found] + [newer] * (name == image) for name, found in tags.items()}
        )
        rollout.now += SOAK
        result = rollout.run(server.url)
        opened = {path for pull in rollout.github.open_pulls() for path in paths_of(pull)} & waiting
        assert {rollout.wave_of(path) for path in opened} == {"well tested"}
        reasons = {wait.reason for wait in result.plan.waiting if wait.bump.path in waiting - first}
        assert reasons <= {"waiting-for-wave", "pack-busy"}
        for _ in range(20):
            rollout.now += SOAK
            rollout.merge_all()
            result = rollout.run(server.url)
            if not rollout.github.open_pulls() and not result.plan.waiting:
                break
    to_newer = Counter(path for _, _, path, target in rollout.merged if target == newer)
    assert set(to_newer) == waiting
    assert set(to_newer.values()) == {1}


def test_rest_is_no_name_that_a_wave_may_have() -> None:
    assert REST not in {wave["name"] for wave in WAVES}
