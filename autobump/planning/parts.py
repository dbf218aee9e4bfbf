"""Tells pull requests of one update apart: by their packs where these are few, else by a number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import count

from msgspec import Struct

from autobump.decisions.bump import Bump
from autobump.planning.order import Group, fill_batches, group_of
from autobump.planning.plan import Limits, Plan, Waiting, WaitReason
from autobump.planning.pull_request import PlannedPullRequest

_FEW = 3
_MOST_LETTERS = 80
_FOR_ROOM = (WaitReason.LIMIT_REACHED, WaitReason.PACK_BUSY)


class Part(Struct, frozen=True):
    """What a title tells beside image and tag; nothing where no other pull request has the same update.

    Attributes:
        names_packs: The packs are named; else there are too many.
        number: Its number among those with many packs, from 1; 0 for none.
        of: How many of these there are, as far as it was known when it was made.
    """

    names_packs: bool = False
    number: int = 0
    of: int = 0


ALONE = Part()
"""No other pull request has the same update."""

Update = tuple[object, str, str]
"""What titles have in common: images and targets, as far as they are named, wave and risk group."""


def update_of(images: Sequence[tuple[str, str]], wave: str, risk_group: str) -> Update:
    """Return what a title says of an update, given by its images and targets."""
    return images[0] if len(images) == 1 else len(images), wave, risk_group


def number_parts(plan: Plan, limits: Limits, known: Mapping[str, tuple[Update, Part]]) -> dict[str, Part]:
    """Return what tells each pull request of a plan from others of the same image, target, wave and risk.

    A number stays with its branch as long as that is open, so that no title has to change because another
    pull request was merged; a new one gets a number that no open one has.

    Args:
        plan: The pull requests, and what waits.
        limits: Bounds of each pass.
        known: What those that exist update, and what they were given, by branch.
    """
    groups: dict[Update, list[PlannedPullRequest]] = defaultdict(list)
    for planned in plan.pull_requests:
        images = [(image.repository, image.target.tag.text) for image in planned.images]
        groups[update_of(images, planned.wave, planned.risk_group)].append(planned)
    branches = {planned.branch for planned in plan.pull_requests}
    to_come = _to_come(plan.waiting, limits)
    parts: dict[str, Part] = {}
    for update, same in groups.items():
        later = to_come.get(update, [])
        # Those that are left alone: they are not in the plan, and their titles stand all the same.
        others = {
            part.number for branch, (of, part) in known.items() if of == update and branch not in branches
        }
        if len(same) + len(later) + len(others) < 2:
            continue
        few = {planned.branch for planned in same if are_few(planned.packs)}
        parts |= dict.fromkeys(few, Part(names_packs=True))
        many = [planned.branch for planned in same if planned.branch not in few]
        kept = {branch: known[branch][1] for branch in many if branch in known}
        parts |= _number(many, kept, others, sum(1 for packs in later if not are_few(packs)))
    return parts


def _number(branches: list[str], kept: Mapping[str, Part], others: Set[int], later: int) -> dict[str, Part]:
    taken = {part.number for part in kept.values()} | others
    free = (number for number in count(1) if number not in taken)
    fresh = {branch: next(free) for branch in branches if branch not in kept}
    of = max([len(branches) + len(others) + later, *taken, *fresh.values()], default=0)
    if of < 2:
        return {}
    return {**kept} | {branch: Part(number=number, of=of) for branch, number in fresh.items()}


def _to_come(waiting: Iterable[Waiting], limits: Limits) -> dict[Update, list[list[str]]]:
    """Return the packs of each pull request of one image that later passes make, by update."""
    packs: dict[Group, dict[str, list[Bump]]] = defaultdict(lambda: defaultdict(list))
    for wait in waiting:
        if wait.reason in _FOR_ROOM and not limits.together:
            packs[group_of(wait.bump)][wait.bump.item.pack].append(wait.bump)
    found: dict[Update, list[list[str]]] = defaultdict(list)
    for group, by_pack in packs.items():
        risk_group, repository, wave, target = group
        for batch in fill_batches({group: by_pack.values()}, limits.max_items, {}):
            update = update_of([(repository, target)], wave, risk_group)
            found[update].append(sorted({bump.item.pack for bump in batch}))
    return found


def are_few(packs: Iterable[str]) -> bool:
    """Whether packs are so few that a title names them."""
    named = list(packs)
    return len(named) <= _FEW and len(", ".join(named)) <= _MOST_LETTERS
