"""The outcome as lines of the log, for services that nobody watches."""

import logging
from collections import Counter
from typing import TYPE_CHECKING

from autobump.pull_requests.actions import (
    Adopt,
    Close,
    Create,
    Hold,
    Leave,
    Lift,
    Outcome,
    Refresh,
    branch_of,
)

if TYPE_CHECKING:
    from autobump.decisions.evaluation import Evaluation
    from autobump.passes.result import PassResult

_log = logging.getLogger(__name__)


def log_outcome(outcome: Outcome) -> None:
    """Tell what became of one pull request."""
    action = outcome.action
    match action:
        case (
            Create(desired=desired)
            | Adopt(desired=desired)
            | Refresh(desired=desired)
            | Leave(desired=desired)
        ):
            planned = desired.planned
            image, target, packs = planned.repository, planned.target.tag.text, planned.packs
            images = [f"{one.repository}:{one.target.tag}" for one in planned.images]
        case Close(existing=existing) | Hold(existing=existing) | Lift(existing=existing):
            marker = existing.marker
            image, target = (marker.image, marker.target) if marker else ("", "")
            packs = marker.packs if marker else ()
            images = [one.name for one in marker.images] if marker else []
    known = None if isinstance(action, Create) else action.existing.number
    fields = {
        "action": action.name,
        "image": image,
        "target": target,
        "packs": list(packs),
        "branch": branch_of(action),
        "pull_request": known if outcome.number is None else outcome.number,
    }
    if len(images) > 1:
        fields["images"] = images
    if outcome.failure:
        _log.error("pull request failed", extra=fields | {"failure": outcome.failure})
    else:
        _log.info("pull request", extra=fields | ({"note": outcome.note} if outcome.note else {}))


def log_result(result: "PassResult", seconds: float) -> None:
    """Tell what a pass failed at, and how it ended, with the number of each action.

    Args:
        result: What came out.
        seconds: How long it took.
    """
    _log_problems(result.evaluation)
    actions = Counter(outcome.action.name for outcome in result.outcomes or () if not outcome.failure)
    fields = {
        "revision": result.revision,
        "seconds": round(seconds, 3),
        "bumps": len(result.evaluation.bumps),
        "skipped": len(result.evaluation.skipped),
        "problems": len(result.evaluation.problems),
        "failed": result.failed,
        "dry_run": result.dry_run,
    }
    _log.info("pass finished", extra=fields | actions)


def _log_problems(evaluation: "Evaluation") -> None:
    # One registry that is down concerns every item of an image; one line says it for all.
    counts = Counter((problem.reason, problem.detail) for problem in evaluation.problems)
    for problem in evaluation.problems:
        if files := counts.pop((problem.reason, problem.detail), 0):
            fields = {
                "reason": problem.reason,
                "detail": problem.detail,
                "pack": problem.pack,
                "path": problem.path,
            }
            _log.info("problem", extra=fields | {"files": files})
