"""Plans, assesses the risk of what is in the plan, and plans again until all of it is assessed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autobump.content.cache import ContentCache
from autobump.content.code import read_code
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.evaluation import Evaluation
from autobump.decisions.risk import ImageRisk, ItemRisk
from autobump.images.known import KnownImages
from autobump.planning.existing import ExistingState
from autobump.planning.order import FIRST, rank_lags
from autobump.planning.plan import Plan, plan_pull_requests
from autobump.planning.waves import take_turns

if TYPE_CHECKING:
    from autobump.evidence.open import Verification
    from autobump.passes.one import Pass


@dataclass(slots=True)
class RiskAssessor:
    """Assesses bumps, and remembers for one pass what it found.

    Attributes:
        tree: The commit the items were read from.
        images: What is known of the images; None when there is no source of facts.
        cache: Remembers the imports of a blob.
        verify: Runs items in both images; None when nothing is run.
    """

    tree: ContentTree
    images: KnownImages | None
    cache: ContentCache
    verify: "Verification | None" = None
    _risks: dict[tuple[str, str, str], ImageRisk] = field(default_factory=dict)

    def assess(self, bumps: Iterable[Bump]) -> dict[str, ItemRisk]:
        """Return the risk of each bump, by path; those whose images are not known say so."""
        wanted = list(bumps)
        if self.images is not None:
            self.images.learn({key for bump in wanted for key in bump.tags})
        codes = read_code(self.tree, (bump.item for bump in wanted), self.cache)
        risks = {bump.path: self._risk_of(bump).assess(codes[bump.path]) for bump in wanted}
        risks = {
            bump.path: risks[bump.path].with_advisories(bump.advisories)
            if bump.advisories
            else risks[bump.path]
            for bump in wanted
        }
        evidence = self.verify.verify(wanted, self.images) if self.verify else {}
        return {
            path: risk.with_evidence(evidence[path]) if path in evidence else risk
            for path, risk in risks.items()
        }

    def _risk_of(self, bump: Bump) -> ImageRisk:
        key = (bump.image.repository, bump.image.tag or "", bump.target.tag.text)
        if key not in self._risks:
            self._risks[key] = ImageRisk(self.images.diff(*key) if self.images else None)
        return self._risks[key]


def open_risk_assessor(this: "Pass") -> RiskAssessor | None:
    """Return what assesses risks and remembers them for this pass; None when none are assessed."""
    if this.facts is None and this.verify is None:
        return None
    threads = this.settings.registry.concurrency
    images = KnownImages(this.facts, threads, this.progress, this.advisories) if this.facts else None
    return RiskAssessor(this.tree, images, this.cache, this.verify)


def learn_advisories(this: "Pass", evaluation: Evaluation, assessor: RiskAssessor | None) -> Evaluation:
    """Return the evaluation with what each bump fixes and brings in, where a source tells."""
    if this.advisories is None or assessor is None or assessor.images is None:
        return evaluation
    tags = {key for bump in evaluation.bumps for key in bump.tags}
    assessor.images.learn(tags)
    assessor.images.learn_advisories(tags)
    return evaluation.with_advisories(assessor.images.advisory_diff, this.settings.policy.security.severity)


def plan_with_risk(
    this: "Pass", evaluation: Evaluation, state: ExistingState, assessor: RiskAssessor | None
) -> tuple[Evaluation, Plan]:
    """Plan, look at the risk of what is in the plan, and plan again until all of it was looked at."""
    if assessor is not None:
        evaluation = evaluation.with_open_pull_requests(state.risk_groups, state.itemised_packs)
    packs_in_pull_requests = state.packs_in_pull_requests
    urgent = {bump.path: FIRST for bump in evaluation.bumps if bump.fixes_security}
    ranks = rank_lags(evaluation.bumps, evaluation.found) | urgent
    while True:
        plan = _plan_waves(this, evaluation, state, ranks)
        chosen = {path for pr in plan.pull_requests for path in pr.paths}
        fresh = [
            bump
            for bump in evaluation.bumps
            if bump.risk is None
            and (
                this.assess_all
                or bump.path in chosen
                or (bump.image.repository, bump.item.pack) in packs_in_pull_requests
            )
        ]
        if assessor is None or not fresh:
            return evaluation, plan
        evaluation = evaluation.with_risks(assessor.assess(fresh), this.settings.risk)


def _plan_waves(this: "Pass", evaluation: Evaluation, state: ExistingState, ranks: Mapping[str, int]) -> Plan:
    """Plan what the waves let through; the rest waits for its wave."""
    turns = take_turns(
        evaluation.bumps,
        this.settings.waves,
        state.waves,
        state.refused,
        this.wave_data,
        this.now,
        partial=bool(this.filters.paths or this.filters.packs),
    )
    plan = plan_pull_requests(
        turns.ready,
        this.settings.limits,
        state.open,
        state.closed,
        state.reserved_branches,
        ranks,
    )
    return plan.with_waiting(turns.waiting)
