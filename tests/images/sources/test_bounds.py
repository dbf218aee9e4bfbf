import json
import lzma
from pathlib import Path

import pytest

from autobump.images.sources.bounds import MAX_TAGS, MAX_TAGS_TOGETHER, TagCount
from autobump.support.errors import RegistryError


def test_image_may_have_many_tags_and_no_more() -> None:
    told = TagCount()
    told.require_few("demisto/x", MAX_TAGS)
    with pytest.raises(RegistryError, match="demisto/x has more than 10,000 tags"):
        told.require_few("demisto/x", MAX_TAGS + 1)


def test_images_may_have_many_tags_together_and_those_beyond_are_left_out() -> None:
    told = TagCount()
    for number in range(MAX_TAGS_TOGETHER // MAX_TAGS):
        told.require_few(f"demisto/x{number}", MAX_TAGS)
    with pytest.raises(RegistryError, match="with demisto/y all images together have more than 100,000 tags"):
        told.require_few("demisto/y", 1)
    told.require_few("demisto/x0", MAX_TAGS - 1)  # told anew, and one has gone
    told.require_few("demisto/y", 1)


@pytest.mark.corpus
def test_published_images_are_far_from_the_bounds(corpus: Path) -> None:
    images = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    assert 10 * max(map(len, images.values())) < MAX_TAGS
    assert 5 * sum(map(len, images.values())) < MAX_TAGS_TOGETHER
