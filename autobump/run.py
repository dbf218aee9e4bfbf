"""One pass, top to bottom: judge the content, plan, render, reconcile, apply."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from autobump.assess import Assessor
from autobump.background import choose_options, gather_background, gather_left_out, in_use
from autobump.config import Settings
from autobump.content.facts_cache import FactsCache
from autobump.content.tree import ContentTree
from autobump.errors import ForgeError, RegistryError
from autobump.images.deprecated import DeprecatedImage
from autobump.images.lookup import Digest, Unavailable, look_up_digests
from autobump.images.sources import FactsSource, TagSource
from autobump.images.sources.deprecated import DeprecatedImagesSource
from autobump.judge import Filters, Judged, judge_content
from autobump.planning.plan import (
    ClosedPullRequest,
    OpenPullRequest,
    Plan,
    PlannedPullRequest,
    plan_pull_requests,
)
from autobump.planning.waves import WaveFacts, take_turns
from autobump.progress import Progress
from autobump.pull_requests.dashboard import (
    Overview,
    Requests,
    heed_requests,
    read_requests,
    render_dashboard,
)
from autobump.pull_requests.edits import compose_edits, needed_blobs
from autobump.pull_requests.forges import Base, Forge, Outcome, PreparedAction
from autobump.pull_requests.reconcile import (
    Action,
    Adopt,
    Create,
    ExistingPullRequest,
    InView,
    Refresh,
    closed_for_planning,
    lanes_for_planning,
    listed_for_planning,
    merged_already,
    open_for_planning,
    reconcile,
    taken_for_planning,
    waves_for_planning,
    writes_commit,
)
from autobump.pull_requests.render import DesiredPullRequest
from autobump.report.events import log_outcome

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass found, planned and did.

    Attributes:
        revision: The analysed commit.
        now: The time that counts for the pass, with timezone.
        judged: Every item file's row.
        plan: The pull requests, and the bumps that wait.
        desired: The pull requests as they read, sorted by branch.
        outcomes: What was done, or would be in a dry run, sorted by branch; None for a plan.
        deprecated: Deprecated images that items use, by name.
        dashboard_failure: Why the dashboard could not be brought up to date, or empty.
    """

    revision: str
    now: datetime
    judged: Judged
    plan: Plan
    desired: tuple[DesiredPullRequest, ...]
    outcomes: tuple[Outcome, ...] | None = None
    deprecated: Mapping[str, DeprecatedImage] = field(default_factory=dict)
    dashboard_failure: str = ""

    @property
    def failed(self) -> bool:
        """Whether a registry or forge call failed."""
        return (
            any(outcome.failure for outcome in self.outcomes or ())
            or any(problem.reason == "tags-unavailable" for problem in self.judged.problems)
            or bool(self.dashboard_failure)
        )


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over one commit.

    Attributes:
        tree: The commit.
        settings: The settings in force.
        source: Where tags come from.
        now: The time that counts for this pass, with timezone.
        progress: Told how far it is.
        filters: Which items take part.
        cache: What is remembered of blobs.
        facts: Tells what is inside images; None when no risk is assessed.
        deprecated: Tells which images are deprecated.
        links: Address that a path is put behind to see the file at its base, or empty.
        wave_facts: What waves select by.
    """

    tree: ContentTree
    settings: Settings
    source: TagSource
    now: datetime
    progress: Progress
    filters: Filters = field(default_factory=Filters)
    cache: FactsCache = field(default_factory=lambda: FactsCache(None))
    facts: FactsSource | None = None
    deprecated: DeprecatedImagesSource = field(default_factory=DeprecatedImagesSource)
    links: str = ""
    wave_facts: WaveFacts = field(default_factory=WaveFacts)

    def plan(self) -> PassResult:
        """Say what would change, with no look at what exists already."""
        judged, assessor = self._judge(), self._open_assessor()
        judged, plan = self._plan_beside(judged, (), assessor)
        deprecated = self._fetch_deprecated()
        desired = self._render(plan, judged, assessor, deprecated)
        return PassResult(
            self.tree.revision, self.now, judged, plan, desired, deprecated=in_use(deprecated, judged)
        )

    def run(self, forge: Forge, *, dry_run: bool) -> PassResult:
        """Make it so, or with `dry_run` say what would be done.

        Raises:
            ForgeError: The forge could not say what exists, or nothing could be written.
        """
        judged, assessor = self._judge(), self._open_assessor()
        requests = read_requests(forge.fetch_dashboard()) if self._has_dashboard else Requests()
        existing = heed_requests(forge.fetch_existing(), requests)
        deprecated = self._fetch_deprecated()
        digests: dict[tuple[str, str], Digest] = {}
        while True:
            judged, plan = self._plan_beside(judged, existing, assessor)
            plan, refused = self._confirm_targets(plan, digests)
            if not refused:
                desired = self._render(plan, judged, assessor, deprecated)
                if done := merged_already(desired, existing):
                    judged = judged.holding(done)
                    continue
                actions = reconcile(desired, existing, plan.waiting, self._in_view(judged))
                prepared, refused = self._prepare(actions)
            if not refused:
                break
            # What cannot be made is a problem of its own; the rest is planned as if it were not there.
            judged = judged.without(refused)
        if dry_run:
            outcomes = tuple(Outcome.unchanged(action) for action in actions)
        else:
            self.progress.begin("Writing", len(prepared))
            outcomes = tuple(self._count(forge.apply(Base(self.tree.revision, self.tree.tree), prepared)))
        result = PassResult(
            self.tree.revision, self.now, judged, plan, desired, outcomes, in_use(deprecated, judged)
        )
        if self._has_dashboard and not dry_run:
            result = self._show(forge, result, existing, requests)
        return result

    @property
    def _has_dashboard(self) -> bool:
        """Whether this pass keeps the dashboard; one that sees only some items would tell half of it."""
        return self.settings.pull_requests.dashboard and self.filters == Filters()

    def _show(
        self,
        forge: Forge,
        result: PassResult,
        existing: Sequence[ExistingPullRequest],
        requests: Requests,
    ) -> PassResult:
        """Bring the dashboard up to date; what was done stays done when that fails."""
        overview = Overview(
            existing,
            result.outcomes or (),
            result.plan.waiting,
            result.judged.skipped,
            result.judged.problems,
            result.deprecated,
        )
        try:
            forge.write_dashboard(render_dashboard(overview, requests))
        except ForgeError as exc:
            _log.warning("the dashboard is not up to date", extra={"cause": str(exc)})
            return replace(result, dashboard_failure=str(exc))
        return result

    def _judge(self) -> Judged:
        return judge_content(
            self.tree,
            self.source,
            self.settings,
            self.filters,
            now=self.now,
            progress=self.progress,
            cache=self.cache,
            facts=self.facts,
        )

    def _open_assessor(self) -> Assessor | None:
        if self.facts is None:
            return None
        threads = self.settings.registry.concurrency
        return Assessor(self.tree, self.facts, self.cache, threads, self.progress)

    def _plan_beside(
        self, judged: Judged, existing: Sequence[ExistingPullRequest], assessor: Assessor | None
    ) -> tuple[Judged, Plan]:
        """Plan, look at the risk of what is in the plan, and plan again until all of it was looked at."""
        beside = open_for_planning(existing, self._in_view(judged))
        closed, taken = closed_for_planning(existing), taken_for_planning(existing)
        covered = {(pr.repository, pack) for pr in beside for pack in pr.packs}
        if assessor is not None:
            judged = judged.beside(lanes_for_planning(existing), listed_for_planning(existing))
        while True:
            plan = self._plan_turns(judged, existing, beside, closed, taken)
            chosen = {path for pr in plan.pull_requests for path in pr.paths}
            fresh = [
                bump
                for bump in judged.bumps
                if bump.risk is None
                and (bump.path in chosen or (bump.image.repository, bump.item.pack) in covered)
            ]
            if assessor is None or not fresh:
                return judged, plan
            judged = judged.with_risks(assessor.assess(fresh), self.settings.risk)

    def _plan_turns(
        self,
        judged: Judged,
        existing: Sequence[ExistingPullRequest],
        beside: Sequence[OpenPullRequest],
        closed: Sequence[ClosedPullRequest],
        taken: Set[str],
    ) -> Plan:
        """Plan what the waves let through; the rest waits for its wave."""
        refused = {(pr.repository, pr.target, pack) for pr in closed for pack in pr.packs}
        turns = take_turns(
            judged.bumps,
            self.settings.waves,
            waves_for_planning(existing),
            refused,
            self.wave_facts,
            self.now,
            partial=bool(self.filters.paths or self.filters.packs),
        )
        plan = plan_pull_requests(turns.ready, self.settings.limits, beside, closed, taken)
        return plan.with_waiting(turns.waiting)

    def _in_view(self, judged: Judged) -> InView:
        """Return whether all items of a pull request take part, and the registry answered for each."""
        unknown = {problem.path for problem in judged.problems if problem.reason == "tags-unavailable"}
        return lambda marker: self.filters.include(marker) and unknown.isdisjoint(marker.paths)

    def _fetch_deprecated(self) -> Mapping[str, DeprecatedImage]:
        try:
            return self.deprecated.fetch()
        except RegistryError as exc:
            _log.warning("deprecated images are not known", extra={"cause": str(exc)})
            return {}

    def _confirm_targets(
        self, plan: Plan, digests: dict[tuple[str, str], Digest]
    ) -> tuple[Plan, dict[str, tuple[str, str]]]:
        """Make sure that every target's manifest exists, and note its digest.

        Args:
            plan: Whose targets are meant.
            digests: What was found out so far in this pass; added to.

        Returns:
            The plan with digests, and reason and detail for each bump whose target is not there.
        """
        targets = {(pr.repository, pr.target.tag.text) for pr in plan.pull_requests}
        threads = self.settings.registry.concurrency
        digests |= look_up_digests(self.source, targets - digests.keys(), threads, self.progress)
        confirmed: list[PlannedPullRequest] = []
        refused: dict[str, tuple[str, str]] = {}
        for pr in plan.pull_requests:
            match digests[pr.repository, pr.target.tag.text]:
                case Unavailable(detail):
                    refused |= dict.fromkeys(pr.paths, ("tags-unavailable", detail))
                case digest:
                    confirmed.append(
                        replace(pr, target=replace(pr.target, digest=digest or pr.target.digest))
                    )
        return Plan(tuple(confirmed), plan.waiting), refused

    def _render(
        self,
        plan: Plan,
        judged: Judged,
        assessor: Assessor | None,
        deprecated: Mapping[str, DeprecatedImage],
    ) -> tuple[DesiredPullRequest, ...]:
        left_out = gather_left_out(plan, judged)
        return tuple(
            DesiredPullRequest(
                planned,
                choose_options(planned, self.settings),
                with_notes=self.settings.pull_requests.release_notes,
                background=gather_background(planned, left_out, assessor, deprecated, self.links),
            )
            for planned in plan.pull_requests
        )

    def _prepare(self, actions: Sequence[Action]) -> tuple[list[PreparedAction], dict[str, tuple[str, str]]]:
        """Compose the file changes of every action that writes a commit; tell what was refused, and why."""
        with_notes = self.settings.pull_requests.release_notes
        bumps = [
            action.desired.planned.bumps
            if isinstance(action, Create | Adopt | Refresh) and writes_commit(action)
            else ()
            for action in actions
        ]
        wanted = [needed_blobs(group, with_notes=with_notes) for group in bumps]
        # One stream serves all of them, and the blobs of one pull request at a time are in memory.
        stream = self.tree.read(oid for oids in wanted for oid in oids)
        prepared: list[PreparedAction] = []
        refused: dict[str, tuple[str, str]] = {}
        self.progress.begin("Composing", len(actions))
        for action, group, oids in zip(actions, bumps, wanted, strict=True):
            blobs = {blob.oid: blob.data or b"" for blob in islice(stream, len(oids))}
            edits = compose_edits(group, blobs, with_notes=with_notes)
            refused |= {refusal.path: ("unsafe-edit", refusal.detail) for refusal in edits.refused}
            prepared.append(PreparedAction(action, edits.changes))
            self.progress.step()
        return prepared, refused

    def _count(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            log_outcome(outcome)
            self.progress.step()
            yield outcome
