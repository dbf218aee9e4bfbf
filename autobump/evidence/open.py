"""Opens what verifies updates, as the settings say."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence
from autobump.evidence.engine import Bounds, Engine, find_engine
from autobump.evidence.run import RunOptions
from autobump.evidence.store import ObservationStore
from autobump.evidence.verify import RunnableImage, Verifier
from autobump.images.known import KnownImages
from autobump.images.lookup import look_up_digests
from autobump.images.reference import parse_image_ref
from autobump.images.sources import TagSource
from autobump.settings.model import Settings
from autobump.support.files import find_cache_folder
from autobump.support.progress import Progress

_MEGABYTE = 1_000_000
_MUTABLE = "latest"
"""The tag that an engine takes when a file names none."""


class Verification(Struct, frozen=True):
    """Verifies the updates of one pass.

    Attributes:
        verifier: Runs what must be run.
        source: Tells the digests of images.
        settings: The settings in force.
    """

    verifier: Verifier
    source: TagSource
    settings: Settings

    def verify(self, bumps: Iterable[Bump], known: KnownImages | None) -> Mapping[str, Evidence]:
        """Return the evidence of updates, by path.

        Args:
            bumps: The updates.
            known: What is known of their images.
        """
        wanted = list(bumps)
        keys = {key for bump in wanted for key in bump.tags}
        targets = [(repository, tag or _MUTABLE) for repository, tag in keys]
        digests = look_up_digests(
            self.source, targets, self.settings.registry.concurrency, self.verifier.progress
        )
        images = {}
        for repository, tag in keys:
            facts = known.facts(repository, tag) if known else None
            asked = digests[repository, tag or _MUTABLE]
            digest = asked if isinstance(asked, str) else facts.digest if facts else None
            place, plain_http = self.settings.registries.find_address(parse_image_ref(repository))
            address = f"{place}@{digest}" if digest else f"{place}:{tag or _MUTABLE}"
            size = int(facts.size_mb * _MEGABYTE) if facts and facts.size_mb else None
            images[repository, tag] = RunnableImage(address, digest or address, plain_http, size)
        return self.verifier.verify(wanted, images)

    def close(self) -> None:
        """Remove the images that were pulled."""
        self.verifier.close()

    def export(self) -> dict[str, Any]:
        """Return what was seen as plain data, for other machines."""
        return self.verifier.store.export()


def open_verification(
    tree: ContentTree,
    source: TagSource,
    settings: Settings,
    evidence: Iterable[Path],
    progress: Progress,
) -> Verification | None:
    """Return what verifies updates; None when nothing is run and no evidence is given.

    Raises:
        UsageError: An evidence file cannot be used.
    """
    wanted, files = settings.verify, list(evidence)
    if wanted.engine == "none" and not files:
        return None

    def find() -> Engine | None:
        return None if wanted.engine == "none" else find_engine(wanted.engine)

    cache = find_cache_folder(settings.registry.cache)
    options = RunOptions(
        Bounds(memory=wanted.memory, arguments=wanted.arguments),
        wanted.timeout.total_seconds(),
        wanted.concurrency,
        (cache or Path.cwd()) / "wheels",
    )
    store = ObservationStore(cache, files)
    verifier = Verifier(tree, wanted.level, find, store, options, wanted.max_pull, progress)
    return Verification(verifier, source, settings)
