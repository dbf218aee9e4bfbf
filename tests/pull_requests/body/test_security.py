from msgspec.structs import replace

from autobump.content.imports import ItemCode
from autobump.decisions.risk import ImageRisk, ItemRisk, RiskLevel
from autobump.images.advisories.compare import Advisory, AdvisoryDiff
from autobump.images.advisories.record import Severity
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.labels import SECURITY_LABEL
from autobump.pull_requests.options import choose_options
from autobump.pull_requests.render import DesiredPullRequest
from autobump.settings.model import Settings
from autobump.support.markdown import MAX_BODY
from tests.fixtures.bumps import make_bump
from tests.fixtures.golden import check_golden

HEAD = "0123456789abcdef0123456789abcdef01234567"


def advisory(name: str, severity: str, package: str = "urllib3", summary: str = "It does harm") -> Advisory:
    return Advisory(name, ("CVE-1",), Severity(severity), (package,), summary)


HIGH = advisory("GHSA-aaaa", "high", summary="Cookies | go `elsewhere` <b>")
MEDIUM = advisory("GHSA-bbbb", "medium", "requests")
ODD = advisory("PYSEC-2025-1", "unknown", "certifi", "")


def desire(diff: AdvisoryDiff | None) -> DesiredPullRequest:
    bump = make_bump("A", "One")
    risk = ItemRisk().with_advisories(diff) if diff else ItemRisk()
    known = replace(bump, advisories=diff, risk=risk, fixes_security=bool(diff and diff.fixes(Severity.HIGH)))
    (planned,) = plan_pull_requests([known], Limits()).pull_requests
    return DesiredPullRequest(
        planned, choose_options(planned, Settings()), with_notes=True, contexts=(BodyContext(),)
    )


def test_body_that_fixes_says_so_in_title_headline_and_table() -> None:
    desired = desire(AdvisoryDiff(fixed=(HIGH, MEDIUM, ODD), remaining=(advisory("GHSA-cccc", "low"),)))
    assert desired.title == "Update demisto/python3 to 1.0.0.9 (1 pack, fixes 1 high)"
    assert SECURITY_LABEL in desired.labels
    check_golden("security-fixes.md", desired.body_at(HEAD))


def test_body_that_brings_something_in_asks_for_a_look() -> None:
    desired = desire(AdvisoryDiff(introduced=(MEDIUM,)))
    assert "autobump:review" in desired.labels
    assert SECURITY_LABEL not in desired.labels
    check_golden("security-brings-in.md", desired.body_at(HEAD))


def test_fix_outweighs_what_comes_in() -> None:
    desired = desire(AdvisoryDiff(fixed=(HIGH,), introduced=(MEDIUM,)))
    assert "autobump:review" not in desired.labels


def test_package_that_does_harm_may_break() -> None:
    desired = desire(AdvisoryDiff(fixed=(HIGH,), introduced=(advisory("MAL-2026-1", "unknown", "urlib3"),)))
    assert desired.planned.bumps[0].risk is not None
    assert desired.planned.bumps[0].risk.level is RiskLevel.BREAKING
    assert not desired.options.harmless
    check_golden("security-malicious.md", desired.body_at(HEAD))


def test_package_whose_name_looks_like_a_known_one_may_break() -> None:
    old, new = (
        ImageFacts(packages=dict.fromkeys(names, PackageFacts("1.0"))) for names in ("a", ("a", "reqeusts"))
    )
    diff = ImageDiff(old, new)
    bump = replace(make_bump("A", "One"), risk=ImageRisk(diff).assess(ItemCode(())))
    (planned,) = plan_pull_requests([bump], Limits()).pull_requests
    context = BodyContext(diffs={bump.image.tag or "": diff}, old={bump.image.tag or "": old}, new=new)
    options = choose_options(planned, Settings())
    assert not options.harmless
    desired = DesiredPullRequest(planned, options, with_notes=True, contexts=(context,))
    check_golden("security-lookalike.md", desired.body_at(HEAD))


def test_what_is_not_known_is_said_and_never_zero() -> None:
    desired = desire(AdvisoryDiff(known=False))
    assert desired.title == "Update demisto/python3 to 1.0.0.9 (1 pack)"
    assert desired.marker.advisories == ""
    check_golden("security-not-known.md", desired.body_at(HEAD))


def test_nothing_is_said_where_nobody_was_asked() -> None:
    assert "vulnerabilities" not in desire(None).body_at(HEAD)


def test_three_hundred_advisories_are_cut_to_what_github_takes() -> None:
    many = tuple(advisory(f"GHSA-{number:04}", "high", summary="x" * 200) for number in range(300))
    body = desire(AdvisoryDiff(fixed=many)).body_at(HEAD)
    assert len(body) <= MAX_BODY
    assert "**fixes 300 high**" in body
    assert " rows more, left out" in body


def test_marker_names_what_is_fixed_and_comes_in() -> None:
    def named(diff: AdvisoryDiff) -> str:
        return desire(diff).marker.advisories

    assert named(AdvisoryDiff(fixed=(HIGH,))) == named(AdvisoryDiff(fixed=(HIGH,), remaining=(ODD,)))
    assert len({named(AdvisoryDiff(fixed=(HIGH,))), named(AdvisoryDiff(introduced=(HIGH,))), ""}) == 3
