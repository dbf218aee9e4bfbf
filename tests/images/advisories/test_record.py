"""Source of the real records: the PyPA advisory database, CC-BY-4.0."""

from typing import Any

import pytest

from autobump.images.advisories.record import Severity, packages_of, parse_record, version_key
from tests.fixtures.osv import osv_record


def affects(record: dict[str, Any], version: str, package: str = "requests") -> bool:
    read = parse_record(record)
    return read is not None and read.affects(package, version)


def with_events(*events: dict[str, str], kind: str = "ECOSYSTEM", versions: Any = ()) -> dict[str, Any]:
    record = osv_record("PYSEC-1")
    record["affected"][0] |= {"ranges": [{"type": kind, "events": list(events)}], "versions": list(versions)}
    return record


DJANGO = with_events(  # PYSEC-2015-11
    {"introduced": "0"},
    {"fixed": "1.7.11"},
    {"introduced": "1.8"},
    {"fixed": "1.8.7"},
    {"introduced": "1.9a0"},
    {"fixed": "1.9rc2"},
)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.1", True),
        ("1.7.10", True),
        ("1.7.11", False),
        ("1.7.11.dev1", True),
        ("1.7.99", False),
        ("1.8", True),
        ("1.8.7", False),
        ("1.8.7rc1", True),
        ("1.9.dev0", False),
        ("1.9a1", True),
        ("1.9rc1", True),
        ("1.9RC1", True),
        ("1.9rc2", False),
        ("1.9", False),
        ("1!1.0", False),
    ],
)
def test_ranges_hold_what_lies_between_their_events(version: str, expected: bool) -> None:
    assert affects(DJANGO, version) is expected
    shuffled = with_events(*reversed(DJANGO["affected"][0]["ranges"][0]["events"]))
    assert affects(shuffled, version) is expected


@pytest.mark.parametrize(
    ("events", "version", "expected"),
    [
        ([{"introduced": "3.0.5"}, {"last_affected": "3.0.6"}], "3.0.6", True),  # PYSEC-2008-15
        ([{"introduced": "3.0.5"}, {"last_affected": "3.0.6"}], "3.0.6.1", False),
        ([{"introduced": "3.0.5"}, {"last_affected": "3.0.6"}], "3.0.6.post1", False),
        ([{"introduced": "3.0.5"}, {"last_affected": "3.0.6"}], "3.0.4", False),
        ([{"introduced": "0"}, {"fixed": "3.1.0.post1"}], "3.1.0", True),  # PYSEC-2017-150
        ([{"introduced": "0"}, {"fixed": "3.1.0.post1"}], "3.1.0.post1", False),
        ([{"introduced": "0"}, {"fixed": "3.1.0.post1"}], "3.1.0-1", False),
        ([{"introduced": "0"}], "99", True),
        ([{"introduced": "0"}, {"fixed": "1!1.0"}], "2024.1", True),
        ([{"introduced": "0"}, {"fixed": "1!1.0"}], "1!1.0", False),
        ([{"introduced": "2.0"}, {"fixed": "2.0"}], "2.0", False),
        ([{"introduced": "2.0"}, {"last_affected": "2.0"}], "2.0", True),
        ([{"introduced": "1"}, {"fixed": "2.6.0-cu124"}], "3.0", False),
        ([{"introduced": "unknown"}, {"fixed": "2"}], "1.0", False),
        ([{"introduced": "0", "fixed": "2"}], "1.0", True),
        ([{"fixed": "2"}], "1.0", False),
        ([], "1.0", False),
    ],
)
def test_each_kind_of_event_is_told_apart(events: list[dict[str, str]], version: str, expected: bool) -> None:
    assert affects(with_events(*events), version) is expected


def test_who_built_a_version_changes_nothing() -> None:
    record = osv_record("PYSEC-1", fixed="2.0")
    assert affects(record, "1.26+cu118")
    assert not affects(record, "2.0+debian1")
    assert affects(osv_record("PYSEC-1", versions=["1.0+local"]), "1.0")


@pytest.mark.parametrize(
    ("named", "version", "expected"),
    [
        ("1.0", "1.0.0", True),
        ("v1.0", "1.0", True),
        ("3.7-rc", "3.7rc0", True),  # PYSEC-2016-26
        ("2.0.3-1", "2.0.3.post1", True),  # PYSEC-2012-31
        ("2.1.0-beta", "2.1b0", True),  # PYSEC-2008-3
        ("01.02", "1.2", True),
        ("1.10", "1.1", False),
        ("0.0", "0", True),
        ("0!1.0", "1", True),
        ("1!1.0", "1", False),
        ("0.1-bulbasaur", "0.1", False),  # PYSEC-2008-8
        ("1.0.post1", "1.0", False),
    ],
)
def test_named_versions_are_compared_as_versions_and_not_as_text(
    named: str, version: str, expected: bool
) -> None:
    assert affects(osv_record("PYSEC-1", versions=[named]), version) is expected


@pytest.mark.parametrize(
    "text", ["", "unknown", "1..2", ".", "1.", "①", "1.0 final", "9" * 5000 + "!1", "x" * 99999]
)
def test_what_is_no_version_is_affected_by_nothing(text: str) -> None:
    assert version_key(text) is None
    assert not affects(with_events({"introduced": "0"}, versions=[text]), text)


def test_number_longer_than_python_reads_is_no_failure() -> None:
    long = "9" * 5000
    assert not affects(with_events({"introduced": "0"}, {"fixed": long}), "1.0")
    assert affects(osv_record("PYSEC-1", versions=["1.0", long]), "1.0")


def test_range_of_commits_cannot_be_matched_and_one_beside_it_can() -> None:
    assert not affects(with_events({"introduced": "0"}, kind="GIT"), "1.0")
    assert affects(with_events({"introduced": "0"}, kind="GIT", versions=["1.0"]), "1.0")
    assert affects(with_events({"introduced": "0"}, kind="SEMVER"), "1.0")


def test_withdrawn_record_counts_for_nothing() -> None:
    record = osv_record("PYSEC-2006-7", withdrawn="2024-11-22T04:37:05Z")
    assert parse_record(record) is None
    assert packages_of(record) == frozenset()


@pytest.mark.parametrize("name", ["jw.util", "JW_Util", "jw-util"])  # PYSEC-2020-341
def test_package_is_the_same_in_every_spelling(name: str) -> None:
    record = osv_record("PYSEC-2020-341", name, fixed="2.3")
    assert affects(record, "2.2", "jw-util")
    assert packages_of(record) == {"jw-util"}


def test_entries_of_one_package_count_together_and_those_of_others_apart() -> None:
    first, second = osv_record("P", versions=["1.0"]), osv_record("P", versions=["2.0"])
    other = osv_record("P", "flask", versions=["3.0"])
    record = first | {"affected": first["affected"] + second["affected"] + other["affected"]}
    assert [affects(record, version) for version in ("1.0", "2.0", "3.0")] == [True, True, False]
    assert affects(record, "3.0", "flask")


@pytest.mark.parametrize("data", [None, 5, [], {}, {"id": 5}, {"id": "P"}, {"id": "P", "affected": {}}])
def test_what_is_no_record_is_none(data: object) -> None:
    assert parse_record(data) is None
    assert packages_of(data) == frozenset()


V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Severity.UNKNOWN),
        (
            {"severity": [{"type": "CVSS_V2", "score": V2}, {"type": "CVSS_V3", "score": V3}]},
            Severity.CRITICAL,
        ),
        ({"severity": [{"type": "CVSS_V2", "score": V2}]}, Severity.HIGH),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}]}, Severity.UNKNOWN),
        ({"severity": [{"type": "Ubuntu", "score": "high"}]}, Severity.UNKNOWN),
        ({"severity": "high"}, Severity.UNKNOWN),
        ({"database_specific": {"severity": "MODERATE"}}, Severity.MEDIUM),
        ({"database_specific": {"severity": 5}}, Severity.UNKNOWN),
        (
            {"severity": [{"type": "CVSS_V3", "score": V3}], "database_specific": {"severity": "LOW"}},
            "critical",
        ),
    ],
)
def test_severity_is_that_of_the_vector_or_of_the_word(more: dict[str, Any], expected: str) -> None:
    record = parse_record(osv_record("PYSEC-1", **more))
    assert record is not None
    assert record.severity == expected


def test_unknown_severity_is_below_low_and_reaches_nothing() -> None:
    assert [severity.rank for severity in Severity] == [4, 3, 2, 1, 0]
    assert not Severity.UNKNOWN.reaches(Severity.UNKNOWN)
    assert Severity.HIGH.reaches(Severity.HIGH)
    assert not Severity.MEDIUM.reaches(Severity.HIGH)


def test_long_text_is_cut_and_kept_in_one_line() -> None:
    record = parse_record(osv_record("MAL-1", summary="a\nb " * 200))
    assert record is not None
    assert len(record.summary) == 200
    assert record.summary.endswith("…")
    assert "\n" not in record.summary
    assert record.is_malicious


def test_details_stand_in_for_a_summary() -> None:
    record = parse_record(osv_record("PYSEC-1", summary="", details="More of it"))
    assert record is not None
    assert record.summary == "More of it"
