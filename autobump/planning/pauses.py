"""Lets an update wait while the last one of its item is too fresh, see `policy.min_interval`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from autobump.decisions.bump import Bump
from autobump.planning.plan import Waiting, WaitReason
from autobump.planning.waves import Turns, WavePullRequest

_Key = tuple[str, str]
"""Image, and the path of an item or the folder of a pack."""


def pause(
    bumps: Iterable[Bump], pull_requests: Sequence[WavePullRequest], interval: timedelta, now: datetime
) -> Turns:
    """Say which updates come now, and which wait for a time since the last one of their item was merged.

    What fixes something of security, and what an open pull request holds already, waits for nothing. A merged
    pull request that names no items counts for all of its packs.

    Args:
        bumps: Updates whose turn it is, by path.
        pull_requests: Those that are open, merged, or closed by people.
        interval: The time; zero lets everything through.
        now: The time of the pass, with timezone.
    """
    if not interval:
        return Turns(tuple(bumps), ())
    merged: dict[_Key, datetime] = {}
    for pr in pull_requests:
        if pr.is_merged and pr.done_at is not None:
            for key in _keys(pr):
                merged[key] = max(pr.done_at, merged.get(key, pr.done_at))
    held = {key for pr in pull_requests if pr.is_open for key in _keys(pr)}
    ready: list[Bump] = []
    waiting: list[Waiting] = []
    for bump in bumps:
        keys = ((bump.image.repository, bump.path), (bump.image.repository, bump.item.pack))
        last = max((merged[key] for key in keys if key in merged), default=None)
        if last is None or now >= last + interval or bump.fixes_security or any(key in held for key in keys):
            ready.append(bump)
        else:
            why = (
                f"its last update was merged on {last:%Y-%m-%d}, and the next one comes from "
                f"{last + interval:%Y-%m-%d %H:%M} UTC on"
            )
            waiting.append(Waiting(bump, WaitReason.TOO_SOON, why))
    return Turns(tuple(ready), tuple(waiting))


def _keys(pr: WavePullRequest) -> Iterable[_Key]:
    return ((pr.image, name) for name in (pr.paths or pr.packs))
