"""Writes results to every place that wants them, and says on stderr why a command ends."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autobump.cli.options import ENDINGS, OutputOptions
from autobump.support.errors import AutobumpError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autobump.passes.result import PassResult, RepositoryOutcome

_PART = 1 << 20
"""Characters that are written at once."""

_FOR_PROGRAMS = ("json", "html")


def show(text: str, *, nl: bool = True) -> None:
    """Write to stdout; a reader that has seen enough, such as `head`, changes nothing but that.

    Raises:
        AutobumpError: It cannot be written to: the disk behind it is full, or it is closed.
    """
    try:
        click.echo(text, nl=nl)
    except OSError as exc:
        # What is still to come goes nowhere; click would make it a failure, and Python complain at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(exc, BrokenPipeError):
            raise AutobumpError(f"cannot write the result to stdout: {exc.strerror}") from exc


def report_failure(*lines: str, error: Exception | None = None) -> None:
    """Say on stderr, or in the log, why a command ends."""
    from autobump.support import logs

    logs.report_failure(*lines, error=error)


def require_places(output: OutputOptions) -> None:
    """Refuse, before anything is done, places that the result could not be written to."""
    from autobump.support.files import require_writable

    if output.actions and output.file is None and output.format in _FOR_PROGRAMS:
        # The runner reads stderr as well, and takes commands of its older form in the midst of a line: around
        # what goes to its log there have to be lines that say so, and those are no JSON.
        raise click.UsageError(
            f"--actions writes to stdout, which then is no {output.format.upper()}; name a file with --output"
        )
    for path in (*output.reports, *([output.file] if output.file else ())):
        require_writable(path)


def finish(outcomes: "Sequence[RepositoryOutcome]", output: OutputOptions) -> int:
    """Write what came of a pass to every place that wants it: files first, whoever reads stdout or leaves.

    A place that cannot be written to keeps the result from no other; without its file it goes to stdout.
    """
    written = [_write_result(outcomes, report, ENDINGS[report.suffix]) for report in output.reports]
    commands: tuple[str, ...] = ()
    if output.actions:
        from autobump.report.actions import report_to_actions

        told = report_to_actions(outcomes, os.environ)
        commands = told.commands
        for failure in told.failures:
            report_failure(failure)
        written.append(not told.failures)
    if output.file is not None:
        written.append(_write_result(outcomes, output.file, output.format))
    if output.file is None or not written[-1]:
        parts = _render_parts(outcomes, output.format, colour=None if output.file is None else False)
        if output.actions:
            import secrets

            # A line of the result may begin as a command does; only the token makes them work again.
            token = secrets.token_hex(16)
            show(f"::stop-commands::{token}\n{''.join(parts)}\n::{token}::")
        else:
            for part in parts:
                show(part, nl=False)
    for command in commands:
        show(command)
    problems = any(outcome.result.evaluation.problems for outcome in outcomes if outcome.result)
    failed = any(outcome.failed for outcome in outcomes) or (output.strict and problems)
    return ExitCode.FAILED if failed or not all(written) else ExitCode.DONE


def show_pull_request(outcomes: "Sequence[RepositoryOutcome]", branch: str) -> int:
    """Write title, branch, labels and body of one planned pull request to stdout.

    Raises:
        UsageError: There is no pull request of this branch in the plan.
    """
    from difflib import get_close_matches

    from autobump.pull_requests.marker import hide_marker
    from autobump.support.markdown import count

    found = {
        desired.planned.branch: desired
        for outcome in outcomes
        for desired in (outcome.result.desired if outcome.result else ())
    }
    named = [name for name in found if f"/{name}".endswith(f"/{branch}")]
    if len(named) != 1:
        close = get_close_matches(branch, found, n=3, cutoff=0.3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        plan = f"the plan's {count(len(found), 'pull request')}" if found else "the plan, which has none"
        raise UsageError(f"no branch {branch} in {plan}{hint}")
    desired = found[named[0]]
    labels = ", ".join(desired.labels) or "none"
    body = hide_marker(desired.body_at(""))
    show(f"{desired.title}\n\nBranch: {named[0]}\nLabels: {labels}\n\n{body}")
    return ExitCode.FAILED if any(outcome.failed for outcome in outcomes) else ExitCode.DONE


def _write_result(outcomes: "Sequence[RepositoryOutcome]", path: Path, output_format: str) -> bool:
    """Write the result to a file, or tell on stderr why it cannot be; return whether it was written."""
    from autobump.support.files import write_whole

    try:
        parts = _render_parts(outcomes, output_format, colour=False)
        write_whole(path, (part.encode() for part in parts))
    except AutobumpError as exc:
        report_failure(str(exc))
        return False
    return True


def _render_parts(
    outcomes: "Sequence[RepositoryOutcome]", output_format: str, *, colour: bool | None
) -> "Iterator[str]":
    """Yield the result in parts of some size, of which a large one is never held whole."""
    from autobump.passes.result import find_only

    only = find_only(outcomes)
    match output_format:
        case "json" if only is not None:
            from autobump.report.json import json_parts

            parts = json_parts(only)
        case "json":
            from autobump.report.several import several_json_parts

            parts = several_json_parts(outcomes)
        case "html":
            from autobump.report.html import html_parts, several_html_parts

            parts = html_parts(only) if only is not None else several_html_parts(outcomes)
        case _:
            parts = iter((_render_all(outcomes, output_format, colour=colour),))
    held: list[str] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= _PART:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


def _render_all(outcomes: "Sequence[RepositoryOutcome]", output_format: str, *, colour: bool | None) -> str:
    """Write one result as it is, and those of several repositories below their names."""
    from autobump.passes.result import find_only

    if (only := find_only(outcomes)) is not None:
        return _render(only, output_format, colour=colour)
    from autobump.report.several import render_several_markdown, render_several_table

    def render(result: "PassResult") -> str:
        return _render(result, output_format, colour=colour)

    if output_format == "markdown":
        return render_several_markdown(outcomes, render)
    return render_several_table(outcomes, render)


def _render(result: "PassResult", output_format: str, *, colour: bool | None) -> str:
    match output_format:
        case "markdown":
            from autobump.report.markdown import render_markdown

            return render_markdown(result)
        case _:
            from autobump.report.table import render_table

            return render_table(result, colour=colour)
