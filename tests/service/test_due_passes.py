import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autobump.content.tree import ContentTree
from autobump.forges.local_git import LocalGitForge
from autobump.images.sources.snapshot import SnapshotSource
from autobump.passes.one import Pass
from autobump.passes.result import PassResult
from autobump.service.due_passes import LONGEST_BACK_OFF, Runs, back_off
from autobump.settings.load import LoadedSettings
from autobump.settings.model import Settings
from autobump.support.errors import AutobumpError, ForgeError
from autobump.support.http.request_count import RequestCount
from autobump.support.lock import LockTakenError
from autobump.support.progress import Progress
from autobump.support.secrets import Secret
from tests.conftest import NOW
from tests.fixtures.repositories import branches, make_repository, script_pack

LOADED = LoadedSettings(Settings(), "s.yml")
HOURLY = timedelta(hours=1)


class World:
    """A clock that stands still until it is moved, and passes that end as they are told."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)
        self.git = make_repository(folder / "r", script_pack("A", {"One": "demisto/x:1.0.0.1"}))
        self.tags = {"demisto/x": ["1.0.0.1", "1.0.0.2"]}
        self.trouble: BaseException | None = None
        self.seen: list[LoadedSettings] = []
        self.before: Callable[[], None] = lambda: None
        self.runs = Runs(self.perform, self.next_due, LOADED, clock=lambda: self.now)

    def next_due(self, _: object, after: datetime) -> datetime:
        """Passes are due at every full hour."""
        hour = after.replace(minute=0, second=0, microsecond=0)
        return hour if hour == after else hour + HOURLY

    def perform(self, loaded: LoadedSettings, progress: Progress, request_count: RequestCount) -> PassResult:
        self.seen.append(loaded)
        request_count.count_github_call(4_000)
        self.before()
        if self.trouble:
            raise self.trouble
        tree = ContentTree.open(self.git.directory)
        forge = LocalGitForge(self.git, branch_prefix="autobump/", now=NOW)
        return Pass(tree, loaded.settings, SnapshotSource(self.tags), NOW, progress).run(forge, dry_run=False)

    def end(self) -> str:
        last = self.runs.state.last
        return str(last.end) if last else ""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_due_run_makes_a_pass_and_awaits_the_next(world: World) -> None:
    assert world.runs.health().details["status"] == "waiting"
    world.now += timedelta(minutes=1)
    world.runs.run_due()
    assert world.end() == "done"
    assert len(branches(world.git)) == 1
    assert world.runs.state.due == datetime(2026, 6, 1, 1, tzinfo=UTC)
    assert world.runs.health().is_well
    assert world.runs.idle.is_set()


@pytest.mark.parametrize("trouble", [ForgeError("GitHub is away"), AutobumpError("no"), KeyError("odd")])
def test_failed_pass_goes_no_further(
    world: World, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.trouble = trouble
    world.runs.run_due()
    assert world.end() == "failed"
    assert not world.runs.health().is_well
    assert str(trouble) in str(world.runs.health().details)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    world.trouble = None
    world.now += HOURLY
    world.runs.run_due()
    assert world.runs.health().is_well


def test_pass_with_a_failure_in_it_is_incomplete_and_not_held_up(world: World) -> None:
    source = SnapshotSource(world.tags)

    def broken(loaded: LoadedSettings, progress: Progress, request_count: RequestCount) -> PassResult:
        world.seen.append(loaded)
        tree = ContentTree.open(world.git.directory)
        forge = LocalGitForge(world.git, branch_prefix="autobump/", now=NOW)
        result = Pass(tree, loaded.settings, source, NOW, progress).run(forge, dry_run=True)
        paths = {bump.path: ("tags-unavailable", "away") for bump in result.evaluation.bumps}
        return PassResult(
            result.revision, result.now, result.evaluation.with_refused(paths), result.plan, (), ()
        )

    runs = Runs(broken, world.next_due, LOADED, clock=lambda: world.now)
    for _ in range(4):
        runs.run_due()
    assert len(world.seen) == 4
    assert runs.state.last is not None
    assert (runs.state.last.end, runs.state.last.detail) == (
        "incomplete",
        "1 item without an answer of the registry or git",
    )
    assert not runs.health().is_well


def test_back_off_doubles_up_to_half_a_day() -> None:
    minutes = [back_off(failures) / timedelta(minutes=1) for failures in range(13)]
    assert minutes == [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720]
    assert back_off(10_000) == LONGEST_BACK_OFF


def test_due_runs_are_left_out_after_repeated_failures_until_the_time_is_over(world: World) -> None:
    world.trouble = ForgeError("GitHub is away")
    world.runs.run_due()
    world.runs.run_due()
    assert len(world.seen) == 2
    world.now += timedelta(seconds=119)
    world.runs.run_due()
    assert len(world.seen) == 2
    world.now += timedelta(seconds=1)
    world.runs.run_due()
    assert len(world.seen) == 3
    world.now += timedelta(minutes=3, seconds=59)
    world.runs.run_due()
    assert len(world.seen) == 3
    assert b'autobump_runs_left_out_total{reason="backing-off"} 2.0' in world.runs.metrics.render()

    world.trouble = None
    world.now += timedelta(seconds=1)
    world.runs.run_due()
    world.trouble = ForgeError("again")
    for expected in (5, 6):
        world.runs.run_due()
        assert len(world.seen) == expected


def test_health_awaits_the_first_run_after_the_back_off(world: World) -> None:
    world.trouble = ForgeError("GitHub is away")
    for _ in range(8):
        world.runs.run_due()
        world.now += LONGEST_BACK_OFF
    assert world.runs.state.due == datetime(2026, 6, 4, 15, tzinfo=UTC)  # 128 minutes after noon


def test_new_settings_count_from_the_next_pass_and_end_the_back_off(world: World) -> None:
    world.trouble = ForgeError("GitHub is away")
    world.runs.run_due()
    world.runs.run_due()
    other = LoadedSettings(Settings(), "other.yml")
    world.runs.use(other)
    world.runs.run_due()
    assert [loaded.origin for loaded in world.seen] == ["s.yml", "s.yml", "other.yml"]


def test_run_that_finds_another_process_at_work_is_left_out(world: World) -> None:
    world.trouble = LockTakenError("process 7 is at work")
    world.now += timedelta(minutes=1)
    world.runs.run_due()
    assert world.runs.state.last is None
    assert world.runs.state.running_since is None
    assert world.runs.health().is_well
    assert b'autobump_runs_left_out_total{reason="locked"} 1.0' in world.runs.metrics.render()
    assert b'autobump_passes_total{end="failed"} 0.0' in world.runs.metrics.render()


def test_pass_told_to_stop_ends_at_its_next_step_and_none_begins_after_it(world: World) -> None:
    world.before = world.runs.stop.set
    world.runs.run_due()
    assert world.end() == "stopped"
    assert branches(world.git) == {}
    world.runs.run_due()
    assert len(world.seen) == 1


def test_pass_that_hangs_is_overdue_though_later_runs_come_and_go(world: World) -> None:
    hanging, release = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        release.wait()

    world.before = hang
    thread = threading.Thread(target=world.runs.run_due)
    thread.start()
    hanging.wait()
    assert not world.runs.idle.is_set()
    world.now += timedelta(minutes=59)
    world.runs.leave_out("busy")
    assert world.runs.health().is_well
    world.now += timedelta(minutes=2)
    world.runs.leave_out("busy")
    assert world.runs.health().details["status"] == "overdue"
    release.set()
    thread.join()
    assert world.runs.health().is_well


def test_health_shows_no_secret(world: World) -> None:
    Secret("MARKED-7f3a")
    for trouble in (ForgeError("bad MARKED-7f3a"), ValueError("bad MARKED-7f3a")):
        world.trouble = trouble
        world.runs.run_due()
        assert "bad ***" in str(world.runs.health().details)
