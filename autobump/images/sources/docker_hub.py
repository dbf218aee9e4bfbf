"""Tags from the Docker Hub API."""

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, Field, OnErrorOmit

from autobump.images.choice import TagRecord
from autobump.images.sources.bounds import TagCount, TagName
from autobump.images.sources.cache import CachedTags, TagCache
from autobump.support.errors import ImageNotFoundError, RegistryError
from autobump.support.http.addresses import same_origin
from autobump.support.http.answer import Answer
from autobump.support.http.client import HttpClient
from autobump.support.secrets import Secret

BASE_URL = "https://hub.docker.com"

_SOURCE = "dockerhub"
_MAX_RESULTS = 200
"""Most entries of a page; a hundred are asked for."""

_Text = Annotated[str, Field(max_length=2048)]
"""A name, a date or an address; longer ones would pile up page after page."""

_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_Result = TypeVar("_Result", bound=BaseModel)


class _Repository(BaseModel):
    name: _Text
    last_updated: _Text | None = None


class _Image(BaseModel):
    digest: _Digest
    architecture: _Text | None = None


class _Tag(BaseModel):
    name: TagName
    tag_last_pushed: datetime | None = None
    last_updated: datetime | None = None
    digest: _Digest | None = None
    images: list[OnErrorOmit[_Image]] | None = None

    @property
    def any_digest(self) -> str | None:
        """The digest of the tag, or of its image: the one for amd64 where there are several.

        Source: https://docs.docker.com/reference/api/hub/latest/: a tag has `images`, each with a digest, and
        not always a digest of its own.
        """
        if self.digest is not None or not self.images:
            return self.digest
        digests = {image.digest: image.architecture for image in self.images}
        return next((digest for digest, kind in digests.items() if kind == "amd64"), next(iter(digests)))


class _Page(BaseModel, Generic[_Result]):
    """A page of a list; what is malformed in it costs itself alone."""

    next: _Text | None = None
    count: int | None = None
    results: Annotated[list[OnErrorOmit[_Result]], Field(max_length=_MAX_RESULTS)]


class _Token(BaseModel):
    access_token: Annotated[str, Field(min_length=1, max_length=1 << 16)]


class DockerHubSource:
    """The Hub API, anonymous or with an access token.

    A namespace's list of images says when each last changed. An image that did not change since the cached
    answer is not asked for; of one that did, tags are read newest first until a page brings nothing new and
    what is known then is as many tags as the Hub counts. More of them means that some were withdrawn, and the
    list is read to its end. An image that the namespace's list lacks is asked for all the same: one that is
    pushed while the list is read moves to its front, and stands on none of the pages.

    Source: https://docs.docker.com/reference/api/hub/latest/, read 2026-11.
    """

    def __init__(
        self,
        client: HttpClient,
        cache: TagCache,
        *,
        username: str = "",
        token: Secret | None = None,
        base_url: str,
    ) -> None:
        """Make the source; nothing is asked yet.

        Args:
            client: Sends the requests.
            cache: Remembers tags.
            username: Account, with `token`; empty for anonymous.
            token: Personal access token of the account.
            base_url: Where the API is.
        """
        self._client = client
        self._cache = cache
        self._username = username
        self._token = token
        self._base = base_url
        self._told = TagCount()
        self._lock = threading.Lock()
        self._bearer: Secret | None = None
        self._changes: dict[str, dict[str, str] | RegistryError] = {}
        self._digests: dict[tuple[str, str], str] = {}

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Log in, and list once every namespace the images are in; a failure is told image by image."""
        listed = {name for name, found in self._changes.items() if isinstance(found, dict)}
        namespaces = {name.partition("/")[0] for name in in_use} - listed
        try:
            self._log_in()
        except RegistryError as exc:
            self._changes |= dict.fromkeys(namespaces, exc)
            return
        for namespace in sorted(namespaces):
            try:
                self._changes[namespace] = self._list_namespace(namespace)
            except RegistryError as exc:
                self._changes[namespace] = exc

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        """Return the image's tags, newest first as the Hub sorts them."""
        namespace, _, name = repository.partition("/")
        changes = self._changes.get(namespace)
        if isinstance(changes, RegistryError):
            raise RegistryError(f"Docker Hub could not list {namespace}: {changes}") from changes
        changed = changes.get(name, "") if changes else ""
        cached = self._cache.find(_SOURCE, repository)
        if cached is not None and changed and cached.changed == changed:
            tags = cached.tags
            self._told.require_few(repository, len(tags))
        else:
            tags = self._read_tags(repository, {tag.name: tag for tag in cached.tags} if cached else {})
            self._cache.store(_SOURCE, repository, CachedTags(time.time(), "", changed, tags))
        return tags

    def fetch_digest(self, repository: str, tag: str) -> str:
        """Return the digest behind a tag; one that came with the tags in this pass is not asked for again."""
        with self._lock:
            if known := self._digests.get((repository, tag)):
                return known
        answer = self._get(f"{self._address(repository)}/tags/{quote(tag)}")
        if answer.status == 404:
            self._cache.forget(_SOURCE, repository)  # the tags it holds are not those of the Hub any more
            raise ImageNotFoundError(f"Docker Hub has no manifest of {repository}:{tag}")
        digest = _require(answer).parse(_Tag).any_digest
        if digest is None:
            raise RegistryError(f"Docker Hub gives no digest of {repository}:{tag}")
        return digest

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return None: what the Hub knows of dates came with the tags."""
        return None

    def _address(self, repository: str) -> str:
        namespace, _, name = repository.partition("/")
        return f"{self._base}/v2/namespaces/{quote(namespace)}/repositories/{quote(name, safe='')}"

    def _list_namespace(self, namespace: str) -> dict[str, str]:
        url: str | None = f"{self._base}/v2/namespaces/{quote(namespace)}/repositories?page_size=100"
        changes: dict[str, str] = {}
        for page in self._pages(_Page[_Repository], url):
            changes |= {found.name: found.last_updated or "" for found in page.results}
        return changes

    def _read_tags(self, repository: str, known: dict[str, TagRecord]) -> tuple[TagRecord, ...]:
        url = f"{self._address(repository)}/tags?page_size=100&ordering=last_updated"
        found: dict[str, TagRecord] = {}
        for page in self._pages(_Page[_Tag], url, missing=repository):
            records = [_to_record(tag) for tag in page.results]
            with self._lock:
                self._digests |= {(repository, one.name): one.digest for one in records if one.digest}
            found |= {record.name: record for record in records}
            self._told.require_few(repository, len(found))
            if known and records and all(known.get(record.name) == record for record in records):
                together = found | {name: tag for name, tag in known.items() if name not in found}
                if len(together) == page.count:
                    return tuple(together.values())
        return tuple(found.values())

    def _pages(
        self, kind: type[_Page[_Result]], url: str | None, missing: str = ""
    ) -> Iterator[_Page[_Result]]:
        """Yield page after page; an answer that leads elsewhere or never ends is an error.

        Args:
            kind: What the pages hold.
            url: The first page.
            missing: The image that is not there when there is no first page; a later one can vanish because
                the list became shorter.
        """
        for number in self._client.count_pages(f"the list at {self._base}"):
            if url is None:
                return
            answer = self._get(url)
            if answer.status == 404 and missing and number == 0:
                raise ImageNotFoundError(f"Docker Hub has no image {missing}")
            page = _require(answer).parse(kind)
            yield page
            if page.next is not None and not same_origin(page.next, self._base):
                raise RegistryError(f"{self._base} names a next page on another host")
            url = page.next

    def _get(self, url: str) -> Answer:
        bearer = self._bearer.reveal() if self._bearer else None
        return self._client.send("GET", url, authorization=f"Bearer {bearer}" if bearer else None)

    def _log_in(self) -> None:
        """Exchange the access token for a short-lived one.

        Source: POST /v2/auth/token of the Hub API, read 2026-11.
        """
        if self._token is None or self._bearer is not None:
            return
        body = {"identifier": self._username, "secret": self._token.reveal()}
        answer = self._client.send("POST", f"{self._base}/v2/auth/token", json=body)
        if answer.status in (400, 401, 403) and _is_json(answer):
            raise RegistryError(f"Docker Hub refuses DOCKERHUB_USERNAME with DOCKERHUB_TOKEN{answer.said}")
        self._bearer = Secret(_require(answer).parse(_Token).access_token)


def _to_record(tag: _Tag) -> TagRecord:
    created = tag.tag_last_pushed or tag.last_updated
    return TagRecord(tag.name, created if created and created.tzinfo else None, tag.any_digest)


def _require(answer: Answer) -> Answer:
    if answer.status != 200:
        raise RegistryError(f"{answer.host} answered {answer.status}{answer.said}")
    return answer


def _is_json(answer: Answer) -> bool:
    """Whether the Hub itself answered, and nothing before it."""
    return answer.body.lstrip()[:1] == b"{"
