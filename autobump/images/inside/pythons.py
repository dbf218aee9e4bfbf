"""Which Python is inside a tag, for rules that keep an item on one."""

from collections.abc import Mapping

from autobump.images.choice import Release
from autobump.images.registries import names_of
from autobump.images.results import Lookup
from autobump.images.sources import FactsSource
from autobump.support.errors import RegistryError

_NAMED_BY_PYTHON = frozenset({"demisto/python", "demisto/python3"})
"""Their tags begin with the version of Python, as every published page of them shows."""

_CHUNK = 20
"""Tags of one image that a source hears of at once."""


class PythonVersions:
    """Tells the major and minor version of the Python in a tag; asks for each tag once, when it is needed."""

    def __init__(self, source: FactsSource | None, found: Mapping[str, Lookup]) -> None:
        """Ask nothing yet.

        Args:
            source: Tells what is inside images; None when nobody does.
            found: What the registry holds of each image, newest first.
        """
        self._source = source
        self._found = found
        self._known: dict[tuple[str, str], str | RegistryError | None] = {}
        self._prepared: set[tuple[str, str]] = set()

    def find(self, repository: str, release: Release) -> str | None:
        """Return such as `3.11`, or None when nothing is published of it.

        Raises:
            RegistryError: The source could not answer.
        """
        if not _NAMED_BY_PYTHON.isdisjoint(names_of(repository)):
            return ".".join(release.tag.text.split(".")[:2])
        key = (repository, release.tag.text)
        if key not in self._known:
            self._known[key] = self._ask(*key)
        answer = self._known[key]
        if isinstance(answer, RegistryError):
            raise answer
        return answer

    def _ask(self, repository: str, tag: str) -> str | RegistryError | None:
        if self._source is None:
            return None
        try:
            if (repository, tag) not in self._prepared:
                self._prepare(repository, tag)
            facts = self._source.fetch_facts(repository, tag)
        except RegistryError as exc:
            return exc
        return facts.python_minor if facts else None

    def _prepare(self, repository: str, tag: str) -> None:
        releases = self._found.get(repository)
        tags = [release.tag.text for release in releases] if isinstance(releases, tuple) else [tag]
        start = tags.index(tag) if tag in tags else 0
        chunk = [(repository, name) for name in tags[start : start + _CHUNK]]
        self._prepared |= set(chunk)
        if self._source is not None:
            self._source.prepare(chunk)
