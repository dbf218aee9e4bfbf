"""Where advisories come from: the service of osv.dev, an export of its records, or nowhere."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from autobump.images.advisories.record import Installed, Record
from autobump.images.spelling import ADVISORIES, FILE, NONE, OSV, split_spelling
from autobump.support.errors import UsageError
from autobump.support.files import expand_home

OSV_URL = "https://api.osv.dev"


class AdvisorySource(Protocol):
    """Tells which records affect a package."""

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        """Return the records that affect each package and version; one that nothing affects may be missing.

        Raises:
            RegistryError: It is not known; an outage is never the same as no record.
        """
        ...


def open_advisories(spelling: str, cache: Path | None) -> AdvisorySource | None:
    """Open the source that `registry.advisories` names; None for none.

    Args:
        spelling: See `ADVISORIES`.
        cache: Folder of the cache, or none.

    Raises:
        UsageError: There is no such source, or the export cannot be used.
    """
    kind, rest = split_spelling(spelling)
    if spelling == NONE:
        return None
    if kind == FILE and rest:
        from autobump.images.advisories.export import Export

        return Export.open(expand_home(rest), cache)
    if kind == OSV:
        from autobump.images.advisories.osv import OsvService

        return OsvService(rest or OSV_URL, cache)
    raise UsageError(f"{spelling!r} {ADVISORIES.refusal}")
