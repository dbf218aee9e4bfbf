"""Advisories from the service of osv.dev."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from autobump.images.advisories.record import Installed, Record


class OsvService:
    """The service, asked in batches, whose records are remembered."""

    def __init__(self, url: str, cache: Path | None) -> None:
        """Use a service; nothing is asked yet."""
        self._url = url
        self._cache = cache

    def find(self, wanted: Iterable[Installed]) -> Mapping[Installed, tuple[Record, ...]]:
        """Return the records that affect each package and version."""
        raise NotImplementedError
