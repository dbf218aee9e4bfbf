"""Tables for a terminal, whose cells break between words."""

import io
import sys

from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from autobump.support.printable import printable
from autobump.support.width import NARROWEST, WIDE, find_width, fold, longest_part

_ANY_WIDTH = 200
"""Columns where nobody says how many there are."""


class Sheet:
    """Lines and tables of a text that is being written for a terminal, a pipe or a file."""

    def __init__(self, *, colour: bool | None = None) -> None:
        """Begin one; it has colours if `colour` says so, by default if stdout is a terminal."""
        self.is_terminal = sys.stdout.isatty() if colour is None else colour
        width = find_width() or _ANY_WIDTH
        self.is_wide = width >= WIDE
        self._file = io.StringIO()
        self._console = Console(file=self._file, force_terminal=self.is_terminal, width=width)

    def line(self, text: str, *, bold: bool = False) -> None:
        """Write a line."""
        self._console.print(Text(printable(text), style="bold" if bold else ""))

    def table(self, table: Table) -> None:
        """Write a table."""
        self._console.print(table)

    @property
    def text(self) -> str:
        """What was written, with a line end."""
        return self._file.getvalue()


def make_table(
    *headers: str, numbers: frozenset[str] = frozenset(), whole: frozenset[str] = frozenset()
) -> Table:
    """Return a table without rows.

    Args:
        headers: Of its columns.
        numbers: Those that stand at the right; they never break.
        whole: Others that never break.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        number = header in numbers
        unbroken = number or header in whole
        table.add_column(header, justify="right" if number else "left", no_wrap=unbroken, overflow="fold")
    return table


class Cell(Struct, frozen=True):
    """Text that breaks at spaces and behind slashes, and anywhere only where there are none."""

    text: str
    style: str = ""

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        text = printable(self.text)
        longest = min(longest_part(text), NARROWEST)
        return Measurement(longest, max(cell_len(text), longest)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(fold(printable(self.text), max(options.max_width, 1))), style=self.style)
