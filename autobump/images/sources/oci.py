"""Tags from any registry that speaks the OCI distribution API."""

import base64
import re
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, Field, OnErrorOmit

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import parse_moment
from autobump.images.sources.bounds import MAX_TAGS, TagCount, TagName
from autobump.images.sources.cache import CachedTags, TagCache
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.http.addresses import resolve_address, same_origin
from autobump.support.http.client import Answer, HttpClient
from autobump.support.http.headers import find_etag, find_next_link, parse_challenge
from autobump.support.secrets import Secret

FRESH_SECONDS = 3600
"""A tag list younger than this is not asked for again."""

_SCOPES_PER_TOKEN = 40
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


class _Token(BaseModel):
    token: Annotated[str, Field(max_length=1 << 16)] | None = None
    access_token: Annotated[str, Field(max_length=1 << 16)] | None = None
    expires_in: Annotated[float, Field(ge=0)] = 60


class _Config(BaseModel):
    created: datetime | None = None


class _Descriptor(BaseModel):
    digest: str
    annotations: dict[str, Any] | None = None


class _Manifest(BaseModel):
    annotations: dict[str, Any] | None = None
    config: _Descriptor | None = None
    manifests: Annotated[list[OnErrorOmit[_Descriptor]], Field(max_length=1000)] | None = None


class Credentials:
    """What a registry may be told: a user with a password, or a bearer token; or nothing."""

    def __init__(
        self, username: str = "", password: Secret | None = None, bearer: Secret | None = None
    ) -> None:
        self._username = username
        self._password = password
        self._bearer = bearer

    def basic(self) -> str | None:
        """Return a Basic authorization, or None."""
        if self._password is None:
            return None
        pair = f"{self._username}:{self._password.reveal()}".encode()
        return f"Basic {Secret(base64.b64encode(pair).decode()).reveal()}"

    def bearer(self) -> str | None:
        """Return a Bearer authorization, or None."""
        return f"Bearer {self._bearer.reveal()}" if self._bearer else None


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
        self._credentials = credentials or Credentials()
        self._lock = threading.Lock()
        self._told = TagCount()
        self._announced: list[str] = []
        self._tokens: dict[str, tuple[str, float]] = {}
        self._plain: str | None = self._credentials.bearer()

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Remember which images will be asked for, so that one token can serve many."""
        self._announced = [self._path(name) for name in in_use]

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        """Return the image's tags in the registry's order; a tag list has neither dates nor digests."""
        path = self._path(repository)
        cached = self._cache.find(self._source, repository)
        if cached is not None:
            self._told.require_few(path, len(cached.tags))
            if 0 <= time.time() - cached.fetched < FRESH_SECONDS:
                return cached.tags
        url: str | None = f"{self._root}/v2/{quote(path)}/tags/list?n=1000"
        headers = {"If-None-Match": cached.etag} if cached and cached.etag else {}
        names: dict[str, None] = {}
        etag = ""
        for page in self._client.count_pages(f"{self._root}'s list of tags of {path}"):
            answer = self._ask("GET", str(url), path, headers if page == 0 else {})
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
            url = self._next_page(answer)
            if url is None:
                break
            etag = ""  # it would speak for the first page only
        tags = tuple(TagRecord(name) for name in names)
        self._cache.store(self._source, repository, _at_now(tags, etag))
        return tags

    def fetch_digest(self, repository: str, tag: str) -> str:
        """Return the digest of a tag's manifest, with a HEAD, which counts against no pull limit."""
        path = self._path(repository)
        answer = self._manifest("HEAD", repository, tag)
        if answer.status == 404:
            raise ImageNotFoundError(f"{self._root} has no manifest of {path}:{tag}")
        digest = _require(answer, path).headers.get("docker-content-digest", "")
        if not _DIGEST.fullmatch(digest):
            raise RegistryError(f"{self._root} gives no digest of {path}:{tag}")
        return digest

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return when an image was built: from its manifest's annotations, else from its configuration."""
        path = self._path(repository)
        reference = tag
        for _ in range(2):  # an index leads to a manifest, and no further
            manifest = _require(self._manifest("GET", repository, reference), path).parse(_Manifest)
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
        created = _require(self._ask("GET", url, path, {}), path).parse(_Config).created
        return created if created and created.tzinfo else None

    def _path(self, repository: str) -> str:
        return f"{self._prefix}{repository}"

    def _manifest(self, method: str, repository: str, reference: str) -> Answer:
        path = self._path(repository)
        url = f"{self._root}/v2/{quote(path)}/manifests/{quote(reference, safe=':')}"
        answer = self._ask(method, url, path, {"Accept": ", ".join(_MANIFESTS)})
        if answer.status == 404:
            self._cache.forget(self._source, repository)  # the tags it holds are not those of the registry
        return answer

    def _ask(self, method: str, url: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Send a request, answering the registry's challenge when it makes one."""
        used = self._authorization(path)
        answer = self._client.send(method, url, headers=headers, authorization=used)
        if answer.status != 401:
            return answer
        self._forget(path, used)
        challenge = answer.headers.get("www-authenticate", "")
        if challenge.lower().startswith("basic"):
            self._plain = self._credentials.basic()
            if self._plain is None:
                raise RegistryError(f"{self._root} wants AUTOBUMP_REGISTRY_USERNAME and _PASSWORD")
            return self._client.send(method, url, headers=headers, authorization=self._plain)
        if not challenge.lower().startswith("bearer"):
            raise RegistryError(f"{self._root} refuses access to {path}")
        parameters = parse_challenge(challenge)
        wanted = self._batch(path)
        for scopes in dict.fromkeys((wanted, (path,))):
            if self._fetch_token(parameters, scopes):
                used = self._authorization(path)
                answer = self._client.send(method, url, headers=headers, authorization=used)
                if answer.status not in (401, 403):
                    return answer
                self._forget(path, used)
        raise RegistryError(f"{self._root} refuses access to {path}")

    def _authorization(self, path: str) -> str | None:
        with self._lock:
            token, expires = self._tokens.get(path, ("", 0.0))
        return f"Bearer {token}" if time.monotonic() < expires else self._plain

    def _forget(self, path: str, used: str | None) -> None:
        """Drop the token that was just refused, unless another thread has replaced it already."""
        with self._lock:
            if used is not None and used == f"Bearer {self._tokens.get(path, ('', 0.0))[0]}":
                del self._tokens[path]

    def _batch(self, path: str) -> tuple[str, ...]:
        """Return the image with its neighbours among those that will be asked for."""
        if path not in self._announced:
            return (path,)
        start = self._announced.index(path) // _SCOPES_PER_TOKEN * _SCOPES_PER_TOKEN
        return tuple(self._announced[start : start + _SCOPES_PER_TOKEN])

    def _fetch_token(self, parameters: Mapping[str, str], paths: Sequence[str]) -> bool:
        """Fetch one token for several images; False when the server will not give it."""
        realm = resolve_address(self._root, parameters.get("realm", ""))
        private = same_origin(realm, self._root) or (_is_loopback(realm) and _is_loopback(self._root))
        if urlsplit(realm).scheme != "https" and not private:
            raise RegistryError(f"{self._root} sends its users to a token server without TLS")
        with self._lock:
            # Threads that met the same challenge wait here, and then find the token.
            if all(time.monotonic() < self._tokens.get(path, ("", 0.0))[1] for path in paths):
                return True
            query = [("service", parameters["service"])] if "service" in parameters else []
            query += [("scope", f"repository:{path}:pull") for path in paths]
            answer = self._client.send(
                "GET", f"{realm}?{urlencode(query)}", authorization=self._credentials.basic()
            )
            if answer.status != 200:
                return False
            reply = answer.parse(_Token)
            token = reply.token or reply.access_token
            if not token:
                return False
            expires = time.monotonic() + max(min(reply.expires_in, 3600) - 10, 5)
            self._tokens |= dict.fromkeys(paths, (token, expires))
            return True

    def _next_page(self, answer: Answer) -> str | None:
        link = find_next_link(answer.headers.get("link", ""))
        if link is None:
            return None
        url = resolve_address(answer.url, link)
        if not same_origin(url, self._root):
            raise RegistryError(f"{self._root} names a next page on another host")
        return url


def _is_address(url: str) -> bool:
    try:
        return same_origin(url, url)
    except RegistryError:
        return False


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _at_now(tags: tuple[TagRecord, ...], etag: str) -> CachedTags:
    return CachedTags(time.time(), etag, "", tags)


def _require(answer: Answer, path: str) -> Answer:
    if answer.status != 200:
        raise RegistryError(f"{urlsplit(answer.url).hostname} answered {answer.status} for {path}")
    return answer


def _parse_created(annotations: Mapping[str, object] | None) -> datetime | None:
    return parse_moment((annotations or {}).get(_CREATED))
