"""Each image gets the tags, digests and facts of its own registry."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from autobump.images.by_registry import TagsByRegistry, open_facts_by_registry
from autobump.images.registries import Registries, RegistryHost
from autobump.images.sources import SourceOptions, docker_hub
from autobump.support.errors import ImageNotFoundError, UsageError
from tests.fixtures.hub import HubStandIn
from tests.fixtures.pages import make_page
from tests.fixtures.servers import Reply, Request, serve

NAMESPACES = ("demisto", "demistoextended", "acme")
CORP = "registry.corp"
KINDS = ("dockerhub", "oci", "pages", "file")


def build(host: str, namespace: str) -> int:
    """Return the build number that an image's newest tag has in one registry, and in no other."""
    return 1000 + 100 * NAMESPACES.index(namespace) + (50 if host == CORP else 0)


def tags_of(host: str) -> dict[str, list[str]]:
    return {f"{name}/x": ["1.0.0.1", f"1.0.0.{build(host, name)}"] for name in NAMESPACES}


@dataclass
class Doubles:
    """Makes sources of each kind over the tags of one registry."""

    folder: Path
    stack: ExitStack
    monkeypatch: pytest.MonkeyPatch

    def open(self, kind: str, tags: Mapping[str, list[str]]) -> str:
        name = f"{kind}{len(list(self.folder.iterdir()))}"
        match kind:
            case "file":
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(tags))
                return f"file:{path}"
            case "pages":
                for image, names in tags.items():
                    for tag in names:
                        page = self.folder / name / image / f"{tag}.md"
                        page.parent.mkdir(parents=True, exist_ok=True)
                        page.write_text(make_page(image, tag, created="2026-01-01T00:00:00+00:00"))
                return f"dockerfiles-info:{self.folder / name}"
            case "oci":
                return f"oci:{self._serve_registry(tags)}"
        hubs = {
            namespace: HubStandIn({"x": {tag: {"created": "2026-01-01T00:00:00Z"} for tag in names}})
            for image, names in tags.items()
            for namespace in [image.partition("/")[0]]
        }
        server = self.stack.enter_context(
            serve(lambda request: hubs[request.path.split("/")[3]].answer(request))
        )
        self.monkeypatch.setattr(docker_hub, "BASE_URL", server.url)
        return "dockerhub"

    def _serve_registry(self, tags: Mapping[str, list[str]]) -> str:
        def answer(request: Request) -> Reply:
            image = request.path.removeprefix("/v2/").removesuffix("/tags/list")
            if image not in tags:
                return Reply(404)
            return Reply(body=json.dumps({"name": image, "tags": tags[image]}).encode())

        return self.stack.enter_context(serve(answer)).url


@pytest.fixture
def doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doubles]:
    with ExitStack() as stack:
        yield Doubles(tmp_path, stack, monkeypatch)


def newest(source: TagsByRegistry, image: str) -> int:
    return max(int(tag.name.rpartition(".")[2]) for tag in source.fetch_tags(image))


@pytest.mark.parametrize(("hub_kind", "corp_kind"), list(product(KINDS, KINDS)))
def test_each_image_gets_the_tags_of_its_own_registry(
    doubles: Doubles, hub_kind: str, corp_kind: str
) -> None:
    hub = doubles.open(hub_kind, tags_of("docker.io"))
    mirrors_hub = corp_kind == "dockerhub" and hub_kind == "dockerhub"  # there is one Docker Hub
    corp = hub if mirrors_hub else doubles.open(corp_kind, tags_of(CORP))
    registries = Registries(hub, NAMESPACES, {CORP: RegistryHost(corp)})
    source = TagsByRegistry(registries, SourceOptions())
    spellings = {"": "docker.io", "index.docker.io/": "docker.io", "gcr.io/xsoar-registry/": "docker.io"}
    spellings[f"{CORP}/"] = "docker.io" if mirrors_hub else CORP
    images = {
        f"{before}{name}/x": build(host, name) for before, host in spellings.items() for name in NAMESPACES
    }
    source.prepare(dict.fromkeys(images, ()))
    assert {image: newest(source, image) for image in images} == images


def file_of(folder: Path, tags: object, name: str = "tags.json") -> str:
    (folder / name).write_text(json.dumps(tags))
    return f"file:{folder / name}"


def open_tags(registries: Registries, cache: Path | None = None, *, given: bool = False) -> TagsByRegistry:
    return TagsByRegistry(registries, SourceOptions(cache), prefer_source=given)


@pytest.mark.parametrize(
    ("keys", "image", "found"),
    [
        ({"demisto/x": "1.0.0.1"}, "hub.example/docker/demisto/x", "1.0.0.1"),
        ({"demisto/x": "1.0.0.1"}, "hub.example/demisto/x", "1.0.0.1"),
        ({"docker/demisto/x": "1.0.0.2", "demisto/x": "1.0.0.1"}, "hub.example/docker/demisto/x", "1.0.0.2"),
        (
            {"hub.example/docker/demisto/x": "1.0.0.3", "demisto/x": "1.0.0.1"},
            "hub.example/docker/demisto/x",
            "1.0.0.3",
        ),
        ({"HUB.example/demisto/x": "1.0.0.3"}, "hub.example/demisto/x", "1.0.0.3"),
        ({"hub.example/demisto/y": "1.0.0.3", "demisto/x": "1.0.0.1"}, "hub.example/demisto/x", None),
        ({"other.example/demisto/x": "1.0.0.3"}, "hub.example/demisto/x", None),
        ({"hub.example/demisto/x": "1.0.0.3"}, "demisto/x", None),
        ({"docker.io/demisto/x": "1.0.0.4"}, "demisto/x", "1.0.0.4"),
        ({"demisto/x": "1.0.0.4"}, "registry-1.docker.io/demisto/x", "1.0.0.4"),
        ({"gcr.io/xsoar-registry/demisto/x": "1.0.0.4"}, "index.docker.io/demisto/x", "1.0.0.4"),
    ],
)
def test_file_speaks_for_the_registries_that_it_names(
    tmp_path: Path, keys: dict[str, str], image: str, found: str | None
) -> None:
    spelling = file_of(tmp_path, {name: [tag] for name, tag in keys.items()})
    registries = Registries(spelling, ("demisto", "hub.example/demisto", "hub.example/docker/demisto"))
    for _pass in range(2):  # the second one has it from the cache
        source = open_tags(registries, tmp_path / "cache")
        source.prepare({image: ()})
        if found is None:
            with pytest.raises(ImageNotFoundError, match="has no image"):
                source.fetch_tags(image)
        else:
            assert [tag.name for tag in source.fetch_tags(image)] == [found]


def test_image_that_stands_twice_in_a_file_has_the_tags_of_both(tmp_path: Path) -> None:
    one, other = ["1.0.0.1", "1.0.0.2"], ["1.0.0.2", "1.0.0.3"]
    file = file_of(tmp_path, {"demisto/x": one, "docker.io/demisto/x": other})
    tags = open_tags(Registries(file)).fetch_tags("demisto/x")
    assert [tag.name for tag in tags] == ["1.0.0.1", "1.0.0.2", "1.0.0.3"]


def test_file_that_is_given_counts_before_the_sources_of_registries_it_names(tmp_path: Path) -> None:
    given = file_of(tmp_path, {"demisto/x": ["1.0.0.1"], "a.example/demisto/x": ["1.0.0.2"]})
    own = file_of(tmp_path, {"demisto/x": ["1.0.0.9"]}, "own.json")
    hosts = {"a.example": RegistryHost(own), "b.example": RegistryHost(own)}
    for is_given, expected in (
        (True, ["1.0.0.1", "1.0.0.2", "1.0.0.9"]),
        (False, ["1.0.0.1", *["1.0.0.9"] * 2]),
    ):
        source = open_tags(Registries(given, hosts=hosts), given=is_given)
        images = ["demisto/x", "a.example/demisto/x", "b.example/demisto/x"]
        source.prepare(dict.fromkeys(images, ()))
        assert [source.fetch_tags(image)[0].name for image in images] == expected


def test_image_of_no_registry_that_is_known_names_the_setting() -> None:
    source = open_tags(Registries())
    with pytest.raises(ImageNotFoundError, match=r"corp.example.*registry\.hosts"):
        source.fetch_tags("corp.example/demisto/x")
    with pytest.raises(UsageError, match="is not"):
        source.fetch_tags("no image")


def test_source_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    source = open_tags(Registries(hosts={"a.example": RegistryHost(f"file:{tmp_path}/none.json")}))
    with pytest.raises(UsageError, match="cannot read the tags"):
        source.prepare({"a.example/demisto/x": ()})


@pytest.mark.parametrize(
    ("main", "hosts", "shown_to"),
    [
        ("oci", ["oci"], [0]),
        ("dockerhub", ["oci"], [0]),
        ("dockerhub", ["oci", "oci"], []),
    ],
)
def test_password_is_shown_to_one_registry_alone(
    doubles: Doubles, monkeypatch: pytest.MonkeyPatch, main: str, hosts: list[str], shown_to: list[int]
) -> None:
    monkeypatch.setenv("AUTOBUMP_REGISTRY_TOKEN", "marked-token")
    seen: dict[int, list[str]] = {}

    def registry(number: int) -> Callable[[Request], Reply]:
        def answer(request: Request) -> Reply:
            seen.setdefault(number, []).append(request.headers.get("authorization", ""))
            return Reply(body=b'{"tags": ["1.0.0.1"]}')

        return answer

    kinds = [main, *hosts]
    urls = [
        f"oci:{doubles.stack.enter_context(serve(registry(number))).url}"
        for number in range(sum(kind == "oci" for kind in kinds))
    ]
    own = [urls.pop(0)] if main == "oci" else []
    known = {f"h{number}.example": RegistryHost(url) for number, url in enumerate(urls)}
    registries = Registries(own[0] if own else "dockerhub", hosts=known)
    source = open_tags(registries)
    images = [f"{host}/demisto/x" for host in known] + (["demisto/x"] if own else [])
    source.prepare(dict.fromkeys(images, ()))
    for image in images:
        source.fetch_tags(image)
    assert [
        number for number, said in sorted(seen.items()) if any("marked" in one for one in said)
    ] == shown_to
    assert len(seen) == len(images)


def write_page(folder: Path, image: str, tag: str, python: str) -> None:
    page = folder / image / f"{tag}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(make_page(image, tag, created="2026-01-01T00:00:00+00:00", python=python))


FACTS = {"1.0.0.1": {"python": "3.11.4"}}


@pytest.mark.parametrize("image", ["demisto/x", "docker.io/demisto/x", "gcr.io/xsoar-registry/demisto/x"])
def test_facts_of_a_mirror_of_docker_hub_are_those_of_the_image(tmp_path: Path, image: str) -> None:
    tags = open_tags(Registries(file_of(tmp_path, {"demisto/x": FACTS})))
    facts = open_facts_by_registry(Registries(file_of(tmp_path, {"demisto/x": FACTS})), "auto", None, 1, tags)
    assert facts is not None
    facts.prepare([(image, "1.0.0.1")])
    found = facts.fetch_facts(image, "1.0.0.1")
    assert found is not None
    assert found.python == "3.11.4"


def test_facts_come_from_what_knows_the_registry_of_an_image(tmp_path: Path) -> None:
    hub = file_of(tmp_path, {"demisto/x": FACTS})
    own = file_of(tmp_path, {"demisto/x": {"1.0.0.1": {"python": "3.9.1"}}}, "own.json")
    hosts = {"a.example": RegistryHost(own), "b.example": RegistryHost("oci:https://b.example")}
    facts = open_facts_by_registry(Registries(hub, hosts=hosts), "auto", None, 1)
    assert facts is not None
    keys = [(f"{host}demisto/x", "1.0.0.1") for host in ("", "a.example/", "b.example/", "c.example/")]
    facts.prepare(keys)
    found = [facts.fetch_facts(*key) for key in keys]
    assert [one and one.python for one in found] == ["3.11.4", "3.9.1", None, None]


def test_pages_tell_nothing_of_images_of_another_registry_than_docker_hub(tmp_path: Path) -> None:
    write_page(tmp_path, "demisto/x", "1.0.0.1", "3.11.4")
    hosts = {
        "a.example": RegistryHost("oci:https://a.example"),
        "m.example": RegistryHost("dockerhub", "hub"),
    }
    pages = f"dockerfiles-info:{tmp_path}"
    facts = open_facts_by_registry(Registries("dockerhub", hosts=hosts), pages, None, 1)
    assert facts is not None
    keys = [(image, "1.0.0.1") for image in ("demisto/x", "m.example/hub/demisto/x", "a.example/demisto/x")]
    facts.prepare(keys)
    assert [facts.fetch_facts(*key) is not None for key in keys] == [True, True, False]


def test_nothing_tells_of_images_where_no_source_has_facts() -> None:
    oci = Registries("oci:https://a.example", hosts={"b.example": RegistryHost("oci:https://b.example")})
    assert open_facts_by_registry(oci, "auto", None, 1) is None
    assert open_facts_by_registry(Registries(), "none", None, 1) is None
    assert open_facts_by_registry(Registries(hosts=oci.hosts), "auto", None, 1) is not None
