import json
from pathlib import Path

import pytest

from autobump.images.inside.deprecated import parse_deprecated_images
from autobump.images.sources.deprecated import DeprecatedImagesSource, open_deprecated_images
from autobump.support.errors import RegistryError, UsageError
from tests.fixtures.servers import Reply, serve


@pytest.mark.parametrize(
    ("reason", "replacement"),
    [
        ("Use the demisto/py3-tools docker image instead.", "demisto/py3-tools"),
        ("Use the boto3py3 image instead.", "demisto/boto3py3"),
        ("Use netutils instead", "demisto/netutils"),
        ("Python 2 is EOL. Use the python3-deb image instead.", "demisto/python3-deb"),
        ("No available replacement.", ""),
        ("Image no longer in use by content.", ""),
    ],
)
def test_reason_tells_what_takes_its_place(reason: str, replacement: str) -> None:
    text = json.dumps([{"image_name": "demisto/old", "reason": reason}])
    image = parse_deprecated_images(text)["demisto/old"]
    assert (image.reason, image.replacement) == (reason, replacement)


def test_entry_that_cannot_be_read_costs_itself() -> None:
    text = json.dumps([1, {"image_name": 2}, {"image_name": "demisto/old", "reason": "Gone."}])
    assert list(parse_deprecated_images(text)) == ["demisto/old"]


@pytest.mark.parametrize("text", ["", "{}", "[" * 100_000])
def test_no_list_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_deprecated_images(text)


def test_list_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "deprecated.json"
    path.write_text('[{"image_name": "demisto/old", "reason": "Gone."}]')
    assert list(open_deprecated_images(f"file:{path}", "dockerhub").fetch()) == ["demisto/old"]
    with pytest.raises(RegistryError, match="cannot read"):
        open_deprecated_images(f"file:{tmp_path / 'none'}", "dockerhub").fetch()


def test_list_comes_from_a_server() -> None:
    reply = Reply(200, body=b'[{"image_name": "demisto/old", "reason": "Gone."}]')
    with serve(lambda request: reply) as server:
        assert list(DeprecatedImagesSource(url=server.url).fetch()) == ["demisto/old"]
    with serve(lambda request: Reply(404)) as server, pytest.raises(RegistryError, match="404"):
        DeprecatedImagesSource(url=server.url).fetch()


def test_nobody_is_asked_for_other_sources() -> None:
    assert open_deprecated_images("auto", "oci:https://registry.example").fetch() == {}
    assert open_deprecated_images("none", "dockerhub").fetch() == {}


def test_unknown_spelling_is_refused() -> None:
    with pytest.raises(UsageError, match="list of deprecated images"):
        open_deprecated_images("elsewhere", "dockerhub")


def test_list_says_of_each_image_why_and_what_takes_its_place() -> None:
    entries = [
        {"image_name": "demisto/aiohttp", "reason": "Use the demisto/py3-tools docker image instead."},
        {"image_name": "demisto/old", "reason": "No longer used."},
    ]
    images = parse_deprecated_images(json.dumps(entries))
    assert {name: image.replacement for name, image in images.items()} == {
        "demisto/aiohttp": "demisto/py3-tools",
        "demisto/old": "",
    }
    assert images["demisto/old"].advice == "demisto/old is deprecated: No longer used."


@pytest.mark.corpus
def test_published_list_is_read_whole(corpus: Path) -> None:
    images = parse_deprecated_images((corpus / "deprecated_images.json").read_text())
    assert len(images) == 104
    assert images["demisto/aiohttp"].replacement == "demisto/py3-tools"
    for image in images.values():
        assert bool(image.replacement) == ("Use " in image.reason), image
