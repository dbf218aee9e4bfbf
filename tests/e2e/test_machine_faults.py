"""Passes on a machine that fails them: a clear line, the right exit code, and a right pass afterwards."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from autobump.cli import run_command
from autobump.git import Blob, Git
from tests.support.repositories import branches, make_repository, script_pack

OLD, NEW = "3.9.8.24399", "3.12.13.12042988"
_PROJECT = Path(__file__).resolve().parents[2]


class Machine:
    """A folder with a repository, a tag file and a home, and passes in processes of their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.git = make_repository(
            folder / "r",
            {
                path: text
                for pack in ("A", "B", "Caf\u00e9")
                for path, text in script_pack(pack, {f"S{pack}": f"demisto/python3:{OLD}"}).items()
            },
        )
        self.tags = folder / "tags.json"
        self.tags.write_text(json.dumps({"demisto/python3": [OLD, NEW]}))
        self.home = folder / "home"
        self.home.mkdir()
        config = folder / "autobump.yml"
        config.write_text("pull_requests: {max_items: 1}\n")
        self.options = ["--repo", "r", "--tags", "file:tags.json", "--config", "autobump.yml"]

    def start(
        self, command: str, *more: str, env: Mapping[str, str] | None = None, limit: int | None = None
    ) -> subprocess.Popen[bytes]:
        def set_limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit or 0, limit or 0))

        before: Callable[[], None] | None = None if limit is None else set_limit
        environment = os.environ | {"HOME": str(self.home), "PYTHONPATH": str(_PROJECT)} | dict(env or {})
        return subprocess.Popen(
            [sys.executable, "-m", "autobump", command, *self.options, *more],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=before,
        )

    def end(
        self, command: str, *more: str, env: Mapping[str, str] | None = None, limit: int | None = None
    ) -> tuple[int, str, str]:
        process = self.start(command, *more, env=env, limit=limit)
        out, err = process.communicate()
        return process.returncode, out.decode(), err.decode()

    def pass_is_right(self) -> None:
        """Assert that the next pass succeeds, and that the one after it finds nothing to do."""
        assert self.end("run")[0] == 0
        heads = branches(self.git)
        assert len(heads) == 3
        assert (self.end("run")[0], branches(self.git)) == (0, heads)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


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
        for file in machine.home.rglob("*.sqlite*"):
            file.unlink()
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_result_that_cannot_be_written_is_told(machine: Machine) -> None:
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


def test_locale_without_utf_8_reads_and_shows_the_same(machine: Machine) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    path = "Packs/Caf\u00e9/Scripts/SCaf\u00e9/SCaf\u00e9.yml"
    for more in (("--path", path), ("--pack", "Caf\u00e9"), ("--format", "markdown")):
        plain, other = machine.end("plan", *more), machine.end("plan", *more, env=ascii_only)
        assert plain == other
        assert plain[0] == 0
    assert machine.end("run", env=ascii_only)[0] == 0
    machine.pass_is_right()


def test_clock_that_jumps_back_changes_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.pass_is_right()
    heads = branches(machine.git)
    monkeypatch.chdir(machine.folder)
    monkeypatch.setenv("HOME", str(machine.home))
    yesterday = time.time() - 400 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: yesterday)
    assert run_command(["run", *machine.options]) == 0
    assert capsys.readouterr().err == ""
    assert branches(machine.git) == heads


def test_pass_killed_at_any_moment_ends_right_the_next_time(tmp_path: Path) -> None:
    undisturbed = Machine(tmp_path / "calm")
    started = time.monotonic()
    assert undisturbed.end("run")[0] == 0
    length = time.monotonic() - started
    expected = trees(undisturbed.git)
    chance = random.Random(20260601)  # noqa: S311 - the same moments every time are wanted
    machine = Machine(tmp_path / "killed")
    killed = 0
    for _ in range(40):
        for branch in branches(machine.git):
            machine.git.run("update-ref", "-d", f"refs/heads/{branch}")
        process = machine.start("run")
        try:
            process.communicate(timeout=chance.uniform(0.0, length))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert len(branches(machine.git)) in (0, len(expected))
        code, _, err = machine.end("run")
        assert (code, trees(machine.git)) == (0, expected), err
    assert killed > 20


def trees(git: Git) -> dict[str, str]:
    """Return every branch with its tree; commits tell the time, which differs."""
    return {branch: git.line("rev-parse", f"{head}^{{tree}}") for branch, head in branches(git).items()}
