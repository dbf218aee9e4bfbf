from datetime import UTC, datetime, timedelta

import pytest

from autobump.images.choice import (
    NewerTag,
    NoUpdate,
    NoUpdateReason,
    Release,
    TagChoice,
    TagRecord,
    choose_tag,
    describe_span,
    sort_releases,
)
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


def choose_held(held: dict[str, str], *tags: str, min_age: timedelta = timedelta()) -> TagChoice:
    """Choose for an item on `1.0.0.1`, with tags that may not be used and why; each tag is two days old."""
    releases = sort_releases(TagRecord(tag, NOW - timedelta(days=2)) for tag in tags)
    current = find_current_tag("1.0.0.1")
    why = {str(release.tag): held.get(str(release.tag), "") for release in releases}
    return choose_tag(
        current, releases, min_age=min_age, now=NOW, why_held=lambda release: why[str(release.tag)]
    )


def test_tag_below_a_held_one_is_taken_and_says_what_it_passes_over() -> None:
    choice = choose_held({"1.0.0.3": "is bad"}, "1.0.0.1", "1.0.0.2", "1.0.0.3")
    assert isinstance(choice, NewerTag)
    assert (str(choice.release.tag), choice.held_back) == ("1.0.0.2", "1.0.0.3 is bad")
    several = choose_held({"1.0.0.4": "is worse", "1.0.0.3": "is bad"}, "1.0.0.2", "1.0.0.3", "1.0.0.4")
    assert isinstance(several, NewerTag)
    assert (str(several.release.tag), several.held_back) == ("1.0.0.2", "1.0.0.4 is worse")


def test_tag_that_nothing_holds_passes_over_none() -> None:
    for choice in (choose_held({}, "1.0.0.2"), choose("1.0.0.1", "1.0.0.2")):
        assert isinstance(choice, NewerTag)
        assert choice.held_back == ""


def test_item_whose_newer_tags_are_all_held_stays_and_says_why_of_the_newest() -> None:
    choice = choose_held({"1.0.0.3": "is bad", "1.0.0.2": "is old"}, "1.0.0.1", "1.0.0.2", "1.0.0.3")
    assert choice == NoUpdate(NoUpdateReason.HELD, "1.0.0.3 is bad")


def test_item_never_moves_to_the_tag_that_it_is_on_nor_below() -> None:
    choice = choose_held({"1.0.0.2": "is bad"}, "1.0.0.0", "1.0.0.1", "1.0.0.2")
    assert choice == NoUpdate(NoUpdateReason.HELD, "1.0.0.2 is bad")


def test_what_is_below_a_tag_that_is_old_enough_needs_no_date() -> None:
    tags = [TagRecord("1.0.0.3", NOW - timedelta(days=9)), TagRecord("1.0.0.2")]
    choice = choose_tag(
        find_current_tag("1.0.0.1"),
        sort_releases(tags),
        min_age=timedelta(days=3),
        now=NOW,
        why_held=lambda release: "is bad" if str(release.tag) == "1.0.0.3" else "",
    )
    assert chosen(choice) == "1.0.0.2"


def test_hold_of_a_young_tag_is_not_asked_for() -> None:
    choice = choose_held({"1.0.0.2": "is bad"}, "1.0.0.2", min_age=timedelta(days=3))
    assert chosen(choice) == "too-young"


def test_first_tag_that_is_too_young_is_named() -> None:
    choice = choose("1.0.0.1", "1.0.0.2", "1.0.0.3", min_age=timedelta(days=3))
    assert choice == NoUpdate(
        NoUpdateReason.TOO_YOUNG, "1.0.0.3 has no known date, and tags must be 3 days old"
    )


@pytest.mark.parametrize(
    ("tags", "reason", "detail"),
    [
        ([], NoUpdateReason.NO_IMMUTABLE_TAG, "the registry holds no immutable tag of it"),
        (["1.0.0.4"], NoUpdateReason.AHEAD_OF_REGISTRY, "the newest published tag is 1.0.0.4"),
        (["1.0.0.5"], NoUpdateReason.UP_TO_DATE, "1.0.0.5 is the newest"),
    ],
)
def test_item_that_stays_says_why(tags: list[str], reason: NoUpdateReason, detail: str) -> None:
    assert choose("1.0.0.5", *tags) == NoUpdate(reason, detail)


def test_reasons_to_stay_keep_their_slugs() -> None:
    assert " ".join(NoUpdateReason) == (
        "image-not-found no-immutable-tag up-to-date ahead-of-registry too-young held"
    )


def test_releases_keep_what_the_source_says_of_them_newest_first() -> None:
    records = [TagRecord("1.0.0.1"), TagRecord("latest", NOW), TagRecord("1.0.0.2", NOW, "sha256:a")]
    newest, oldest = sort_releases(records)
    assert newest == Release(newest.tag, NOW, "sha256:a")
    assert (str(oldest.tag), oldest.created, oldest.digest) == ("1.0.0.1", None, None)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(minutes=59), "0 hours"),
        (timedelta(minutes=90), "1 hour"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(hours=71), "2 days"),
    ],
)
def test_span_is_told_in_whole_hours_or_days(span: timedelta, words: str) -> None:
    assert describe_span(span) == words


def test_tag_from_the_future_is_no_time_old() -> None:
    choice = choose("1.0.0.1", "1.0.0.2", min_age=timedelta(days=3), days=-1)
    assert choice == NoUpdate(NoUpdateReason.TOO_YOUNG, "1.0.0.2 is 0 hours old and must be 3 days")


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        (["0.124.0.8921488", "0.125.0.9094740", "1.0.0.1"], "0.125.0.9094740"),
        (["0.1.9.8921400", "0.1.48.8921488", "2.0.0.1"], "0.1.48.8921488"),
        (["1.0.0.76921", "2.0", "latest"], "1.0.0.76921"),
        (["2.5.34.1.9155015", "2.5.34.9000000"], "2.5.34.1.9155015"),
    ],
)
def test_order_of_versions_does_not_count(tags: list[str], newest: str) -> None:
    assert str(sort_releases(map(TagRecord, tags))[0].tag) == newest


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
