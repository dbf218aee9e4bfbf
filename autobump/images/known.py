"""What a pass has learned of the images it deals with."""

import logging
from collections.abc import Iterable

from msgspec import Struct, field

from autobump.images.advisories.compare import Advisory, AdvisoryDiff, compare_matches
from autobump.images.advisories.record import Installed, Record
from autobump.images.advisories.source import AdvisorySource
from autobump.images.inside.changes import NOT_TOLD, ImageDiff, versions_of
from autobump.images.inside.facts import ImageFacts
from autobump.images.inside.system import InstalledOfSystem, name_installed
from autobump.images.lookup import look_up_facts
from autobump.images.results import Unavailable
from autobump.images.sources import FactsSource
from autobump.support.errors import RegistryError
from autobump.support.progress import Progress

_log = logging.getLogger(__name__)


class KnownImages(Struct):
    """Facts of images and their differences, each looked up once.

    Attributes:
        source: Tells what is inside images.
        threads: Tags asked for at once.
        progress: Told how far it is.
        advisories: Tells known vulnerabilities; None when nobody is asked.
        failed: Image and tag of those of which the source could not say what is inside, and why.
    """

    source: FactsSource
    threads: int
    progress: Progress
    advisories: AdvisorySource | None = None
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    _facts: dict[tuple[str, str], ImageFacts | None] = field(default_factory=dict)
    _diffs: dict[tuple[str, str, str], ImageDiff] = field(default_factory=dict)
    _records: dict[Installed, tuple[Record, ...]] = field(default_factory=dict)
    _asked: set[Installed] = field(default_factory=set)
    _of_system: dict[InstalledOfSystem, tuple[Record, ...]] = field(default_factory=dict)
    _asked_of_system: set[InstalledOfSystem] = field(default_factory=set)
    _compared: dict[tuple[str, str, str], AdvisoryDiff] = field(default_factory=dict)

    def learn(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Look up what is inside images, each given by its name and tag; a failure leaves it unknown."""
        missing = [key for key in wanted if key not in self._facts]
        failed: dict[tuple[str, str], str] = {}
        for key, facts in look_up_facts(self.source, missing, self.threads, self.progress).items():
            if isinstance(facts, Unavailable):
                failed[key] = facts.detail
            self._facts[key] = None if isinstance(facts, Unavailable) else facts
        if failed:
            _log.warning(
                "what is inside some images is not known",
                extra={"tags": len(failed), "cause": next(iter(failed.values()))},
            )
        self.failed |= failed

    def facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what was learned of a tag, if anything."""
        return self._facts.get((repository, tag))

    def diff(self, repository: str, old: str, new: str) -> ImageDiff:
        """Return what changes between two tags; one that is not known has no packages."""
        key = (repository, old, new)
        if key not in self._diffs:
            was, now = (self.facts(repository, tag) or ImageFacts() for tag in (old, new))
            self._diffs[key] = ImageDiff(was, now)
        return self._diffs[key]

    def learn_advisories(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Ask for the vulnerabilities of images that were looked up; an outage leaves them unknown."""
        if self.advisories is None:
            return
        missing = {one for key in wanted for one in self._installed(*key) or ()} - self._asked
        if not missing:
            return
        self.progress.begin("Asking for advisories", 1)
        try:
            self._records |= self.advisories.find(sorted(missing))
        except RegistryError as exc:
            _log.warning("known vulnerabilities are not known", extra={"cause": str(exc)})
            return
        self._asked |= missing
        self.progress.step()
        self._learn_of_system({one for key in wanted for one in self._of_image(*key) or ()})

    def _learn_of_system(self, wanted: set[InstalledOfSystem]) -> None:
        """Ask for the vulnerabilities of the systems' packages; unknown ones are not told."""
        missing = wanted - self._asked_of_system
        if self.advisories is None or not missing:
            return
        try:
            found = self.advisories.find_of_system(missing)
        except RegistryError as exc:
            _log.warning("known vulnerabilities of systems are not known", extra={"cause": str(exc)})
            return
        if found is not None:
            self._of_system |= found
            self._asked_of_system |= missing

    def advisory_diff(self, repository: str, old: str, new: str) -> AdvisoryDiff:
        """Return what moving from one tag to another fixes and brings in, as far as it is known."""
        key = (repository, old, new)
        if key not in self._compared:
            sides = [self._installed(repository, tag) for tag in (old, new)]
            known = all(side is not None and self._asked.issuperset(side) for side in sides)
            of_system = [self._matches_of_system(repository, tag) for tag in (old, new)]
            if None in of_system:  # what is known of one side alone would all be fixed, or come in
                of_system = [{}, {}]
            self._compared[key] = (
                compare_matches(
                    *(
                        self._matches(side or ()) | (more or {})
                        for side, more in zip(sides, of_system, strict=True)
                    )
                )
                if known
                else AdvisoryDiff(known=False)
            )
        return self._compared[key]

    def find_open(self, repository: str, tag: str) -> tuple[Advisory, ...] | None:
        """Return the known vulnerabilities of one tag, the worst first; None when they are not known."""
        diff = self.advisory_diff(repository, tag, tag)
        return diff.remaining if self.advisories is not None and diff.known else None

    def _installed(self, repository: str, tag: str) -> list[Installed] | None:
        """Return the packages of an image and their versions; None when they are not known."""
        facts = self.facts(repository, tag)
        if facts is None or facts.packages is None:
            return None
        return [one for one in versions_of(facts).items() if one[0] not in NOT_TOLD]

    def _of_image(self, repository: str, tag: str) -> frozenset[InstalledOfSystem] | None:
        facts = self.facts(repository, tag)
        return name_installed(facts.system, facts.system_packages) if facts else None

    def _matches_of_system(self, repository: str, tag: str) -> dict[str, tuple[Record, ...]] | None:
        """Return what affects the packages of a tag's system; None when it is not known."""
        installed = self._of_image(repository, tag)
        if installed is None or not self._asked_of_system.issuperset(installed):
            return None
        found: dict[str, tuple[Record, ...]] = {}
        for one in installed:
            if hits := self._of_system.get(one):
                name = f"{one.package} (Alpine)"
                found[name] = (*found.get(name, ()), *hits)
        return found

    def _matches(self, installed: Iterable[Installed]) -> dict[str, tuple[Record, ...]]:
        return {one[0]: self._records[one] for one in installed if one in self._records}
