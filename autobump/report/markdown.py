"""The outcome as Markdown, for job summaries and comments."""

from urllib.parse import quote

from autobump.decisions.describe import describe_finding
from autobump.decisions.risk import RiskLevel
from autobump.passes.result import PassResult
from autobump.planning.queue import QUEUE_HEADERS, describe_queue
from autobump.report.summary import (
    DRY_RUN,
    PullRequestLine,
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
from autobump.support.markdown import code, count, table

_MAX_PROBLEMS = 200


def _place(line: PullRequestLine) -> str:
    if not line.reference.startswith(("https://", "http://")):
        return code(line.reference)
    return f"[#{line.reference.rpartition('/')[2]}]({quote(line.reference, safe=':/')})"


def render_markdown(result: PassResult) -> str:
    """Write the outcome as Markdown with a line end."""
    parts = ["## autobump", f"{headline(result)}."]
    if result.dry_run:
        parts.append(f"**{DRY_RUN}.**")
    parts += [f"{line}." for line in summary_lines(result)]
    if failures := result.failures:
        parts += ["### Failures", table(("What", "Cause"), [(code(f.what), code(f.cause)) for f in failures])]
    lines = pull_request_lines(result)
    if lines and result.outcomes is not None:
        rows = [
            (line.told, _place(line), code(line.title), str(line.items), code(line.note)) for line in lines
        ]
        parts += ["### Pull requests", table(("Action", "Where", "Title", "Items", "Note"), rows)]
    elif lines:
        rows_planned = [(code(line.title), str(line.items), code(line.reference)) for line in lines]
        parts += ["### Pull requests", table(("Title", "Items", "Branch"), rows_planned)]
    risky = [bump for bump in riskiest(result) if bump.risk and bump.risk.level is RiskLevel.BREAKING]
    if risky:
        rows_risky = [
            (code(bump.path), code(bump.target.tag.text), describe_finding(bump.risk.findings[0], code))
            for bump in risky[:_MAX_PROBLEMS]
            if bump.risk
        ]
        parts += ["### May break", table(("Item", "Target", "Why"), rows_risky)]
    if found := evidence_rows(result):
        rows_found = [
            (code(path), code(old), code(new), verdict, code(why)) for path, old, new, verdict, why in found
        ]
        headers = ("Item", "From", "To", "Verdict", "What differs")
        parts += ["### Run in both images", table(headers, rows_found[:_MAX_PROBLEMS])]
    if waiting := waiting_lines(result):
        rows_waiting = [(code(line.reason), str(line.files), code(line.example)) for line in waiting]
        parts += ["### Waiting", table(("Reason", "Items", "For example"), rows_waiting)]
    if follows := describe_queue(result.queue):
        rows_queued = [(code(image), items, passes) for image, items, passes in first_of_queue(result.queue)]
        parts += ["### To follow", follows, table(QUEUE_HEADERS, rows_queued)]
    if skipped := skipped_lines(result):
        rows_skipped = [(code(line.reason), str(line.files), code(line.example)) for line in skipped]
        parts += ["### Skipped", table(("Reason", "Items", "For example"), rows_skipped)]
    if problems := problem_lines(result.evaluation.problems):
        rows_problems = [
            (code(line.reason), str(len(line.problems)), code(line.place), code(line.detail))
            for line in problems[:_MAX_PROBLEMS]
        ]
        parts += ["### Problems", table(("Reason", "Files", "For example", "Detail"), rows_problems)]
        if more := sum(len(line.problems) for line in problems[_MAX_PROBLEMS:]):
            parts.append(f"… and {count(more, 'problem')} more.")
    if result.deprecated:
        rows_deprecated = [
            (code(image.repository), str(result.evaluation.count_items(image.repository)), code(image.reason))
            for image in result.deprecated.values()
        ]
        parts += ["### Deprecated images", table(("Image", "Items", "Reason"), rows_deprecated)]
    if notices := result.evaluation.notices:
        parts += ["### Notices", table(("File", "Detail"), [(code(n.path), code(n.detail)) for n in notices])]
    return "\n\n".join(parts) + "\n"
