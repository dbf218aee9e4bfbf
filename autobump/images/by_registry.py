"""Asks the source of each image's own registry, under the name that the image has there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import ImageFacts
from autobump.images.reference import parse_image_ref
from autobump.images.registries import HUB, Place, Registries, full_name
from autobump.images.sources import ListedFacts, SourceOptions, TagSource, open_tag_source
from autobump.images.sources.facts import open_facts_source
from autobump.images.sources.shared import SharedTags
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.images.spelling import AUTO, DOCKER_HUB, FILE, OCI, PAGES, choose_facts, split_spelling
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.http.addresses import same_origin


class _Asked(NamedTuple):
    """A source, and what it calls an image."""

    source: TagSource
    name: str


class TagsByRegistry:
    """A tag source for images of several registries, named as items write them.

    Attributes:
        file: The tag file that the tags of Docker Hub's images come from, if any.
    """

    def __init__(
        self, registries: Registries, options: SourceOptions, *, prefer_source: bool = False
    ) -> None:
        """Open the source of Docker Hub's images; those of other registries are opened when they are needed.

        Args:
            registries: The registries that are known.
            options: How network sources behave.
            prefer_source: A file that is the source counts before the sources of other registries, where it
                has images of them, as an exported one does.

        Raises:
            UsageError: The source cannot be opened.
        """
        self._registries = registries
        self._options = options
        self._sources: dict[str, TagSource] = {}
        self._main = self._open(registries.source)
        self._first = self._main if prefer_source and isinstance(self._main, SnapshotSource) else None
        self.file: TagFile | None = self._main.file if isinstance(self._main, SnapshotSource) else None

    def load(self) -> None:
        """Read now the file that the tags of Docker Hub's images come from, if there is one.

        Raises:
            UsageError: It holds something else than tags.
        """
        if isinstance(self._main, SnapshotSource):
            self._main.load()

    def speaks_for(self, host: str) -> bool:
        """Whether the file that is preferred tells of the images of a registry other than Docker Hub.

        Raises:
            UsageError: The file holds something else than tags.
        """
        return self._first is not None and host != HUB and self._first.has_registry(host)

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Tell each source of the images that it will be asked for."""
        places = {name: place for name in in_use if (place := self._find_place(name))}
        if self._first is not None:
            asked = {name: names_in_file(name, place) for name, place in places.items()}
            self._first.prepare(_by_name(asked, in_use))
        asked_of: dict[TagSource, dict[str, tuple[str, ...]]] = {}
        for name, place in places.items():
            if not self.speaks_for(place.host):
                asked_of.setdefault(self._open(place.source), {})[name] = place.names
        for source, names in asked_of.items():
            if source is not self._first:
                source.prepare(_by_name(names, in_use))

    def fetch_tags(self, repository: str) -> Sequence[TagRecord]:
        """Return the tags that an image has in its own registry."""
        source, name = self._ask(repository)
        return source.fetch_tags(name)

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that a tag has in the image's own registry."""
        source, name = self._ask(repository)
        return source.fetch_digest(name, tag)

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return the date that a tag has in the image's own registry."""
        source, name = self._ask(repository)
        return source.fetch_created(name, tag)

    def _ask(self, repository: str) -> _Asked:
        place = self._find_place(repository)
        if place is None:
            raise ImageNotFoundError(self._registries.explain_unknown(parse_image_ref(repository)))
        if self._first is not None and self.speaks_for(place.host):
            return _Asked(self._first, self._first.choose_name(names_in_file(repository, place)))
        source = self._open(place.source)
        if isinstance(source, SnapshotSource):
            return _Asked(source, source.choose_name(place.names))
        return _Asked(source, place.names[0])

    def _find_place(self, repository: str) -> Place | None:
        try:
            return self._registries.find_asked(parse_image_ref(repository))
        except ValueError as exc:
            raise UsageError(str(exc)) from exc

    def _open(self, spelling: str) -> TagSource:
        if spelling not in self._sources:
            source = open_tag_source(spelling, self._options, with_login=self._may_log_in(spelling))
            # An image may be written in several ways, and is asked for once.
            self._sources[spelling] = source if isinstance(source, SnapshotSource) else SharedTags(source)
        return self._sources[spelling]

    def _may_log_in(self, spelling: str) -> bool:
        """Whether the one password for registries is for this one: no other registry may see it."""
        if split_spelling(spelling).kind != OCI:
            return True
        main = self._registries.source
        spellings = [host.source for host in self._registries.hosts.values()]
        owners = [main] if split_spelling(main).kind == OCI else spellings
        addresses = [split_spelling(one).rest for one in owners if split_spelling(one).kind == OCI]
        return all(_is_same(split_spelling(spelling).rest, address) for address in addresses)


def names_in_file(repository: str, place: Place) -> tuple[str, ...]:
    """Return what a tag file may call an image.

    Args:
        repository: The image as items write it.
        place: Where it is looked up.
    """
    return place.names if split_spelling(place.source).kind == FILE else (full_name(repository),)


def _by_name(
    asked: Mapping[str, tuple[str, ...]], in_use: Mapping[str, Collection[str]]
) -> dict[str, set[str]]:
    """Return the tags in use by what a source calls an image, which may be written in several ways."""
    found: dict[str, set[str]] = {}
    for repository, names in asked.items():
        for name in names:
            found.setdefault(name, set()).update(in_use[repository])
    return found


def _is_same(address: str, other: str) -> bool:
    """Whether two addresses are of one registry; one that is none is told where it is opened."""
    try:
        return address == other or same_origin(address, other)
    except RegistryError:
        return False


class FactsByRegistry:
    """A source of facts for images of several registries, named as items write them."""

    def __init__(
        self,
        registries: Registries,
        facts: str,
        sources: Mapping[str, ListedFacts | None],
        tags: TagsByRegistry | None,
    ) -> None:
        """Use open sources.

        Args:
            registries: The registries that are known.
            facts: What the settings name, see `FACTS_SOURCE`.
            sources: By their spelling; what is not here tells nothing.
            tags: Where the tags come from, if they are asked for.
        """
        self._tags = tags
        self._registries = registries
        self._facts = facts
        self._sources = sources

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Tell each source of the images and tags that it will be asked for."""
        by_source: dict[ListedFacts, list[tuple[str, str]]] = {}
        for repository, tag in wanted:
            source, names = self._ask(repository)
            if source is not None:
                by_source.setdefault(source, []).extend((name, tag) for name in names)
        for source, keys in by_source.items():
            source.prepare(keys)

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what is known of a tag; on a mirror of Docker Hub, of the image itself."""
        source, names = self._ask(repository)
        if source is None:
            return None
        return next((facts for name in names if (facts := source.fetch_facts(name, tag))), None)

    def fetch_images(self) -> set[str]:
        """Return the images that any of the sources tells of."""
        return {name for source in self._sources.values() if source for name in source.fetch_images()}

    def _ask(self, repository: str) -> tuple[ListedFacts | None, tuple[str, ...]]:
        place = self._registries.find_asked(parse_image_ref(repository))
        if place is None:
            return None, ()
        spelling = self._facts
        if spelling == AUTO:
            from_file = self._tags is not None and self._tags.speaks_for(place.host)
            spelling = choose_facts(self._registries.source if from_file else place.source)
        kind = split_spelling(spelling).kind
        if kind == FILE:
            return self._sources.get(spelling), names_in_file(repository, place)
        if kind == PAGES and (place.host == HUB or self._mirrors_hub(place)):
            return self._sources.get(spelling), ("/".join(place.names[0].split("/")[-2:]),)
        return None, ()

    def _mirrors_hub(self, place: Place) -> bool:
        """Whether a registry holds the images that the pages tell of."""
        return (
            split_spelling(place.source).kind in (DOCKER_HUB, PAGES)
            or place.host not in self._registries.hosts
        )


def open_facts_by_registry(
    registries: Registries,
    facts: str,
    cache: Path | None,
    connections: int,
    tags: TagsByRegistry | None = None,
) -> FactsByRegistry | None:
    """Open what tells of the images of all registries, or None when nothing tells of any.

    Args:
        registries: The registries that are known.
        facts: What the settings name, see `FACTS_SOURCE`.
        cache: Folder of the cache, or None for none.
        connections: Requests under way at once.
        tags: Where the tags come from, if they are asked for: a file that has the facts, too, is read once.

    Raises:
        UsageError: There is no such kind of source, or it cannot be opened.
    """
    tag_sources = [registries.source, *(host.source for host in registries.hosts.values())]
    spellings = {choose_facts(source) for source in tag_sources} if facts == AUTO else {facts}
    file = tags.file if tags else None
    sources = {
        spelling: open_facts_source(spelling, registries.source, cache, connections, file)
        for spelling in sorted(spellings)
    }
    if all(source is None for source in sources.values()):
        return None
    return FactsByRegistry(registries, facts, sources, tags)
