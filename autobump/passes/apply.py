"""Makes it so: reconciles what should be with what exists, and applies the difference."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from autobump.decisions.bump import Bump
from autobump.forges import Base, Forge, PreparedAction
from autobump.images.choice import NoUpdateReason
from autobump.images.lookup import Digest, Unavailable, look_up_digests
from autobump.passes.evaluate import TAGS_UNAVAILABLE, Filters, Judged
from autobump.passes.log import log_outcome
from autobump.passes.one import Pass, PassResult
from autobump.planning.existing import Surroundings
from autobump.planning.plan import Plan, PlannedPullRequest
from autobump.pull_requests.actions import Action, Adopt, Create, Outcome, Refresh, writes_commit
from autobump.pull_requests.dashboard import (
    Overview,
    Requests,
    heed_requests,
    note_heads,
    read_requests,
    render_dashboard,
    tick_boxes,
)
from autobump.pull_requests.edits import Changes, Edits, compose_edits, needed_blobs
from autobump.pull_requests.existing import ExistingPullRequest
from autobump.pull_requests.marker import Marker
from autobump.pull_requests.reconcile import InView, describe_surroundings, merged_already, reconcile
from autobump.support.errors import ForgeError
from autobump.support.parallel import share_work
from autobump.support.progress import Progress, Silent

_log = logging.getLogger(__name__)

_WORTH_A_PROCESS = 200
"""Fewer items than this are composed sooner than a second process is started."""


def apply_pass(this: Pass, forge: Forge, *, dry_run: bool) -> PassResult:
    """Make everything so that a pass wants, or with `dry_run` say what would be done.

    Raises:
        ForgeError: The forge could not say what exists, or nothing could be written.
    """
    judged, assessor = this.judge(), this.open_assessor()
    has_dashboard = _has_dashboard(this)
    dashboard = forge.fetch_dashboard() if has_dashboard else ""
    existing = forge.fetch_existing()
    requests = note_heads(read_requests(dashboard), existing)
    heeded = requests if dry_run else _note_rebuilds(forge, dashboard, requests)
    existing = heed_requests(existing, heeded)
    deprecated = this.fetch_deprecated()
    digests: dict[tuple[str, str], Digest] = {}
    while True:
        judged, plan = this.plan_beside(judged, _look_around(this, judged, existing), assessor)
        plan, refused = _confirm_targets(this, plan, digests)
        if not refused:
            desired = this.render(plan, judged, assessor, deprecated)
            if done := merged_already(desired, existing):
                judged = judged.holding(done)
                continue
            actions = reconcile(desired, existing, plan.waiting, _in_view(this, judged))
            prepared, refused = _prepare(this, actions)
        if not refused:
            break
        # What cannot be made is a problem of its own; the rest is planned as if it were not there.
        judged = judged.without(refused)
    if dry_run:
        outcomes = tuple(Outcome.unchanged(action) for action in actions)
    else:
        this.progress.begin("Writing", len(prepared))
        base = Base(this.tree.revision, this.tree.tree)
        outcomes = tuple(_tell(forge.apply(base, prepared), this.progress))
    result = replace(this.conclude(judged, plan, desired, deprecated, outcomes), dry_run=dry_run)
    if has_dashboard and not dry_run:
        result = _show(forge, result, existing, requests)
    return result


def _has_dashboard(this: Pass) -> bool:
    """Whether this pass keeps the dashboard; one that sees only some items would tell half of it."""
    return this.settings.pull_requests.dashboard and this.filters == Filters()


def _look_around(this: Pass, judged: Judged, existing: Sequence[ExistingPullRequest]) -> Surroundings:
    return describe_surroundings(existing, _in_view(this, judged))


def _in_view(this: Pass, judged: Judged) -> InView:
    """Return whether all items of a pull request take part, and could be read and looked up.

    An image that the source does not have says nothing of an update to it: a list of tags may be cut short. A
    large pull request that names no paths is told by its packs.
    """
    missing = [skip for skip in judged.skipped if skip.reason == NoUpdateReason.IMAGE_NOT_FOUND]
    unknown = [(problem.path, problem.pack) for problem in judged.unknown]
    unknown += [(skip.path, skip.pack) for skip in missing]
    paths, packs = {path for path, _ in unknown}, {pack for _, pack in unknown}

    def in_view(marker: Marker) -> bool:
        known = paths.isdisjoint(marker.paths) if marker.paths else packs.isdisjoint(marker.packs)
        return known and this.filters.include(marker)

    return in_view


def _confirm_targets(
    this: Pass, plan: Plan, digests: dict[tuple[str, str], Digest]
) -> tuple[Plan, dict[str, tuple[str, str]]]:
    """Make sure that every target's manifest exists, and note its digest.

    Args:
        this: The pass.
        plan: Whose targets are meant.
        digests: What was found out so far in this pass; added to.

    Returns:
        The plan with digests, and reason and detail for each bump whose target is not there.
    """
    targets = {(pr.repository, pr.target.tag.text) for pr in plan.pull_requests}
    threads = this.settings.registry.concurrency
    digests |= look_up_digests(this.source, targets - digests.keys(), threads, this.progress)
    confirmed: list[PlannedPullRequest] = []
    refused: dict[str, tuple[str, str]] = {}
    for pr in plan.pull_requests:
        match digests[pr.repository, pr.target.tag.text]:
            case Unavailable(detail):
                refused |= dict.fromkeys(pr.paths, (TAGS_UNAVAILABLE, detail))
            case digest:
                confirmed.append(replace(pr, target=replace(pr.target, digest=digest or pr.target.digest)))
    return Plan(tuple(confirmed), plan.waiting), refused


def _prepare(
    this: Pass, actions: Sequence[Action]
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
    composed = share_work(
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


def _compose(
    this: Pass, tasks: Sequence[tuple[tuple[Bump, ...], list[str]]], progress: Progress
) -> Iterator[Edits]:
    """Compose the edits of pull requests, each given by its bumps and the blobs they need."""
    # One stream serves all of them, and one blob at a time is in memory.
    stream = this.tree.read(oid for _, oids in tasks for oid in oids)
    for bumps, oids in tasks:
        blobs = ((blob.oid, blob.data or b"") for blob in islice(stream, len(oids)))
        yield compose_edits(bumps, blobs, with_notes=this.settings.pull_requests.release_notes)
        progress.step()


def _tell(outcomes: Iterable[Outcome], progress: Progress) -> Iterator[Outcome]:
    for outcome in outcomes:
        log_outcome(outcome)
        progress.step()
        yield outcome


def _note_rebuilds(forge: Forge, dashboard: str, requests: Requests) -> Requests:
    """Note on the dashboard what each rebuild does away with, and return the requests that are to be heeded.

    Were a tick not taken away, for whatever reason, the next pass would do away with what was pushed since.
    """
    if requests.rebuild:
        try:
            forge.write_dashboard(tick_boxes(dashboard, requests))
        except ForgeError as exc:
            _log.warning("no rebuild: it cannot be noted on the dashboard", extra={"cause": str(exc)})
            return Requests(lift=requests.lift)
    return requests


def _show(
    forge: Forge, result: PassResult, existing: Sequence[ExistingPullRequest], requests: Requests
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
