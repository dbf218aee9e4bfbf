"""One pass over one repository, top to bottom: the table of contents of the program."""

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.cache import ContentCache
from autobump.content.code import name_code
from autobump.content.tree import ContentTree
from autobump.decisions.evaluation import Evaluation
from autobump.forges.name import ForgeName
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.images.results import Digest, NotFound, Unavailable
from autobump.images.sources import FactsSource, TagSource
from autobump.images.sources.deprecated import DeprecatedImagesSource
from autobump.passes.evaluate import Filters, evaluate_content
from autobump.passes.plan import (
    RiskAssessor,
    find_created,
    find_left_open,
    find_overwritten,
    learn_advisories,
    open_risk_assessor,
    plan_with_risk,
)
from autobump.passes.result import PassResult
from autobump.planning.existing import ExistingState
from autobump.planning.parts import ALONE, Part, Update, number_parts
from autobump.planning.plan import Plan
from autobump.planning.queue import forecast
from autobump.planning.waves import WaveData
from autobump.pull_requests.body.context import gather_body_context, gather_left_out, in_use
from autobump.pull_requests.options import choose_options
from autobump.pull_requests.render import DesiredPullRequest
from autobump.settings.model import Settings
from autobump.support.errors import RegistryError
from autobump.support.http.request_count import RequestCount
from autobump.support.progress import Progress

if TYPE_CHECKING:
    from autobump.evidence.open import Verification
    from autobump.forges.protocol import Forge
    from autobump.images.advisories.source import AdvisorySource
    from autobump.pull_requests.actions import Outcome

_log = logging.getLogger(__name__)


class Pass(Struct, frozen=True):
    """One pass over one commit, and what it works with.

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
        wave_data: What waves select by.
        advisories: Tells known vulnerabilities; None when nobody is asked.
        verify: Runs items in both images; None when nothing is run.
        assess_all: Whether the risk of updates is assessed that are not in the plan.
        name: What a page calls the repository, or empty.
        for_page: Whether it is told what the images in use leave open, and how old they are.
    """

    tree: ContentTree
    settings: Settings
    source: TagSource
    now: datetime
    progress: Progress
    filters: Filters = field(default_factory=Filters)
    cache: ContentCache = field(default_factory=lambda: ContentCache(None))
    facts: FactsSource | None = None
    deprecated: DeprecatedImagesSource = field(default_factory=DeprecatedImagesSource)
    links: str = ""
    wave_data: WaveData = field(default_factory=WaveData)
    advisories: "AdvisorySource | None" = None
    verify: "Verification | None" = None
    assess_all: bool = False
    name: str = ""
    for_page: bool = False

    def plan(self) -> PassResult:
        """Say what would change, without a look at the pull requests that exist."""
        with closing(self):
            return self.run()

    def close(self) -> None:
        """Give back what was brought to this machine."""
        if self.verify is not None:
            self.verify.close()

    def run(self, forge: "Forge | None" = None, *, dry_run: bool = False) -> PassResult:
        """Bring the pull requests of a forge to what should be.

        Args:
            forge: Where they live; None for a plan, which looks at none.
            dry_run: Say what would be done, and write nothing.

        Raises:
            ForgeError: The forge could not say what exists, or nothing could be written.
        """
        deprecated = self.fetch_deprecated()
        evaluation = self.evaluate(deprecated)
        assessor = open_risk_assessor(self)
        evaluation = learn_advisories(self, evaluation, assessor)
        if forge is None:
            evaluation, plan = plan_with_risk(self, evaluation, ExistingState(), assessor)
            desired = self._render(plan, evaluation, assessor, deprecated, {})
            return self._conclude(evaluation, plan, desired, deprecated, assessor)

        # Imported here: a plan does without these modules.
        from autobump.passes.apply import apply, confirm_targets, describe_view, prepare, preview
        from autobump.passes.dashboard import read_forge, write_dashboard
        from autobump.pull_requests.reconcile import describe_existing, find_merged, reconcile

        existing, requests = read_forge(self, forge, dry_run=dry_run)
        digests: dict[tuple[str, str], Digest] = {}
        while True:
            in_view = describe_view(self.filters, evaluation)
            state = describe_existing(existing, in_view)
            state = replace(state, overwritten=find_overwritten(self, evaluation, state.waves, digests))
            evaluation, plan = plan_with_risk(self, evaluation, state, assessor)
            plan, refused = confirm_targets(self, plan, digests)
            if not refused:
                desired = self._render(plan, evaluation, assessor, deprecated, state.parts)
                if merged := find_merged(desired, existing):
                    evaluation = evaluation.with_held(merged)
                    continue
                actions = reconcile(desired, existing, plan.waiting, in_view)
                prepared, refused = prepare(self, actions)
            if not refused:
                break
            # What cannot be made is a problem of its own; the rest is planned as if it were not there.
            evaluation = evaluation.with_refused(refused)
        outcomes = preview(actions) if dry_run else apply(self, forge, prepared)
        result = self._conclude(evaluation, plan, desired, deprecated, assessor, outcomes)
        return (
            replace(result, dry_run=True)
            if dry_run
            else write_dashboard(self, forge, result, existing, requests)
        )

    def evaluate(self, deprecated: Mapping[str, DeprecatedImage]) -> Evaluation:
        """Give every item of the commit its row, where some images are deprecated.

        Raises:
            RegistryError: None of the images is known where tags come from.
        """
        evaluation = evaluate_content(
            self.tree,
            self.source,
            self.settings,
            self.filters,
            now=self.now,
            progress=self.progress,
            cache=self.cache,
            facts=self.facts,
            deprecated=deprecated,
        )
        require_known_image(evaluation, self.settings)
        return evaluation

    def fetch_deprecated(self) -> Mapping[str, DeprecatedImage]:
        """Return the deprecated images by name; none when the list cannot be had."""
        return fetch_deprecated(self.deprecated)

    def _render(
        self,
        plan: Plan,
        evaluation: Evaluation,
        assessor: RiskAssessor | None,
        deprecated: Mapping[str, DeprecatedImage],
        known_parts: Mapping[str, tuple[Update, Part]],
    ) -> tuple[DesiredPullRequest, ...]:
        """Say how the pull requests of a plan read."""
        parts = number_parts(plan, self.settings.limits, known_parts)
        left_out = gather_left_out(plan, evaluation)
        images = assessor.images if assessor else None
        items = [bump.item for planned in plan.pull_requests for bump in planned.bumps]
        codes = cache(partial(name_code, self.tree, items))  # for all at once, when the first is asked for
        return tuple(
            DesiredPullRequest(
                planned,
                choose_options(planned, self.settings),
                with_notes=self.settings.pull_requests.release_notes,
                contexts=tuple(
                    gather_body_context(
                        image, left_out, images, evaluation.find_created, deprecated, self.links
                    )
                    for image in planned.images
                ),
                codes=codes,
                part=parts.get(planned.branch, ALONE),
            )
            for planned in plan.pull_requests
        )

    def _conclude(
        self,
        evaluation: Evaluation,
        plan: Plan,
        desired: tuple[DesiredPullRequest, ...],
        deprecated: Mapping[str, DeprecatedImage],
        assessor: RiskAssessor | None,
        outcomes: "tuple[Outcome, ...] | None" = None,
    ) -> PassResult:
        """Return what came of this pass."""
        used = in_use(deprecated, evaluation)
        return PassResult(
            self.tree.revision,
            self.now,
            evaluation,
            plan,
            desired,
            outcomes,
            used,
            repository=self.name,
            root=self.tree.root,
            checks_deprecated=self.deprecated.has_list or self.settings.policy.deprecated_images != "skip",
            queue=forecast(plan.waiting, self.settings.limits),
            observations=self.verify.export() if self.verify and outcomes is None else None,
            left_open=find_left_open(evaluation, assessor) if self.for_page else None,
            created=find_created(evaluation, assessor) if self.for_page else {},
        )


def require_known_image(evaluation: Evaluation, settings: Settings) -> None:
    """Refuse a source of tags that knows none of the images, more likely the wrong one; tell if none answers.

    Raises:
        RegistryError: None of those that were asked for is known.
    """
    found = evaluation.found
    if found and all(isinstance(answer, Unavailable) for answer in found.values()):
        _log.warning(
            "no source of tags answers; without a network, --tags file:FILE takes a file of tags, and "
            "--tags dockerfiles-info:FOLDER a clone of the image pages",
        )
    unknown = [answer.detail for answer in found.values() if isinstance(answer, NotFound)]
    if unknown and len(unknown) == len(found):
        asked = "the only image asked for" if len(found) == 1 else f"any of the {len(found)} images asked for"
        raise RegistryError(
            f"the source of tags does not know {asked}, so nothing is decided: {unknown[0]}; is it the right "
            f"one? registry.source or --tags says {settings.registry.source}"
        )


def fetch_deprecated(source: DeprecatedImagesSource) -> Mapping[str, DeprecatedImage]:
    """Return the deprecated images by name; none when the list cannot be had."""
    try:
        return source.fetch()
    except RegistryError as exc:
        _log.warning("deprecated images are not known, so none is skipped", extra={"cause": str(exc)})
        return {}


def run_on_forge(
    this: Pass,
    name: ForgeName,
    *,
    dry_run: bool,
    cache: Path | None,
    request_count: RequestCount | None = None,
) -> PassResult:
    """Run a pass that no other process of this host runs at the same time.

    Args:
        this: The pass.
        name: The forge.
        dry_run: Say what would be done; then any number of processes may do it at once.
        cache: Where the lock lies; None for the runtime folder of the user.
        request_count: Told of every call to the forge.

    Raises:
        LockTakenError: Another process is at it.
        AutobumpError: The pass could not be done.
    """
    # A plan opens no forge, and need not wait for these imports.
    from autobump.forges.open import identify_forge, open_forge
    from autobump.passes.log import log_result
    from autobump.support.lock import lock

    git, settings = this.tree.git, this.settings
    place = identify_forge(name, git, settings)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(lock(cache / "locks" if cache else None, place))
        fields = {"forge": name.value, "place": place, "revision": this.tree.revision, "dry_run": dry_run}
        _log.info("pass started", extra=fields)
        started = time.monotonic()
        stack.enter_context(closing(this))
        result = this.run(open_forge(name, git, settings, this.now, request_count), dry_run=dry_run)
        log_result(result, time.monotonic() - started)
        return result
