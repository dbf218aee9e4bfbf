"""Which Python is inside a tag, for rules that keep an item on one."""

from collections.abc import Mapping

from autobump.errors import RegistryError
from autobump.images.choice import Release
from autobump.images.lookup import Lookup
from autobump.images.sources import FactsSource

_NAMED_BY_PYTHON = frozenset({"demisto/python", "demisto/python3"})
"""Their tags begin with the version of Python, as every published page of them shows."""

MAX_ASKED = 20
"""Most tags of one image whose Python is asked for, newest first; that of older ones counts as not known."""


class PythonVersions:
    """Tells the major and minor version of the Python in a tag, asking for the facts of an image once."""

    def __init__(self, source: FactsSource | None, found: Mapping[str, Lookup]) -> None:
        """Ask nothing yet.

        Args:
            source: Tells what is inside images; None when nobody does.
            found: What the registry holds of each image, newest first.
        """
        self._source = source
        self._found = found
        self._known: dict[str, dict[str, str | None]] = {}

    def find(self, repository: str, release: Release) -> str | None:
        """Return such as `3.11`, or None when it is not known."""
        if repository in _NAMED_BY_PYTHON:
            return ".".join(release.tag.text.split(".")[:2])
        if repository not in self._known:
            self._known[repository] = self._ask(repository)
        return self._known[repository].get(release.tag.text)

    def _ask(self, repository: str) -> dict[str, str | None]:
        releases = self._found.get(repository)
        if self._source is None or not isinstance(releases, tuple):
            return {}
        tags = [release.tag.text for release in releases[:MAX_ASKED]]
        known: dict[str, str | None] = {}
        try:
            self._source.prepare((repository, tag) for tag in tags)
            for tag in tags:
                facts = self._source.fetch_facts(repository, tag)
                known[tag] = facts.python_minor if facts else None
        except RegistryError:  # what is not known may not be used, and the rule's reason says so
            pass
        return known
