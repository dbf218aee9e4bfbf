"""One pass: judge the content, plan what the forge leaves room for, and say how pull requests read."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from autobump.content.facts_cache import FactsCache
from autobump.content.tree import ContentTree
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.sources import FactsSource, TagSource
from autobump.images.sources.deprecated import DeprecatedImagesSource
from autobump.passes.evaluate import Filters, Judged, judge_content
from autobump.passes.risk import Assessor
from autobump.planning.existing import Surroundings
from autobump.planning.plan import Plan, plan_pull_requests
from autobump.planning.waves import WaveFacts, take_turns
from autobump.pull_requests.body.context import choose_options, gather_background, gather_left_out, in_use
from autobump.pull_requests.render import DesiredPullRequest
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError
from autobump.support.progress import Progress

if TYPE_CHECKING:
    from autobump.forges import Forge
    from autobump.pull_requests.actions import Outcome

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed as a whole: the dashboard, or of several repositories one or its dashboard.

    Attributes:
        what: Its name, such as `repository acme/content`.
        cause: Why.
    """

    what: str
    cause: str


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass found, planned and did.

    Attributes:
        revision: The analysed commit; empty for several repositories together.
        now: The time that counts for the pass, with timezone.
        judged: Every item file's row.
        plan: The pull requests, and the bumps that wait.
        desired: The pull requests as they read, sorted by branch.
        outcomes: What was done, or would be in a dry run, sorted by branch; None for a plan.
        deprecated: Deprecated images that items use, by name.
        dashboard_failure: Why the dashboard could not be brought up to date, or empty.
        other_failures: What failed as a whole of several repositories together.
        repository: `owner/name`, as the settings call it; empty for several together.
        dry_run: Whether what `outcomes` tell was not done.
    """

    revision: str
    now: datetime
    judged: Judged
    plan: Plan
    desired: tuple[DesiredPullRequest, ...]
    outcomes: "tuple[Outcome, ...] | None" = None
    deprecated: Mapping[str, DeprecatedImage] = field(default_factory=dict)
    dashboard_failure: str = ""
    other_failures: tuple[Failure, ...] = ()
    repository: str = ""
    dry_run: bool = False

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What failed as a whole."""
        own = (Failure("dashboard", self.dashboard_failure),) if self.dashboard_failure else ()
        return own + self.other_failures

    @property
    def failed(self) -> bool:
        """Whether a registry, git or forge call failed."""
        return (
            any(outcome.failure for outcome in self.outcomes or ())
            or bool(self.judged.unknown)
            or bool(self.failures)
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
        judged, assessor = self.judge(), self.open_assessor()
        judged, plan = self.plan_beside(judged, Surroundings(), assessor)
        deprecated = self.fetch_deprecated()
        desired = self.render(plan, judged, assessor, deprecated)
        return self.conclude(judged, plan, desired, deprecated)

    def run(self, forge: "Forge", *, dry_run: bool) -> PassResult:
        """Make it so, or with `dry_run` say what would be done; see `apply_pass`."""
        # A plan does without all that, and must not pay for it.
        from autobump.passes.apply import apply_pass

        return apply_pass(self, forge, dry_run=dry_run)

    def judge(self) -> Judged:
        """Give every item of the commit its row."""
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

    def open_assessor(self) -> Assessor | None:
        """Return what tells risks and remembers them for this pass; None when none are assessed."""
        if self.facts is None:
            return None
        threads = self.settings.registry.concurrency
        return Assessor(self.tree, self.facts, self.cache, threads, self.progress)

    def plan_beside(
        self, judged: Judged, surroundings: Surroundings, assessor: Assessor | None
    ) -> tuple[Judged, Plan]:
        """Plan, look at the risk of what is in the plan, and plan again until all of it was looked at."""
        if assessor is not None:
            judged = judged.beside(surroundings.lanes, surroundings.listed)
        covered = surroundings.covered
        while True:
            plan = self._plan_turns(judged, surroundings)
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

    def _plan_turns(self, judged: Judged, around: Surroundings) -> Plan:
        """Plan what the waves let through; the rest waits for its wave."""
        turns = take_turns(
            judged.bumps,
            self.settings.waves,
            around.waves,
            around.refused,
            self.wave_facts,
            self.now,
            partial=bool(self.filters.paths or self.filters.packs),
        )
        limits = self.settings.limits
        plan = plan_pull_requests(turns.ready, limits, around.open, around.closed, around.taken)
        return plan.with_waiting(turns.waiting)

    def fetch_deprecated(self) -> Mapping[str, DeprecatedImage]:
        """Return the deprecated images by name; none when the list cannot be had."""
        try:
            return self.deprecated.fetch()
        except RegistryError as exc:
            _log.warning("deprecated images are not known", extra={"cause": str(exc)})
            return {}

    def render(
        self,
        plan: Plan,
        judged: Judged,
        assessor: Assessor | None,
        deprecated: Mapping[str, DeprecatedImage],
    ) -> tuple[DesiredPullRequest, ...]:
        """Say how the pull requests of a plan read."""
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

    def conclude(
        self,
        judged: Judged,
        plan: Plan,
        desired: tuple[DesiredPullRequest, ...],
        deprecated: Mapping[str, DeprecatedImage],
        outcomes: "tuple[Outcome, ...] | None" = None,
    ) -> PassResult:
        """Return what came of this pass."""
        used = in_use(deprecated, judged)
        repository = self.settings.content.repository
        revision = self.tree.revision
        return PassResult(revision, self.now, judged, plan, desired, outcomes, used, repository=repository)
