from datetime import UTC, datetime

from msgspec.structs import replace

from autobump.content.imports import Use
from autobump.content.problem import UNREADABLE, Problem
from autobump.decisions.bump import Bump
from autobump.decisions.eligibility import Skipped
from autobump.decisions.evaluation import TAGS_UNAVAILABLE, Evaluation, Notice, by_path
from autobump.decisions.risk import Finding, FindingKind, ItemRisk, RiskLevel, RiskPolicy
from autobump.images.choice import NoUpdateReason, TagRecord, sort_releases
from autobump.images.results import NotFound
from tests.fixtures.bumps import make_bump

ONE, TWO, THREE = (make_bump("A", name) for name in ("One", "Two", "Three"))
SKIPPED = Skipped("Packs/A/Scripts/Sum/Sum.yml", "A", "up-to-date", "it is", "demisto/python3", "1.0.0.9")
PROBLEM = Problem("Packs/A/Scripts/Tag/Tag.yml", "A", TAGS_UNAVAILABLE, "no answer")


def evaluation(*bumps: Bump) -> Evaluation:
    return Evaluation(
        len(bumps) + 2, by_path(bumps), (SKIPPED,), (PROBLEM,), (Notice("p", "d"),), {"demisto/x": ()}
    )


def removed(module: str = "devo", level: RiskLevel = RiskLevel.BREAKING) -> ItemRisk:
    return ItemRisk((Finding(level, FindingKind.REMOVED, Use(module, guarded=False), "devo-sdk", "3.4.2"),))


def test_rows_are_sorted_by_path() -> None:
    assert by_path([TWO, ONE, THREE]) == (ONE, THREE, TWO)


def test_problems_that_say_nothing_of_their_item_are_a_silent_registry_and_silent_git() -> None:
    problems = [Problem("p", "A", reason, "") for reason in (TAGS_UNAVAILABLE, UNREADABLE, "invalid-yaml")]
    assert Evaluation(3, (), (), tuple(problems), ()).unknown == tuple(problems[:2])


def test_reason_of_a_silent_registry_keeps_its_slug() -> None:
    assert TAGS_UNAVAILABLE == "tags-unavailable"


def test_date_of_a_tag_is_what_the_registry_says() -> None:
    made = datetime(2026, 5, 1, tzinfo=UTC)
    releases = sort_releases([TagRecord("1.0.0.1"), TagRecord("1.0.0.9", made)])
    found = Evaluation(0, (), (), (), (), {"demisto/x": releases, "demisto/gone": NotFound("no such image")})
    dates = [found.find_created("demisto/x", tag) for tag in ("1.0.0.9", "1.0.0.1", "1.0.0.2")]
    assert dates == [made, None, None]
    assert found.find_created("demisto/gone", "1.0.0.9") is None
    assert found.find_created("demisto/y", "1.0.0.9") is None


def test_evaluation_without_look_ups_found_nothing() -> None:
    assert Evaluation(0, (), (), (), ()).found == {}


def test_items_of_an_image_are_counted_whether_they_are_updated_or_not_and_however_it_is_written() -> None:
    mirrored = make_bump("A", "Four", image="docker.io/demisto/python3")
    other = make_bump("A", "Five", image="demisto/boto3")
    found = evaluation(ONE, mirrored, other)
    assert found.count_items("demisto/python3") == 3
    assert found.count_items("docker.io/demisto/python3") == 3
    assert found.count_items("demisto/boto3") == 1
    assert found.count_items("demisto/x") == 0


def test_refused_bump_becomes_a_problem_and_the_rest_stays() -> None:
    before = evaluation(ONE, TWO)
    after = before.with_refused({ONE.path: ("unsafe-edit", "it is in a list")})
    refused = Problem(ONE.path, "A", "unsafe-edit", "it is in a list")
    assert after == replace(before, bumps=(TWO,), problems=(refused, PROBLEM))


def test_held_bump_becomes_a_skip_with_its_image_and_the_rest_stays() -> None:
    before = evaluation(ONE, TWO)
    after = before.with_held({ONE.path: "merged before"})
    held = Skipped(ONE.path, "A", NoUpdateReason.HELD, "merged before", "demisto/python3", "1.0.0.1")
    assert after == replace(before, bumps=(TWO,), skipped=(held, SKIPPED))


def test_held_bump_of_an_image_without_tag_names_none() -> None:
    pinned = make_bump("A", "Four", current="")
    (held, _) = evaluation(pinned).with_held({pinned.path: "why"}).skipped
    assert (held.repository, held.tag) == ("demisto/python3", "")


def test_nothing_moves_without_open_pull_requests() -> None:
    before = evaluation(ONE)
    assert before.with_open_pull_requests({}, frozenset()) is before


def test_item_in_an_open_pull_request_is_in_its_risk_group_until_it_is_looked_at() -> None:
    after = evaluation(ONE, TWO).with_open_pull_requests({ONE.path: "breaking"}, frozenset())
    assert [(bump.risk_group, bump.may_join) for bump in after.bumps] == [("breaking", True), ("", True)]
    grouped = evaluation(replace(TWO, risk_group="review"))
    (kept,) = grouped.with_open_pull_requests({ONE.path: "breaking"}, frozenset()).bumps
    assert kept.risk_group == "review"


def test_other_items_of_a_pack_in_an_open_pull_request_of_the_image_stay_out_for_the_time_being() -> None:
    bumps = (ONE, TWO, make_bump("B", "Four"), make_bump("A", "Five", image="demisto/boto3"))
    after = evaluation(*bumps).with_open_pull_requests({ONE.path: ""}, {("demisto/python3", "A")})
    assert {bump.item.fields.name: bump.may_join for bump in after.bumps} == {
        "One": True,
        "Two": False,
        "Four": True,
        "Five": True,
    }
    (alone,) = evaluation(TWO).with_open_pull_requests({}, {("demisto/python3", "A")}).bumps
    assert not alone.may_join


def test_bump_that_was_looked_at_stays_where_its_risk_put_it() -> None:
    looked_at = replace(ONE, risk=ItemRisk())
    after = evaluation(looked_at).with_open_pull_requests({ONE.path: "breaking"}, {("demisto/python3", "A")})
    assert after.bumps == (looked_at,)


def test_bump_whose_risk_was_not_asked_for_stays_as_it_is() -> None:
    before = evaluation(ONE, TWO)
    after = before.with_risks({ONE.path: removed()}, RiskPolicy())
    assert after.bumps == (replace(ONE, risk=removed(), risk_group="breaking"), TWO)
    assert after.skipped == before.skipped


def test_bump_at_a_risk_that_is_held_is_skipped_and_says_the_worst_finding() -> None:
    worst, other = (removed(module).findings[0] for module in ("devo", "other"))
    risk = ItemRisk((worst, other))
    after = evaluation(ONE, TWO).with_risks({ONE.path: risk}, RiskPolicy(breaking="hold"))
    assert after.bumps == (TWO,)
    why = "imports devo of the package devo-sdk 3.4.2, which the new image lacks"
    held = Skipped(ONE.path, "A", NoUpdateReason.HELD, why, "demisto/python3", "1.0.0.1")
    assert after.skipped == (held, SKIPPED)


def test_known_risk_lets_a_bump_join_the_pull_request_of_its_group() -> None:
    waiting = replace(ONE, may_join=False)
    (after,) = evaluation(waiting).with_risks({ONE.path: ItemRisk()}, RiskPolicy()).bumps
    assert after == replace(waiting, risk=ItemRisk(), may_join=True)


def test_unknown_risk_moves_no_bump() -> None:
    unknown = ItemRisk(note="nobody knows", known=False)
    open_one, free = replace(ONE, risk_group="breaking"), replace(TWO, may_join=False)
    after = evaluation(open_one, free).with_risks({ONE.path: unknown, TWO.path: unknown}, RiskPolicy())
    assert after.bumps == (replace(open_one, risk=unknown), replace(free, risk=unknown))
