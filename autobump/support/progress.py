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


class _Place:
    """Passes everything on, and remembers where the pass is."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task, self._total, self._done = "Reading", 0, 0

    def begin(self, task: str, total: int) -> None:
        self._task, self._total, self._done = task, total, 0
        self._bar.begin(task, total)

    def step(self) -> None:
        self._done += 1
        self._bar.step()

    def __str__(self) -> str:
        """Say what was cut off, and what became of it."""
        number = f" ({self._done:,} of {self._total:,})" if self._total else ""
        writes = self._task == WRITING
        what = "one may be half done, which the next pass finishes" if writes else "nothing was written"
        return f"while {self._task[:1].lower()}{self._task[1:]}{number}; {what}"


WRITING = "Writing pull requests"
"""The only task of a pass that changes a repository."""

_bar: Callable[[str], None] | None = None


def tell_wait(text: str) -> None:
    """Say behind the bar, if there is one, what is waited for; the next step takes it away."""
    if _bar is not None:
        _bar(text)


@contextmanager
def open_progress() -> Iterator[Progress]:
    """Show a bar while the block runs if stderr is a terminal; it is gone when the block ends.

    Raises:
        KeyboardInterrupt: The block was interrupted, and where; its text goes on a line that says so.
    """
    with _open_bar() as bar:
        place = _Place(bar)
        try:
            yield place
        except KeyboardInterrupt as exc:
            raise KeyboardInterrupt(str(place)) from exc


@contextmanager
def _open_bar() -> Iterator[Progress]:
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
