"""Passes on a machine that fails them: a clear line, the right exit code, and a right pass afterwards."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.support.git import Blob, Git
from tests.fixtures.disks import small_disk
from tests.fixtures.repositories import branches, make_repository, script_pack
from tests.fixtures.tools import miss
from tests.fixtures.warm import WarmProcess, warm_process

OLD, NEW, NEWER = "3.9.8.24399", "3.12.13.12042988", "3.12.14.13000000"
_PROJECT = Path(__file__).resolve().parents[2]


class Machine:
    """A folder with a repository, a tag file and a home, and passes in processes of their own."""

    def __init__(self, folder: Path, warm: WarmProcess, repository: Path | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.warm = warm
        self.folder = folder
        self.git = make_repository(
            repository or folder / "r",
            {
                path: text
                for pack in ("A", "B", "Caf\u00e9")
                for path, text in script_pack(pack, {f"S{pack}": f"demisto/python3:{OLD}"}).items()
            },
        )
        self.tags = folder / "tags.json"
        self.publish(NEW)
        self.home = folder / "home"
        self.home.mkdir()
        config = folder / "autobump.yml"
        config.write_text("pull_requests: {max_items: 1}\n")
        self.options = [
            "--repo",
            str(self.git.directory),
            "--tags",
            "file:tags.json",
            "--config",
            "autobump.yml",
        ]

    def publish(self, *tags: str) -> None:
        self.tags.write_text(json.dumps({"demisto/python3": [OLD, *tags]}))

    def end(
        self, command: str, *more: str, env: Mapping[str, str] | None = None, limit: int | None = None
    ) -> tuple[int, str, str]:
        environment = os.environ | {"HOME": str(self.home)} | dict(env or {})
        arguments = (command, *self.options, *more)
        ended = self.warm.run(*arguments, folder=self.folder, env=environment, file_limit=limit)
        return ended.status, ended.output, ended.errors

    def end_fresh(
        self, command: str, *more: str, env: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Run a command in an interpreter that starts with it."""
        environment = os.environ | {"HOME": str(self.home), "PYTHONPATH": str(_PROJECT)} | dict(env or {})
        line = [sys.executable, "-m", "autobump", command, *self.options, *more]
        done = subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def run(self) -> int:
        """Run a pass in this process, whose machine is sound, and return its exit code."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("HOME", str(self.home))
            return run_command(["run", *self.options])

    def pass_is_right(self, *, apart: bool = False) -> None:
        """Assert that the next pass succeeds, and that the one after it finds nothing to do.

        Args:
            apart: Each is made in a process of its own, which leaves no file open.
        """

        def run() -> int:
            return self.end("run")[0] if apart else self.run()

        assert run() == 0
        heads = branches(self.git)
        assert len(heads) == 3
        assert (run(), branches(self.git)) == (0, heads)


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProcess]:
    with warm_process(tmp_path_factory.mktemp("warm") / "here", {}) as process:
        yield process


@pytest.fixture
def machine(tmp_path: Path, warm: WarmProcess) -> Machine:
    return Machine(tmp_path, warm)


def fails(ended: tuple[int, str, str], status: int, words: str) -> None:
    code, out, err = ended
    assert (code, out) == (status, ""), err
    assert words in err
    assert "Traceback" not in err
    assert "unexpected" not in err


def test_cache_that_cannot_be_made_is_done_without(machine: Machine) -> None:
    (machine.home / ".cache").write_text("in the way")
    code, _, err = machine.end("run")
    assert code == 0
    assert "going on without a cache" in err
    assert "Traceback" not in err
    (machine.home / ".cache").unlink()
    machine.pass_is_right()


def test_cache_deleted_while_a_pass_uses_it_costs_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(machine.folder)
    monkeypatch.setenv("HOME", str(machine.home))
    original = Git.read_objects

    def deleting(self: Git, oids: Iterable[str], *, max_bytes: int) -> Iterator[Blob]:
        shutil.rmtree(machine.home / ".cache", ignore_errors=True)
        return original(self, oids, max_bytes=max_bytes)

    monkeypatch.setattr(Git, "read_objects", deleting)
    assert run_command(["run", *machine.options]) == 0
    assert "Traceback" not in capsys.readouterr().err
    machine.pass_is_right()


def test_full_disk_is_told_and_changes_no_branch(machine: Machine) -> None:
    # No process of the pass may write a byte into any file.
    fails(machine.end("run", "--output", "out.json", limit=0), 1, "is the disk full?")
    assert branches(machine.git) == {}
    machine.pass_is_right()


@pytest.mark.parametrize("leave", [0, 8192, 65_536])
def test_full_disk_below_the_cache_costs_the_cache_alone(
    tmp_path: Path, warm: WarmProcess, leave: int
) -> None:
    machine = Machine(tmp_path / "m", warm)
    with small_disk(machine.home / ".cache", 1) as disk:
        disk.fill(leave=leave)
        code, _, err = machine.end("run")
        assert code == 0, err
        assert "Traceback" not in err
        assert len(branches(machine.git)) == 3
        if not leave:
            assert "going on without a cache" in err
        disk.empty()
        machine.publish(NEW, NEWER)
        machine.pass_is_right()
        assert machine.end("run")[2] == ""


@pytest.mark.parametrize("filled", [False, True])
def test_cache_that_became_read_only_costs_nothing(tmp_path: Path, warm: WarmProcess, filled: bool) -> None:
    machine = Machine(tmp_path / "m", warm)
    with small_disk(machine.home / ".cache", 2) as disk:
        if filled:
            machine.pass_is_right(apart=True)
            machine.publish(NEW, NEWER)
        disk.allow_writing(False)
        code, _, err = machine.end("run")
        assert (code, len(branches(machine.git))) == (0, 3)
        assert "going on without a" in err
        assert "Traceback" not in err
        disk.allow_writing(True)
        machine.pass_is_right()


def test_full_disk_below_the_repository_moves_all_branches_or_none(tmp_path: Path, warm: WarmProcess) -> None:
    ends: set[tuple[int, int]] = set()
    with small_disk(tmp_path / "disk", 4) as disk:
        machine = Machine(tmp_path / "m", warm, tmp_path / "disk/r")
        for leave in (0, 8192, 16_384, 24_576, 1 << 20):
            disk.fill(leave=leave)
            code, out, err = machine.end("run")
            ends.add((code, len(branches(machine.git))))
            if code:
                fails((code, out, err), 1, "no branch was changed")
                assert err.count("\n") == 1
            disk.empty()
            assert machine.end("run")[0] == 0
            assert len(branches(machine.git)) == 3
            assert machine.git.run("for-each-ref", "refs/autobump/") == b""
            for branch in branches(machine.git):
                machine.git.run("update-ref", "-d", f"refs/heads/{branch}")
    assert ends == {(1, 0), (0, 3)}


def test_lock_that_a_killed_git_left_is_named(machine: Machine) -> None:
    machine.pass_is_right()
    machine.publish(NEW, NEWER)
    before = branches(machine.git)
    lock = machine.git.directory / f"refs/heads/{sorted(before)[0]}.lock"
    lock.touch()
    ended = machine.end("run")
    fails(ended, 1, f"{lock.name}': File exists")
    assert "no branch was changed" in ended[2]
    assert branches(machine.git) == before
    lock.unlink()
    machine.pass_is_right()


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_full_disk_below_the_result_is_told_and_the_older_result_stays(
    tmp_path: Path, warm: WarmProcess, option: str
) -> None:
    machine = Machine(tmp_path / "m", warm)
    with small_disk(tmp_path / "disk", 1) as disk:
        result = disk.folder / "result.json"
        result.write_text("older")
        disk.fill(leave=0)
        code, out, err = machine.end("run", "--format", "json", option, str(result))
        assert code == 1
        assert len(json.loads(out)["pull_requests"]) == 3
        assert err == f"autobump: cannot write {result}: No space left on device\n"
        assert result.read_text() == "older"
        disk.empty()
        machine.pass_is_right()
        assert machine.end("run", "--format", "json", option, str(result))[0] == 0
        assert len(json.loads(result.read_text())["pull_requests"]) == 3
        assert sorted(disk.folder.iterdir()) == [result]


@pytest.mark.parametrize("leave", [0, 4096])
def test_full_disk_below_temporary_files_is_told_or_done_without(
    tmp_path: Path, warm: WarmProcess, leave: int
) -> None:
    machine = Machine(tmp_path / "m", warm)
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill(leave=leave)
        code, out, err = machine.end("run", env={"TMPDIR": str(disk.folder)})
        if code:  # with nothing left at all Python takes another folder
            fails((code, out, err), 1, "the machine does not let the pass go on: No space left on device")
            assert branches(machine.git) == {}
        machine.pass_is_right()


def test_result_that_cannot_be_written_is_told(machine: Machine) -> None:
    if not Path("/dev/full").exists():
        miss("the system has no /dev/full")
    environment = os.environ | {"HOME": str(machine.home), "PYTHONPATH": str(_PROJECT)}
    command = [sys.executable, "-m", "autobump", "plan", *machine.options]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command, cwd=machine.folder, env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    fails((done.returncode, "", done.stderr.decode()), 1, "No space left on device")


def test_missing_git_is_told(machine: Machine) -> None:
    fails(machine.end("run", env={"PATH": str(machine.folder)}), 2, "git was not found on the PATH")
    machine.pass_is_right()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            '#!/bin/sh\ncase "$*" in *version) echo git version 1.8.3.1;; *) exit 129;; esac\n',
            "1.8.3.1 is too old",
        ),
        ("#!/bin/sh\nexit 129\n", "git does not even tell its version"),
    ],
)
def test_ancient_or_broken_git_is_told(machine: Machine, script: str, words: str) -> None:
    stub = machine.folder / "bin/git"
    stub.parent.mkdir()
    stub.write_text(script)
    stub.chmod(0o755)
    path = f"{stub.parent}:{os.environ['PATH']}"
    fails(machine.end("run", env={"PATH": path}), 2, words)
    machine.pass_is_right()


def test_git_too_old_for_a_partial_clone_is_told_as_the_cause(machine: Machine) -> None:
    machine.git.run("config", "uploadpack.allowFilter", "true")
    clone = machine.folder / "partial"
    source = machine.git.directory.as_uri()
    Git(machine.folder).run("clone", "--quiet", "--no-checkout", "--filter=blob:none", source, str(clone))
    git = shutil.which("git")
    stub = machine.folder / "bin/git"
    stub.parent.mkdir()
    stub.write_text(
        f"""#!/bin/sh
case "$*" in
version) echo git version 2.28.0 ;;
*--no-write-fetch-head*) echo "error: unknown option" >&2; exit 129 ;;
*) exec {git} "$@" ;;
esac
"""
    )
    stub.chmod(0o755)
    path = {"PATH": f"{stub.parent}:{os.environ['PATH']}"}
    ended = machine.end("plan", "--repo", str(clone), env=path)
    fails(ended, 2, "git version 2.28.0 is too old; autobump needs git 2.29 or newer")
    assert "partial clone" not in ended[2]
    assert machine.end("plan", "--repo", str(clone))[0] == 0


def test_git_that_may_not_be_run_is_told(machine: Machine) -> None:
    stub = machine.folder / "bin/git"
    stub.parent.mkdir()
    stub.write_text("no program")
    fails(machine.end("run", env={"PATH": str(stub.parent)}), 2, "the git on the PATH may not be run")


def test_missing_home_costs_nothing(machine: Machine) -> None:
    # The folder of the account counts then; the cache is put elsewhere, to leave that one alone.
    (machine.folder / "autobump.yml").write_text("registry: {cache: cache}\npull_requests: {max_items: 1}\n")
    process = subprocess.run(
        [sys.executable, "-m", "autobump", "plan", *machine.options],
        cwd=machine.folder,
        env={name: value for name, value in os.environ.items() if name != "HOME"}
        | {"PYTHONPATH": str(_PROJECT)},
        capture_output=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, b"")


def test_home_that_nobody_has_is_told(machine: Machine) -> None:
    (machine.folder / "autobump.yml").write_text("registry: {cache: ~nobody-of-this-name/cache}\n")
    code, _, err = machine.end("run")
    assert code == 0
    assert "there is no home folder for the cache" in err
    missing = machine.end("plan", "--tags", "file:~nobody-of-this-name/tags.json")
    fails(missing, 2, "~nobody-of-this-name/tags.json: there is no such home folder")


def test_locale_without_utf_8_reads_and_shows_the_same(machine: Machine) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    path = "Packs/Caf\u00e9/Scripts/SCaf\u00e9/SCaf\u00e9.yml"
    for more in (("--path", path), ("--pack", "Caf\u00e9"), ("--format", "markdown")):
        plain, other = machine.end("plan", *more), machine.end_fresh("plan", *more, env=ascii_only)
        assert plain == other
        assert plain[0] == 0
    assert machine.end_fresh("run", env=ascii_only)[0] == 0
    machine.pass_is_right()


class JumpingClock(datetime):
    """The time of the machine, off by some days."""

    off = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "JumpingClock":
        return super().now(tz) + cls.off


@pytest.mark.parametrize("days", [(-400,), (400,), (0, -400, 400, -1)], ids=["back", "forward", "all along"])
def test_clock_that_jumps_changes_nothing(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    days: tuple[int, ...],
) -> None:
    """It jumps whenever it is looked at, and between passes."""
    machine.pass_is_right()
    heads = branches(machine.git)
    jumps, true_time = itertools.cycle(days), time.time
    with monkeypatch.context() as patch:
        patch.chdir(machine.folder)
        patch.setenv("HOME", str(machine.home))
        patch.setattr(time, "time", lambda: true_time() + next(jumps) * 24 * 3600)
        patch.setattr("autobump.passes.open.datetime", JumpingClock)
        for day in days:
            JumpingClock.off = timedelta(days=day)
            assert run_command(["run", *machine.options]) == 0
            assert capsys.readouterr().err == ""
            assert branches(machine.git) == heads
        machine.publish(NEW, NEWER)
        assert run_command(["run", *machine.options]) == 0
        assert len(branches(machine.git)) == 3
    machine.pass_is_right()
