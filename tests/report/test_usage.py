from datetime import UTC, datetime, timedelta

import pytest

from autobump.decisions.eligibility import Skipped
from autobump.images.advisories.compare import Advisory
from autobump.images.advisories.record import Severity
from autobump.images.choice import TagRecord, sort_releases
from autobump.images.results import Lookup, NotFound
from autobump.report.usage import (
    ImageInUse,
    TagInUse,
    age_bands,
    ages_of_items,
    describe_age,
    images_in_use,
)
from tests.fixtures.bumps import make_bump
from tests.fixtures.results import NOW, make_result

OLD = datetime(2022, 6, 1, tzinfo=UTC)
NEW = datetime(2026, 5, 1, tzinfo=UTC)
RELEASES = sort_releases([TagRecord("1.0.0.1", OLD), TagRecord("1.0.0.9", NEW), TagRecord("1.0.0.5")])
FOUND: dict[str, Lookup] = {"demisto/python3": RELEASES, "demisto/gone": NotFound("no such image")}


def skip(name: str, image: str, tag: str) -> Skipped:
    return Skipped(f"Packs/S/Scripts/{name}/{name}.yml", "S", "deprecated-item", "", image, tag)


def test_items_are_counted_by_image_and_tag_whatever_becomes_of_them() -> None:
    result = make_result(
        [make_bump("A", "One"), make_bump("B", "Two"), make_bump("C", "Three", current="1.0.0.5")],
        skipped=[skip("Four", "demisto/python3", "1.0.0.9"), skip("Five", "demisto/gone", "")],
        found=FOUND,
    )
    assert images_in_use(result.evaluation, result.created) == [
        ImageInUse(
            "demisto/python3",
            (TagInUse("1.0.0.9", 1, NEW), TagInUse("1.0.0.5", 1, None), TagInUse("1.0.0.1", 2, OLD)),
            RELEASES[0],
        ),
        ImageInUse("demisto/gone", (TagInUse("", 1, None),), None),
    ]


def test_tags_that_are_no_numbers_come_last() -> None:
    tags = ("latest", "2.0", "1.0.0.10", "1.0.0.9")
    result = make_result(skipped=[skip(f"Item{tag}", "demisto/x", tag) for tag in tags])
    (image,) = images_in_use(result.evaluation, result.created)
    assert [tag.tag for tag in image.tags] == ["1.0.0.10", "1.0.0.9", "2.0", "latest"]
    assert (image.items, image.oldest) == (4, None)


HIGH, LOW = (Advisory(f"GHSA-{one}", (), one, ("six",), "") for one in (Severity.HIGH, Severity.LOW))


def test_images_come_by_what_they_leave_open_when_every_update_is_made() -> None:
    result = make_result(
        [make_bump("A", "One", image="demisto/amended")],
        skipped=[
            skip("Two", "demisto/low", "1.0.0.1"),
            skip("Three", "demisto/unknown", "1.0.0.1"),
            *(skip(f"More{number}", "demisto/unknown", "1.0.0.1") for number in range(5)),
            skip("Four", "demisto/high", "1.0.0.1"),
            skip("Five", "demisto/high", "1.0.0.9"),
            skip("Six", "demisto/high", "latest"),
        ],
    )
    left_open = {
        ("demisto/amended", "1.0.0.1"): (HIGH,),
        ("demisto/amended", "1.0.0.9"): (),
        ("demisto/low", "1.0.0.1"): (LOW, LOW),
        ("demisto/high", "1.0.0.1"): (LOW,),
        ("demisto/high", "1.0.0.9"): (HIGH, LOW),
    }
    images = images_in_use(result.evaluation, result.created, left_open)
    assert [(one.repository, one.left_open, one.unknown_tags) for one in images] == [
        ("demisto/high", (HIGH, LOW), 1),
        ("demisto/low", (LOW,), 0),
        ("demisto/amended", (), 0),
        ("demisto/unknown", None, 1),
    ]


def test_ages_compare_the_same_items_now_and_later() -> None:
    result = make_result(
        [make_bump("A", "One"), make_bump("B", "Undated", current="1.0.0.5")],
        skipped=[skip("Kept", "demisto/python3", "1.0.0.1")],
        found=FOUND,
    )
    now, later = ages_of_items(result.evaluation, result.created, NOW)
    assert (now, later) == ([NOW - OLD, NOW - OLD], [NOW - NEW, NOW - OLD])
    # The target without a date cannot be compared.
    now, later = ages_of_items(result.evaluation, {("demisto/python3", "1.0.0.1"): OLD}, NOW)
    assert (now, later) == ([NOW - OLD], [NOW - OLD])


def test_every_age_is_in_one_band() -> None:
    ages = [timedelta(days=days) for days in (-1, 0, 90, 91, 182, 365, 730, 1096, 1461, 10**6)]
    bands = age_bands(ages, [])
    assert [band.now for band in bands] == [3, 1, 1, 1, 1, 1, 2]
    assert {band.later for band in bands} == {0}


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-3, "under a day"),
        (0.9, "under a day"),
        (1, "1 day"),
        (59, "59 days"),
        (60, "2 months"),
        (729, "24 months"),
        (730, "2.0 years"),
        (1600, "4.4 years"),
    ],
)
def test_age_is_told_in_the_unit_that_fits(days: float, words: str) -> None:
    assert describe_age(timedelta(days=days)) == words
