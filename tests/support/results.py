"""Builds results of passes for tests of reports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from autobump.content.code import Use
from autobump.content.eligibility import Skipped
from autobump.content.reader import Problem
from autobump.images.choice import TagRecord, sort_releases
from autobump.images.deprecated import DeprecatedImage
from autobump.images.lookup import Lookup
from autobump.judge import Judged, Notice
from autobump.planning.plan import Bump, Limits, plan_pull_requests
from autobump.planning.risk import Finding, FindingKind, ItemRisk, RiskLevel
from autobump.pull_requests.body import Background
from autobump.pull_requests.forges import Outcome
from autobump.pull_requests.reconcile import Close, Create, ExistingPullRequest, PullRequestState
from autobump.pull_requests.render import DesiredPullRequest, PullRequestOptions
from autobump.run import Failure, PassResult
from tests.support.bumps import make_bump

REVISION = "0123456789abcdef" * 2 + "01234567"
NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)

RELEASES = sort_releases(
    [
        TagRecord("1.0.0.1", datetime(2022, 1, 1, tzinfo=UTC)),
        TagRecord("1.0.0.9", datetime(2026, 5, 1, tzinfo=UTC)),
    ]
)


def make_result(
    bumps: Sequence[Bump] = (),
    *,
    skipped: Sequence[Skipped] = (),
    problems: Sequence[Problem] = (),
    notices: Sequence[Notice] = (),
    found: Mapping[str, Lookup] | None = None,
    deprecated: Sequence[DeprecatedImage] = (),
    outcomes: Sequence[Outcome] | None = None,
    limits: Limits | None = None,
    dashboard_failure: str = "",
) -> PassResult:
    """Return the result of a pass that judged its items like this."""
    files = len(bumps) + len(skipped) + len(problems)
    judged = Judged(files, tuple(bumps), tuple(skipped), tuple(problems), tuple(notices), found or {})
    plan = plan_pull_requests(bumps, limits or Limits())
    desired = tuple(
        DesiredPullRequest(planned, PullRequestOptions(("bot",)), with_notes=True, background=Background())
        for planned in plan.pull_requests
    )
    return PassResult(
        REVISION,
        NOW,
        judged,
        plan,
        desired,
        None if outcomes is None else tuple(outcomes),
        {image.repository: image for image in deprecated},
        dashboard_failure,
    )


def at_risk(bump: Bump, level: RiskLevel = RiskLevel.BREAKING, module: str = "devo") -> Bump:
    """Return the same bump, found to be at risk by one of its imports."""
    finding = Finding(level, FindingKind.REMOVED, Use(module, guarded=False), "devo-sdk", "3.4.2")
    return replace(bump, risk=ItemRisk((finding,)))


def hostile_result(text: str) -> PassResult:
    """Return a result that says a text wherever text from outside can stand."""
    bump = make_bump("Alpha", "One")
    facts = replace(bump.item.facts, name=text)
    file = replace(bump.item.file, path=f"Packs/{text}/One.yml", pack=text)
    item = replace(bump.item, facts=facts, file=file)
    image = replace(bump.image, name=text, tag=text)
    release = replace(RELEASES[0], tag=replace(RELEASES[0].tag, text=text))
    old = replace(RELEASES[1], tag=replace(RELEASES[1].tag, text=f"{text}2"))
    hostile = at_risk(replace(bump, item=item, image=image, target=release), module=text)
    waiting = replace(hostile, item=replace(item, file=replace(file, path=f"Packs/{text}/Two.yml")))
    result = make_result(
        [hostile, replace(waiting, image=replace(image, tag=f"{text}2"))],
        skipped=[Skipped(text, text, text, text, image.repository, f"{text}2")],
        problems=[Problem(text, text, text, text, 1, 1)],
        notices=[Notice(text, text)],
        found={image.repository: (release, old)},
        deprecated=[DeprecatedImage(image.repository, text, text)],
    )
    desired = result.desired[0]
    closed = ExistingPullRequest(text, PullRequestState.OPEN, 1, text, "", "", None)
    outcomes = (
        Outcome(Create(desired), None, 1, f"https://example.com/{text}", failure=text),
        Outcome(Close(closed, text), None, 2, f"javascript:{text}"),
    )
    return replace(result, outcomes=outcomes, dashboard_failure=text, other_failures=(Failure(text, text),))
