import os
import signal
from collections.abc import Callable, Sequence

import pytest

from autobump import second_core
from autobump.second_core import share_work


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
    assert share_work(tasks, square, square, worth=True) == square(tasks)


def test_half_of_the_work_is_done_by_another_process() -> None:
    def where(tasks: Sequence[int]) -> list[int]:
        return [os.getpid()] * len(tasks)

    found = share_work(range(10), where, where, worth=True)
    assert found[::2] == [os.getpid()] * 5
    assert os.getpid() not in found[1::2]


def test_little_work_is_done_alone() -> None:
    assert share_work(range(10), square, die, worth=False) == square(range(10))


@pytest.mark.parametrize("others", [die, fail])
def test_second_process_that_ends_early_costs_nothing_but_time(
    others: Callable[[Sequence[int]], list[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert share_work(range(10), square, others, worth=True) == square(range(10))
    assert capfd.readouterr().err == ""


def test_failure_of_the_first_process_ends_the_second_and_is_told() -> None:
    def sleep(tasks: Sequence[int]) -> list[int]:
        signal.pause()
        return list(tasks)

    with pytest.raises(ValueError, match="only in the second process"):
        share_work(range(10), fail, sleep, worth=True)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_results_larger_than_a_pipe_arrive() -> None:
    def large(tasks: Sequence[int]) -> list[bytes]:
        return [bytes([task]) * 1_000_000 for task in tasks]

    assert share_work(range(6), large, large, worth=True) == large(range(6))
