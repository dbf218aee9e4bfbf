"""Tells GitHub Actions of a pass: job summary, annotations, step outputs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autobump.report.markdown import render_markdown
from autobump.run import PassResult

MAX_SUMMARY_BYTES = 1024 * 1024
"""Largest summary of a step that GitHub takes. Source: its documentation of job summaries, 1 MiB a step."""

MAX_ANNOTATIONS = 10
"""Most annotations of one kind that GitHub shows for a step."""

_CUT = "\n\n… cut, because GitHub takes 1 MiB; the whole result is in the report.\n"


@dataclass(frozen=True, slots=True)
class Told:
    """What is left to tell: commands for stdout, and the files that could not be written, with the cause."""

    commands: tuple[str, ...]
    failures: tuple[str, ...]


def tell_actions(result: PassResult, environ: Mapping[str, str]) -> Told:
    """Write summary and outputs to the files that Actions names, and return the annotations.

    Args:
        result: The outcome.
        environ: Names the files in `GITHUB_STEP_SUMMARY` and `GITHUB_OUTPUT`; without one it is left out.

    Source: "Workflow commands for GitHub Actions" of GitHub's documentation.
    """
    outputs = "".join(f"{name}={number}\n" for name, number in count_outputs(result).items())
    texts = {"GITHUB_STEP_SUMMARY": _fit(render_markdown(result)), "GITHUB_OUTPUT": outputs}
    failures = []
    for variable, text in texts.items():
        if name := environ.get(variable):
            try:
                _append(Path(name), text)
            except OSError as exc:
                failures.append(f"cannot write {name}, which {variable} names: {exc.strerror}")
    return Told(tuple(annotations(result)), tuple(failures))


def count_outputs(result: PassResult) -> dict[str, int]:
    """Return the step outputs: updates found, pull requests open for them after the pass, what went wrong."""
    failed = sum(1 for outcome in result.outcomes or () if outcome.failure)
    return {
        "bumps": len(result.judged.bumps),
        "pull-requests": len(result.desired),
        "problems": len(result.judged.problems) + failed + len(result.failures),
    }


def annotations(result: PassResult) -> Iterator[str]:
    """Yield workflow commands: failures as errors, problems in the content as warnings."""
    errors = [
        _command("error", f"{failure.what}: {failure.cause}", title="Failed") for failure in result.failures
    ]
    errors += [
        _command("error", f"{outcome.action.name}: {outcome.failure}", title="Pull request failed")
        for outcome in result.outcomes or ()
        if outcome.failure
    ]
    warnings: list[str] = []
    unknown = {problem.path for problem in result.judged.unknown}
    for problem in result.judged.problems:
        place = {"file": problem.path}
        if problem.line:
            place |= {"line": str(problem.line), "col": str(problem.column or 1)}
        level, group = ("error", errors) if problem.path in unknown else ("warning", warnings)
        group.append(_command(level, problem.detail, **place, title=problem.reason))
    notices = [_command("notice", notice.detail, file=notice.path) for notice in result.judged.notices]
    for group in (errors, warnings, notices):
        yield from group[:MAX_ANNOTATIONS]


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
