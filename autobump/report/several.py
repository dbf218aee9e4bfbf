"""The outcome of several repositories in one report."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from autobump.passes.result import PassResult, RepositoryOutcome
from autobump.report.json import VERSION, members_of, object_parts
from autobump.support.markdown import code
from autobump.support.printable import printable


def several_json_parts(outcomes: Sequence[RepositoryOutcome]) -> Iterator[str]:
    """Yield `{"version", "repositories": [{"repository", "failure", …}]}`, each with the keys of one pass."""
    yield f'{{\n  "version": {VERSION},\n  "repositories": ['
    begins = "\n    "
    for outcome in outcomes:
        yield begins
        begins = ",\n    "
        about = (("repository", outcome.repository), ("failure", outcome.failure or None))
        members = members_of(outcome.result) if outcome.result else ()
        yield from object_parts(chain(about, members), in_lines=False)
    yield "\n  ]\n}\n"


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
