"""What came of a pass over one repository, and of passes over several."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.content.tree import USUAL_ROOT
from autobump.decisions.evaluation import Evaluation
from autobump.decisions.evidence import Verdict
from autobump.images.advisories.compare import Advisory
from autobump.images.inside.deprecated import DeprecatedImage
from autobump.planning.plan import Plan
from autobump.planning.queue import Queue, merge_queues
from autobump.pull_requests.render import DesiredPullRequest

if TYPE_CHECKING:
    from autobump.pull_requests.actions import Outcome


class Failure(Struct, frozen=True):
    """What failed as a whole: the dashboard, or of several repositories one or its dashboard.

    Attributes:
        what: Its name, such as `repository acme/content`.
        cause: Why.
    """

    what: str
    cause: str


class PassResult(Struct, frozen=True):
    """What a pass found, planned and did.

    Attributes:
        revision: The analysed commit; empty for several repositories together.
        now: The time that counts for the pass, with timezone.
        evaluation: Every item file's row.
        plan: The pull requests, and the bumps that wait.
        desired: The pull requests as they read, sorted by branch.
        outcomes: What was done, or would be in a dry run, sorted by branch; None for a plan.
        deprecated: Deprecated images that items use, by name.
        dashboard_failure: Why the dashboard could not be brought up to date, or empty.
        other_failures: What failed as a whole of several repositories together.
        repository: What a page calls it; empty for several together, and where no page is written.
        root: The folder that holds the packs; of several together the usual one.
        dry_run: Whether what `outcomes` tell was not done.
        checks_deprecated: False when deprecated images were to be skipped, and no list was read.
        queue: What comes in later passes, by image.
        observations: What items did in images, for other machines; None when it is not to be told.
        left_open: Known vulnerabilities, the worst first, by image and tag that items are on when every
            update is made; a tag is missing when they are not known. None when nobody was asked.
        created: When tags were made, by image and tag, as far as it is known; of tags in use and the newest
            ones for a page alone.
    """

    revision: str
    now: datetime
    evaluation: Evaluation
    plan: Plan
    desired: tuple[DesiredPullRequest, ...]
    outcomes: "tuple[Outcome, ...] | None" = None
    deprecated: Mapping[str, DeprecatedImage] = field(default_factory=dict)
    dashboard_failure: str = ""
    other_failures: tuple[Failure, ...] = ()
    repository: str = ""
    root: str = USUAL_ROOT
    dry_run: bool = False
    checks_deprecated: bool = True
    queue: Queue = field(default_factory=Queue)
    observations: Mapping[str, Any] | None = None
    left_open: Mapping[tuple[str, str], tuple[Advisory, ...]] | None = None
    created: Mapping[tuple[str, str], datetime] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """Whether evidence shows that an update breaks an item."""
        risks = [bump.risk for bump in self.evaluation.bumps if bump.risk and bump.risk.evidence]
        return any(risk.evidence.verdict is Verdict.BREAKS for risk in risks if risk.evidence)

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
            or bool(self.evaluation.unknown)
            or bool(self.failures)
        )


class RepositoryOutcome(Struct, frozen=True):
    """What came of one repository: a result, or why there is none.

    Attributes:
        repository: `owner/name`; empty for the only one.
        result: What the pass found and did; None when it could not be made.
        failure: Why it could not, or empty.
        left_out: Whether that is because another process is at work on it.
    """

    repository: str
    result: PassResult | None
    failure: str = ""
    left_out: bool = False

    @property
    def failed(self) -> bool:
        """Whether the pass, or a registry or forge call in it, failed."""
        return self.result is None or self.result.failed

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What failed as a whole, by names that tell it from the same of other repositories."""
        if self.result is None:
            return (Failure(f"repository {self.repository}", self.failure),)
        return tuple(
            Failure(f"{failure.what} of {self.repository}", failure.cause) for failure in self.result.failures
        )


def find_only(outcomes: Sequence[RepositoryOutcome]) -> PassResult | None:
    """Return the result of the only repository; None for one or more that go by their names."""
    match outcomes:
        case [RepositoryOutcome(repository="", result=PassResult() as only)]:
            return only
    return None


def merge_outcomes(outcomes: Sequence[RepositoryOutcome]) -> PassResult:
    """Return what came of all repositories as one result, with those that failed among its failures."""
    if (only := find_only(outcomes)) is not None:
        return only
    results = [one.result for one in outcomes if one.result]
    first = results[0] if results else _nothing()
    evaluation = Evaluation(
        sum(one.evaluation.files for one in results),
        tuple(bump for one in results for bump in one.evaluation.bumps),
        tuple(skip for one in results for skip in one.evaluation.skipped),
        tuple(problem for one in results for problem in one.evaluation.problems),
        tuple(notice for one in results for notice in one.evaluation.notices),
        {name: found for one in results for name, found in one.evaluation.found.items()},
    )
    done = tuple(outcome for one in results for outcome in one.outcomes or ())
    return replace(
        first,
        revision="",
        repository="",
        evaluation=evaluation,
        plan=Plan(
            tuple(pr for one in results for pr in one.plan.pull_requests),
            tuple(wait for one in results for wait in one.plan.waiting),
        ),
        desired=tuple(desired for one in results for desired in one.desired),
        outcomes=None if first.outcomes is None else done,
        deprecated={name: image for one in results for name, image in one.deprecated.items()},
        dashboard_failure="",
        other_failures=tuple(failure for one in outcomes for failure in one.failures),
        queue=merge_queues(one.queue for one in results),
        left_open=None,
        created={},
    )


def _nothing() -> PassResult:
    """Return what came of a pass that read no repository."""
    return PassResult("", datetime.now(UTC), Evaluation(0, (), (), (), ()), Plan((), ()), (), ())
