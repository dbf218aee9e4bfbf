import json
import lzma
import random
from collections import Counter
from pathlib import Path

import pytest

from autobump.images.advisories.lookalike import find_lookalike
from autobump.images.inside.changes import package_key

KNOWN = frozenset({"requests", "urllib3", "six", "python-dateutil", "cryptography", "jwt", "py"})


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
        ("px", None),
        ("", None),
    ],
)
def test_name_looks_like_a_known_one_when_little_differs(name: str, expected: str | None) -> None:
    assert find_lookalike(name, KNOWN) == expected


def test_nearest_name_is_told() -> None:
    assert find_lookalike("cryptographic", {"cryptography", "cryptographie"}) == "cryptographie"
    assert find_lookalike("flas", {"flash", "flask"}) == "flash"


@pytest.mark.corpus
def test_typos_of_names_in_many_images_are_found(corpus: Path) -> None:
    images = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    held = Counter(
        name
        for tags in images.values()
        for name in {package_key(name) for facts in tags.values() for name in facts["packages"] or ()}
    )
    known = {name for name, number in held.items() if number >= 20 and len(name) > 3}
    choice = random.Random(1)  # noqa: S311  no secret
    missed = []
    for name in sorted(known):
        place, letter = choice.randrange(1, len(name) - 1), choice.choice("abcdefghijklmnopqrstuvwxyz")
        typo = name[:place] + letter + name[place + choice.randrange(2) :]
        if typo != name and find_lookalike(typo, known) is None and typo not in known:
            missed.append((name, typo))
    assert len(known) > 50
    assert missed == []
