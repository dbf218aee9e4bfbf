"""Compares what is planned with what exists, and says what to do: a pure function."""

import re
from collections.abc import Callable, Iterable, Sequence

from autobump.planning.existing import ExistingState
from autobump.planning.parts import Part, Update, update_of
from autobump.planning.plan import ClosedPullRequest, OpenPullRequest, Waiting, WaitReason
from autobump.planning.pull_request import PlannedImage
from autobump.planning.waves import WavePullRequest
from autobump.pull_requests.actions import Action, Adopt, Close, Create, Hold, Leave, Lift, Refresh, branch_of
from autobump.pull_requests.existing import ExistingPullRequest, PullRequestState
from autobump.pull_requests.labels import CLOSED_LABEL, OVERWRITTEN_LABEL
from autobump.pull_requests.marker import Marker, MarkerImage
from autobump.pull_requests.render import DesiredPullRequest

InView = Callable[[Marker], bool]

_PART = re.compile(r"([1-9][0-9]{0,4})/([1-9][0-9]{0,4})")
_LIVE = (PullRequestState.OPEN, PullRequestState.ORPHAN)


def describe_existing(existing: Sequence[ExistingPullRequest], in_view: InView) -> ExistingState:
    """Return what planning must know of what exists.

    What autobump closed itself tells nothing of a rollout, nor what a person wants back.

    Args:
        existing: Everything found on the forge.
        in_view: Whether all items of a pull request take part in this pass.
    """
    finished = (PullRequestState.CLOSED, PullRequestState.MERGED)
    made = [(pr, pr.marker) for pr in sorted(existing, key=_by_number) if pr.marker is not None]
    still_open = [(pr, marker) for pr, marker in made if pr.state is PullRequestState.OPEN]
    return ExistingState(
        open=tuple(
            OpenPullRequest(
                branch=pr.branch,
                label=pr.label,
                repository=image.image,
                packs=image.packs,
                hold_reason="" if pr.rebuild else pr.hold_reason,
                in_view=in_view(marker),
                wave=marker.wave,
                risk_group=marker.lane,
            )
            for pr, marker in still_open
            for image in marker.images
        ),
        closed=tuple(
            ClosedPullRequest(pr.label, image.image, image.target, image.packs)
            for pr, marker in made
            for image in marker.images
            if pr.state is PullRequestState.CLOSED and not pr.lift
        ),
        reserved_branches={
            pr.branch for pr in existing if pr.state in finished and pr.head and pr.hold_reason
        },
        waves=tuple(
            WavePullRequest(
                image.image,
                image.target,
                marker.wave,
                image.paths,
                pr.state is PullRequestState.OPEN,
                pr.done_at,
                image.packs,
                image.digest,
                pr.state is PullRequestState.MERGED,
            )
            for pr, marker in made
            if pr.state is not PullRequestState.ORPHAN and not (marker.closed or pr.lift)
            for image in marker.images
        ),
        parts={
            pr.branch: (_update_of(marker), part)
            for pr, marker in still_open
            if (part := _read_part(marker.part))
        },
        risk_groups={path: marker.lane for _, marker in still_open for path in marker.paths},
        itemised_packs={
            (image.image, pack)
            for _, marker in still_open
            for image in marker.images
            if image.paths
            for pack in image.packs
        },
    )


def _update_of(marker: Marker) -> Update:
    return update_of([(image.image, image.target) for image in marker.images], marker.wave, marker.lane)


def _read_part(text: str) -> Part | None:
    """Return the part that a marker names; None when it names none."""
    match = _PART.fullmatch(text)
    return Part(number=int(match[1]), of=int(match[2])) if match else None


def find_merged(
    desired: Iterable[DesiredPullRequest], existing: Sequence[ExistingPullRequest]
) -> dict[str, str]:
    """Return the paths whose very same update of the very same item was merged before, and what to say.

    Either the analysed commit is older than the merge, or a person took the update back. An item is its image
    as written and its code: other changes of its file do not make it another one, and new code does.
    """
    merged = [pr for pr in existing if pr.state is PullRequestState.MERGED]
    return {
        path: f"{pr.label} to {image.target.tag} was merged for this very item: the analysed commit is "
        "older, or a person took it back"
        for wanted in desired
        for image in wanted.planned.images
        for pr in merged
        for path in _done_paths(wanted, image, pr.marker)
    }


def reconcile(
    desired: Sequence[DesiredPullRequest],
    existing: Sequence[ExistingPullRequest],
    waiting: Sequence[Waiting],
    in_view: InView,
) -> tuple[Action, ...]:
    """Decide what to do with every pull request, planned or existing.

    Args:
        desired: What should be open after this pass.
        existing: Everything found on the forge.
        waiting: Bumps that wait; those that a closed pull request keeps out show it as held.
        in_view: Whether all items of a pull request take part in this pass; others are left alone.

    Returns:
        The actions, sorted by branch and number; a `Lift` comes first on its branch.
    """
    found = _by_branch(existing)
    actions: list[Action] = [_decide_desired(wanted, found.pop(wanted.branch, None)) for wanted in desired]
    for pr in found.values():
        if action := _decide_unwanted(pr, in_view):
            actions.append(action)
    actions += [Lift(pr) for pr in existing if pr.lift]
    actions += _hold_closed(existing, waiting)
    return tuple(sorted(actions, key=_order))


def _by_number(pr: ExistingPullRequest) -> tuple[str, int]:
    return pr.branch, pr.number or 0


def _by_branch(existing: Iterable[ExistingPullRequest]) -> dict[str, ExistingPullRequest]:
    """Return the pull request that counts for each branch: an open one before an orphan and a finished one.

    Of finished ones it is the one that left the branch, else the last.
    """
    chosen: dict[str, ExistingPullRequest] = {}
    for pr in sorted(existing, key=lambda pr: (_rank(pr.state), not pr.head, -(pr.number or 0))):
        chosen.setdefault(pr.branch, pr)
    return chosen


def _rank(state: PullRequestState) -> int:
    return _LIVE.index(state) if state in _LIVE else len(_LIVE)


def _decide_desired(wanted: DesiredPullRequest, found: ExistingPullRequest | None) -> Action:
    if found is None:
        return Create(wanted)
    if found.rebuild:
        return Refresh(wanted, found, "a person asked for a rebuild")
    if found.hold_reason:
        return Hold(found, WaitReason.EDITED_BY_MAINTAINER, found.hold_reason)
    if found.state in (PullRequestState.CLOSED, PullRequestState.MERGED):
        return Create(wanted, leftover=found.head)
    if found.state is PullRequestState.ORPHAN:
        return Adopt(wanted, found)
    why = _why_rewrite(wanted.marker, found.marker)
    if target := _find_overwritten(wanted.marker, found.marker):
        label = "" if OVERWRITTEN_LABEL in found.labels else OVERWRITTEN_LABEL
        detail = f"the digest behind {target} is not the one it was made for"
        return Hold(found, WaitReason.TAG_OVERWRITTEN, detail, label)
    if why:
        return Refresh(wanted, found, why)
    if OVERWRITTEN_LABEL in found.labels and wanted.marker.knows_digests:
        targets = ", ".join(_name(image, wanted.marker) for image in wanted.marker.images)
        detail = f"the digest behind {targets} is again the one it was made for"
        return Refresh(wanted, found, detail, rewrite=False)
    if found.unfinished:
        return Refresh(wanted, found, found.unfinished, rewrite=found.unproven)
    told = found.marker
    if found.number is not None and told is not None:
        if wanted.marker.risk not in ("", told.risk):
            return Refresh(wanted, found, "what is known of its risk changed", rewrite=False)
        if wanted.marker.evidence not in ("", told.evidence):
            return Refresh(wanted, found, "what running its items shows changed", rewrite=False)
        if wanted.marker.advisories not in ("", told.advisories):
            return Refresh(wanted, found, "what is known of its vulnerabilities changed", rewrite=False)
    return Leave(wanted, found)


def _decide_unwanted(pr: ExistingPullRequest, in_view: InView) -> Action | None:
    if pr.hold_reason:
        live = pr.state in (PullRequestState.OPEN, PullRequestState.ORPHAN)
        return Hold(pr, WaitReason.EDITED_BY_MAINTAINER, pr.hold_reason) if live else None
    if pr.state is PullRequestState.CLOSED or pr.marker is None or not in_view(pr.marker):
        return None
    if pr.state is PullRequestState.MERGED:
        return Close(pr, "it is merged and its branch was left behind") if pr.head else None
    return Close(pr, "none of its updates is wanted any more")


def _hold_closed(existing: Iterable[ExistingPullRequest], waiting: Iterable[Waiting]) -> list[Action]:
    """Show the closed pull requests that keep something out, and see to it that they are remembered."""
    kept_out = {
        (wait.bump.image.repository, wait.bump.target.tag.text, wait.bump.item.pack)
        for wait in waiting
        if wait.reason is WaitReason.CLOSED_BY_MAINTAINER
    }
    return [
        Hold(
            pr,
            WaitReason.CLOSED_BY_MAINTAINER,
            "a person closed it without merging",
            "" if CLOSED_LABEL in pr.labels else CLOSED_LABEL,
        )
        for pr in existing
        if pr.state is PullRequestState.CLOSED
        and pr.marker is not None
        and not pr.lift
        and any(
            (image.image, image.target, pack) in kept_out
            for image in pr.marker.images
            for pack in image.packs
        )
    ]


def _why_rewrite(wanted: Marker, found: Marker | None) -> str:
    if found is None:
        return "its marker is gone"
    before = {image.image: image.target for image in found.images}
    newer = [
        f"{_name(image, wanted)} is newer than {before[image.image]}"
        for image in wanted.images
        if image.target != before.get(image.image, image.target)
    ]
    if newer:
        return "; ".join(newer)
    if found.paths != wanted.paths:
        return "its items changed"
    if found.base != wanted.base:
        return "a file it touches changed on the base"
    return ""


def _done_paths(wanted: DesiredPullRequest, image: PlannedImage, found: Marker | None) -> list[str]:
    """Return the paths of an image whose very same update of the very same item was merged before."""
    if found is None or found.closed:
        return []
    if (image.repository, image.target.tag.text) not in {(one.image, one.target) for one in found.images}:
        return []
    if found.items:
        return [path for path in image.paths if wanted.items[path] in found.items]
    if found.blobs:  # written by an earlier version, which knew an item by its file
        known = dict(zip(found.paths, found.blobs, strict=False))
        files = {bump.path: bump.item.blob for bump in image.bumps}
        return [path for path, blob in files.items() if path in known and blob.startswith(known[path])]
    # Too many to be named.
    return list(image.paths) if found.base == wanted.marker.base else []


def _find_overwritten(wanted: Marker, found: Marker | None) -> str:
    """Return the target whose digest is another one than before, or nothing."""
    before = {image.name: image.digest for image in found.images} if found else {}
    for image in wanted.images:
        digest = before.get(image.name, "")
        if digest and image.digest and digest != image.digest:
            return _name(image, wanted)
    return ""


def _name(image: MarkerImage, marker: Marker) -> str:
    """Return a target by its tag, and in a batch by its image as well."""
    return image.name if marker.batch else image.target


def _order(action: Action) -> tuple[str, bool, int]:
    number = 0 if isinstance(action, Create) else action.existing.number or 0
    # What keeps a branch from being made is lifted before it is made.
    return branch_of(action), not isinstance(action, Lift), number
