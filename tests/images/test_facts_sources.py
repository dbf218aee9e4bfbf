import json
from pathlib import Path

import pytest

from autobump.images.inside.facts import ImageFacts
from autobump.images.lookup import MAX_FAILURES, look_up_facts
from autobump.images.results import Unavailable
from autobump.images.sources import FactsSource
from autobump.images.sources.facts import FileFacts, PageFacts, RememberedFacts, open_facts_source
from autobump.images.sources.image_pages import GitHubPages, open_local_pages
from autobump.images.sources.snapshot import SnapshotSource, TagFile
from autobump.support.errors import RegistryError, UsageError
from autobump.support.http.client import HttpClient, HttpLimits
from autobump.support.progress import Silent
from tests.fixtures.pages import make_page
from tests.fixtures.servers import Reply, Request, serve

IMAGE, TAG = "demisto/python3", "3.9.8.24399"
KEY = (IMAGE, TAG)
PAGE = make_page(IMAGE, TAG, python="3.9.8", packages={"six": ("1.16.0", "MIT")})


class Counting:
    """A source that counts how often it is asked, and fails when told to."""

    def __init__(self, facts: ImageFacts | None) -> None:
        self.facts = facts
        self.asked = 0

    def prepare(self, wanted: object) -> None:
        pass

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        self.asked += 1
        return self.facts

    def fetch_images(self) -> list[str]:
        return [IMAGE]


def python_of(source: FactsSource) -> str | None:
    source.prepare([KEY])
    facts = source.fetch_facts(*KEY)
    return facts.python if facts else None


def test_facts_come_from_a_clone_of_the_pages(tmp_path: Path) -> None:
    page = tmp_path / f"{IMAGE}/{TAG}.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    assert python_of(PageFacts(open_local_pages(tmp_path))) == "3.9.8"
    assert PageFacts(open_local_pages(tmp_path)).fetch_facts(IMAGE, "1.0.0.1") is None


def test_facts_come_from_the_pages_on_github() -> None:
    def answer(request: Request) -> Reply:
        return Reply(200, body=PAGE.encode()) if request.path.endswith(f"/{IMAGE}/{TAG}.md") else Reply(404)

    with serve(answer) as server:
        source = PageFacts(GitHubPages(HttpClient(), raw_url=server.url))
        assert python_of(source) == "3.9.8"
        assert source.fetch_facts(IMAGE, "1.0.0.1") is None


def test_facts_come_from_a_tag_file(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({IMAGE: {TAG: {"python": "3.9.8"}}, "demisto/other": ["1.0.0.1"]}))
    source = open_facts_source("auto", f"file:{path}", tmp_path / "cache", 4)
    assert source is not None
    assert python_of(source) == "3.9.8"
    assert source.fetch_facts("demisto/other", "1.0.0.1") is None


def test_facts_that_came_along_with_the_tags_are_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    newest = "3.9.8.24400"
    path.write_text(json.dumps({IMAGE: {tag: {"python": "3.9.8"} for tag in (TAG, newest, "3.9.8.1")}}))
    tags = SnapshotSource.open(path)
    assert tags.file is not None
    tags.prepare({IMAGE: [TAG, "3.9.8.2"]})
    assert len(tags.fetch_tags(IMAGE)) == 3
    path.write_text("gone")
    facts = FileFacts(tags.file)
    facts.prepare([(IMAGE, tag) for tag in (TAG, newest, "3.9.8.2")])
    found = [facts.fetch_facts(IMAGE, tag) for tag in (TAG, newest, "3.9.8.2")]
    assert [one and one.python for one in found] == ["3.9.8", "3.9.8", None]
    with pytest.raises(RegistryError, match="cannot read the facts"):
        facts.prepare([(IMAGE, "3.9.8.1")])


def test_changed_tag_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    for python in ("3.9.8", "3.10.11"):
        path.write_text(json.dumps({IMAGE: {TAG: {"python": python}}}))
        source = open_facts_source(f"file:{path}", "dockerhub", tmp_path / "cache", 4)
        assert source is not None
        assert python_of(source) == python


def test_what_is_known_of_a_tag_is_never_asked_again(tmp_path: Path) -> None:
    counting = Counting(ImageFacts(python="3.9.8"))
    for _ in range(3):
        assert python_of(RememberedFacts(counting, tmp_path, "pages")) == "3.9.8"
    assert counting.asked == 1


def test_page_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    counting = Counting(None)
    source = RememberedFacts(counting, tmp_path, "pages")
    assert python_of(source) is None
    counting.facts = ImageFacts(python="3.9.8")
    assert python_of(source) == "3.9.8"


def test_damaged_cache_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "images.sqlite").write_bytes(b"no database")
    assert python_of(RememberedFacts(Counting(ImageFacts(python="3.9.8")), tmp_path, "pages")) == "3.9.8"


def test_source_that_fails_costs_what_it_was_asked_for(tmp_path: Path) -> None:
    with serve(lambda request: Reply(500)) as server:
        client = HttpClient(HttpLimits(attempts=1))
        found = look_up_facts(PageFacts(GitHubPages(client, raw_url=server.url)), [KEY], 4, Silent())
    assert isinstance(found[KEY], Unavailable)


def test_source_that_never_answers_is_not_asked_for_ever() -> None:
    class Dead(Counting):
        def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
            super().fetch_facts(repository, tag)
            raise RegistryError("away")

    dead = Dead(None)
    keys = [(IMAGE, f"1.0.0.{number}") for number in range(100)]
    found = look_up_facts(dead, keys, 4, Silent())
    assert dead.asked == MAX_FAILURES
    assert all(isinstance(one, Unavailable) for one in found.values())


def test_source_that_fails_now_and_then_is_asked_for_everything() -> None:
    class Shaky(Counting):
        def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
            super().fetch_facts(repository, tag)
            if tag.endswith(("1", "3", "5")):
                raise RegistryError("away")
            return self.facts

    shaky = Shaky(ImageFacts(python="3.9.8"))
    keys = [(IMAGE, f"1.0.0.{number}") for number in range(100)]
    found = look_up_facts(shaky, keys, 1, Silent())
    assert shaky.asked == 100
    assert sum(isinstance(one, Unavailable) for one in found.values()) == 30


def test_sources_name_the_images_they_tell_of(tmp_path: Path) -> None:
    page = tmp_path / f"pages/{IMAGE}/{TAG}.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({IMAGE: {}, "docker.io/demisto/other": [], "r.example/demisto/own": []}))
    for spelling, images in (
        (f"dockerfiles-info:{tmp_path}/pages", {IMAGE}),
        (f"file:{path}", {IMAGE, "demisto/other", "r.example/demisto/own"}),
    ):
        source = open_facts_source(spelling, "dockerhub", tmp_path / "cache", 4)
        assert source is not None
        assert source.fetch_images() == images


def test_file_that_cannot_be_read_costs_all(tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text("[]")
    with pytest.raises(RegistryError, match="cannot read the facts"):
        FileFacts(TagFile(path)).prepare([KEY])
    with pytest.raises(RegistryError, match="cannot read the facts"):
        FileFacts(TagFile(path)).fetch_images()
    assert isinstance(look_up_facts(FileFacts(TagFile(path)), [KEY], 4, Silent())[KEY], Unavailable)


@pytest.mark.parametrize(
    ("spelling", "tags"),
    [("none", "dockerhub"), ("auto", "oci:https://registry.example")],
)
def test_nobody_is_asked_where_nothing_is_wanted(spelling: str, tags: str) -> None:
    assert open_facts_source(spelling, tags, None, 4) is None


@pytest.mark.parametrize("spelling", ["elsewhere", "file:", "oci:https://registry.example"])
def test_unknown_spelling_is_refused(spelling: str) -> None:
    with pytest.raises(UsageError, match="no source of image facts"):
        open_facts_source(spelling, "dockerhub", None, 4)


def test_missing_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the facts"):
        open_facts_source(f"file:{tmp_path / 'none.json'}", "dockerhub", None, 4)
