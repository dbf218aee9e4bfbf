from msgspec.structs import replace

from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.decisions.risk import ItemRisk
from autobump.planning.parts import Part
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.marker import find_marker, find_trailer
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.render import DesiredPullRequest
from autobump.support.markdown import MAX_BODY
from tests.fixtures.bumps import make_bump

HEAD = "1" * 40


def render(count: int = 1, name: str = "One", packs: int = 1) -> DesiredPullRequest:
    bumps = [
        make_bump(f"Pack{pack:04}", f"{name}{number}", digest="sha256:ab")
        for pack in range(packs)
        for number in range(count)
    ]
    limits = Limits(max_items=10_000)
    (planned,) = plan_pull_requests(bumps, limits).pull_requests
    return DesiredPullRequest(
        planned, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),)
    )


def test_title_is_what_a_person_would_write() -> None:
    assert render().title == "Update demisto/python3 to 1.0.0.9 (1 pack)"
    assert render(packs=14).title == "Update demisto/python3 to 1.0.0.9 (14 packs)"


def test_title_tells_pull_requests_of_one_update_apart() -> None:
    named = replace(render(packs=2), part=Part(names_packs=True))
    assert named.title == "Update demisto/python3 to 1.0.0.9 (Pack0000, Pack0001)"
    numbered = replace(render(packs=14), part=Part(number=2, of=3))
    assert numbered.title == "Update demisto/python3 to 1.0.0.9 (14 packs, part 2 of 3)"
    assert (named.marker.part, numbered.marker.part, render().marker.part) == ("", "2/3", "")


def test_name_of_a_pack_cannot_break_the_title() -> None:
    (planned,) = plan_pull_requests([make_bump("A\nB", "One")], Limits()).pull_requests
    want = replace(render(), planned=planned, part=Part(names_packs=True))
    assert want.title == "Update demisto/python3 to 1.0.0.9 (A\\nB)"


def test_body_and_commit_carry_the_marker() -> None:
    want = render()
    assert find_marker(want.body_at(HEAD)) == want.whole_marker.at(HEAD)
    assert find_trailer(want.commit_message) == want.whole_marker


def test_body_names_image_tags_digest_items_and_the_way_out() -> None:
    body = render().body_at(HEAD)
    for part in (
        "demisto/python3",
        "1.0.0.9",
        "1.0.0.1",
        "sha256:ab",
        "Pack0000",
        "autoUpdateDockerImage: false",
    ):
        assert part in body


def test_body_never_exceeds_what_github_takes() -> None:
    for packs in (1500, 3000):
        body = render(packs=packs).body_at(HEAD)
        assert len(body) <= MAX_BODY
        assert "more, left out because GitHub limits the length." in body
        assert find_marker(body) is not None


def test_names_from_outside_stay_text() -> None:
    hostile = "@everyone <!-- --> </details> `x` | [a](b) https://evil.example #1"
    body = render(name=hostile).body_at(HEAD)
    assert f"``{hostile}0``".replace("|", "\\|") in body


def ran(*verdicts: str, detail: str = "") -> DesiredPullRequest:
    """Render a pull request with an item of each verdict."""
    bumps = [
        replace(
            make_bump("Pack", f"Item{number}"),
            risk=ItemRisk().with_evidence(Evidence(Level.LOAD, Verdict(verdict), detail)),
        )
        for number, verdict in enumerate(verdicts)
    ]
    (planned,) = plan_pull_requests(bumps, Limits()).pull_requests
    return DesiredPullRequest(
        planned, PullRequestOptions(("label",)), with_notes=True, contexts=(BodyContext(),)
    )


def test_commit_of_items_that_were_not_run_gets_no_status() -> None:
    assert render().status is None
    assert render().marker.evidence == ""


def test_status_fails_when_an_item_breaks_and_only_then() -> None:
    worst = ran("inconclusive", "not-run", "mends", "same").status
    broken = ran("same", "breaks", "same").status
    assert worst
    assert broken
    assert (worst.passes, worst.description) == (True, "1 inconclusive, 1 not run, 1 mends, 1 same")
    assert (broken.passes, broken.description) == (False, "1 breaks, 2 same")


def test_evidence_has_another_name_when_anything_of_it_changes() -> None:
    every = [ran("same"), ran("same", "same"), ran("mends"), ran("same", detail="with stand-ins")]
    assert len({want.marker.evidence for want in every}) == len(every)
    assert ran("same").marker.evidence == ran("same").marker.evidence
