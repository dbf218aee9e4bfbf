"""What every report tells of items that were run, and of known vulnerabilities."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.decisions.evidence import Evidence, Verdict
from autobump.decisions.level import Level
from autobump.decisions.risk import ItemRisk
from autobump.images.advisories.compare import Advisory, AdvisoryDiff
from autobump.images.advisories.record import Severity
from autobump.passes.result import PassResult
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.pull_requests.actions import Create, Outcome
from autobump.pull_requests.body.text import BodyContext
from autobump.pull_requests.dashboard import Overview, Requests, render_dashboard
from autobump.pull_requests.options import PullRequestOptions
from autobump.pull_requests.render import DesiredPullRequest
from autobump.report.markdown import render_markdown
from autobump.report.table import render_table
from tests.fixtures.bumps import make_bump
from tests.fixtures.results import make_result, render_html

FIXED = Advisory("GHSA-aaaa", (), Severity.HIGH, ("urllib3",), "Cookies go elsewhere")


def ran(name: str, verdict: Verdict, detail: str = "", diff: AdvisoryDiff | None = None) -> Bump:
    risk = ItemRisk().with_evidence(Evidence(Level.LOAD, verdict, detail))
    return replace(make_bump("A", name), risk=risk, advisories=diff)


RESULT = make_result(
    [
        ran("Same", Verdict.SAME, diff=AdvisoryDiff(fixed=(FIXED,))),
        ran("Broken", Verdict.BREAKS, "ImportError: <gone>", AdvisoryDiff(known=False)),
    ]
)


@pytest.mark.parametrize("render", [render_table, render_markdown, render_html])
def test_report_counts_verdicts_and_lists_what_is_not_the_same(render: Callable[[PassResult], str]) -> None:
    text = render(RESULT).replace("<wbr>", "")
    assert "Run in both images, 2 items: 1 breaks, 1 same." in text
    assert "Known vulnerabilities, 2 updates: 1 fix some, 1 not known." in text
    assert "gone" in text
    assert text.count("Packs/A/Scripts/Broken/Broken.yml") > text.count("Packs/A/Scripts/Same/Same.yml")


@pytest.mark.parametrize("render", [render_table, render_markdown, render_html])
def test_report_says_nothing_where_nothing_was_run_and_that_nobody_asked(
    render: Callable[[PassResult], str],
) -> None:
    text = render(make_result([make_bump("A", "One")]))
    assert "Run in both images" not in text
    assert "Known vulnerabilities: not asked for (registry.advisories)" in text


def test_dashboard_says_what_was_run() -> None:
    (planned,) = plan_pull_requests([ran("Broken", Verdict.BREAKS, "x")], Limits()).pull_requests
    desired = DesiredPullRequest(planned, PullRequestOptions(), with_notes=True, contexts=(BodyContext(),))
    overview = Overview(outcomes=(Outcome(Create(desired), "h" * 40, 7),))
    assert "🧪 run in both images: 1 breaks" in render_dashboard(overview, Requests())
