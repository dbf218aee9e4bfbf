"""The steps of a pass that a plan does without: confirm targets, compose the changes, write them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.decisions.evaluation import TAGS_UNAVAILABLE, Evaluation
from autobump.forges.protocol import Base, Forge, PreparedAction
from autobump.images.choice import NoUpdateReason
from autobump.images.lookup import look_up_digests
from autobump.images.results import Digest, Unavailable
from autobump.passes.evaluate import Filters
from autobump.passes.log import log_outcome
from autobump.planning.plan import Plan
from autobump.planning.pull_request import PlannedImage, PlannedPullRequest, make_pull_request
from autobump.pull_requests.actions import Action, Adopt, Create, Outcome, Refresh, writes_commit
from autobump.pull_requests.edits import Changes, Edits, compose_edits, needed_blobs
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.reconcile import InView
from autobump.support.parallel import map_in_two_processes
from autobump.support.progress import WRITING, Progress, Silent

if TYPE_CHECKING:
    from autobump.passes.one import Pass

_WORTH_A_PROCESS = 200
"""Fewer items than this are composed sooner than a second process is started."""


def describe_view(filters: Filters, evaluation: Evaluation) -> InView:
    """Return whether all items of a pull request take part, and could be read and looked up.

    An image that the source does not have says nothing of an update to it: a list of tags may be cut short. A
    large pull request that names no paths is told by its packs.
    """
    missing = [skip for skip in evaluation.skipped if skip.reason == NoUpdateReason.IMAGE_NOT_FOUND]
    unknown = [(problem.path, problem.pack) for problem in evaluation.unknown]
    unknown += [(skip.path, skip.pack) for skip in missing]
    paths, packs = {path for path, _ in unknown}, {pack for _, pack in unknown}

    def in_view(marker: Marker) -> bool:
        known = paths.isdisjoint(marker.paths) if marker.paths else packs.isdisjoint(marker.packs)
        return known and filters.include(marker)

    return in_view


def confirm_targets(
    this: "Pass", plan: Plan, digests: dict[tuple[str, str], Digest]
) -> tuple[Plan, dict[str, tuple[str, str]]]:
    """Make sure that every target's manifest exists, and note its digest.

    Args:
        this: The pass.
        plan: Whose targets are meant.
        digests: What was found out so far in this pass; added to.

    Returns:
        The plan with digests, and reason and detail for each bump whose target is not there.
    """
    targets = {(image.repository, image.target.tag.text) for pr in plan.pull_requests for image in pr.images}
    threads = this.settings.registry.concurrency
    digests |= look_up_digests(this.source, targets - digests.keys(), threads, this.progress)
    confirmed: list[PlannedPullRequest] = []
    refused: dict[str, tuple[str, str]] = {}
    for pr in plan.pull_requests:
        images: list[PlannedImage] = []
        for image in pr.images:
            match digests[image.repository, image.target.tag.text]:
                case Unavailable(detail):
                    refused |= dict.fromkeys(image.paths, (TAGS_UNAVAILABLE, detail))
                case digest:
                    target = replace(image.target, digest=digest or image.target.digest)
                    images.append(replace(image, target=target))
        if images:
            confirmed.append(make_pull_request(pr.branch, images))
    return Plan(tuple(confirmed), plan.waiting), refused


def prepare(
    this: "Pass", actions: Sequence[Action]
) -> tuple[list[PreparedAction], dict[str, tuple[str, str]]]:
    """Compose the edits of every action that writes a commit; tell what was refused, and why."""
    with_notes = this.settings.pull_requests.release_notes
    bumps = [
        action.desired.planned.bumps
        if isinstance(action, Create | Adopt | Refresh) and writes_commit(action)
        else ()
        for action in actions
    ]
    this.progress.begin("Composing", len(actions))
    tasks = list(zip(bumps, (needed_blobs(group, with_notes=with_notes) for group in bumps), strict=True))
    this.tree.fetch_missing(oid for _, oids in tasks for oid in oids)
    composed = map_in_two_processes(
        tasks,
        lambda part: list(_compose(this, part, this.progress)),
        lambda part: list(_compose(this, part, Silent())),
        worth=sum(map(len, bumps)) >= _WORTH_A_PROCESS,
    )
    refusals = [refusal for edits in composed for refusal in edits.refused]

    def read_again(oids: Iterable[str]) -> Iterator[bytes | None]:
        return (blob.data for blob in this.tree.read(oids))

    prepared = [
        PreparedAction(action, Changes(edits.edits, read_again))
        for action, edits in zip(actions, composed, strict=True)
    ]
    return prepared, {refusal.path: ("unsafe-edit", refusal.detail) for refusal in refusals}


def preview(actions: Iterable[Action]) -> tuple[Outcome, ...]:
    """Return the outcomes of actions that are not carried out."""
    return tuple(Outcome.unchanged(action) for action in actions)


def apply(this: "Pass", forge: Forge, prepared: Sequence[PreparedAction]) -> tuple[Outcome, ...]:
    """Carry out actions, and log each outcome.

    Raises:
        ForgeError: Nothing could be done at all.
    """
    this.progress.begin(WRITING, len(prepared))
    outcomes: list[Outcome] = []
    for outcome in forge.apply(Base(this.tree.revision, this.tree.tree), prepared):
        log_outcome(outcome)
        this.progress.step()
        outcomes.append(outcome)
    return tuple(outcomes)


def _compose(
    this: "Pass", tasks: Sequence[tuple[tuple[Bump, ...], list[str]]], progress: Progress
) -> Iterator[Edits]:
    """Compose the edits of pull requests, each given by its bumps and the blobs they need."""
    # One stream serves all of them, and one blob at a time is in memory.
    stream = this.tree.read(oid for _, oids in tasks for oid in oids)
    for bumps, oids in tasks:
        blobs = ((blob.oid, blob.data or b"") for blob in islice(stream, len(oids)))
        yield compose_edits(bumps, blobs, with_notes=this.settings.pull_requests.release_notes)
        progress.step()
