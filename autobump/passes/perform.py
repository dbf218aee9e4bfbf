"""One pass for good: its lock, its forge, and its lines in the log."""

import logging
import time
from contextlib import ExitStack
from pathlib import Path

from autobump.forges.open import identify_forge, open_forge
from autobump.passes.log import log_result
from autobump.passes.one import Pass, PassResult
from autobump.support.http.request_count import Traffic
from autobump.support.lock import hold_lock

_log = logging.getLogger(__name__)


def perform_pass(
    this_pass: Pass, forge: str, *, dry_run: bool, cache: Path | None, traffic: Traffic | None = None
) -> PassResult:
    """Run a pass that no other process of this host does at the same time.

    Args:
        this_pass: The pass.
        forge: `local` or `github`.
        dry_run: Say what would be done; then any number of processes may do it at once.
        cache: Where the lock lies; None for the runtime folder of the user.
        traffic: Told of every call to the forge.

    Raises:
        LockTakenError: Another process is at it.
        AutobumpError: The pass could not be done.
    """
    git, settings = this_pass.tree.git, this_pass.settings
    place = identify_forge(forge, git, settings)
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(hold_lock(cache / "locks" if cache else None, place))
        facts = {"forge": forge, "place": place, "revision": this_pass.tree.revision, "dry_run": dry_run}
        _log.info("pass started", extra=facts)
        started = time.monotonic()
        opened = open_forge(forge, git, settings, this_pass.now, traffic)
        result = this_pass.run(opened, dry_run=dry_run)
        log_result(result, time.monotonic() - started)
        return result
