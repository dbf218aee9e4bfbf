from autobump.content.imports import Use
from autobump.decisions.describe import describe_finding, group_findings
from autobump.decisions.risk import Finding, FindingKind, RiskLevel

URLLIB3 = Use("urllib3", guarded=False)


def major(old: str, use: Use = URLLIB3, new: str = "2.7.0") -> Finding:
    return Finding(RiskLevel.REVIEW, FindingKind.MAJOR, use, "urllib3", old, new)


def test_findings_that_differ_in_the_old_version_alone_are_one() -> None:
    grouped = group_findings([("A", major("1.26.8")), ("B", major("1.26.10")), ("C", major("1.26.8"))])
    assert [(words, who) for _, words, who in grouped] == [
        (
            "imports `urllib3` of the package `urllib3`, which goes from `1.26.8`, `1.26.10` to `2.7.0`",
            ["A", "B", "C"],
        )
    ]


def test_package_that_is_gone_names_each_version_that_was_there() -> None:
    gone = [
        Finding(RiskLevel.BREAKING, FindingKind.REMOVED, URLLIB3, "urllib3", old) for old in ("1.9", "1.10")
    ]
    ((_, words, _),) = group_findings([("A", one) for one in gone])
    assert words == "imports `urllib3` of the package `urllib3` `1.9`, `1.10`, which the new image lacks"


def test_findings_that_differ_in_anything_else_stay_apart() -> None:
    through = Use("urllib3", guarded=False, through="CSVFeedApiModule")
    told = [major("1"), major("1", through), major("1", new="3")]
    told.append(Finding(RiskLevel.BREAKING, FindingKind.MAJOR, URLLIB3, "urllib3", "1", "2.7.0"))
    grouped = group_findings([("A", one) for one in told])
    assert len(grouped) == len(told)
    assert grouped[0][0].level is RiskLevel.BREAKING


def test_many_old_versions_are_not_all_named() -> None:
    ((_, words, _),) = group_findings([("A", major(f"1.{number}")) for number in range(14)])
    assert "`1.9` and 4 more to `2.7.0`" in words


def test_finding_of_one_item_names_its_own_version() -> None:
    assert describe_finding(major("1.26.8")).endswith("which goes from 1.26.8 to 2.7.0")
