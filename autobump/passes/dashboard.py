"""The dashboard of a pass: what people asked for in it, and what it shows afterwards."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from autobump.forges.protocol import Forge
from autobump.passes.evaluate import Filters
from autobump.passes.result import PassResult
from autobump.pull_requests.dashboard import (
    Overview,
    Requests,
    apply_requests,
    note_heads,
    read_requests,
    render_dashboard,
    tick_boxes,
)
from autobump.pull_requests.existing import ExistingPullRequest
from autobump.support.errors import ForgeError

if TYPE_CHECKING:
    from autobump.passes.one import Pass

_log = logging.getLogger(__name__)


def read_forge(
    this: "Pass", forge: Forge, *, dry_run: bool
) -> tuple[Sequence[ExistingPullRequest], Requests]:
    """Return what exists on the forge, with what people asked for in the dashboard, and these requests.

    Raises:
        ForgeError: The forge could not answer.
    """
    dashboard = forge.fetch_dashboard() if _has_dashboard(this) else ""
    existing = forge.fetch_existing()
    requests = note_heads(read_requests(dashboard), existing)
    noted = requests if dry_run else _note_rebuilds(forge, dashboard, requests)
    return apply_requests(existing, noted), requests


def write_dashboard(
    this: "Pass",
    forge: Forge,
    result: PassResult,
    existing: Sequence[ExistingPullRequest],
    requests: Requests,
) -> PassResult:
    """Bring the dashboard up to date, if this pass keeps one; what was done stays done when that fails."""
    if not _has_dashboard(this):
        return result
    overview = Overview(
        existing,
        result.outcomes or (),
        result.plan.waiting,
        result.evaluation.skipped,
        result.evaluation.problems,
        result.deprecated,
        result.queue,
    )
    try:
        forge.write_dashboard(render_dashboard(overview, requests))
    except ForgeError as exc:
        _log.warning("the dashboard is not up to date", extra={"cause": str(exc)})
        return replace(result, dashboard_failure=str(exc))
    return result


def _has_dashboard(this: "Pass") -> bool:
    """Whether this pass keeps the dashboard; one that sees only some items would tell half of it."""
    return this.settings.pull_requests.dashboard and this.filters == Filters()


def _note_rebuilds(forge: Forge, dashboard: str, requests: Requests) -> Requests:
    """Note on the dashboard what each rebuild does away with, and return the requests that are to be applied.

    Were a tick not taken away, for whatever reason, the next pass would do away with what was pushed since.
    """
    if requests.rebuild:
        try:
            forge.write_dashboard(tick_boxes(dashboard, requests))
        except ForgeError as exc:
            _log.warning("no rebuild: it cannot be noted on the dashboard", extra={"cause": str(exc)})
            return Requests(lift=requests.lift)
    return requests
