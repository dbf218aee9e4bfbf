"""The outcome as tables for a terminal."""

import io
import os
import re
import sys

from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from autobump.decisions.describe import describe_finding
from autobump.decisions.risk import RiskLevel
from autobump.passes.result import PassResult
from autobump.planning.queue import QUEUE_HEADERS, describe_queue
from autobump.report.summary import (
    DRY_RUN,
    evidence_line,
    evidence_rows,
    first_of_queue,
    headline,
    problem_lines,
    pull_request_lines,
    risk_line,
    riskiest,
    security_line,
    skipped_lines,
    waiting_lines,
)
from autobump.support.printable import printable

_PIPE_WIDTH = 200
_WIDE = 80
"""Columns of a terminal from which a table may have five."""

_NARROWEST = 12
"""Columns that a word or a part of a path keeps in one line, where the terminal has them."""

_PARTS = re.compile(r"[^\s/]*(?:/+|\s+|$)")


def render_table(result: PassResult, *, colour: bool | None = None) -> str:
    """Write the outcome as tables with a line end.

    Args:
        result: The outcome.
        colour: Whether to colour; by default if stdout is a terminal.
    """
    terminal = sys.stdout.isatty() if colour is None else colour
    asked = None if terminal or os.environ.get("COLUMNS", "").isdecimal() else _PIPE_WIDTH
    console = Console(file=io.StringIO(), force_terminal=terminal, width=asked)
    # What is written first scrolls away on a terminal, and is what `head` shows of a file.
    if not terminal:
        _print_summary(console, result)
    _print_tables(console, result)
    if terminal:
        _print_summary(console, result)
    file = console.file
    return file.getvalue() if isinstance(file, io.StringIO) else ""


def _print_summary(console: Console, result: PassResult) -> None:
    console.print(Text(f"{headline(result)}.", style="bold"))
    if result.dry_run:
        console.print(Text(f"{DRY_RUN}.", style="bold"))
    for line in (risk_line(result), security_line(result), evidence_line(result)):
        if line:
            console.print(Text(f"{line}."))


def _print_tables(console: Console, result: PassResult) -> None:
    lines = pull_request_lines(result)
    if lines and result.outcomes is not None:
        table = _table("Action", "Pull request", "From", "Risk", "Items", "Where")
        for line in lines:
            told = Text(line.told, style="red" if line.failed else "")
            where = _cell(line.note or line.reference)
            table.add_row(told, _cell(line.title), _cell(line.old), _cell(line.risk), str(line.items), where)
        console.print(table)
    elif lines:
        wide = console.width >= _WIDE
        table = _table("Pull request", *(["From"] if wide else []), "Risk", "Items", "Branch")
        for line in lines:
            cells = [line.title, *([line.old] if wide else []), line.risk]
            table.add_row(*map(_cell, cells), str(line.items), _cell(line.reference))
        console.print(table)
    risky = [bump for bump in riskiest(result) if bump.risk and bump.risk.level is RiskLevel.BREAKING]
    if risky:
        table = _table("May break", "To", "Why")
        for bump in risky:
            why = describe_finding(bump.risk.findings[0]) if bump.risk else ""
            table.add_row(_cell(bump.path), _cell(f"{bump.image.repository}:{bump.target.tag}"), _cell(why))
        console.print(table)
    if rows := evidence_rows(result):
        table = _table("Run in both images", "From", "To", "Verdict", "What differs")
        for row in rows:
            table.add_row(*map(_cell, row))
        console.print(table)
    if follows := describe_queue(result.queue):
        table = _table("To follow", *QUEUE_HEADERS[1:])
        for name, items, passes in first_of_queue(result.queue):
            table.add_row(_cell(name), items, passes)
        console.print(table)
        console.print(Text(follows))
    for title, reasons in (("Waiting", waiting_lines(result)), ("Skipped", skipped_lines(result))):
        if reasons:
            table = _table(title, "Items", "For example")
            for reason in reasons:
                table.add_row(reason.reason, str(reason.files), _cell(reason.example))
            console.print(table)
    if result.failures:
        table = _table("Failed", "Cause")
        for failure in result.failures:
            table.add_row(_cell(failure.what), _cell(failure.cause))
        console.print(table)
    if result.evaluation.problems:
        table = _table("Problem", "Files", "For example", "Detail")
        for problem in problem_lines(result.evaluation.problems):
            number = str(len(problem.problems))
            table.add_row(problem.reason, number, _cell(problem.place), _cell(problem.detail))
        console.print(table)
    if result.deprecated:
        table = _table("Deprecated image", "Items", "Reason")
        for image in result.deprecated.values():
            table.add_row(
                _cell(image.repository),
                str(result.evaluation.count_items(image.repository)),
                _cell(image.reason),
            )
        console.print(table)
    for notice in result.evaluation.notices:
        console.print(Text(f"Notice: {printable(notice.path)}: {notice.detail}"))


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        number = header in ("Items", "Files", "Passes")
        table.add_column(header, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return table


def _cell(text: str) -> "_Cell":
    return _Cell(printable(text))


class _Cell(Struct, frozen=True):
    """Text that breaks at spaces and behind slashes, and anywhere only where there are none."""

    text: str

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        parts = [cell_len(part.rstrip()) for part in _PARTS.findall(self.text)]
        longest = min(max(parts, default=0), _NARROWEST)
        return Measurement(longest, max(cell_len(self.text), longest)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines, width = [""], max(options.max_width, 1)
        for part in _PARTS.findall(self.text):
            if lines[-1] and cell_len(lines[-1] + part.rstrip()) > width:
                lines.append("")
            whole = lines.pop() + part
            while cell_len(whole.rstrip()) > width:
                cut = next(at for at in range(len(whole), 0, -1) if at == 1 or cell_len(whole[:at]) <= width)
                lines.append(whole[:cut])
                whole = whole[cut:]
            lines.append(whole)
        yield Text("\n".join(line.rstrip() for line in lines))
