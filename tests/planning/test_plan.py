import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.planning.branch_name import branch_name
from autobump.planning.plan import (
    ClosedPullRequest,
    Limits,
    OpenPullRequest,
    Plan,
    Waiting,
    WaitReason,
    plan_pull_requests,
)
from autobump.planning.pull_request import PlannedImage, PlannedPullRequest
from tests.fixtures.bumps import make_bump, make_bumps

MANY = Limits(max_open=1000, max_new_per_run=1000)


def waiting(plan: Plan) -> dict[str, WaitReason]:
    return {wait.bump.path: wait.reason for wait in plan.waiting}


def test_packs_fill_a_pull_request_up_to_the_limit_and_are_never_split() -> None:
    bumps = make_bumps("A", 10) + make_bumps("B", 10) + make_bumps("C", 10) + make_bumps("D", 40)
    plan = plan_pull_requests(bumps, MANY)
    assert sorted((pr.packs, len(pr.bumps)) for pr in plan.pull_requests) == [
        (("A", "B"), 20),
        (("C",), 10),
        (("D",), 40),
    ]


def test_each_image_has_pull_requests_of_its_own() -> None:
    bumps = make_bumps("A", 1) + make_bumps("B", 1, image="demisto/boto3")
    assert {pr.repository for pr in plan_pull_requests(bumps, MANY).pull_requests} == {
        "demisto/python3",
        "demisto/boto3",
    }


def test_images_of_few_items_come_together_where_that_is_set() -> None:
    bumps = make_bumps("A", 1) + make_bumps("B", 1, image="demisto/boto3")
    assert len(plan_pull_requests(bumps, MANY).pull_requests) == 2
    (pr,) = plan_pull_requests(bumps, replace(MANY, together=True)).pull_requests
    assert pr.packs == ("A", "B")


def test_pack_with_two_images_waits_for_the_first() -> None:
    bumps = [make_bump("A", "One", image="demisto/boto3"), make_bump("A", "Two")]
    plan = plan_pull_requests(bumps, MANY)
    (pr,) = plan.pull_requests
    (wait,) = plan.waiting
    assert pr.repository == "demisto/boto3"
    assert (wait.bump.path, wait.reason) == ("Packs/A/Scripts/Two/Two.yml", WaitReason.PACK_BUSY)
    assert pr.branch in wait.detail


def test_pack_claimed_by_an_open_pull_request_waits_with_its_number() -> None:
    existing = OpenPullRequest("autobump/boto3/x", "#12", "demisto/boto3", ("A",), hold_reason="edited")
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert [wait.detail for wait in plan.waiting] == ["the pack A is in #12"]


def test_bumps_stay_with_the_open_pull_request_that_covers_them() -> None:
    bumps = make_bumps("A", 2) + make_bumps("B", 1)
    existing = OpenPullRequest("autobump/python3/old", "#3", "demisto/python3", ("A",))
    plan = plan_pull_requests(bumps, MANY, [existing])
    by_branch = {pr.branch: pr.packs for pr in plan.pull_requests}
    assert by_branch == {
        "autobump/python3/old": ("A",),
        branch_name("autobump/", {"demisto/python3": ["B"]}): ("B",),
    }


def test_open_pull_request_with_nothing_left_frees_its_packs() -> None:
    existing = OpenPullRequest("autobump/boto3/old", "#3", "demisto/boto3", ("A",))
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert waiting(plan) == {}


def test_pull_request_a_person_works_on_keeps_its_bumps_waiting() -> None:
    existing = OpenPullRequest("b", "#4", "demisto/python3", ("A",), hold_reason="edited")
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert plan.pull_requests == ()
    assert list(waiting(plan).values()) == [WaitReason.EDITED_BY_MAINTAINER]


def test_closed_pull_request_keeps_its_packs_out_until_a_newer_target() -> None:
    closed = ClosedPullRequest("#5", "demisto/python3", "1.0.0.9", ("A",))
    bumps = [make_bump("A", "One"), make_bump("B", "Two")]
    plan = plan_pull_requests(bumps, MANY, closed=[closed])
    assert waiting(plan) == {bumps[0].path: WaitReason.CLOSED_BY_MAINTAINER}
    newer = [make_bump("A", "One", target="1.0.0.10")]
    assert waiting(plan_pull_requests(newer, MANY, closed=[closed])) == {}


def test_pull_request_outside_the_filters_is_left_alone_and_keeps_its_packs() -> None:
    existing = OpenPullRequest("b", "#4", "demisto/python3", ("A", "Z"), in_view=False)
    plan = plan_pull_requests([make_bump("A", "One")], MANY, [existing])
    assert plan.pull_requests == ()
    assert list(waiting(plan).values()) == [WaitReason.PACK_BUSY]


def test_limits_bound_what_is_open_and_what_is_new() -> None:
    bumps = [bump for pack in "ABCDEF" for bump in make_bumps(pack, 25)]
    for limits, expected in (
        (Limits(max_open=2), 2),
        (Limits(max_new_per_run=3), 3),
        (Limits(max_open=0), 0),
    ):
        plan = plan_pull_requests(bumps, limits)
        assert len(plan.pull_requests) == expected
        assert set(waiting(plan).values()) == {WaitReason.LIMIT_REACHED}
        assert len(plan.waiting) == 25 * (6 - expected)


def test_open_pull_requests_count_against_max_open() -> None:
    existing = OpenPullRequest("b", "#4", "demisto/boto3", ("Z",), hold_reason="edited")
    bumps = make_bumps("A", 25) + make_bumps("B", 25)
    assert len(plan_pull_requests(bumps, Limits(max_open=2), [existing]).pull_requests) == 1


_BUMPS = st.lists(
    st.builds(
        make_bump,
        st.sampled_from("ABCDEF"),
        st.sampled_from(["One", "Two", "Three", "Four", "Five"]),
        image=st.sampled_from(["demisto/python3", "demisto/boto3", "demisto/ml"]),
    ),
    unique_by=lambda bump: bump.path,
)


@given(_BUMPS, st.integers(1, 8), st.integers(0, 6), st.randoms(use_true_random=False))
def test_every_plan_keeps_its_promises(
    bumps: list[Bump], max_items: int, max_open: int, shuffler: random.Random
) -> None:
    limits = Limits(max_items=max_items, max_open=max_open)
    plan = plan_pull_requests(bumps, limits)

    placed = [path for pr in plan.pull_requests for path in pr.paths] + [w.bump.path for w in plan.waiting]
    assert Counter(placed) == Counter(bump.path for bump in bumps)
    assert len(plan.pull_requests) <= max_open
    packs = [pack for pr in plan.pull_requests for pack in pr.packs]
    assert len(packs) == len(set(packs))
    for pr in plan.pull_requests:
        assert len(pr.bumps) <= max_items or len(pr.packs) == 1
        whole = {b.path for b in bumps if b.image.repository == pr.repository and b.item.pack in pr.packs}
        assert set(pr.paths) == whole

    shuffled = list(bumps)
    shuffler.shuffle(shuffled)
    assert plan_pull_requests(shuffled, limits) == plan


def in_risk_group(bump: Bump, risk_group: str = "breaking") -> Bump:
    return replace(bump, risk_group=risk_group)


def test_items_at_risk_get_a_pull_request_of_their_own() -> None:
    safe, risky = make_bump("A", "Safe"), in_risk_group(make_bump("B", "Risky"))
    plan = plan_pull_requests([risky, safe], Limits())
    assert {(pr.risk_group, pr.paths) for pr in plan.pull_requests} == {
        ("", (safe.path,)),
        ("breaking", (risky.path,)),
    }


def test_item_at_risk_never_holds_up_the_rest_of_its_pack() -> None:
    safe, risky = make_bump("A", "Safe"), in_risk_group(make_bump("A", "Risky"))
    plan = plan_pull_requests([risky, safe], Limits())
    assert [pr.paths for pr in plan.pull_requests] == [(safe.path,)]
    assert [(wait.bump.path, wait.reason) for wait in plan.waiting] == [(risky.path, WaitReason.PACK_BUSY)]


def test_safe_items_come_before_those_at_risk() -> None:
    bumps = [
        in_risk_group(make_bump("A", "Risky", image="demisto/a")),
        make_bump("B", "Safe", image="demisto/b"),
    ]
    plan = plan_pull_requests(bumps, Limits(max_new_per_run=1))
    assert [pr.risk_group for pr in plan.pull_requests] == [""]


def test_same_packs_in_two_lanes_have_two_branches() -> None:
    safe = branch_name("autobump/", {"demisto/a": ["A"]})
    assert branch_name("autobump/", {"demisto/a": ["A"]}, risk_group="breaking") != safe


def test_open_pull_request_covers_its_own_lane_only() -> None:
    safe, risky = make_bump("A", "Safe"), in_risk_group(make_bump("A", "Risky"))
    beside = [OpenPullRequest("autobump/x", "#1", "demisto/python3", ("A",), risk_group="breaking")]
    plan = plan_pull_requests([safe, risky], Limits(), beside)
    assert [(pr.branch, pr.paths) for pr in plan.pull_requests] == [("autobump/x", (risky.path,))]
    assert [(wait.bump.path, wait.reason) for wait in plan.waiting] == [(safe.path, WaitReason.PACK_BUSY)]


def test_closing_a_pull_request_keeps_its_packs_out_of_every_lane() -> None:
    risky = in_risk_group(make_bump("A", "Risky"))
    closed = [ClosedPullRequest("#1", "demisto/python3", "1.0.0.9", ("A",))]
    plan = plan_pull_requests([risky], Limits(), closed=closed)
    assert [wait.reason for wait in plan.waiting] == [WaitReason.CLOSED_BY_MAINTAINER]


def details(plan: Plan) -> dict[str, str]:
    return {wait.bump.path: wait.detail for wait in plan.waiting}


def test_reasons_to_wait_keep_their_slugs() -> None:
    assert " ".join(WaitReason) == (
        "pack-busy limit-reached closed-by-maintainer edited-by-maintainer tag-overwritten waiting-for-wave "
        "too-soon"
    )


def test_every_reason_to_wait_has_words_of_its_own() -> None:
    assert len({reason.words for reason in WaitReason}) == len(WaitReason)
    assert all(reason.words[0].islower() for reason in WaitReason)


def test_limits_without_settings() -> None:
    assert Limits() == Limits(25, 10, 10, "autobump/")


def test_open_pull_request_of_which_nothing_else_is_said_takes_part() -> None:
    plain = OpenPullRequest("b", "#1", "demisto/x", ("A",))
    assert plain == OpenPullRequest("b", "#1", "demisto/x", ("A",), "", in_view=True, wave="", risk_group="")


def test_branch_keeps_its_name_from_one_version_to_the_next() -> None:
    name = branch_name("autobump/", {"demisto/python3": ["B", "A"]})
    assert name == "autobump/python3/86a30d6a"
    assert branch_name("autobump/", {"demisto/python3": ["A", "B"]}) == name
    of_a_wave = branch_name("x/", {"reg.example/a/demisto/z.lock": ["A"]}, wave="one", risk_group="breaking")
    assert of_a_wave == "x/z/dd2144df"


def test_branch_that_is_reserved_gets_other_digits_and_always_the_same() -> None:
    first = branch_name("autobump/", {"demisto/python3": ["A"]})
    second = branch_name("autobump/", {"demisto/python3": ["A"]}, {first})
    third = branch_name("autobump/", {"demisto/python3": ["A"]}, {first, second})
    assert len({first, second, third}) == 3
    both = branch_name("autobump/", {"demisto/python3": ["A", "B"]})
    assert branch_name("autobump/", {"demisto/python3": ["A", "B"]}, {both}) == "autobump/python3/25634aff"
    assert second == branch_name("autobump/", {"demisto/python3": ["A"]}, {first, "another"})


def test_branch_tells_apart_images_packs_waves_and_risk_groups() -> None:
    names = {
        branch_name("autobump/", {"demisto/x": ["A"]}),
        branch_name("autobump/", {"other/x": ["A"]}),
        branch_name("autobump/", {"demisto/x": ["A", "B"]}),
        branch_name("autobump/", {"demisto/x": ["A"]}, wave="one"),
        branch_name("autobump/", {"demisto/x": ["A"]}, risk_group="one"),
    }
    assert len(names) == 5


def test_new_pull_request_has_a_branch_of_its_own_beside_those_that_are_reserved() -> None:
    bump = replace(make_bump("A", "One"), wave="one", risk_group="breaking")
    (pr,) = plan_pull_requests([bump], MANY).pull_requests
    assert pr.branch == branch_name("autobump/", {"demisto/python3": ["A"]}, frozenset(), "one", "breaking")
    assert (pr.wave, pr.risk_group) == ("one", "breaking")
    (other,) = plan_pull_requests([bump], MANY, reserved_branches={pr.branch}).pull_requests
    assert other.branch == branch_name(
        "autobump/", {"demisto/python3": ["A"]}, {pr.branch}, "one", "breaking"
    )
    (named,) = plan_pull_requests([bump], replace(MANY, branch_prefix="bot/")).pull_requests
    assert named.branch.startswith("bot/python3/")


def test_planned_pull_request_says_what_all_of_its_bumps_have_in_common() -> None:
    bumps = [replace(bump, wave="one", risk_group="review") for pack in "BA" for bump in make_bumps(pack, 2)]
    (pr,) = plan_pull_requests(bumps, MANY).pull_requests
    assert (pr.repository, pr.target) == ("demisto/python3", bumps[0].target)
    assert (pr.wave, pr.risk_group, pr.packs) == ("one", "review", ("A", "B"))
    assert list(pr.paths) == sorted(bump.path for bump in bumps)


def test_plan_is_sorted_by_branch_and_what_waits_by_path() -> None:
    bumps = [
        make_bump(pack, "One", image=f"demisto/{image}") for pack, image in zip("CBA", "xyz", strict=True)
    ]
    plan = plan_pull_requests(bumps, MANY)
    branches = [pr.branch for pr in plan.pull_requests]
    assert branches == sorted(branches)
    waits = [wait.bump.path for wait in plan_pull_requests(bumps, Limits(max_open=0)).waiting]
    assert waits == sorted(waits)


def test_bumps_that_wait_elsewhere_join_those_of_the_plan_by_path() -> None:
    one, two = (Waiting(make_bump("A", name), WaitReason.PACK_BUSY, "why") for name in ("One", "Two"))
    plan = Plan((), (two,)).with_waiting([one])
    assert plan == Plan((), (one, two))


def test_limit_that_is_reached_is_named() -> None:
    bump = make_bump("A", "One")
    for limits, detail in (
        (Limits(max_open=0), "pull_requests.max_open is 0"),
        (Limits(max_new_per_run=0), "pull_requests.max_new_per_run is 0"),
        (Limits(max_open=0, max_new_per_run=0), "pull_requests.max_open is 0"),
    ):
        assert details(plan_pull_requests([bump], limits)) == {bump.path: detail}


def test_what_is_kept_and_what_is_left_alone_counts_as_open() -> None:
    bumps = make_bumps("A", 1) + make_bumps("B", 1, image="demisto/x") + make_bumps("C", 1, image="demisto/y")
    kept = OpenPullRequest("a", "#1", "demisto/python3", ("A",))
    elsewhere = OpenPullRequest("z", "#2", "demisto/z", ("Z",), in_view=False)
    plan = plan_pull_requests(bumps, Limits(max_open=3), [kept, elsewhere])
    assert [pr.repository for pr in plan.pull_requests if pr.branch != "a"] == ["demisto/x"]
    assert details(plan) == {bumps[2].path: "pull_requests.max_open is 3"}


def test_new_ones_of_a_pass_are_counted_without_those_that_are_open() -> None:
    bumps = make_bumps("A", 1) + make_bumps("B", 1, image="demisto/x") + make_bumps("C", 1, image="demisto/y")
    kept = OpenPullRequest("a", "#1", "demisto/python3", ("A",))
    plan = plan_pull_requests(bumps, Limits(max_new_per_run=1), [kept])
    assert len(plan.pull_requests) == 2
    assert details(plan) == {bumps[2].path: "pull_requests.max_new_per_run is 1"}


def test_wait_for_a_person_or_a_pack_says_for_which_pull_request() -> None:
    bump = make_bump("A", "One")
    edited = OpenPullRequest("b", "#4", "demisto/python3", ("A",), hold_reason="edited")
    assert details(plan_pull_requests([bump], MANY, [edited])) == {bump.path: "#4: edited"}
    elsewhere = OpenPullRequest("b", "#4", "demisto/python3", ("A",), in_view=False)
    assert details(plan_pull_requests([bump], MANY, [elsewhere])) == {bump.path: "the pack A is in #4"}
    closed = ClosedPullRequest("#5", "demisto/python3", "1.0.0.9", ("A",))
    why = "#5 to 1.0.0.9 was closed without merging"
    assert details(plan_pull_requests([bump], MANY, closed=[closed])) == {bump.path: why}
    other = ClosedPullRequest("#5", "demisto/x", "1.0.0.9", ("A",))
    assert details(plan_pull_requests([bump], MANY, closed=[other])) == {}


def test_pull_request_that_is_open_goes_before_what_was_closed() -> None:
    bump = make_bump("A", "One")
    kept = OpenPullRequest("b", "#4", "demisto/python3", ("A",))
    closed = ClosedPullRequest("#5", "demisto/python3", "1.0.0.9", ("A",))
    plan = plan_pull_requests([bump], MANY, [kept], [closed])
    assert [pr.branch for pr in plan.pull_requests] == ["b"]


def test_open_pull_request_moves_to_the_newest_target_and_the_others_wait_for_it() -> None:
    older, newer = make_bump("A", "One", target="1.0.0.8"), make_bump("A", "Two", target="1.0.0.9")
    kept = OpenPullRequest("b", "#4", "demisto/python3", ("A",))
    plan = plan_pull_requests([older, newer], MANY, [kept])
    assert plan.pull_requests == (
        PlannedPullRequest("b", (PlannedImage("demisto/python3", newer.target, (newer,)),), (newer,)),
    )
    assert waiting(plan) == {older.path: WaitReason.PACK_BUSY}
    assert details(plan) == {older.path: "the pack A is in #4"}


def test_bump_that_may_not_join_waits_for_the_pack_beside_its_pull_request() -> None:
    kept = OpenPullRequest("b", "#4", "demisto/python3", ("A",))
    one, two = make_bump("A", "One"), replace(make_bump("A", "Two"), may_join=False)
    plan = plan_pull_requests([one, two], MANY, [kept])
    assert [pr.paths for pr in plan.pull_requests] == [(one.path,)]
    assert details(plan) == {two.path: "the pack A is in #4"}


def test_open_pull_request_covers_its_own_wave_only() -> None:
    bump = replace(make_bump("A", "One"), wave="two")
    for wave, branches in (
        ("two", ["b"]),
        ("one", [branch_name("autobump/", {"demisto/python3": ["A"]}, wave="two")]),
    ):
        kept = OpenPullRequest("b", "#4", "demisto/python3", ("A",), wave=wave)
        assert [pr.branch for pr in plan_pull_requests([bump], MANY, [kept]).pull_requests] == branches


def test_first_of_two_open_pull_requests_of_a_pack_keeps_it() -> None:
    existing = [OpenPullRequest(name, name, "demisto/python3", ("A",)) for name in ("a", "b")]
    assert [
        pr.branch for pr in plan_pull_requests([make_bump("A", "One")], MANY, existing).pull_requests
    ] == ["a"]


def test_pack_of_two_open_pull_requests_is_kept_by_the_first_and_the_other_waits() -> None:
    existing = [
        OpenPullRequest("a", "#1", "demisto/python3", ("A",)),
        OpenPullRequest("b", "#2", "demisto/x", ("A", "B")),
    ]
    bumps = [
        make_bump("A", "One"),
        make_bump("A", "Two", image="demisto/x"),
        make_bump("B", "Three", image="demisto/x"),
    ]
    plan = plan_pull_requests(bumps, MANY, existing)
    assert {pr.branch: pr.packs for pr in plan.pull_requests} == {"a": ("A",), "b": ("B",)}
    assert details(plan) == {bumps[1].path: "the pack A is in #2"}


def test_pack_that_a_person_holds_keeps_out_every_pull_request_of_it() -> None:
    held = OpenPullRequest("z", "#9", "demisto/y", ("A",), hold_reason="edited")
    kept = OpenPullRequest("b", "#2", "demisto/x", ("A",))
    bumps = [make_bump("A", "One"), make_bump("A", "Two", image="demisto/x")]
    plan = plan_pull_requests(bumps, MANY, [held, kept])
    assert plan.pull_requests == ()
    assert details(plan) == {bumps[0].path: "the pack A is in #9", bumps[1].path: "the pack A is in #2"}


def test_every_pack_that_is_held_kept_or_made_is_claimed_for_good() -> None:
    existing = [
        OpenPullRequest("h1", "#1", "demisto/h", ("A",), hold_reason="edited"),
        OpenPullRequest("h2", "#2", "demisto/h", ("B",), in_view=False),
        OpenPullRequest("k1", "#3", "demisto/k", ("C",)),
        OpenPullRequest("k2", "#4", "demisto/l", ("D",)),
    ]
    kept = [make_bump("C", "Kept", image="demisto/k"), make_bump("D", "Kept", image="demisto/l")]
    made = [*make_bumps("E", 3), *make_bumps("F", 2, image="demisto/z")]
    late = [make_bump(pack, "Late", image=f"demisto/of-{pack.lower()}") for pack in "ABCDEF"]
    plan = plan_pull_requests([*kept, *made, *late], MANY, existing)
    branch_of = {pr.packs: pr.branch for pr in plan.pull_requests}
    where = ["#1", "#2", "#3", "#4", branch_of["E",], branch_of["F",]]
    assert list(details(plan).values()) == [
        f"the pack {pack} is in {label}" for pack, label in zip("ABCDEF", where, strict=True)
    ]


def test_pull_request_that_is_kept_counts_once() -> None:
    kept = OpenPullRequest("a", "#1", "demisto/python3", ("A",))
    bumps = make_bumps("A", 1) + make_bumps("B", 1, image="demisto/x")
    assert len(plan_pull_requests(bumps, Limits(max_open=2), [kept]).pull_requests) == 2


def test_plan_hears_how_far_items_were_kept_up() -> None:
    large, small = make_bumps("A", 5), make_bump("B", "One", image="demisto/x")
    ranks = dict.fromkeys((bump.path for bump in large), 1)
    plan = plan_pull_requests([*large, small], Limits(max_new_per_run=1), ranks=ranks)
    assert [pr.repository for pr in plan.pull_requests] == ["demisto/x"]
