"""Shares work with a second process, where that is quick and safe."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def map_in_two_processes(
    tasks: Sequence[_Task],
    mine: Callable[[Sequence[_Task]], list[_Result]],
    others: Callable[[Sequence[_Task]], list[_Result]],
    *,
    worth: bool,
) -> list[_Result]:
    """Do half of the tasks here and half in a forked process.

    Args:
        tasks: The fork sees them as they are; nothing of them is sent.
        mine: Does tasks in this process; all of them where there is no second one, or it ended early.
        others: Does the same in the second process. Its results are sent, and must be plain.
        worth: Whether there is so much to do that a fork is worth it.

    Returns:
        The results in the order of the tasks.
    """
    if not worth or len(tasks) < 2 or not may_fork():
        return mine(tasks)
    from multiprocessing import get_context

    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_serve, args=(receiver, sender, others, tasks[1::2]), daemon=True)
    child.start()
    sender.close()
    try:
        here = mine(tasks[::2])
        try:
            there: list[_Result] = receiver.recv()
        except (EOFError, OSError):  # killed for want of memory, say, maybe in the middle of its answer
            there = mine(tasks[1::2])
    finally:
        receiver.close()
        child.kill()
        child.join()
    return [result for pair in zip_longest(here, there) for result in pair][: len(tasks)]


def may_fork() -> bool:
    """Whether a fork is quick and safe here: other threads could hold locks that the child would wait for."""
    return sys.platform == "linux" and threading.active_count() == 1 and (os.cpu_count() or 1) > 1


def _serve(
    receiver: "Connection",
    sender: "Connection",
    work: Callable[[Sequence[_Task]], list[_Result]],
    tasks: Sequence[_Task],
) -> None:
    receiver.close()  # or an answer to a process that is gone would wait for its reader for ever
    # Ctrl-C reaches the whole group; the first process ends both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sender.send(work(tasks))
    except Exception:
        os._exit(1)  # the first process does it again and says what is wrong, if it is still there
