"""Tells GitHub Actions of a pass: job summary, annotations, step outputs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from autobump.passes.result import PassResult, RepositoryOutcome, find_only, merge_outcomes
from autobump.report.markdown import render_markdown
from autobump.report.several import render_several_markdown
from autobump.report.summary import ProblemLine, problem_lines
from autobump.support.markdown import count

MAX_SUMMARY_BYTES = 1024 * 1024
"""Largest summary of a step that GitHub takes. Source: its documentation of job summaries, 1 MiB a step."""

MAX_ANNOTATIONS = 10
"""Most annotations of one kind that GitHub shows for a step."""

_CUT = "\n\n… cut, because GitHub takes 1 MiB; the whole result is in the report.\n"


class ActionsReport(Struct, frozen=True):
    """What is left to tell: commands for stdout, and the files that could not be written, with the cause."""

    commands: tuple[str, ...]
    failures: tuple[str, ...]


def report_to_actions(outcomes: Sequence[RepositoryOutcome], environ: Mapping[str, str]) -> ActionsReport:
    """Write summary and outputs to the files that Actions names, and return the annotations.

    Args:
        outcomes: What came of each repository.
        environ: Names the files in `GITHUB_STEP_SUMMARY` and `GITHUB_OUTPUT`; without one it is left out.

    Source: "Workflow commands for GitHub Actions" of GitHub's documentation.
    """
    result, only = merge_outcomes(outcomes), find_only(outcomes)
    summary = render_markdown(only) if only else render_several_markdown(outcomes, render_markdown)
    outputs = "".join(f"{name}={number}\n" for name, number in count_outputs(result).items())
    failures = []
    for variable, text in {"GITHUB_STEP_SUMMARY": _fit(summary), "GITHUB_OUTPUT": outputs}.items():
        if name := environ.get(variable):
            try:
                _append(Path(name), text)
            except OSError as exc:
                failures.append(f"cannot write {name}, which {variable} names: {exc.strerror}")
    return ActionsReport(tuple(annotations(outcomes)), tuple(failures))


def count_outputs(result: PassResult) -> dict[str, int]:
    """Return the step outputs: updates found, pull requests open for them after the pass, what went wrong."""
    failed = sum(1 for outcome in result.outcomes or () if outcome.failure)
    return {
        "bumps": len(result.evaluation.bumps),
        "pull-requests": len(result.desired),
        "problems": len(result.evaluation.problems) + failed + len(result.failures),
    }


def annotations(outcomes: Sequence[RepositoryOutcome]) -> Iterator[str]:
    """Yield workflow commands: failures as errors, problems in the content as warnings.

    GitHub looks for the file of an annotation in the repository of the workflow; so those of several
    repositories name it in their text.
    """
    errors = [
        _command("error", f"{failure.what}: {failure.cause}", title="Failed")
        for failure in merge_outcomes(outcomes).failures
    ]
    warnings: list[str] = []
    notices: list[str] = []
    for one in outcomes:
        of = f"{one.repository}: " if one.repository else ""
        for outcome in (one.result and one.result.outcomes) or ():
            if outcome.failure:
                text = f"{of}{outcome.action.name}: {outcome.failure}"
                errors.append(_command("error", text, title="Pull request failed"))
    for one in outcomes:
        if one.result is None:
            continue
        unknown = {problem.path for problem in one.result.evaluation.unknown}
        for line in problem_lines(one.result.evaluation.problems):
            level, group = ("error", errors) if line.example.path in unknown else ("warning", warnings)
            group.append(_annotate(level, one.repository, line))
        for notice in one.result.evaluation.notices:
            if one.repository:
                text = f"{one.repository}: {notice.path}: {notice.detail}"
                notices.append(_command("notice", text))
            else:
                notices.append(_command("notice", notice.detail, file=notice.path))
    for kind in (errors, warnings, notices):
        yield from kind[:MAX_ANNOTATIONS]


def _annotate(level: str, repository: str, line: ProblemLine) -> str:
    """Return the annotation of problems of one cause."""
    example, more = line.example, len(line.problems) - 1
    text = f"{line.detail} (and {count(more, 'more file')})" if more else line.detail
    if repository:
        return _command(level, f"{repository}: {line.place}: {text}", title=line.reason)
    place = {"file": example.place}
    if example.line:
        place |= {"line": str(example.line), "col": str(example.column or 1)}
    return _command(level, text, **place, title=line.reason)


def _command(name: str, message: str, **properties: str) -> str:
    shown = ",".join(f"{key}={_escape(value, ':,')}" for key, value in properties.items())
    return f"::{name} {shown}::{_escape(message)}"


def _escape(text: str, more: str = "") -> str:
    """Escape what would end a command or a property of it; nothing in the text can begin another command."""
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)


def _fit(text: str) -> str:
    data = text.encode()
    if len(data) <= MAX_SUMMARY_BYTES:
        return text
    return data[: MAX_SUMMARY_BYTES - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)
