"""Tags from the published image pages, on GitHub or in a local clone."""

import re
import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol
from urllib.parse import quote

from pydantic import BaseModel, FailFast

from autobump.images.choice import TagRecord
from autobump.images.inside.facts import ImageFacts
from autobump.images.inside.page import parse_page
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.git import Git, GitError
from autobump.support.http.answer import Answer
from autobump.support.http.client import HttpClient
from autobump.support.secrets import Secret

API_URL = "https://api.github.com"
RAW_URL = "https://raw.githubusercontent.com"
REPOSITORY = "demisto/dockerfiles-info"
BRANCH = "master"

_PAGE_PATH = re.compile(r"([^/]+/[^/]+)/([^/]+)\.md")
_PAGES = "*/*/*.md"
_WHAT_IS_NAMED = f"dockerfiles-info:PATH names a clone of {REPOSITORY}"
_MAX_PAGE_BYTES = 128 * 1024
"""Largest page; the largest published one has 34,193 bytes."""

_MAX_LIST_BYTES = 8 * 1024 * 1024
"""Largest list of pages; GitHub cuts such a list at 7 MB and says so. That of 2026 has some 3 MB."""


class _Entry(BaseModel):
    path: str
    type: str


class _Tree(BaseModel):
    tree: Annotated[list[_Entry], FailFast()]
    truncated: bool = False


class Pages(Protocol):
    """Where the pages are kept."""

    def list_pages(self) -> Sequence[str]:
        """Return the path of every page, such as `demisto/python3/3.9.8.24399.md`."""
        ...

    def read_page(self, path: str) -> str | None:
        """Return the text of a page, or None when there is no such page."""
        ...


class LocalPages:
    """The pages in a folder, such as the work tree of a clone."""

    def __init__(self, folder: Path) -> None:
        """Use a folder."""
        self._folder = folder

    def list_pages(self) -> list[str]:
        """Return the path of every page, sorted."""
        return sorted(path.relative_to(self._folder).as_posix() for path in self._folder.glob(_PAGES))

    def read_page(self, path: str) -> str | None:
        """Return the text of a page."""
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(_MAX_PAGE_BYTES).decode("utf-8", "replace")
        except OSError:
            return None


class CommittedPages:
    """The pages in the commit that a clone is at, bare or not checked out."""

    def __init__(self, git: Git) -> None:
        """List the pages.

        Raises:
            GitError: This is no clone, or it has no commit.
        """
        self._git = git
        listing = git.run("ls-tree", "-r", "-z", "HEAD").decode("utf-8", "replace")
        rows = (line.split("\t", 1) for line in listing.split("\0") if line)
        self._blobs = {path: fields.split()[2] for fields, path in rows if _PAGE_PATH.fullmatch(path)}

    def list_pages(self) -> list[str]:
        """Return the path of every page, sorted."""
        return sorted(self._blobs)

    def read_page(self, path: str) -> str | None:
        """Return the text of a page."""
        if path not in self._blobs:
            return None
        (blob,) = self._git.read_objects([self._blobs[path]], max_bytes=_MAX_PAGE_BYTES)
        return None if blob.data is None else blob.data.decode("utf-8", "replace")


def open_local_pages(folder: Path) -> LocalPages | CommittedPages:
    """Open the pages in a folder, or else those in the commit of the clone that it is.

    Raises:
        UsageError: There is no page.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; {_WHAT_IS_NAMED}")
    if any(folder.glob(_PAGES)):
        return LocalPages(folder)
    try:
        pages = CommittedPages(Git(folder))
    except GitError as exc:
        raise UsageError(f"{folder} holds no image page ({exc}); {_WHAT_IS_NAMED}") from exc
    if not pages.list_pages():
        raise UsageError(f"{folder} holds no image page; {_WHAT_IS_NAMED}")
    return pages


class GitHubPages:
    """The pages on GitHub: one request lists them all, one more reads a page."""

    def __init__(
        self, client: HttpClient, token: Secret | None = None, api_url: str = API_URL, raw_url: str = RAW_URL
    ) -> None:
        """Make the reader; nothing is asked yet.

        Args:
            client: Sends the requests.
            token: Lifts GitHub's limit for anonymous callers; any token that reads public repositories.
            api_url: Where the API is.
            raw_url: Where raw files are.
        """
        self._client = client
        self._token = token
        self._api_url = api_url
        self._raw_url = raw_url

    def list_pages(self) -> list[str]:
        """Return the path of every page.

        Source: GET /repos/{owner}/{repo}/git/trees/{tree_sha}?recursive=1 of the GitHub REST API.
        """
        url = f"{self._api_url}/repos/{REPOSITORY}/git/trees/{BRANCH}?recursive=1"
        authorization = f"Bearer {self._token.reveal()}" if self._token else None
        answer = self._client.send(
            "GET",
            url,
            headers={"Accept": "application/vnd.github+json"},
            authorization=authorization,
            most_bytes=_MAX_LIST_BYTES,
        )
        tree = _require(answer).parse(_Tree)
        if tree.truncated:
            raise RegistryError(
                f"GitHub does not list all of {REPOSITORY}; use a clone: dockerfiles-info:PATH"
            )
        return [entry.path for entry in tree.tree if entry.type == "blob"]

    def read_page(self, path: str) -> str | None:
        """Return the text of a page."""
        url = f"{self._raw_url}/{REPOSITORY}/{BRANCH}/{quote(path)}"
        answer = self._client.send("GET", url, most_bytes=_MAX_PAGE_BYTES)
        if answer.status == 404:
            return None
        if _require(answer).is_web_page:
            raise RegistryError(f"{answer.host} answered {answer.status}{answer.said}")
        return answer.body.decode("utf-8", "replace")


class ImagePagesSource:
    """The pages as a tag source: a tag exists when it has a page, which also tells its date and digest."""

    def __init__(self, pages: Pages) -> None:
        """Make the source; nothing is asked yet."""
        self._pages = pages
        self._lock = threading.Lock()
        self._tags: dict[str, list[str]] | None = None

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        """Do nothing: one listing serves every image, and the first one asked for fetches it."""

    def fetch_tags(self, repository: str) -> tuple[TagRecord, ...]:
        """Return the image's tags, in no particular order."""
        with self._lock:
            if self._tags is None:
                self._tags = tags_of_pages(self._pages)
        if repository not in self._tags:
            raise ImageNotFoundError(f"{REPOSITORY} has no page of {repository}")
        return tuple(TagRecord(tag) for tag in self._tags[repository])

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        """Return the signed digest that the tag's page shows, if it does."""
        return self._read(repository, tag).digest

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        """Return when the image was built, if its page says so."""
        return self._read(repository, tag).created

    def _read(self, repository: str, tag: str) -> ImageFacts:
        page = self._pages.read_page(f"{repository}/{tag}.md")
        if page is None:
            raise ImageNotFoundError(f"{REPOSITORY} has no page of {repository}:{tag}")
        return parse_page(page)


def tags_of_pages(pages: Pages) -> dict[str, list[str]]:
    """Return the tags that have a page, by image, in no particular order.

    Raises:
        RegistryError: The pages cannot be listed.
    """
    tags: dict[str, list[str]] = defaultdict(list)
    for path in pages.list_pages():
        if match := _PAGE_PATH.fullmatch(path):
            tags[match[1]].append(match[2])
    return tags


def _require(answer: Answer) -> Answer:
    if answer.status != 200:
        raise RegistryError(f"GitHub answered {answer.status} for the image pages{answer.said}")
    return answer
