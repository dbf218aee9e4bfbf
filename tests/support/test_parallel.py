import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autobump.support import parallel as second_core
from autobump.support.lock import lock
from autobump.support.parallel import map_in_two_processes


def square(tasks: Sequence[int]) -> list[int]:
    return [task * task for task in tasks]


def die(_: Sequence[int]) -> list[int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def fail(_: Sequence[int]) -> list[int]:
    raise ValueError("only in the second process")


@pytest.fixture(autouse=True)
def forks_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_core, "may_fork", lambda: True)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 10, 11])
def test_results_come_in_the_order_of_the_tasks(number: int) -> None:
    tasks = range(number)
    assert map_in_two_processes(tasks, square, square, worth=True) == square(tasks)


def test_half_of_the_work_is_done_by_another_process() -> None:
    def where(tasks: Sequence[int]) -> list[int]:
        return [os.getpid()] * len(tasks)

    found = map_in_two_processes(range(10), where, where, worth=True)
    assert found[::2] == [os.getpid()] * 5
    assert os.getpid() not in found[1::2]


def test_little_work_is_done_alone() -> None:
    assert map_in_two_processes(range(10), square, die, worth=False) == square(range(10))


@pytest.mark.parametrize("others", [die, fail])
def test_second_process_that_ends_early_costs_nothing_but_time(
    others: Callable[[Sequence[int]], list[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert map_in_two_processes(range(10), square, others, worth=True) == square(range(10))
    assert capfd.readouterr().err == ""


def test_failure_of_the_first_process_ends_the_second_and_is_told() -> None:
    def sleep(tasks: Sequence[int]) -> list[int]:
        signal.pause()
        return list(tasks)

    with pytest.raises(ValueError, match="only in the second process"):
        map_in_two_processes(range(10), fail, sleep, worth=True)
    assert multiprocessing.active_children() == []


def test_results_larger_than_a_pipe_arrive() -> None:
    def large(tasks: Sequence[int]) -> list[bytes]:
        return [bytes([task]) * 1_000_000 for task in tasks]

    assert map_in_two_processes(range(6), large, large, worth=True) == large(range(6))


def test_answer_that_is_cut_off_is_made_here() -> None:
    def cut_off(tasks: Sequence[int]) -> list[bytes]:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return [bytes(1_000_000)] * len(tasks)  # more than the pipe takes before somebody reads

    def wait_for_its_end(tasks: Sequence[int]) -> list[bytes]:
        if len(tasks) == 3 and 0 in tasks:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        return [bytes([task]) for task in tasks]

    found = map_in_two_processes(range(6), wait_for_its_end, cut_off, worth=True)
    assert found == [bytes([task]) for task in range(6)]


ORPHAN = """
import os, pathlib, signal, sys, time
from autobump.support import parallel as second_core
from autobump.support.lock import lock
folder = pathlib.Path(sys.argv[1])
def others(tasks):
    (folder / "pid").write_text(str(os.getpid()))
    while not (folder / "go").exists():
        time.sleep(0.01)
    return [bytes(1_000_000) for _ in tasks]
def mine(tasks):
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
with lock(folder, "a place"):
    second_core.map_in_two_processes(range(10), mine, others, worth=True)
"""


def test_second_process_of_a_killed_one_holds_no_lock_and_ends(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", ORPHAN, tmp_path], check=False)
    assert killed.returncode == -signal.SIGKILL
    orphan = os.pidfd_open(int((tmp_path / "pid").read_text()))
    with lock(tmp_path, "a place"):
        (tmp_path / "go").touch()
    ended, _, _ = select.select([orphan], [], [], 60)
    os.close(orphan)
    assert ended
