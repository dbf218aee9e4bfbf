"""Passes over several repositories, one after the other: one that fails does not stop the others."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autobump.errors import AutobumpError
from autobump.run import PassResult

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RepositoryOutcome:
    """What came of one repository: a result, or why there is none.

    Attributes:
        repository: `owner/name`.
        result: What the pass found and did; None when it could not be made.
        failure: Why it could not, or empty.
    """

    repository: str
    result: PassResult | None
    failure: str = ""

    @property
    def failed(self) -> bool:
        """Whether the pass, or a registry or forge call in it, failed."""
        return self.result is None or self.result.failed


def pass_over_each(
    repositories: Iterable[str], perform: Callable[[str], PassResult]
) -> Iterator[RepositoryOutcome]:
    """Make the pass of each repository in turn, and yield what came of it.

    Args:
        repositories: `owner/name` of each.
        perform: Makes the pass of one.
    """
    for repository in repositories:
        try:
            yield RepositoryOutcome(repository, perform(repository))
        except AutobumpError as exc:
            _log.error("a repository failed", extra={"repository": repository, "cause": str(exc)})
            yield RepositoryOutcome(repository, None, str(exc))
        except Exception as exc:
            _log.exception("a repository failed unexpectedly", extra={"repository": repository})
            yield RepositoryOutcome(repository, None, f"unexpected error: {exc!r}")


def render_matrix(repositories: Iterable[tuple[str, str]]) -> str:
    """Write the matrix of a GitHub Actions workflow, `{"include": [{"repository", "base"}, …]}`, in one line.

    Args:
        repositories: `owner/name` and base branch of each.
    """
    include = [{"repository": repository, "base": base} for repository, base in repositories]
    return json.dumps({"include": include}) + "\n"
