"""Where tags and facts come from: the protocols, and the spelling that chooses the source of tags."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import ImageFacts
from autobump.images.spelling import DOCKER_HUB, FILE, OCI, PAGES, TAG_SOURCE, split_spelling
from autobump.support.errors import UsageError
from autobump.support.files import expand_home
from autobump.support.http.request_count import RequestCount


class TagSource(Protocol):
    """A place that knows the tags of images; safe to ask from several threads."""

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Hear which images will be asked for, each with the tags items are on.

        Never raises: what fails is told image by image.
        """
        ...

    def fetch_tags(self, repository: str) -> Sequence[TagRecord]:
        """Return what is known of an image's tags, any order, mutable ones included.

        Args:
            repository: `namespace/name`, as the source calls it.

        Raises:
            ImageNotFoundError: The source has no such image.
            RegistryError: The source could not answer.
        """
        ...

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        """Make sure that a tag's manifest exists, and return its digest if the source knows it.

        Raises:
            ImageNotFoundError: There is no such manifest.
            RegistryError: The source could not answer.
        """
        ...

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return when a tag was made, with timezone, if the source knows more than `fetch_tags` said.

        Raises:
            RegistryError: The source could not answer.
        """
        ...


class FactsSource(Protocol):
    """A place that tells what is inside an image; safe to ask from several threads."""

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Hear which images and tags will be asked for.

        Raises:
            RegistryError: The source cannot be used at all.
        """
        ...

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return the facts of a tag, or None when nothing is published of it.

        Raises:
            RegistryError: The source could not answer.
        """
        ...


class ListedFacts(FactsSource, Protocol):
    """A source of facts that knows which images it tells of."""

    def fetch_images(self) -> Collection[str]:
        """Return the images that it has facts of, each as `full_name` writes it, in any order.

        Raises:
            RegistryError: The source could not answer.
        """
        ...


class SourceOptions(Struct, frozen=True):
    """How network sources behave.

    Attributes:
        cache: Folder of the cache, or None for none.
        refresh: Read nothing from the cache.
        connections: Requests under way at once.
        request_count: Told of every request over HTTP.
    """

    cache: Path | None = None
    refresh: bool = False
    connections: int = 8
    request_count: RequestCount | None = None


def open_tag_source(
    spelling: str, options: SourceOptions | None = None, *, with_login: bool = True
) -> TagSource:
    """Open the source that `--tags` or `registry.source` names; nothing is asked over the network yet.

    Args:
        spelling: See `TAG_SOURCE`.
        options: How network sources behave.
        with_login: The password for registries in the environment is for this one.

    Raises:
        UsageError: There is no such kind of source, or it cannot be opened.
    """
    kind, rest = split_spelling(spelling)
    if kind == FILE and rest:
        from autobump.images.sources.cache import TagCache
        from autobump.images.sources.snapshot import SnapshotSource

        cache = TagCache(options.cache, refresh=options.refresh) if options else None
        return SnapshotSource.open(expand_home(rest), cache)
    if kind == PAGES and rest:
        from autobump.images.sources.image_pages import ImagePagesSource, open_local_pages

        return ImagePagesSource(open_local_pages(expand_home(rest)))
    if spelling in (DOCKER_HUB, PAGES) or (kind == OCI and rest):
        return _open_network_source(spelling, options or SourceOptions(), with_login)
    path = Path(spelling)
    kind = PAGES if path.is_dir() else FILE if path.exists() else ""
    hint = f"; did you mean {kind}:{spelling}?" if kind else ""
    raise UsageError(f"{spelling!r} {TAG_SOURCE.refusal}{hint}")


def _open_network_source(spelling: str, options: SourceOptions, with_login: bool) -> TagSource:
    from autobump.images.sources.cache import TagCache
    from autobump.support.http.client import HttpClient, HttpLimits
    from autobump.support.secrets import find_secret, find_text, is_for_github_com

    client = HttpClient(HttpLimits(connections=options.connections), request_count=options.request_count)
    if spelling == PAGES:
        from autobump.images.sources.image_pages import GitHubPages, ImagePagesSource

        token = find_secret("GITHUB_TOKEN") if is_for_github_com() else None
        return ImagePagesSource(GitHubPages(client, token))
    cache = TagCache(options.cache, refresh=options.refresh)
    if spelling == DOCKER_HUB:
        from autobump.images.sources import docker_hub

        username, token = find_text("DOCKERHUB_USERNAME"), find_secret("DOCKERHUB_TOKEN")
        if bool(username) is not bool(token):
            raise UsageError("set both DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, or neither")
        return docker_hub.DockerHubSource(
            client, cache, username=username, token=token, base_url=docker_hub.BASE_URL
        )
    from autobump.images.sources.login import Credentials
    from autobump.images.sources.oci import OciSource

    credentials = (
        None
        if not with_login
        else Credentials(
            find_text("AUTOBUMP_REGISTRY_USERNAME"),
            find_secret("AUTOBUMP_REGISTRY_PASSWORD"),
            find_secret("AUTOBUMP_REGISTRY_TOKEN"),
        )
    )
    return OciSource(split_spelling(spelling).rest, client, cache, credentials)
