"""Plans, assesses the risk of what is in the plan, and plans again until all of it is assessed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.cache import ContentCache
from autobump.content.code import read_code
from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.decisions.evaluation import Evaluation, by_path
from autobump.decisions.holds import find_holds
from autobump.decisions.risk import ImageRisk, ItemRisk
from autobump.images.advisories.compare import Advisory
from autobump.images.choice import Release
from autobump.images.inside.changes import ImageDiff
from autobump.images.inside.facts import ImageFacts
from autobump.images.inside.pythons import PythonVersions
from autobump.images.known import KnownImages
from autobump.images.lookup import look_up_digests
from autobump.images.reference import find_current_tag, find_immutable_tag
from autobump.images.results import Digest
from autobump.passes.evaluate import hold_back
from autobump.planning.existing import ExistingState
from autobump.planning.order import FIRST, rank_lags
from autobump.planning.pauses import pause
from autobump.planning.plan import Plan, Waiting, plan_pull_requests
from autobump.planning.rollouts import Kept, RolloutRules, find_begun, keep_targets
from autobump.planning.waves import WavePullRequest, take_turns
from autobump.support.errors import RegistryError

if TYPE_CHECKING:
    from autobump.evidence.open import Verification
    from autobump.passes.one import Pass

_NOTHING_KNOWN = ImageDiff(ImageFacts(), ImageFacts())


class RiskAssessor(Struct):
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
        risks = {
            bump.path: self._risk_of(bump).assess(codes[bump.path]).with_advisories(bump.advisories)
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
            self._risks[key] = ImageRisk(self.images.diff(*key) if self.images else _NOTHING_KNOWN)
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


def find_left_open(
    evaluation: Evaluation, assessor: RiskAssessor | None
) -> dict[tuple[str, str], tuple[Advisory, ...]] | None:
    """Return the known vulnerabilities of what items are on when every update is made, by image and tag.

    Args:
        evaluation: Every item's row.
        assessor: Knows the images.

    Returns:
        Those of the tags whose vulnerabilities are known; None when nobody tells any.
    """
    if assessor is None or assessor.images is None or assessor.images.advisories is None:
        return None
    images = assessor.images
    used = {bump.tags[1] for bump in evaluation.bumps}
    used |= {(one.repository, one.tag) for one in evaluation.skipped if find_immutable_tag(one.tag)}
    images.learn(used)
    images.learn_advisories(used)
    return {key: found for key in used if (found := images.find_open(*key)) is not None}


def find_created(evaluation: Evaluation, assessor: RiskAssessor | None) -> dict[tuple[str, str], datetime]:
    """Return when the tags in use and the newest ones were made, by image and tag, as far as it is known.

    What the registry does not date the source of facts does, as in a body.
    """
    listed = {name: found for name, found in evaluation.found.items() if isinstance(found, tuple)}
    created = {
        (name, release.tag.text): release.created
        for name, releases in listed.items()
        for release in releases
        if release.created is not None
    }
    if assessor is None or assessor.images is None:
        return created
    used = {key for bump in evaluation.bumps for key in bump.tags}
    used |= {(skip.repository, skip.tag) for skip in evaluation.skipped if skip.repository}
    used |= {(name, releases[0].tag.text) for name, releases in listed.items() if releases}
    unknown = {key for key in used - created.keys() if find_current_tag(key[1])}
    assessor.images.learn(unknown)
    told = {key: facts.created for key in unknown if (facts := assessor.images.facts(*key))}
    return created | {key: when for key, when in told.items() if when is not None}


def plan_with_risk(
    this: "Pass", evaluation: Evaluation, state: ExistingState, assessor: RiskAssessor | None
) -> tuple[Evaluation, Plan]:
    """Plan, look at the risk of what is in the plan, and plan again until all of it was looked at."""
    packs_in_pull_requests = state.packs_in_pull_requests
    while True:
        kept = _keep_targets(this, evaluation, state, assessor)
        waiting = {wait.bump.path: wait for wait in kept.waiting}
        evaluation = replace(evaluation, bumps=by_path([*kept.bumps, *(w.bump for w in kept.waiting)]))
        if any(bump.advisories is None for bump in evaluation.bumps):
            evaluation = learn_advisories(this, evaluation, assessor)
        if assessor is not None:
            evaluation = evaluation.with_open_pull_requests(state.risk_groups, state.itemised_packs)
        plan = _plan_waves(this, evaluation, state, waiting)
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


def find_overwritten(
    this: "Pass",
    evaluation: Evaluation,
    pull_requests: Iterable[WavePullRequest],
    digests: dict[tuple[str, str], Digest],
) -> frozenset[tuple[str, str]]:
    """Return the targets of rollouts, other than the newest tags, whose digest is not the one it was.

    Args:
        this: The pass.
        evaluation: What could be updated.
        pull_requests: Those that are open or were ended by people.
        digests: What was found out so far in this pass; added to.
    """
    if not this.settings.waves or this.settings.rollout.replace == "always":
        return frozenset()
    newest = {(bump.image.repository, (bump.newest or bump.target).tag.text) for bump in evaluation.bumps}
    images = {image for image, _ in newest}
    begun = {
        target: made_for
        for target, made_for in find_begun(pull_requests).items()
        if made_for and target[0] in images and target not in newest
    }
    threads = this.settings.registry.concurrency
    if unknown := begun.keys() - digests.keys():
        digests |= look_up_digests(this.source, unknown, threads, this.progress)
    return frozenset(
        target
        for target, made_for in begun.items()
        if isinstance(digest := digests[target], str) and digest and digest not in made_for
    )


def _keep_targets(
    this: "Pass", evaluation: Evaluation, state: ExistingState, assessor: RiskAssessor | None
) -> Kept:
    """Give the items of running rollouts their targets; without waves every item moves to the newest tag."""
    mode = this.settings.rollout.replace
    begun = find_begun(state.waves) if this.settings.waves and mode != "always" else {}
    if not begun:
        return Kept(evaluation.bumps)
    images = assessor.images if assessor and this.advisories else None
    severity = this.settings.policy.security.severity
    if images is not None and mode == "security":
        images.learn(begun)
        images.learn_advisories(begun)
    pythons = PythonVersions(this.facts, evaluation.found)

    def may_take(bump: Bump, release: Release) -> bool | None:
        image = bump.image.repository
        holds = find_holds(this.settings.holds, bump.item, image)
        try:
            return not hold_back(holds, image, pythons, this.now)(release)
        except RegistryError:
            return None

    rules = RolloutRules(
        mode,
        evaluation.found,
        state.refused,
        state.overwritten,
        evaluation.unconfirmed,
        may_take,
        lambda image, old, new: images is not None and images.advisory_diff(image, old, new).fixes(severity),
        partial=bool(this.filters.paths or this.filters.packs),
    )
    return keep_targets(evaluation.bumps, state.waves, rules)


def _plan_waves(
    this: "Pass", evaluation: Evaluation, state: ExistingState, waiting: Mapping[str, Waiting]
) -> Plan:
    """Plan what rollouts and waves let through, and whose last update is old enough; the rest waits."""
    urgent = {bump.path: FIRST for bump in evaluation.bumps if bump.fixes_security}
    ranks = rank_lags(evaluation.bumps, evaluation.found) | urgent
    turns = take_turns(
        (bump for bump in evaluation.bumps if bump.path not in waiting),
        this.settings.waves,
        state.waves,
        state.refused,
        this.wave_data,
        this.now,
        partial=bool(this.filters.paths or this.filters.packs),
    )
    now = pause(turns.ready, state.waves, this.settings.policy.min_interval, this.now)
    plan = plan_pull_requests(
        now.ready,
        this.settings.limits,
        state.open,
        state.closed,
        state.reserved_branches,
        ranks,
    )
    return plan.with_waiting([*waiting.values(), *turns.waiting, *now.waiting])
