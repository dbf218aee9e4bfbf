import itertools

from autobump.images.advisories.compare import AdvisoryDiff, compare_matches
from autobump.images.advisories.record import Record, Severity


def record(name: str, *aliases: str, severity: Severity = Severity.UNKNOWN, summary: str = "") -> Record:
    return Record(name, tuple(sorted(aliases)), summary, severity)


def ids(diff: AdvisoryDiff) -> tuple[list[str], list[str], list[str]]:
    fixed, introduced, remaining = (
        [one.id for one in part] for part in (diff.fixed, diff.introduced, diff.remaining)
    )
    return fixed, introduced, remaining


def test_what_is_gone_came_and_stayed_is_told_apart() -> None:
    gone, came, stayed = record("PYSEC-1"), record("PYSEC-2"), record("PYSEC-3")
    diff = compare_matches({"a": [gone, stayed]}, {"a": [stayed], "b": [came]})
    assert ids(diff) == (["PYSEC-1"], ["PYSEC-2"], ["PYSEC-3"])


def test_nothing_gives_nothing() -> None:
    assert compare_matches({}, {}) == AdvisoryDiff()
    assert compare_matches({"a": []}, {"a": []}) == AdvisoryDiff()


def test_twins_are_one_also_through_others_and_in_any_order() -> None:
    twins = [
        record("PYSEC-1", "CVE-1"),
        record("GHSA-2", "CVE-2"),
        record("OSV-1", "CVE-1", "CVE-2", summary="The bug"),
        record("BIT-3", "GHSA-2"),
    ]
    for order in itertools.permutations(twins):
        (told,) = compare_matches({"a": order}, {}).fixed
        assert (told.id, told.summary) == ("GHSA-2", "The bug")
        assert told.aliases == ("BIT-3", "CVE-1", "CVE-2", "OSV-1", "PYSEC-1")


def test_twin_on_the_other_side_means_that_it_remains() -> None:
    diff = compare_matches({"a": [record("PYSEC-1", "CVE-1")]}, {"a": [record("GHSA-1", "CVE-1")]})
    assert ids(diff) == ([], [], ["GHSA-1"])


def test_record_that_links_two_others_joins_their_sides() -> None:
    linking = record("GHSA-1", "CVE-1", "CVE-2")
    diff = compare_matches(
        {"a": [record("PYSEC-1", "CVE-1")]}, {"a": [record("PYSEC-2", "CVE-2")], "b": [linking]}
    )
    assert ids(diff) == ([], [], ["GHSA-1"])


def test_packages_that_have_it_are_named() -> None:
    both = record("PYSEC-1")
    assert compare_matches({"b": [both], "a": [both]}, {}).fixed[0].packages == ("a", "b")
    assert compare_matches({"a": [both], "b": [both]}, {"b": [both]}).remaining[0].packages == ("b",)
    assert compare_matches({}, {"b": [both]}).introduced[0].packages == ("b",)


def test_worst_comes_first_and_then_the_id() -> None:
    records = [
        record("PYSEC-1", severity=Severity.UNKNOWN),
        record("PYSEC-2", severity=Severity.LOW),
        record("PYSEC-4", severity=Severity.CRITICAL),
        record("PYSEC-3", severity=Severity.CRITICAL),
    ]
    expected = ["PYSEC-3", "PYSEC-4", "PYSEC-2", "PYSEC-1"]
    assert ids(compare_matches({"a": records}, {}))[0] == expected


def test_worst_severity_of_twins_counts() -> None:
    twins = [record("GHSA-1", "PYSEC-1"), record("PYSEC-1", severity=Severity.HIGH)]
    diff = compare_matches({"a": twins}, {})
    assert diff.fixed[0].severity is Severity.HIGH
    assert diff.fixes(Severity.HIGH)
    assert not diff.fixes(Severity.CRITICAL)


def test_malicious_record_gives_its_name() -> None:
    (told,) = compare_matches({}, {"a": [record("GHSA-1", "MAL-1"), record("MAL-1", "GHSA-1")]}).introduced
    assert told.is_malicious
    assert told.url.endswith("/MAL-1")
