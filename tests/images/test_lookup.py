import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from signal import SIGINT

import pytest

from autobump.images.choice import TagRecord
from autobump.images.lookup import MAX_DATES, Wanted, look_up_digests, look_up_releases
from autobump.images.reference import find_immutable_tag
from autobump.images.results import NotFound, Unavailable
from autobump.support.errors import ImageNotFoundError, RegistryError, UsageError
from autobump.support.progress import Silent

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class FakeSource:
    """Knows what the test says; counts what it is asked."""

    def __init__(
        self, tags: dict[str, list[str] | Exception], dates: dict[str, datetime] | None = None
    ) -> None:
        self.tags = tags
        self.dates = dates or {}
        self.asked_dates: list[str] = []
        self.prepared: list[str] = []

    def prepare(self, in_use: Mapping[str, Collection[str]]) -> None:
        self.prepared = list(in_use)

    def fetch_tags(self, repository: str) -> Sequence[TagRecord]:
        assert self.prepared
        time.sleep(0.001 * (len(repository) % 3))  # answers come out of order
        found = self.tags[repository]
        if isinstance(found, Exception):
            raise found
        return [TagRecord(tag) for tag in found]

    def fetch_digest(self, repository: str, tag: str) -> str | None:
        if tag == "gone":
            raise ImageNotFoundError("no manifest")
        return f"sha256:{tag}"

    def fetch_created(self, repository: str, tag: str) -> datetime | None:
        self.asked_dates.append(tag)
        return self.dates.get(tag)


def wanted(*images: str, lowest: int = 0, days: int = 0) -> Wanted:
    tag = find_immutable_tag(f"1.0.0.{lowest}")
    return Wanted({image: {tag} for image in images}, timedelta(days=days), NOW, 4)


def test_failing_image_does_not_stop_the_others_and_order_is_by_name() -> None:
    names = [f"demisto/{'x' * number}" for number in range(1, 30)]
    tags: dict[str, list[str] | Exception] = {name: ["1.0.0.1"] for name in names}
    tags[names[3]] = RegistryError("429")
    tags[names[5]] = ImageNotFoundError("none")
    found = look_up_releases(FakeSource(tags), wanted(*reversed(names)), Silent())
    assert list(found) == sorted(names)
    assert found[names[3]] == Unavailable("429")
    assert found[names[5]] == NotFound("none")
    assert sum(isinstance(result, tuple) for result in found.values()) == 27


def test_surprise_costs_its_image_only_and_is_told_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    tags: dict[str, list[str] | Exception] = {
        "demisto/x": OverflowError("too large"),
        "demisto/y": ["1.0.0.1"],
    }
    found = look_up_releases(FakeSource(tags), wanted(*tags), Silent())
    assert found["demisto/x"] == Unavailable("unexpected error: OverflowError('too large')")
    assert isinstance(found["demisto/y"], tuple)
    (record,) = caplog.records
    assert (record.levelname, record.__dict__["asked"]) == ("ERROR", "demisto/x")
    assert record.exc_info is not None


def test_tag_file_that_cannot_be_read_ends_the_pass() -> None:
    tags: dict[str, list[str] | Exception] = {"demisto/x": UsageError("no tag file")}
    with pytest.raises(UsageError, match="no tag file"):
        look_up_releases(FakeSource(tags), wanted(*tags), Silent())


def test_nothing_wanted_asks_nothing() -> None:
    source = FakeSource({})
    assert look_up_releases(source, wanted(), Silent()) == {}
    assert source.prepared == []


def test_dates_are_asked_only_until_one_tag_is_old_enough() -> None:
    tags: dict[str, list[str] | Exception] = {"demisto/x": [f"1.0.0.{number}" for number in range(1, 10)]}
    dates = {f"1.0.0.{number}": NOW - timedelta(days=2 * (9 - number)) for number in range(1, 10)}
    source = FakeSource(tags, dates)
    look_up_releases(source, wanted("demisto/x", days=3), Silent())
    assert source.asked_dates == ["1.0.0.9", "1.0.0.8", "1.0.0.7"]


def test_dates_are_not_asked_when_age_does_not_matter_or_no_item_is_below() -> None:
    tags: dict[str, list[str] | Exception] = {"demisto/x": ["1.0.0.1", "1.0.0.2"]}
    for want in (wanted("demisto/x"), wanted("demisto/x", days=3, lowest=2)):
        source = FakeSource(tags)
        look_up_releases(source, want, Silent())
        assert source.asked_dates == []


def test_dates_of_an_image_without_any_are_given_up() -> None:
    source = FakeSource({"demisto/x": [f"1.0.0.{number}" for number in range(1, 100)]})
    look_up_releases(source, wanted("demisto/x", days=3), Silent())
    assert len(source.asked_dates) == MAX_DATES


def test_tag_that_is_not_there_when_its_date_is_asked_for_is_no_missing_image() -> None:
    class Moving(FakeSource):
        def fetch_created(self, repository: str, tag: str) -> datetime | None:
            raise ImageNotFoundError(f"no {tag}")

    found = look_up_releases(Moving({"demisto/x": ["1.0.0.1"]}), wanted("demisto/x", days=3), Silent())
    assert found == {"demisto/x": Unavailable("no 1.0.0.1")}


def test_digests_are_found_and_a_missing_manifest_is_told() -> None:
    targets = [("demisto/x", "1"), ("demisto/x", "gone"), ("demisto/x", "1")]
    found = look_up_digests(FakeSource({}), targets, 4, Silent())
    assert found == {("demisto/x", "1"): "sha256:1", ("demisto/x", "gone"): Unavailable("no manifest")}


HANGING = """
import sys, time
from datetime import UTC, datetime, timedelta
from autobump.images.lookup import Wanted, look_up_releases
from autobump.support.progress import Silent
class Hanging:
    def prepare(self, in_use): pass
    def fetch_tags(self, repository):
        print("asked", flush=True)
        time.sleep(3600)
look_up_releases(Hanging(), Wanted({"a/b": {None}}, timedelta(), datetime.now(UTC), 4), Silent())
"""


def test_ctrl_c_does_not_wait_for_answers() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    process.send_signal(SIGINT)
    _, err = process.communicate(timeout=60)  # the sleeping thread would hold it for an hour
    assert "KeyboardInterrupt" in err
