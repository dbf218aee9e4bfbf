import pytest
from msgspec.structs import replace

from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.decisions.risk import ItemRisk
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.pull_requests.options import PullRequestOptions, choose_options
from autobump.settings.model import PullRequestSettings, Settings
from tests.fixtures.bumps import make_bump

UNKNOWN = ItemRisk(note="what is inside the old image is not known", known=False)


def choose(*risks: ItemRisk | None) -> PullRequestOptions:
    """Return what a pull request of items with these risks gets, where auto-merge is wished for."""
    bumps = [replace(make_bump("A", f"Item{number}"), risk=risk) for number, risk in enumerate(risks)]
    (planned,) = plan_pull_requests(bumps, Limits()).pull_requests
    return choose_options(planned, Settings(pull_requests=PullRequestSettings(labels=(), automerge=True)))


def test_one_unknown_item_gives_the_whole_pull_request_the_label() -> None:
    assert choose(ItemRisk(), UNKNOWN).labels == ("autobump:unknown",)
    assert choose(ItemRisk(), ItemRisk()).labels == ()


def test_item_that_nobody_looks_at_is_not_called_unknown() -> None:
    assert choose(None).labels == ()


def test_run_that_is_alike_takes_the_label_but_does_not_merge() -> None:
    alike = choose(UNKNOWN.with_evidence(Evidence(Level.LOAD, Verdict.SAME)))
    assert (alike.labels, alike.automerge) == ((), False)


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.MENDS])
def test_run_that_settles_nothing_leaves_the_label(verdict: Verdict) -> None:
    assert choose(UNKNOWN.with_evidence(Evidence(Level.TESTS, verdict))).labels == ("autobump:unknown",)


def test_unknown_item_is_never_merged_automatically() -> None:
    assert choose(ItemRisk()).automerge
    assert not choose(UNKNOWN).automerge
