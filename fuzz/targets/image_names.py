"""Image references and tags: refused, or a name that is safe in addresses and branches, and an order."""

import re
from itertools import pairwise

from autobump.images.reference import find_current_tag, find_immutable_tag, parse_image_ref
from autobump.images.registries import full_name, names_of

_SAFE = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+")

SEEDS = (
    b"demisto/python3:3.12.13.12042988",
    b"registry.example.com:5000/demisto/py3-tools:latest",
    b"localhost/a/b",
    b"registry.example.com/docker/demisto/python3:1.0.0.9",
    b"gcr.io/xsoar-registry/demisto/python3:1.0.0.9",
    b"1.0.0.9 1.0.0.10 01.0.0.9",
    b"demisto/../x:1",
    b"demisto/pyth\xd0\xben3:\xe0\xa5\xa7.\xe0\xa5\xa8.\xe0\xa5\xa9",
)


def check(data: bytes) -> None:
    """Check one name, and an order of tags."""
    text = data.decode("utf-8", "replace")
    try:
        image = parse_image_ref(text)
    except ValueError:
        pass
    else:
        assert _SAFE.fullmatch(image.path)
        assert ".." not in image.repository
        assert full_name(full_name(image.repository)) == full_name(image.repository)
        assert {image.repository, full_name(image.repository)} <= set(names_of(image.repository))
        assert image.tag is None or re.fullmatch(r"\w[\w.-]*", image.tag, re.ASCII)
        if image.tag:
            assert image.with_tag(image.tag) == text
            assert parse_image_ref(image.with_tag("1.0.0")).repository == image.repository
    tags = [tag for part in text.split() if (tag := find_current_tag(part))]
    for tag in tags:
        assert tag.text.isascii()
        assert (find_immutable_tag(tag.text) is None) == (len(tag.parts) < 3)
    ordered = sorted(tags)
    assert ordered == sorted(tags, key=lambda tag: tag.order)
    assert all(not later < earlier for earlier, later in pairwise(ordered))
