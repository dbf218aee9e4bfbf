"""Where the facts of images come from: what is inside the image behind a tag."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.json import Decoder, Encoder

from autobump.images.inside.facts import ImageFacts
from autobump.images.sources import ListedFacts
from autobump.images.sources.snapshot import TagFile
from autobump.images.spelling import AUTO, FACTS_SOURCE, FILE, NONE, PAGES, choose_facts, split_spelling
from autobump.support.errors import RegistryError, UsageError
from autobump.support.files import expand_home
from autobump.support.sqlite_file import SqliteCache

if TYPE_CHECKING:
    from autobump.images.sources.image_pages import Pages

CACHE_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    source TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (source, repository, tag)
) WITHOUT ROWID
"""

_BATCH = 300
"""Tags looked up at once; each takes three of the variables of a query."""

_ENCODER = Encoder()
_DECODER = Decoder(ImageFacts | None)


class PageFacts:
    """Facts from the published image pages."""

    def __init__(self, pages: "Pages") -> None:
        """Use pages; nothing is read yet."""
        self._pages = pages

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Do nothing: each page is read by itself."""

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what the tag's page tells."""
        from autobump.images.inside.page import parse_page

        page = self._pages.read_page(f"{repository}/{tag}.md")
        return None if page is None else parse_page(page)

    def fetch_images(self) -> set[str]:
        """Return the images that have a page."""
        from autobump.images.sources.image_pages import tags_of_pages

        return set(tags_of_pages(self._pages))


class FileFacts:
    """Facts from a tag file that holds them, see `facts_from_record`."""

    def __init__(self, file: TagFile) -> None:
        """Use a file; it is read when something is asked for that was not read along with the tags."""
        self._file = file

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Read the file, and keep what is wanted."""
        tags: dict[str, set[str]] = {}
        for repository, tag in wanted:
            if (repository, tag) not in self._file.facts:
                tags.setdefault(repository, set()).add(tag)
        if tags:
            self._read(tags)

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what the file tells of a tag that was wanted."""
        return self._file.facts.get((repository, tag))

    def fetch_images(self) -> set[str]:
        """Return the images of the file, with or without facts."""
        if self._file.tags is None:
            self._read({})
        return {name for name in self._file.tags or () if not name.endswith("/")}  # those are registries

    def _read(self, wanted: Mapping[str, Collection[str]]) -> None:
        try:
            self._file.read(wanted)
        except UsageError as exc:
            raise RegistryError(f"cannot read the facts of images: {exc}") from exc


class RememberedFacts:
    """Another source's facts, remembered for ever: what is inside an immutable tag never changes."""

    def __init__(
        self, source: ListedFacts, folder: Path | None, name: str, *, complete: bool = False
    ) -> None:
        """Open the cache.

        Args:
            source: Asked for what is not remembered.
            folder: Where the cache lies; None for no cache.
            name: Tells this source from others in the cache.
            complete: What the source does not have it never will, so that this is remembered, too.
        """
        self._source = source
        self._name = name
        self._complete = complete
        self._file = SqliteCache(
            folder / "images.sqlite" if folder else None, CACHE_VERSION, _SCHEMA, ["facts"]
        )
        self._known: dict[tuple[str, str], ImageFacts | None] = {}

    def prepare(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Look up what is remembered, and prepare the source for the rest."""
        wanted = list(wanted)
        self._recall(wanted)
        missing = [key for key in wanted if key not in self._known]
        if missing:
            self._source.prepare(missing)
            if self._complete:
                self._remember({key: self._source.fetch_facts(*key) for key in missing})

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        """Return what is remembered of a tag, or ask and remember."""
        if (repository, tag) in self._known:
            return self._known[repository, tag]
        facts = self._source.fetch_facts(repository, tag)
        if facts is not None or self._complete:
            self._remember({(repository, tag): facts})
        return facts

    def fetch_images(self) -> Collection[str]:
        """Return the images that the source tells of now."""
        return self._source.fetch_images()

    def forget_others(self, prefix: str) -> None:
        """Drop what is remembered of other sources whose names begin with a prefix."""
        statement = "DELETE FROM facts WHERE substr(source, 1, ?) = ? AND source <> ?"
        self._file.write(statement, [(len(prefix), prefix, self._name)])

    def _remember(self, learnt: Mapping[tuple[str, str], ImageFacts | None]) -> None:
        self._known |= learnt
        rows = [(self._name, *key, _ENCODER.encode(facts).decode()) for key, facts in learnt.items()]
        self._file.write("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", rows)

    def _recall(self, wanted: Iterable[tuple[str, str]]) -> None:
        unknown = [key for key in wanted if key not in self._known]
        for start in range(0, len(unknown), _BATCH):
            batch = unknown[start : start + _BATCH]
            holes = ",".join(["(?, ?, ?)"] * len(batch))
            wanted_keys = f"(source, repository, tag) IN (VALUES {holes})"
            query = f"SELECT repository, tag, facts FROM facts WHERE {wanted_keys}"  # noqa: S608 - holes only
            values = [value for key in batch for value in (self._name, *key)]
            try:
                for repository, tag, text in self._file.rows(query, values):
                    self._known[repository, tag] = _DECODER.decode(text)
            except (ValueError, TypeError) as exc:
                self._file.give_up(f"an entry does not read back: {exc}")


def open_facts_source(
    spelling: str, tags: str, cache: Path | None, connections: int, file: TagFile | None = None
) -> ListedFacts | None:
    """Open the source that `registry.facts` names; nothing is asked over the network yet.

    Args:
        spelling: See `FACTS_SOURCE`; what `auto` means tells `choose_facts`.
        tags: The spelling of the tag source in use.
        cache: Folder of the cache, or None for none.
        connections: Requests under way at once.
        file: The file that the tags come from, if any: when it has the facts, too, it is read once.

    Returns:
        The source, or None when facts are not wanted.

    Raises:
        UsageError: There is no such kind of source, or it cannot be opened.
    """
    if spelling == AUTO:
        spelling = choose_facts(tags)
    kind, rest = split_spelling(spelling)
    if spelling == NONE:
        return None
    if kind == FILE and rest:
        path = expand_home(rest)
        return _open_file(file if file is not None and file.path == path else TagFile(path), cache)
    if kind == PAGES and rest:
        from autobump.images.sources.image_pages import open_local_pages

        return PageFacts(open_local_pages(expand_home(rest)))
    if spelling == PAGES:
        from autobump.images.sources.image_pages import GitHubPages
        from autobump.support.http.client import HttpClient, HttpLimits
        from autobump.support.secrets import find_secret, is_for_github_com

        client = HttpClient(HttpLimits(connections=connections))
        token = find_secret("GITHUB_TOKEN") if is_for_github_com() else None
        return RememberedFacts(PageFacts(GitHubPages(client, token)), cache, "pages")
    raise UsageError(f"{spelling!r} {FACTS_SOURCE.refusal}")


def _open_file(file: TagFile, cache: Path | None) -> ListedFacts:
    """Use a file, or what is remembered of it."""
    try:
        file.path.stat()
    except OSError as exc:
        raise UsageError(f"cannot read the facts in {file.path}: {exc.strerror}") from exc
    remembered = RememberedFacts(FileFacts(file), cache, file.name, complete=True)
    remembered.forget_others("file:")
    return remembered
