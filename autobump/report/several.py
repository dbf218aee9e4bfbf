"""The outcome of several repositories in one report."""

import json
from collections.abc import Callable, Sequence

from autobump.passes.result import PassResult, RepositoryOutcome
from autobump.report.json import VERSION, to_document
from autobump.support.markdown import code
from autobump.support.printable import printable


def render_several_json(outcomes: Sequence[RepositoryOutcome]) -> str:
    """Write `{"version", "repositories": [{"repository", "failure", …}]}`, each with the keys of one pass."""
    repositories = [
        {"repository": outcome.repository, "failure": outcome.failure or None}
        | (to_document(outcome.result) if outcome.result else {})
        for outcome in outcomes
    ]
    rows = ",\n    ".join(json.dumps(row) for row in repositories)
    return f'{{\n  "version": {VERSION},\n  "repositories": [\n    {rows}\n  ]\n}}\n'


def render_several_markdown(
    outcomes: Sequence[RepositoryOutcome], render: Callable[[PassResult], str]
) -> str:
    """Write the Markdown of each repository below its name.

    Args:
        outcomes: What came of each.
        render: Writes one pass as Markdown.
    """
    parts = []
    for outcome in outcomes:
        parts.append(f"# {code(outcome.repository)}")
        parts.append(render(outcome.result) if outcome.result else f"**Failed:** {code(outcome.failure)}\n")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def render_several_table(outcomes: Sequence[RepositoryOutcome], render: Callable[[PassResult], str]) -> str:
    """Write the tables of each repository below its name.

    Args:
        outcomes: What came of each.
        render: Writes one pass as tables.
    """
    parts = []
    for outcome in outcomes:
        text = render(outcome.result) if outcome.result else f"failed: {printable(outcome.failure)}\n"
        parts.append(f"{printable(outcome.repository)}\n\n{text}")
    return "\n".join(parts)
