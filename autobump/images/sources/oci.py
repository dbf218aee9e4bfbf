"""Tags from any registry that speaks the OCI distribution API."""

import hashlib
import re
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import BaseModel, Field, OnErrorOmit

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import parse_moment
from autobump.images.sources.bounds import MAX_TAGS, TagCount, TagName
from autobump.images.sources.cache import CachedTags, TagCache
from autobump.images.sources.login import Credentials, RegistryLogin
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.http.addresses import resolve_address, same_origin
from autobump.support.http.answer import Answer
from autobump.support.http.client import HttpClient
from autobump.support.http.headers import find_etag, find_next_link

FRESH_SECONDS = 3600
"""A tag list younger than this is not asked for again."""

_PAGE_SIZES = ("?n=1000", "?n=100", "")
_MANIFEST_BYTES = 4 * 1024 * 1024
"""Largest manifest that a registry has to take, by the OCI distribution specification 1.1."""

_HUB = ("registry-1.docker.io", "index.docker.io", "docker.io", "registry.hub.docker.com")
"""Where a GET of a manifest counts against Docker Hub's pull limit."""

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CREATED = "org.opencontainers.image.created"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _TagList(BaseModel):
    tags: Annotated[list[OnErrorOmit[TagName]], Field(max_length=MAX_TAGS)] | None = None


class _Config(BaseModel):
    created: datetime | None = None


class _Version(BaseModel):
    """What every manifest has."""

    schemaVersion: int


class _Descriptor(BaseModel):
    digest: str
    annotations: dict[str, Any] | None = None


class _Manifest(BaseModel):
    annotations: dict[str, Any] | None = None
    config: _Descriptor | None = None
    manifests: Annotated[list[OnErrorOmit[_Descriptor]], Field(max_length=1000)] | None = None


class OciSource:
    """A registry, or a prefix of one such as the proxy of a mirror.

    Source: OCI distribution specification 1.1 (tags/list, Link, manifests) and the token authentication of
    the Distribution project (challenge, several scopes in one token), read 2026-11.
    """

    def __init__(
        self, address: str, client: HttpClient, cache: TagCache, credentials: Credentials | None = None
    ) -> None:
        """Make the source; nothing is asked yet.

        Args:
            address: `https://host[/prefix]`, or `http://…` for a loopback or private mirror.
            client: Sends the requests.
            cache: Remembers tags.
            credentials: What the registry may be told.

        Raises:
            UsageError: This is no such address.
        """
        parts = urlsplit(address if _is_address(address) else "")
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError("a registry is oci:https://host[/prefix], or oci:http://… for a private mirror")
        if parts.username or parts.password:
            raise UsageError(
                "credentials do not belong into a registry's address; "
                "set AUTOBUMP_REGISTRY_USERNAME and AUTOBUMP_REGISTRY_PASSWORD"
            )
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        self._source = f"oci:{self._root}/{self._prefix}"
        self._client = client
        self._cache = cache
        self._login = RegistryLogin(self._root, client, credentials or Credentials())
        self._send = self._login.send
        self._told = TagCount()
        self._page_size = 0

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Remember which images will be asked for, so that one token can serve many."""
        self._login.announce([self._path(name) for name in in_use])

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        """Return the image's tags in the registry's order; a tag list has neither dates nor digests."""
        path = self._path(repository)
        cached = self._cache.find(self._source, repository)
        if cached is not None:
            self._told.require_few(path, len(cached.tags))
            if 0 <= time.time() - cached.fetched < FRESH_SECONDS:
                return cached.tags
        address = f"{self._root}/v2/{quote(path)}/tags/list"
        headers = {"If-None-Match": cached.etag} if cached and cached.etag else {}
        url, names, etag = "", dict[str, None](), ""
        for page in self._client.count_pages(f"{self._root}'s list of tags of {path}"):
            answer = self._send("GET", url, path, {}) if page else self._first_page(address, path, headers)
            if answer.status == 304 and cached is not None:
                self._cache.store(self._source, repository, _at_now(cached.tags, cached.etag))
                return cached.tags
            if answer.status == 404 and page == 0:
                raise ImageNotFoundError(f"{self._root} has no image {path}")
            found = _require(answer, path).parse(_TagList).tags or []
            names |= dict.fromkeys(found)
            self._told.require_few(path, len(names))
            if page == 0:
                etag = find_etag(answer.headers.get("etag", ""))
            link = find_next_link(answer.headers.get("link", ""))
            if link is None:
                break
            url = self._next_page(answer, link, address)
            etag = ""  # it would speak for the first page only
        tags = tuple(TagRecord(name) for name in names)
        self._cache.store(self._source, repository, _at_now(tags, etag))
        return tags

    def fetch_digest(self, repository: str, tag: str) -> str:
        """Return the digest of a tag's manifest, with a HEAD, which counts against no pull limit.

        A registry that does not answer a HEAD, or not with a digest, is asked for the manifest itself, whose
        hash the digest is. Docker Hub answers a HEAD, and counts a GET as a pull: it is not asked again.

        Source: OCI distribution specification 1.1: Docker-Content-Digest SHOULD be there, and a digest is the
        SHA-256 of the manifest's bytes; Docker's documentation of the pull limit, read 2026-11.
        """
        path = self._path(repository)
        answer = self._manifest("HEAD", repository, tag)
        digest = answer.headers.get("docker-content-digest", "")
        if answer.status == 200 and _DIGEST.fullmatch(digest):
            return digest
        if urlsplit(self._root).hostname not in _HUB:
            answer = self._manifest("GET", repository, tag)
        if answer.status == 404:
            self._forget(repository)
            raise ImageNotFoundError(f"{self._root} has no manifest of {path}:{tag}")
        body = _require(answer, path).body
        digest = answer.headers.get("docker-content-digest", "")
        if not _DIGEST.fullmatch(digest):
            if not body:
                raise RegistryError(f"{self._root} gives no digest of {path}:{tag}")
            answer.parse(_Version)  # nothing else is a manifest
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return digest

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return when an image was built: from its manifest's annotations, else from its configuration."""
        path = self._path(repository)
        reference = tag
        for _ in range(2):  # an index leads to a manifest, and no further
            answer = self._manifest("GET", repository, reference)
            if answer.status == 404:
                self._forget(repository)
            manifest = _require(answer, path).parse(_Manifest)
            if created := _parse_created(manifest.annotations):
                return created
            if not manifest.manifests:
                break
            first = manifest.manifests[0]
            if created := _parse_created(first.annotations):
                return created
            if not _DIGEST.fullmatch(first.digest):
                return None
            reference = first.digest
        if manifest.config is None or not _DIGEST.fullmatch(manifest.config.digest):
            return None
        url = f"{self._root}/v2/{quote(path)}/blobs/{manifest.config.digest}"
        created = _require(self._send("GET", url, path, {}), path).parse(_Config).created
        return created if created and created.tzinfo else None

    def _path(self, repository: str) -> str:
        return f"{self._prefix}{repository}"

    def _forget(self, repository: str) -> None:
        """Drop the tags that are remembered of an image: they are not those of the registry any more."""
        self._cache.forget(self._source, repository)

    def _first_page(self, address: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Ask for tags, in smaller pages if the size is refused, and at last without saying one.

        Source: PAGINATION_NUMBER_INVALID of the Distribution project, read 2026-11; other registries name no
        code.
        """
        answer = self._send("GET", f"{address}{_PAGE_SIZES[self._page_size]}", path, headers)
        while _refuses_request(answer) and self._page_size < len(_PAGE_SIZES) - 1:
            self._page_size += 1
            answer = self._send("GET", f"{address}{_PAGE_SIZES[self._page_size]}", path, headers)
        return answer

    def _manifest(self, method: str, repository: str, reference: str) -> Answer:
        path = self._path(repository)
        url = f"{self._root}/v2/{quote(path)}/manifests/{quote(reference, safe=':')}"
        return self._send(method, url, path, {"Accept": ", ".join(_MANIFESTS)}, _MANIFEST_BYTES)

    def _next_page(self, answer: Answer, link: str, address: str) -> str:
        """Return where the next page is.

        A registry behind another one names an address that it knows itself by, without the folder that it was
        asked under, or with another host. What the link says of the place in the list counts on the address
        that was asked.
        """
        url = resolve_address(answer.url, link)
        parts = urlsplit(url)
        if parts.path != urlsplit(address).path and "last" in parse_qs(parts.query):
            return f"{address}?{parts.query}"
        if not same_origin(url, self._root):
            raise RegistryError(f"{self._root} names a next page on another host")
        return url


def _is_address(url: str) -> bool:
    try:
        return same_origin(url, url)
    except RegistryError:
        return False


def _at_now(tags: tuple[TagRecord, ...], etag: str) -> CachedTags:
    return CachedTags(time.time(), etag, "", tags)


def _refuses_request(answer: Answer) -> bool:
    """Whether it was asked in a way that the registry does not take, such as for too large a page."""
    return 400 <= answer.status < 500 and answer.status not in (401, 403, 404)


def _require(answer: Answer, path: str) -> Answer:
    if answer.status != 200:
        raise RegistryError(f"{answer.host} answered {answer.status} for {path}{answer.said}")
    return answer


def _parse_created(annotations: Mapping[str, object] | None) -> datetime | None:
    return parse_moment((annotations or {}).get(_CREATED))
