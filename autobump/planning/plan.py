"""Groups bumps into pull requests: of an image one target and whole packs, bounded in size and number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from enum import StrEnum

from msgspec import Struct

from autobump.decisions.bump import Bump
from autobump.planning.branch_name import branch_name
from autobump.planning.order import order_batches
from autobump.planning.pull_request import (
    PlannedImage,
    PlannedPullRequest,
    group_by_image,
    make_pull_request,
)


class WaitReason(StrEnum):
    """Why a bump is not made in this pass."""

    PACK_BUSY = "pack-busy"
    LIMIT_REACHED = "limit-reached"
    CLOSED_BY_MAINTAINER = "closed-by-maintainer"
    EDITED_BY_MAINTAINER = "edited-by-maintainer"
    TAG_OVERWRITTEN = "tag-overwritten"
    WAITING_FOR_WAVE = "waiting-for-wave"
    TOO_SOON = "too-soon"

    @property
    def words(self) -> str:
        """How it reads in the middle of a sentence."""
        return _WAIT_WORDS[self]


_WAIT_WORDS = {
    WaitReason.PACK_BUSY: "its pack is in another pull request",
    WaitReason.LIMIT_REACHED: "a later pass makes it",
    WaitReason.CLOSED_BY_MAINTAINER: "a person closed it",
    WaitReason.EDITED_BY_MAINTAINER: "a person has it in hand",
    WaitReason.TAG_OVERWRITTEN: "its tag was overwritten",
    WaitReason.WAITING_FOR_WAVE: "another wave comes first",
    WaitReason.TOO_SOON: "it was updated of late",
}


class Waiting(Struct, frozen=True):
    """A bump that has to wait, and why."""

    bump: Bump
    reason: WaitReason
    detail: str


class Plan(Struct, frozen=True):
    """What would be done: pull requests sorted by branch, waiting bumps sorted by path."""

    pull_requests: tuple[PlannedPullRequest, ...]
    waiting: tuple[Waiting, ...]

    def with_waiting(self, more: Iterable[Waiting]) -> "Plan":
        """Return the same with more bumps that wait."""
        return Plan(
            self.pull_requests,
            tuple(sorted([*self.waiting, *more], key=lambda wait: wait.bump.path)),
        )


class OpenPullRequest(Struct, frozen=True):
    """What planning must know of one image of a pull request that is open; a batch has one for each.

    Attributes:
        branch: Its branch.
        label: How a person refers to it: `#12`, or the branch.
        repository: The image.
        packs: Packs of its items of that image.
        hold_reason: Why a person's word keeps autobump off it, or empty; it keeps its packs all the same.
        in_view: Every item of it takes part in this pass; one outside the filters is left alone.
        wave: The wave of its bumps.
        risk_group: The risk group of its bumps.
    """

    branch: str
    label: str
    repository: str
    packs: tuple[str, ...]
    hold_reason: str = ""
    in_view: bool = True
    wave: str = ""
    risk_group: str = ""


class ClosedPullRequest(Struct, frozen=True):
    """One image of a pull request that a person closed: its packs stay out until a newer target appears."""

    label: str
    repository: str
    target: str
    packs: tuple[str, ...]


class Limits(Struct, frozen=True):
    """Bounds on a plan; see the settings `pull_requests`. `together` is `group: batch`."""

    max_items: int = 25
    max_open: int = 10
    max_new_per_run: int = 10
    branch_prefix: str = "autobump/"
    together: bool = False


def plan_pull_requests(
    bumps: Iterable[Bump],
    limits: Limits,
    existing: Sequence[OpenPullRequest] = (),
    closed: Sequence[ClosedPullRequest] = (),
    reserved_branches: Set[str] = frozenset(),
    ranks: Mapping[str, int] | None = None,
) -> Plan:
    """Group bumps into pull requests that never touch the same pack twice.

    Args:
        bumps: Any order.
        limits: Bounds on size and number.
        existing: Open pull requests; bumps that one of the same image covers stay with it.
        closed: Pull requests that people closed.
        reserved_branches: Branches that must not be used, because people left commits on them.
        ranks: How far items were kept up, by path, see `rank_lags`; none when that does not count.

    Returns:
        A plan in which every bump stands exactly once. The same inputs give the same plan.
    """
    waiting: list[Waiting] = []
    kept: dict[str, list[Bump]] = defaultdict(list)
    free: list[Bump] = []
    by_branch = {pr.branch: pr for pr in existing}
    covering = {
        (pr.repository, pr.wave, pr.risk_group, pack): pr for pr in reversed(existing) for pack in pr.packs
    }
    refused = {(pr.repository, pr.target, pack): pr for pr in closed for pack in pr.packs}
    ordered = sorted(bumps, key=lambda bump: bump.path)

    for bump in ordered:
        pack = bump.item.pack
        cover = (
            covering.get((bump.image.repository, bump.wave, bump.risk_group, pack)) if bump.may_join else None
        )
        veto = refused.get((bump.image.repository, bump.target.tag.text, pack))
        if cover is not None and cover.hold_reason:
            waiting.append(
                Waiting(bump, WaitReason.EDITED_BY_MAINTAINER, f"{cover.label}: {cover.hold_reason}")
            )
        elif cover is not None and not cover.in_view:
            waiting.append(Waiting(bump, WaitReason.PACK_BUSY, _busy(pack, cover.label)))
        elif cover is not None:
            kept[cover.branch].append(bump)
        elif veto is not None:
            detail = f"{veto.label} to {veto.target} was closed without merging"
            waiting.append(Waiting(bump, WaitReason.CLOSED_BY_MAINTAINER, detail))
        else:
            free.append(bump)

    planned: list[PlannedPullRequest] = []
    claims: dict[str, str] = {}
    for pr in existing:
        if pr.hold_reason or not pr.in_view:
            claims |= dict.fromkeys(pr.packs, pr.label)
    for branch, covered in sorted(kept.items()):
        label = by_branch[branch].label
        images: list[PlannedImage] = []
        for repository, bumps_of_image in group_by_image(covered).items():
            # Holds can give the items of one image different targets; a pull request has one, the newest.
            target = max((bump.target for bump in bumps_of_image), key=lambda release: release.tag)
            mine: list[Bump] = []
            for bump in bumps_of_image:
                if bump.target == target and bump.item.pack not in claims:
                    mine.append(bump)
                else:
                    waiting.append(Waiting(bump, WaitReason.PACK_BUSY, _busy(bump.item.pack, label)))
            if mine:
                images.append(PlannedImage(repository, target, tuple(mine)))
        if images:
            kept_pr = make_pull_request(branch, images)
            planned.append(kept_pr)
            claims |= dict.fromkeys(kept_pr.packs, label)

    open_count = len(planned) + len({pr.branch for pr in existing if pr.hold_reason or not pr.in_view})
    limit = ""
    unclaimed = [bump for bump in free if bump.item.pack not in claims]
    batches = order_batches(
        unclaimed,
        ordered,
        limits.max_items,
        limits.max_new_per_run,
        ranks or {},
        together=limits.together,
    )
    for new_count, batch in enumerate(batches):
        if limit := _limit_reached(limits, open_count + new_count, new_count):
            break
        new = _new_pull_request(batch, limits.branch_prefix, reserved_branches)
        planned.append(new)
        claims |= dict.fromkeys(new.packs, new.branch)
    made = {path for pr in planned for path in pr.paths}
    for bump in free:
        pack = bump.item.pack
        if pack in claims and bump.path not in made:
            waiting.append(Waiting(bump, WaitReason.PACK_BUSY, _busy(pack, claims[pack])))
        elif bump.path not in made:
            waiting.append(Waiting(bump, WaitReason.LIMIT_REACHED, limit))

    return Plan(
        tuple(sorted(planned, key=lambda pr: pr.branch)),
        tuple(sorted(waiting, key=lambda wait: wait.bump.path)),
    )


def _limit_reached(limits: Limits, open_count: int, new_count: int) -> str:
    if open_count >= limits.max_open:
        return f"pull_requests.max_open is {limits.max_open}"
    if new_count >= limits.max_new_per_run:
        return f"pull_requests.max_new_per_run is {limits.max_new_per_run}"
    return ""


def _new_pull_request(batch: list[Bump], prefix: str, reserved_branches: Set[str]) -> PlannedPullRequest:
    bumps = sorted(batch, key=lambda bump: bump.path)
    images = [
        PlannedImage(repository, mine[0].target, tuple(mine))
        for repository, mine in group_by_image(bumps).items()
    ]
    packs = {image.repository: image.packs for image in images}
    branch = branch_name(prefix, packs, reserved_branches, bumps[0].wave, bumps[0].risk_group)
    return make_pull_request(branch, images)


def _busy(pack: str, label: str) -> str:
    return f"the pack {pack} is in {label}"
