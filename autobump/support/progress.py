"""Tells a person at a terminal how far the pass is; everything goes to stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


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


@contextmanager
def open_progress() -> Iterator[Progress]:
    """Show a bar while the block runs if stderr is a terminal; it is gone when the block ends."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        task_id = bars.add_task("Reading", total=None)

        class _Bar:
            def begin(self, task: str, total: int) -> None:
                bars.reset(task_id, description=task, total=total)

            def step(self) -> None:
                bars.advance(task_id)

        yield _Bar()
