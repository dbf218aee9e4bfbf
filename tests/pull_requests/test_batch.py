"""What becomes of a pull request of several images, told by its marker alone."""

import pytest
from msgspec.structs import replace

from autobump.content.imports import ItemCode
from autobump.decisions.bump import Bump
from autobump.decisions.risk import ImageRisk
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import ImageFacts
from autobump.planning.plan import Limits, Plan, WaitReason, plan_pull_requests
from autobump.planning.waves import WavePullRequest
from autobump.pull_requests.actions import Action, Create, Hold, Leave, Refresh
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import OVERWRITTEN_LABEL
from autobump.pull_requests.marker import Marker, find_marker, find_trailer
from autobump.pull_requests.options import PullRequestOptions, choose_options
from autobump.pull_requests.reconcile import describe_existing, find_merged, reconcile
from autobump.pull_requests.render import DesiredPullRequest
from autobump.settings.model import PullRequestSettings, Settings
from tests.fixtures.bumps import make_bump

X = make_bump("A", "One", image="demisto/x", digest="sha256:x")
X_TOO = make_bump("A", "Two", image="demisto/x", digest="sha256:x")
Y = make_bump("B", "One", image="demisto/y", digest="sha256:y")
NEWER_X = make_bump("A", "One", image="demisto/x", target="1.0.0.10", digest="sha256:x10")


def plan_of(bumps: list[Bump], existing: list[ExistingPullRequest], *, together: bool = True) -> Plan:
    state = describe_existing(existing, everything)
    limits = Limits(together=together)
    return plan_pull_requests(bumps, limits, state.open, state.closed, state.reserved_branches)


def desired(plan: Plan) -> list[DesiredPullRequest]:
    return [
        DesiredPullRequest(
            pr, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),) * len(pr.images)
        )
        for pr in plan.pull_requests
    ]


def everything(_: Marker) -> bool:
    return True


def found(
    *bumps: Bump, state: PullRequestState = PullRequestState.OPEN, **more: object
) -> ExistingPullRequest:
    (want,) = desired(plan_of(list(bumps), []))
    pr = ExistingPullRequest(want.branch, state, 7, None, "h" * 40, "", want.whole_marker.at("h" * 40))
    return replace(pr, **more)


def actions(bumps: list[Bump], existing: ExistingPullRequest, *, together: bool = True) -> list[Action]:
    plan = plan_of(bumps, [existing], together=together)
    return list(reconcile(desired(plan), [existing], plan.waiting, everything))


def test_title_says_how_many_images_and_packs() -> None:
    (want,) = desired(plan_of([X, X_TOO, Y], []))
    assert want.title == "Update 2 images (2 packs)"
    assert want.marker.update == "Update 2 images"


def test_marker_tells_of_each_image_and_is_read_back_from_body_and_commit() -> None:
    (want,) = desired(plan_of([X, X_TOO, Y], []))
    marker = find_marker(want.body_at("h" * 40))
    assert marker is not None
    assert marker == want.whole_marker.at("h" * 40)
    assert find_trailer(want.commit_message) == want.whole_marker
    assert [(one.name, one.digest, one.packs, one.paths) for one in marker.images] == [
        ("demisto/x:1.0.0.9", "sha256:x", ("A",), (X.path, X_TOO.path)),
        ("demisto/y:1.0.0.9", "sha256:y", ("B",), (Y.path,)),
    ]
    assert (marker.image, marker.target, len(marker.items)) == ("demisto/x", "1.0.0.9", 3)


@pytest.mark.parametrize("together", [True, False])
def test_batch_that_is_still_right_is_left_whatever_the_setting_is_by_now(together: bool) -> None:
    (action,) = actions([X, Y], found(X, Y), together=together)
    assert isinstance(action, Leave)


def test_pull_request_of_one_image_is_left_when_batches_are_wanted_by_now() -> None:
    (action,) = actions([X], found(X))
    assert isinstance(action, Leave)
    assert [one.name for one in actions([X, Y], found(X))] == ["leave", "create"]


def test_newer_target_of_one_image_refreshes_the_batch_in_place() -> None:
    existing = found(X, Y)
    (action,) = actions([NEWER_X, Y], existing)
    assert isinstance(action, Refresh)
    assert action.why == "demisto/x:1.0.0.10 is newer than 1.0.0.9"
    assert action.desired.branch == existing.branch


def test_image_whose_items_are_done_leaves_the_batch() -> None:
    existing = found(X, Y)
    (action,) = actions([Y], existing)
    assert isinstance(action, Refresh)
    assert (action.why, action.desired.branch) == ("its items changed", existing.branch)
    assert [image.image for image in action.desired.marker.images] == ["demisto/y"]
    assert action.desired.title == "Update demisto/y to 1.0.0.9 (1 pack)"


def test_closed_batch_is_a_no_to_each_of_its_images_until_a_newer_target() -> None:
    closed = found(X, Y, state=PullRequestState.CLOSED)
    plan = plan_of([X, Y], [closed])
    assert [wait.reason for wait in plan.waiting] == [WaitReason.CLOSED_BY_MAINTAINER] * 2
    (held,) = actions([X, Y], closed)
    assert isinstance(held, Hold)
    made = [action for action in actions([NEWER_X, Y], closed) if isinstance(action, Create)]
    assert [one.desired.title for one in made] == ["Update demisto/x to 1.0.0.10 (1 pack)"]


def test_batch_that_is_opened_again_goes_on() -> None:
    again = found(X, Y, unfinished="a person opened it again")
    (action,) = actions([X, Y], again)
    assert isinstance(action, Refresh)
    assert action.why == "a person opened it again"


def test_commit_of_a_person_keeps_all_images_of_the_batch_waiting() -> None:
    edited = found(X, Y, hold_reason="somebody else committed to its branch")
    plan = plan_of([NEWER_X, Y], [edited])
    assert plan.pull_requests == ()
    assert [wait.reason for wait in plan.waiting] == [WaitReason.EDITED_BY_MAINTAINER] * 2
    (action,) = actions([NEWER_X, Y], edited)
    assert isinstance(action, Hold)


def test_digest_that_changed_behind_one_of_its_tags_holds_the_batch_and_is_named() -> None:
    other = make_bump("B", "One", image="demisto/y", digest="sha256:other")
    (action,) = actions([X, other], found(X, Y))
    assert isinstance(action, Hold)
    assert action.why == "the digest behind demisto/y:1.0.0.9 is not the one it was made for"
    assert action.add_label == OVERWRITTEN_LABEL


def test_update_of_one_image_that_was_merged_and_taken_back_is_not_proposed_again() -> None:
    merged = found(X, Y, state=PullRequestState.MERGED)
    assert set(find_merged(desired(plan_of([X, Y], [])), [merged])) == {X.path, Y.path}
    assert set(find_merged(desired(plan_of([NEWER_X, Y], [])), [merged])) == {Y.path}


def test_rollout_reads_each_image_of_a_batch_by_itself() -> None:
    state = describe_existing([found(X, Y)], everything)
    assert state.waves == (
        WavePullRequest("demisto/x", "1.0.0.9", "", (X.path,), True, packs=("A",), digest="sha256:x"),
        WavePullRequest("demisto/y", "1.0.0.9", "", (Y.path,), True, packs=("B",), digest="sha256:y"),
    )
    assert state.packs_in_pull_requests == {("demisto/x", "A"), ("demisto/y", "B")}
    assert state.itemised_packs == {("demisto/x", "A"), ("demisto/y", "B")}


def test_auto_merge_is_on_only_when_each_image_would_be_merged_alone() -> None:
    settings = Settings(pull_requests=PullRequestSettings(automerge=True))
    old, new = ImageFacts(python="3.10.1", packages={}), ImageFacts(python="3.12.1", packages={})
    risky = replace(Y, risk=ImageRisk(ImageDiff(old, new)).assess(ItemCode()))
    safe = replace(X, risk=ImageRisk(ImageDiff(old, old)).assess(ItemCode()))
    for bumps, automerge, label in (([safe, Y], True, False), ([safe, risky], False, True)):
        (pr,) = plan_of(list(bumps), []).pull_requests
        options = choose_options(pr, settings)
        assert options.automerge is automerge
        assert ("autobump:review" in options.labels) is label
