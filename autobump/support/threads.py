"""Does work on a few threads that never hold up the end of the program."""

import queue
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TypeVar

from autobump.support.progress import Progress

_Key = TypeVar("_Key")
_Result = TypeVar("_Result")


def map_in_threads(
    work: Callable[[_Key], _Result], keys: Sequence[_Key], threads: int, progress: Progress
) -> dict[_Key, _Result]:
    """Do the work for every key on a few threads, and return the results in the order of the keys.

    The threads are daemons, so that Ctrl-C ends the program at once and waits for no answer.
    """
    waiting: queue.SimpleQueue[_Key] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[_Key, _Result | BaseException]] = queue.SimpleQueue()
    for key in keys:
        waiting.put(key)

    failed = threading.Event()

    def serve() -> None:
        while not failed.is_set():
            try:
                key = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((key, work(key)))
            except BaseException as exc:  # carried to the thread that waits, and raised there
                failed.set()  # nobody waits for the rest
                done.put((key, exc))

    for _ in range(min(threads, len(keys))):
        # The context gives what the thread logs the fields of the pass.
        threading.Thread(target=copy_context().run, args=(serve,), daemon=True).start()
    results: dict[_Key, _Result] = {}
    for _ in keys:
        key, result = done.get()
        if isinstance(result, BaseException):
            raise result
        results[key] = result
        progress.step()
    return {key: results[key] for key in keys}
