"""What a pass has learned of the images it deals with."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import ImageFacts
from autobump.images.lookup import look_up_facts
from autobump.images.results import Unavailable
from autobump.images.sources import FactsSource
from autobump.support.progress import Progress

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class KnownImages:
    """Facts of images and their differences, each looked up once.

    Attributes:
        source: Tells what is inside images.
        threads: Tags asked for at once.
        progress: Told how far it is.
    """

    source: FactsSource
    threads: int
    progress: Progress
    _facts: dict[tuple[str, str], ImageFacts | None] = field(default_factory=dict)
    _diffs: dict[tuple[str, str, str], ImageDiff | None] = field(default_factory=dict)

    def learn(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Look up what is inside images, each given by its name and tag; a failure leaves it unknown."""
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

    def facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what was learned of a tag, if anything."""
        return self._facts.get((repository, tag))

    def diff(self, repository: str, old: str, new: str) -> ImageDiff | None:
        """Return what changes between two tags that were looked up, or None when it is not known."""
        key = (repository, old, new)
        if key not in self._diffs:
            was, now = self.facts(repository, old), self.facts(repository, new)
            self._diffs[key] = ImageDiff(was, now) if was is not None and now is not None else None
        return self._diffs[key]
