import json
import lzma
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from autobump.decisions.holds import HoldRule, find_holds, why_held
from autobump.images.choice import NewerTag, NoUpdate, Release, TagRecord, choose_tag, sort_releases
from autobump.images.inside.facts import ImageFacts
from autobump.images.inside.pythons import PythonVersions
from autobump.images.reference import find_immutable_tag
from autobump.images.sources.snapshot import SnapshotSource
from autobump.support.errors import RegistryError
from tests.fixtures.bumps import make_bump

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RELEASES = sort_releases(TagRecord(name) for name in ("3.10.1.100", "3.11.1.200", "3.11.2.300", "3.12.1.400"))


def chosen(*holds: HoldRule, current: str = "3.10.1.100") -> str:
    """Return the tag that holds leave, or why none is left."""
    pythons = PythonVersions(None, {})
    match choose_tag(
        find_immutable_tag(current),
        RELEASES,
        min_age=timedelta(),
        now=NOW,
        why_held=lambda release: why_held(
            holds, release, lambda one: pythons.find("demisto/python3", one), TODAY
        ),
    ):
        case NewerTag(release):
            return release.tag.text
        case NoUpdate(reason, detail):
            return f"{reason}: {detail}"


def test_newest_tag_with_the_wanted_python_is_taken() -> None:
    assert chosen(HoldRule("why", python="3.11")) == "3.11.2.300"


def test_no_tag_above_the_cap_is_taken() -> None:
    assert chosen(HoldRule("why", max_tag=find_immutable_tag("3.11.1.250"))) == "3.11.1.200"


def test_listed_tags_are_skipped() -> None:
    assert chosen(HoldRule("why", skip_tags=("3.12.1.400", "3.11.2.300"))) == "3.11.1.200"


def test_freeze_holds_everything_until_its_day() -> None:
    assert chosen(HoldRule("why", until=date(2026, 6, 2))) == "held: 3.12.1.400 frozen until 2026-06-02: why"
    assert chosen(HoldRule("why", until=TODAY)) == "3.12.1.400"


def test_all_holds_count_together() -> None:
    assert chosen(HoldRule("one", python="3.11"), HoldRule("two", skip_tags=("3.11.2.300",))) == "3.11.1.200"


def test_item_that_no_tag_is_left_for_is_held_with_the_reason() -> None:
    assert chosen(HoldRule("not ready", python="3.10")) == (
        "held: 3.12.1.400 has Python 3.12 and not 3.10: not ready"
    )


def test_what_is_held_back_is_told_beside_the_choice() -> None:
    choice = choose_tag(
        None, RELEASES, min_age=timedelta(), now=NOW, why_held=lambda one: "no" if one.tag.build > 300 else ""
    )
    assert isinstance(choice, NewerTag)
    assert (choice.release.tag.text, choice.held_back) == ("3.11.2.300", "3.12.1.400 no")


def test_tags_below_one_that_is_old_enough_are_old_enough() -> None:
    old = NOW - timedelta(days=9)
    releases = sort_releases([TagRecord("1.0.0.1"), TagRecord("1.0.0.2"), TagRecord("1.0.0.3", old)])
    choice = choose_tag(
        find_immutable_tag("1.0.0.1"),
        releases,
        min_age=timedelta(days=3),
        now=NOW,
        why_held=lambda one: "skipped" if one.tag.build == 3 else "",
    )
    assert isinstance(choice, NewerTag)
    assert choice.release.tag.text == "1.0.0.2"


@pytest.mark.parametrize(
    ("hold", "covers"),
    [
        (HoldRule("", images=("demisto/*",)), True),
        (HoldRule("", images=("demisto/other",)), False),
        (HoldRule("", paths=("Packs/Mail/*",)), True),
        (HoldRule("", packs=("M*",)), True),
        (HoldRule("", items=("Mail",)), True),
        (HoldRule("", items=("mail",)), False),
        (HoldRule("", packs=("Mail",), items=("Other",)), False),
    ],
)
def test_hold_covers_what_all_of_its_selectors_name(hold: HoldRule, covers: bool) -> None:
    assert bool(find_holds([hold], make_bump("Mail", "Mail").item, "demisto/python3")) is covers


class Facts:
    """Facts of two tags; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def prepare(self, wanted: object) -> None:
        pass

    def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
        self.asked.append(tag)
        return {"3.12.1.400": ImageFacts(python="3.12.1"), "3.11.2.300": ImageFacts(python="3.11.9")}.get(tag)


def test_python_of_other_images_is_asked_for_once() -> None:
    facts = Facts()
    pythons = PythonVersions(facts, {"demisto/x": RELEASES})
    for _ in range(2):
        assert [pythons.find("demisto/x", one) for one in RELEASES] == ["3.12", "3.11", None, None]
    assert facts.asked == [one.tag.text for one in RELEASES]


def test_python_that_could_not_be_asked_decides_nothing() -> None:
    class Away(Facts):
        def fetch_facts(self, repository: str, tag: str) -> ImageFacts | None:
            raise RegistryError("away")

    pythons = PythonVersions(Away(), {"demisto/x": RELEASES})
    with pytest.raises(RegistryError, match="away"):
        pythons.find("demisto/x", RELEASES[0])


def test_python_that_is_not_known_is_not_the_wanted_one() -> None:
    pythons = PythonVersions(None, {"demisto/x": RELEASES})
    hold = HoldRule("why", python="3.11")
    why = hold.why_not(RELEASES[0], lambda one: pythons.find("demisto/x", one), TODAY)
    assert why == "has a Python that is not known and not 3.11: why"


def why_held_by(holds: list[HoldRule], release: Release) -> str:
    pythons = PythonVersions(None, {})
    return why_held(holds, release, lambda one: pythons.find("demisto/python3", one), TODAY)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("3.10.1.100", "held: 3.12.1.400 has Python 3.12 and not 3.10: stay"),
        ("3.11.1.200", "3.11.2.300"),
        ("3.11.2.300", "held: 3.12.1.400 has Python 3.12 and not 3.11: stay"),
        ("3.12.1.400", "up-to-date: 3.12.1.400 is the newest"),
    ],
)
def test_python_hold_picks_the_newest_tag_of_the_minor_for_every_tag(current: str, expected: str) -> None:
    minor = ".".join(current.split(".")[:2])
    assert chosen(HoldRule("stay", python=minor), current=current) == expected


@pytest.mark.corpus
def test_python_hold_picks_the_newest_tag_of_the_minor_for_every_known_tag(
    corpus: Path, corpus_tags: SnapshotSource
) -> None:
    facts = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))["demisto/python3"]
    releases = sort_releases(corpus_tags.fetch_tags("demisto/python3"))
    by_build = sorted(facts, key=lambda name: int(name.split(".")[-1]))
    assert len(by_build) == 113
    for current in by_build:
        minor = ".".join(facts[current]["python"].split(".")[:2])
        same = [name for name in by_build if ".".join(facts[name]["python"].split(".")[:2]) == minor]
        expected = same[-1] if same[-1] != current else None
        holds = [HoldRule("stay", images=("demisto/python3",), python=minor)]
        choice = choose_tag(
            find_immutable_tag(current),
            releases,
            min_age=timedelta(),
            now=NOW,
            why_held=partial(why_held_by, holds),
        )
        assert (choice.release.tag.text if isinstance(choice, NewerTag) else None) == expected
