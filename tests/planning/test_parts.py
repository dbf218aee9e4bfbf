from collections.abc import Mapping

from autobump.decisions.bump import Bump
from autobump.planning.parts import Part, Update, number_parts, update_of
from autobump.planning.plan import Limits, Plan, plan_pull_requests
from tests.fixtures.bumps import make_bump

LIMITS = Limits(max_items=5)
X = update_of([("demisto/python3", "1.0.0.9")], "", "")


def bumps(packs: int, *, image: str = "demisto/python3", begin: int = 0) -> list[Bump]:
    """Return bumps of one item each in so many packs."""
    return [make_bump(f"Pack{number:02}", "One", image=image) for number in range(begin, begin + packs)]


def plan(wanted: list[Bump], limits: Limits = LIMITS) -> Plan:
    return plan_pull_requests(wanted, limits)


def numbers(
    planned: Plan, known: Mapping[str, tuple[Update, Part]] | None = None, limits: Limits = LIMITS
) -> list[tuple[int, int]]:
    parts = number_parts(planned, limits, known or {})
    return sorted((part.number, part.of) for part in parts.values())


def test_pull_request_that_is_alone_needs_nothing_to_tell_it_by() -> None:
    assert number_parts(plan(bumps(5)), LIMITS, {}) == {}
    other = [*bumps(5), *bumps(5, image="demisto/boto3", begin=5)]
    assert number_parts(plan(other), LIMITS, {}) == {}


def test_pull_requests_of_one_update_are_told_by_number() -> None:
    assert numbers(plan(bumps(15))) == [(1, 3), (2, 3), (3, 3)]


def test_few_packs_are_named_and_have_no_number() -> None:
    planned = plan(bumps(13))
    parts = number_parts(planned, LIMITS, {})
    by_packs = {len(one.packs): parts[one.branch] for one in planned.pull_requests}
    assert by_packs[3] == Part(names_packs=True)
    assert by_packs[5].of == 2


def test_packs_with_long_names_are_not_named() -> None:
    long = [make_bump(f"Pack{'x' * 60}{number}", "One") for number in range(2)]
    planned = plan([*long, *bumps(5)])
    assert numbers(planned) == [(1, 2), (2, 2)]


def test_what_later_passes_make_is_counted() -> None:
    limits = Limits(max_items=5, max_new_per_run=1)
    assert numbers(plan(bumps(15), limits), limits=limits) == [(1, 3)]


def test_open_pull_request_keeps_its_number_and_a_new_one_gets_one_that_is_free() -> None:
    planned = plan(bumps(15))
    first, second, third = (one.branch for one in planned.pull_requests)
    known = {first: (X, Part(number=2, of=3)), third: (X, Part(number=3, of=3))}
    parts = number_parts(planned, LIMITS, known)
    assert parts == {first: known[first][1], second: Part(number=1, of=3), third: known[third][1]}


def test_number_of_one_that_is_left_alone_is_taken() -> None:
    planned = plan(bumps(10))
    assert numbers(planned, {"autobump/held": (X, Part(number=1, of=2))}) == [(2, 3), (3, 3)]
    other = update_of([("demisto/python3", "1.0.0.8")], "", "")
    assert numbers(planned, {"autobump/held": (other, Part(number=1, of=2))}) == [(1, 2), (2, 2)]


def test_waves_and_risks_are_told_apart_without() -> None:
    assert len({update_of([("x", "1")], wave, risk) for wave in ("", "a") for risk in ("", "breaking")}) == 4


def test_several_images_are_one_update_by_their_number() -> None:
    assert update_of([("x", "1"), ("y", "1")], "", "") == update_of([("a", "2"), ("b", "3")], "", "")
