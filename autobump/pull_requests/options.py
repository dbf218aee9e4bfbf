"""What a pull request gets beside its text: labels, draft, reviewers, auto-merge."""

from msgspec import Struct

from autobump.decisions.risk import RiskLevel, RiskPolicy
from autobump.planning.pull_request import PlannedPullRequest
from autobump.pull_requests.labels import RISK_LABELS, SECURITY_LABEL, UNKNOWN_LABEL
from autobump.settings.model import Settings


class PullRequestOptions(Struct, frozen=True):
    """What a pull request gets beside its text.

    Attributes:
        labels: Labels.
        draft: Open it as a draft.
        reviewers: Logins asked for a review.
        team_reviewers: Team slugs asked for a review.
        assignees: Logins it is assigned to.
        automerge: Turn on auto-merge, where the repository allows it; never for a draft.
        harmless: Nothing of it is for a person to look at first: else no auto-merge stays on.
    """

    labels: tuple[str, ...] = ()
    draft: bool = False
    reviewers: tuple[str, ...] = ()
    team_reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    automerge: bool = False
    harmless: bool = True


def risk_labels(planned: PlannedPullRequest, policy: RiskPolicy) -> tuple[str, ...]:
    """Return the label that the worst of a pull request's items asks for, if any."""
    levels = [bump.risk.level for bump in planned.bumps if bump.risk is not None]
    worst = max(levels, key=lambda level: level.rank, default=RiskLevel.NONE)
    # A pull request of a risk group has its label also when its risk is not known this time.
    marked = RiskLevel(planned.risk_group) if planned.risk_group else worst
    return (RISK_LABELS[marked],) if planned.risk_group or policy.marks(worst) else ()


def choose_options(planned: PlannedPullRequest, settings: Settings) -> PullRequestOptions:
    """Return what a pull request gets beside its text: as the settings say, as its wave, and as its risk."""
    prs = settings.pull_requests
    wave = next((wave for wave in settings.rollout.waves if wave.name == planned.wave), None)
    labels = (*prs.labels, *(wave.labels if wave else ()), *risk_labels(planned, settings.risk))
    if any(bump.risk is not None and not bump.risk.checked for bump in planned.bumps):
        labels = (*labels, UNKNOWN_LABEL)
    if any(bump.fixes_security for bump in planned.bumps):
        labels = (*labels, SECURITY_LABEL)
    draft, automerge = prs.draft, prs.automerge
    if wave is not None:
        draft = draft if wave.draft is None else wave.draft
        automerge = automerge if wave.automerge is None else wave.automerge
    harmless = _is_harmless(planned, settings.risk)
    return PullRequestOptions(
        labels=tuple(dict.fromkeys(labels)),
        draft=draft or bool(planned.risk_group),
        reviewers=wave.reviewers if wave and wave.reviewers else prs.reviewers,
        team_reviewers=wave.team_reviewers if wave and wave.team_reviewers else prs.team_reviewers,
        assignees=prs.assignees,
        automerge=automerge and harmless,
        harmless=harmless,
    )


def _is_harmless(planned: PlannedPullRequest, policy: RiskPolicy) -> bool:
    """Whether nothing of it is to be looked at by a person first; what is not known is."""
    risks = [bump.risk for bump in planned.bumps if bump.risk is not None]
    return all(risk.known and not policy.marks(risk.level) for risk in risks)
