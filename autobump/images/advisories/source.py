"""Where advisories come from: the service of osv.dev, an export of its records, or nowhere."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from autobump.images.advisories.record import Installed, Record
from autobump.images.inside.system import InstalledOfSystem
from autobump.images.spelling import ADVISORIES, FILE, NONE, OSV, split_spelling
from autobump.support.errors import UsageError
from autobump.support.files import expand_home
from autobump.support.http.request_count import RequestCount

OSV_URL = "https://api.osv.dev"

MOST_BYTES = 32 * 1024 * 1024
"""Largest answer of the service, as its documentation says."""

MOST_PAGES = 50
"""Most pages of what is known of packages; the service has answered with pages for ever."""


class AdvisorySource(Protocol):
    """Tells which records affect a package."""

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        """Return the records that affect each package and version; one that nothing affects may be missing.

        Raises:
            RegistryError: It is not known; an outage is never the same as no record.
        """
        ...

    def find_of_system(
        self, wanted: Iterable[InstalledOfSystem]
    ) -> Mapping[InstalledOfSystem, tuple[Record, ...]] | None:
        """Return the records that affect packages of operating systems; None for a source without such.

        Raises:
            RegistryError: It is not known.
        """
        ...


def open_advisories(
    spelling: str,
    cache: Path | None,
    connections: int = 8,
    request_count: RequestCount | None = None,
) -> AdvisorySource | None:
    """Open the source that `registry.advisories` names; None for none. Nothing is asked over the network yet.

    Args:
        spelling: See `ADVISORIES`.
        cache: Folder of the cache, or none.
        connections: Requests under way at once.
        request_count: Told of every request over HTTP.

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
        from autobump.support.http.client import HttpClient, HttpLimits

        limits = HttpLimits(connections=connections, answer_bytes=MOST_BYTES, list_pages=MOST_PAGES)
        return OsvService(rest or OSV_URL, HttpClient(limits, request_count=request_count), cache)
    raise UsageError(f"{spelling!r} {ADVISORIES.refusal}")
