from datetime import UTC, datetime, timedelta

import pytest

from autobump.images.choice import NewerTag, NoUpdate, TagChoice, TagRecord, choose_tag, sort_releases
from autobump.images.reference import find_current_tag
from autobump.images.sources.snapshot import SnapshotSource

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def choose(
    current: str | None, *tags: str, min_age: timedelta = timedelta(), days: int | None = None
) -> TagChoice:
    created = None if days is None else NOW - timedelta(days=days)
    releases = sort_releases(TagRecord(tag, created) for tag in tags)
    return choose_tag(find_current_tag(current) if current else None, releases, min_age=min_age, now=NOW)


def chosen(choice: TagChoice) -> str:
    return choice.release.tag.text if isinstance(choice, NewerTag) else str(choice.reason)


@pytest.mark.parametrize(
    ("current", "tags", "expected"),
    [
        ("1.0.0.5", ["1.0.0.4", "1.0.0.6", "latest"], "1.0.0.6"),
        ("1.0.0.68518", ["1.0.0.68518", "0.125.0.9094740"], "0.125.0.9094740"),
        ("1.0.0.5", ["1.0.0.5", "1.0.0.4"], "up-to-date"),
        ("1.0.0.9", ["1.0.0.5"], "ahead-of-registry"),
        ("1.0.0.5", ["2.0.0.5"], "up-to-date"),
        ("1.0.0.5", ["latest", "1.5"], "no-immutable-tag"),
        ("1.0.0.5", [], "no-immutable-tag"),
        ("1.1", ["1.0.0.3"], "1.0.0.3"),
        ("2.0", ["1.0.0.76921", "2.0", "latest"], "1.0.0.76921"),
        (None, ["1.0.0.4", "1.0.0.6", "latest"], "1.0.0.6"),
    ],
)
def test_target_is_the_highest_build_number(current: str | None, tags: list[str], expected: str) -> None:
    assert chosen(choose(current, *tags)) == expected


def test_young_tags_wait_and_say_how_long() -> None:
    choice = choose("1.0.0.1", "1.0.0.2", min_age=timedelta(days=3), days=1)
    assert isinstance(choice, NoUpdate)
    assert (choice.reason, choice.detail) == ("too-young", "1.0.0.2 is 24 hours old and must be 3 days")
    assert chosen(choose("1.0.0.1", "1.0.0.2", min_age=timedelta(days=3), days=3)) == "1.0.0.2"


def test_older_tag_that_is_old_enough_is_taken_instead() -> None:
    releases = sort_releases(
        [
            TagRecord("1.0.0.3", NOW - timedelta(days=1)),
            TagRecord("1.0.0.2", NOW - timedelta(days=9)),
            TagRecord("1.0.0.1", NOW - timedelta(days=99)),
        ]
    )
    choice = choose_tag(find_current_tag("1.0.0.1"), releases, min_age=timedelta(days=3), now=NOW)
    assert chosen(choice) == "1.0.0.2"


def test_tag_without_date_is_not_old_enough_when_age_matters() -> None:
    assert chosen(choose("1.0.0.1", "1.0.0.2", min_age=timedelta(days=3))) == "too-young"


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("image", "newest"),
    [
        ("demisto/fastapi", "0.125.0.9094740"),
        ("demisto/parse-emails", "0.1.48.8921488"),
        ("demisto/splunksdk", "1.0.0.76921"),
        ("demisto/fasttext", "2.0.0.49449"),
        ("demisto/pymisp2", "2.5.34.1.9155015"),
    ],
)
def test_traps_of_version_order_are_avoided(image: str, newest: str, corpus_tags: SnapshotSource) -> None:
    assert sort_releases(corpus_tags.fetch_tags(image))[0].tag.text == newest


@pytest.mark.corpus
def test_image_with_two_part_tags_only_has_no_target(corpus_tags: SnapshotSource) -> None:
    releases = sort_releases(corpus_tags.fetch_tags("demisto/dl"))
    assert (
        chosen(choose_tag(find_current_tag("1.1"), releases, min_age=timedelta(), now=NOW))
        == "no-immutable-tag"
    )
