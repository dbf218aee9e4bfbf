"""Says of each bump whether its item will notice, by what is inside the images and what its code imports."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from autobump.content.code import read_code
from autobump.content.facts_cache import FactsCache
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.risk import ImageRisk, ItemRisk
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import ImageFacts
from autobump.images.lookup import Unavailable, look_up_facts
from autobump.images.sources import FactsSource
from autobump.support.progress import Progress

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Assessor:
    """Assesses bumps, and remembers for one pass what it found.

    Attributes:
        tree: The commit the items were read from.
        source: Tells what is inside images.
        cache: Remembers the imports of a blob.
        threads: Tags asked for at once.
        progress: Told how far it is.
    """

    tree: ContentTree
    source: FactsSource
    cache: FactsCache
    threads: int
    progress: Progress
    _facts: dict[tuple[str, str], ImageFacts | None] = field(default_factory=dict)
    _diffs: dict[tuple[str, str, str], ImageDiff | None] = field(default_factory=dict)
    _risks: dict[tuple[str, str, str], ImageRisk] = field(default_factory=dict)

    def assess(self, bumps: Iterable[Bump]) -> dict[str, ItemRisk]:
        """Return the risk of each bump, by path; those whose images are not known say so."""
        wanted = list(bumps)
        self._learn({key for bump in wanted for key in _tags_of(bump)})
        codes = read_code(self.tree, (bump.item for bump in wanted), self.cache)
        return {bump.path: self._risk_of(bump).assess(codes[bump.path]) for bump in wanted}

    def diff(self, repository: str, old: str, new: str) -> ImageDiff | None:
        """Return what changes between two tags that were looked up, or None when it is not known."""
        key = (repository, old, new)
        if key not in self._diffs:
            was, now = self.facts(repository, old), self.facts(repository, new)
            self._diffs[key] = ImageDiff(was, now) if was is not None and now is not None else None
        return self._diffs[key]

    def _risk_of(self, bump: Bump) -> ImageRisk:
        key = (bump.image.repository, bump.image.tag or "", bump.target.tag.text)
        if key not in self._risks:
            self._risks[key] = ImageRisk(self.diff(*key))
        return self._risks[key]

    def facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what was learnt of a tag, if anything."""
        return self._facts.get((repository, tag))

    def _learn(self, wanted: Iterable[tuple[str, str]]) -> None:
        missing = [key for key in wanted if key not in self._facts]
        failed: list[Unavailable] = []
        for key, facts in look_up_facts(self.source, missing, self.threads, self.progress).items():
            if isinstance(facts, Unavailable):
                failed.append(facts)
            self._facts[key] = None if isinstance(facts, Unavailable) else facts
        if failed:
            _log.warning(
                "what is inside some images is not known",
                extra={"tags": len(failed), "cause": failed[0].detail},
            )


def _tags_of(bump: Bump) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the older and the newer tag of a bump, each with its image."""
    repository = bump.image.repository
    return (repository, bump.image.tag or ""), (repository, bump.target.tag.text)
