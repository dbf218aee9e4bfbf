"""What every tag source promises, asked of each of them over the same tags."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from autobump.images.choice import sort_releases
from autobump.images.sources import TagSource, open_tag_source
from autobump.images.sources.cache import TagCache
from autobump.images.sources.docker_hub import DockerHubSource
from autobump.images.sources.oci import OciSource
from autobump.support.errors import ImageNotFoundError
from autobump.support.http.client import HttpClient
from tests.fixtures.hub import HubStandIn
from tests.fixtures.pages import make_page
from tests.fixtures.registry import push_tag, run_registry
from tests.fixtures.servers import serve

IMAGE = "demisto/fastapi"
CREATED = {
    "1.0.0.1": "2021-01-01T00:00:00+00:00",
    "0.125.0.30": "2023-01-01T00:00:00+00:00",
    "1.0.0.20": "2022-01-01T00:00:00+00:00",
    "latest": "2023-01-01T00:00:00+00:00",
}


@dataclass
class Sample:
    """A source that holds the sample tags, and the digests it must give."""

    source: TagSource
    digests: dict[str, str | None]


def digests() -> dict[str, str | None]:
    return {tag: f"sha256:{number:064x}" for number, tag in enumerate(CREATED)}


def open_file(folder: Path, stack: ExitStack) -> Sample:
    path = folder / "tags.json"
    facts = {tag: {"created": CREATED[tag], "digest": digest} for tag, digest in digests().items()}
    path.write_text(json.dumps({IMAGE: facts}))
    return Sample(open_tag_source(f"file:{path}"), digests())


def open_plain_file(folder: Path, stack: ExitStack) -> Sample:
    path = folder / "tags.json"
    path.write_text(json.dumps({IMAGE: list(CREATED)}))
    return Sample(open_tag_source(f"file:{path}"), dict.fromkeys(CREATED))


def open_hub(folder: Path, stack: ExitStack) -> Sample:
    facts = {tag: {"created": CREATED[tag], "digest": digest} for tag, digest in digests().items()}
    hub = HubStandIn({"fastapi": facts}, page_size=2)
    server = stack.enter_context(serve(hub.answer))
    hub.url = server.url
    source = DockerHubSource(HttpClient(), TagCache(folder / "cache"), base_url=server.url)
    return Sample(source, digests())


def open_registry(folder: Path, stack: ExitStack) -> Sample:
    registry = stack.enter_context(run_registry(folder))
    pushed: dict[str, str | None] = {
        tag: push_tag(registry, IMAGE, tag, created=created) for tag, created in CREATED.items()
    }
    return Sample(OciSource(registry.url, HttpClient(), TagCache(folder / "cache")), pushed)


def open_pages(folder: Path, stack: ExitStack) -> Sample:
    for tag, digest in digests().items():
        page = folder / f"{IMAGE}/{tag}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make_page(IMAGE, tag, created=CREATED[tag], digest=str(digest)))
    return Sample(open_tag_source(f"dockerfiles-info:{folder}"), digests())


SOURCES: list[Callable[[Path, ExitStack], Sample]] = [
    open_file,
    open_plain_file,
    open_hub,
    open_registry,
    open_pages,
]


@pytest.fixture(params=SOURCES, ids=[opener.__name__.removeprefix("open_") for opener in SOURCES])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sample]:
    with ExitStack() as stack:
        found: Sample = request.param(tmp_path, stack)
        found.source.prepare({IMAGE: ()})
        yield found


def test_every_tag_is_there_once(sample: Sample) -> None:
    assert sorted(tag.name for tag in sample.source.fetch_tags(IMAGE)) == sorted(CREATED)


def test_newest_is_the_highest_build_number(sample: Sample) -> None:
    newest = [release.tag.text for release in sort_releases(sample.source.fetch_tags(IMAGE))]
    assert newest == ["0.125.0.30", "1.0.0.20", "1.0.0.1"]


def test_asking_again_gives_the_same(sample: Sample) -> None:
    assert list(sample.source.fetch_tags(IMAGE)) == list(sample.source.fetch_tags(IMAGE))


def test_unknown_image_is_not_found(sample: Sample) -> None:
    with pytest.raises(ImageNotFoundError, match="demisto/none"):
        sample.source.fetch_tags("demisto/none")


def test_digest_is_given_where_it_is_known(sample: Sample) -> None:
    assert {tag: sample.source.fetch_digest(IMAGE, tag) for tag in CREATED} == sample.digests


def test_missing_manifest_is_not_found(sample: Sample) -> None:
    with pytest.raises(ImageNotFoundError, match=r"9\.9\.9\.9"):
        sample.source.fetch_digest(IMAGE, "9.9.9.9")


def test_dates_are_with_the_tags_or_can_be_asked_for(sample: Sample) -> None:
    for record in sample.source.fetch_tags(IMAGE):
        created = record.created or sample.source.fetch_created(IMAGE, record.name)
        assert created is None or created.isoformat() == CREATED[record.name]
