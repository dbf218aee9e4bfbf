"""The outcome as tables for a terminal."""

import io
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
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


def render_table(result: PassResult, *, colour: bool | None = None) -> str:
    """Write the outcome as tables with a line end.

    Args:
        result: The outcome.
        colour: Whether to colour; by default if stdout is a terminal.
    """
    terminal = sys.stdout.isatty() if colour is None else colour
    console = Console(file=io.StringIO(), force_terminal=terminal, width=None if terminal else _PIPE_WIDTH)
    console.print(Text(f"{headline(result)}.", style="bold"))
    if result.dry_run:
        console.print(Text(f"{DRY_RUN}.", style="bold"))
    if risk := risk_line(result):
        console.print(Text(f"{risk}."))
    if security := security_line(result):
        console.print(Text(f"{security}."))
    if evidence := evidence_line(result):
        console.print(Text(f"{evidence}."))
    lines = pull_request_lines(result)
    if lines and result.outcomes is not None:
        table = _table("Action", "Pull request", "Items", "Where")
        for line in lines:
            told = Text(line.told, style="red" if line.failed else "")
            table.add_row(told, _cell(line.title), str(line.items), _cell(line.note or line.reference))
        console.print(table)
    elif lines:
        table = _table("Pull request", "Items", "Branch")
        for line in lines:
            table.add_row(_cell(line.title), str(line.items), _cell(line.reference))
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
    file = console.file
    return file.getvalue() if isinstance(file, io.StringIO) else ""


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        number = header in ("Items", "Files", "Passes")
        table.add_column(header, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return table


def _cell(text: str) -> Text:
    return Text(printable(text))
