"""Tells a person at a terminal how far the pass is; everything goes to stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from autobump.support.printable import printable

_MOST_WAITED = 120


class Progress(Protocol):
    """What a pass reports to."""

    def begin(self, task: str, total: int) -> None:
        """Begin a part of the pass that has `total` steps."""
        ...

    def step(self) -> None:
        """Count one step of the current part."""
        ...


class Silent:
    """Reports nothing: output that is not a terminal, and tests."""

    def begin(self, task: str, total: int) -> None:
        """Do nothing."""

    def step(self) -> None:
        """Do nothing."""


_bar: Callable[[str], None] | None = None


def tell_wait(text: str) -> None:
    """Say behind the bar, if there is one, what is waited for; the next step takes it away."""
    if _bar is not None:
        _bar(text)


@contextmanager
def open_progress() -> Iterator[Progress]:
    """Show a bar while the block runs if stderr is a terminal; it is gone when the block ends."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress

    waits = TextColumn("{task.fields[waits]}", markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), waits)
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        task_id = bars.add_task("Reading", total=None, waits="")

        class _Bar:
            def begin(self, task: str, total: int) -> None:
                bars.reset(task_id, description=task, total=total, waits="")

            def step(self) -> None:
                bars.update(task_id, advance=1, waits="")

        global _bar
        _bar = lambda text: bars.update(task_id, waits=printable(text)[:_MOST_WAITED])  # noqa: E731
        try:
            yield _Bar()
        finally:
            _bar = None
