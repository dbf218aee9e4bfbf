"""The outcome as tables for a terminal."""

from rich.table import Table

from autobump.decisions.describe import describe_finding
from autobump.decisions.risk import RiskLevel
from autobump.passes.result import PassResult
from autobump.planning.queue import QUEUE_HEADERS, describe_queue
from autobump.report.summary import (
    DRY_RUN,
    evidence_rows,
    first_of_queue,
    headline,
    problem_lines,
    pull_request_lines,
    riskiest,
    skipped_lines,
    summary_lines,
    waiting_lines,
)
from autobump.support.tables import Cell, Sheet, make_table

_NUMBERS = frozenset({"Items", "Files", "Passes"})
_REASONS = frozenset({"Waiting", "Skipped", "Problem"})


def render_table(result: PassResult, *, colour: bool | None = None) -> str:
    """Write the outcome as tables with a line end.

    Args:
        result: The outcome.
        colour: Whether to colour; by default if stdout is a terminal.
    """
    sheet = Sheet(colour=colour)
    # What is written first scrolls away on a terminal, and is what `head` shows of a file.
    if not sheet.is_terminal:
        _print_summary(sheet, result)
    _print_tables(sheet, result)
    if sheet.is_terminal:
        _print_summary(sheet, result)
    return sheet.text


def _print_summary(sheet: Sheet, result: PassResult) -> None:
    sheet.line(f"{headline(result)}.", bold=True)
    if result.dry_run:
        sheet.line(f"{DRY_RUN}.", bold=True)
    for line in summary_lines(result):
        sheet.line(f"{line}.")


def _print_tables(sheet: Sheet, result: PassResult) -> None:
    if lines := pull_request_lines(result):
        is_run, wide = result.outcomes is not None, sheet.is_wide
        from_tag, place = ["From"] if wide else [], "Where" if is_run else "Branch"
        table = _table(*(["Action"] if is_run else []), "Pull request", *from_tag, "Risk", "Items", place)
        for line in lines:
            told = [Cell(line.told, "red" if line.failed else "")] if is_run else []
            tag = [Cell(line.old)] if wide else []
            where = Cell(f"{line.reference}: {line.note}" if line.note else line.reference)
            table.add_row(*told, Cell(line.title), *tag, Cell(line.risk), str(line.items), where)
        sheet.table(table)
        if not is_run:
            sheet.line("autobump plan --show BRANCH prints title and body of one.")
    risky = [bump for bump in riskiest(result) if bump.risk and bump.risk.level is RiskLevel.BREAKING]
    if risky:
        table = _table("May break", "To", "Why")
        for bump in risky:
            why = describe_finding(bump.risk.findings[0]) if bump.risk else ""
            table.add_row(Cell(bump.path), Cell(f"{bump.image.repository}:{bump.target.tag}"), Cell(why))
        sheet.table(table)
    if rows := evidence_rows(result):
        table = _table("Run in both images", "From", "To", "Verdict", "What differs")
        for row in rows:
            table.add_row(*map(Cell, row))
        sheet.table(table)
    if follows := describe_queue(result.queue):
        table = _table("To follow", *QUEUE_HEADERS[1:])
        for name, items, passes in first_of_queue(result.queue):
            table.add_row(Cell(name), items, passes)
        sheet.table(table)
        sheet.line(follows)
    for title, reasons in (("Waiting", waiting_lines(result)), ("Skipped", skipped_lines(result))):
        if reasons:
            table = _table(title, "Items", "For example")
            for reason in reasons:
                table.add_row(reason.reason, str(reason.files), Cell(reason.example))
            sheet.table(table)
    if result.failures:
        table = _table("Failed", "Cause")
        for failure in result.failures:
            table.add_row(Cell(failure.what), Cell(failure.cause))
        sheet.table(table)
    if result.evaluation.problems:
        table = _table("Problem", "Files", "For example", "Detail")
        for problem in problem_lines(result.evaluation.problems):
            number = str(len(problem.problems))
            table.add_row(problem.reason, number, Cell(problem.place), Cell(problem.detail))
        sheet.table(table)
    if result.deprecated:
        table = _table("Deprecated image", "Items", "Reason")
        for image in result.deprecated.values():
            table.add_row(
                Cell(image.repository),
                str(result.evaluation.count_items(image.repository)),
                Cell(image.reason),
            )
        sheet.table(table)
    for notice in result.evaluation.notices:
        sheet.line(f"Notice: {notice.path}: {notice.detail}")


def _table(*headers: str) -> Table:
    return make_table(*headers, numbers=_NUMBERS, whole=_REASONS)
