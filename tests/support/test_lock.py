import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autobump.support.lock import LockTakenError, lock

HOLDER = """
import sys, time
from pathlib import Path
from autobump.support.lock import lock
with lock(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold_elsewhere(folder: Path, subject: str) -> "subprocess.Popen[bytes]":
    """Hold a lock in another process until it is killed or its stdin closes."""
    command = [sys.executable, "-c", HOLDER, str(folder), subject]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_lock_of_another_process_is_told_with_its_number(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path, "a") as other:
        told = rf"process {other.pid} is at work on a; wait"
        with pytest.raises(LockTakenError, match=told), lock(tmp_path, "a"):
            pass
        with lock(tmp_path, "b"):
            pass


def test_killed_process_lets_go(tmp_path: Path) -> None:
    with hold_elsewhere(tmp_path, "a") as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    with lock(tmp_path, "a"):
        assert (f"{os.getpid()}\n",) == tuple(file.read_text() for file in tmp_path.glob("*.lock"))


def test_lock_is_let_go_when_the_block_ends_or_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock(tmp_path, "a"):
        raise ZeroDivisionError
    with lock(tmp_path, "a"):
        pass


def test_waiting_lock_is_had_once_the_other_lets_go(tmp_path: Path) -> None:
    order: list[str] = []

    def wait() -> None:
        with lock(tmp_path, "a", wait=True):
            order.append("second")

    with lock(tmp_path, "a"):
        thread = threading.Thread(target=wait)
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_no_place_for_a_lock_is_told_and_gone_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with lock(tmp_path / "file" / "locks", "a"), lock(tmp_path / "file" / "locks", "a"):
        pass
    assert [record.message for record in caplog.records] == [
        "going on without a lock; start no second pass at the same time"
    ] * 2


def test_without_a_cache_the_lock_lies_in_the_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with lock(None, "a"), pytest.raises(LockTakenError), lock(None, "a"):
        pass
    (folder,) = tmp_path.iterdir()
    assert folder.name == f"autobump-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
