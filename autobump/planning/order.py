"""Puts free packs into new pull requests, and orders these by what they achieve."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence, Set

from autobump.decisions.bump import Bump

FIRST = -1
"""Rank of what comes before everything else, see `rank_lags`: it fixes a known vulnerability."""

_KEPT_UP = 8
"""An item is kept up while at most one of so many tags of its image is newer than its own."""


Group = tuple[str, str, str, str]
"""What the bumps of one pull request have in common: risk group, image, wave and target."""


def group_of(bump: Bump) -> Group:
    """Return what a bump has in common with those that may share its pull request."""
    return bump.risk_group, bump.image.repository, bump.wave, bump.target.tag.text


def rank_lags(bumps: Iterable[Bump], releases: Mapping[str, object]) -> dict[str, int]:
    """Return how far each item was kept up, by path: 0 for most, more for those that were updated of late.

    Only items whose image has few newer tags get a rank above 0: it is how often the largest lag halves until
    it is theirs. The lag of an item is the newest build number of the plan less its own. So whatever waits
    more than twice as long as a kept-up item has a lower rank. To come before something that was never
    updated, a kept-up item has to wait twice as long each time: so nothing waits for ever behind images that
    are rebuilt all the time.

    Args:
        bumps: All that could be updated.
        releases: What the registry holds of each image, newest first, by `namespace/name`.

    Source: build numbers count the builds of all `demisto/*` images together: of 11,985 dated tags up to
    2026-05, in the order of their dates, 14 are more than 2 % below an earlier one.
    """
    wanted = list(bumps)
    newest = max((bump.target.tag.build for bump in wanted), default=0)
    behind = {bump.path: newest - (bump.current.build if bump.current else 0) for bump in wanted}
    largest = max(behind.values(), default=0)
    ranks: dict[str, int] = {}
    known: dict[tuple[str, int], bool] = {}
    for bump in wanted:
        build = bump.current.build if bump.current else 0
        key = (bump.image.repository, build)
        if key not in known:
            known[key] = _is_kept_up(build, releases.get(bump.image.repository))
        if known[key]:
            ranks[bump.path] = (largest // max(behind[bump.path], 1)).bit_length() - 1
    return ranks


def _is_kept_up(build: int, releases: object) -> bool:
    if not isinstance(releases, tuple):  # the registry did not answer
        return False
    newer = sum(1 for release in releases if release.tag.build > build)
    return 0 < newer * _KEPT_UP <= len(releases)


def order_batches(
    free: Sequence[Bump],
    everything: Sequence[Bump],
    max_items: int,
    max_new_per_run: int,
    ranks: Mapping[str, int],
    *,
    together: bool = False,
) -> list[list[Bump]]:
    """Return the new pull requests as lists of bumps, the one to be made first in front.

    A pack that several groups want goes to the safe ones before those at risk, then to what was kept up
    least, then to the group with most items: it is the one that takes longest. Into which pull request of its
    group it goes is decided by best fit, the largest pack first; one larger than `max_items` gets its own.

    Those come first whose items were kept up least; then those with a pack that would end last, as its images
    need more passes one after another than all pull requests together; then those with most items; of these
    the safe ones, by the name of the image.

    The same pull requests come out again, in the same order, when some of them exist by now: so a pass that
    was killed is picked up as it was planned.

    Args:
        free: Bumps that nothing keeps out, by path; no two of one path.
        everything: These, and those that are in open pull requests.
        max_items: Most bumps of a pull request.
        max_new_per_run: Most new pull requests of a pass.
        ranks: See `rank_lags`; 0 for a path that it lacks.
        together: Put images of few items into one pull request, see `put_together`. One that holds several
            images, or few items, also takes what else its packs need, as far as there is room.
    """
    items: dict[Group, int] = defaultdict(int)
    wanted: dict[str, set[Group]] = defaultdict(set)
    for bump in everything:
        group = group_of(bump)
        items[group] += 1
        wanted[bump.item.pack].add(group)
    urgent = _urgent_packs(wanted, items, max_items, max_new_per_run)
    packs: dict[str, dict[Group, list[Bump]]] = defaultdict(dict)
    for bump in free:
        packs[bump.item.pack].setdefault(group_of(bump), []).append(bump)

    def claim(group: Group, bumps: Sequence[Bump]) -> tuple[object, ...]:
        risk_group, repository, wave, _ = group
        return (risk_group, _rank(bumps, ranks), -items[group], repository, wave, _newest_first(bumps))

    mine: dict[Group, list[list[Bump]]] = defaultdict(list)
    for groups in packs.values():
        owner = (
            min(groups, key=lambda group: claim(group, groups[group]))
            if len(groups) > 1
            else next(iter(groups))
        )
        mine[owner].append(groups[owner])

    batches = fill_batches(mine, max_items, ranks, urgent, together=together)
    if together:
        for batch in batches:
            _take_along(batch, packs, max_items)
        batches.sort(key=lambda batch: _order(batch, ranks, urgent))
    return batches


def fill_batches(
    groups: Mapping[Group, Iterable[list[Bump]]],
    max_items: int,
    ranks: Mapping[str, int],
    urgent: Set[str] = frozenset(),
    *,
    together: bool = False,
) -> list[list[Bump]]:
    """Fill pull requests with the packs of each group, in the order of `order_batches`.

    Args:
        groups: The bumps of each pack, by group.
        max_items: Most bumps of a pull request.
        ranks: See `rank_lags`; 0 for a path that it lacks.
        urgent: Packs that have a turn in each pass.
        together: Put images of few items into one pull request, see `put_together`.
    """

    def order(batch: list[Bump]) -> tuple[object, ...]:
        return _order(batch, ranks, urgent)

    batches = sorted((batch for packs in groups.values() for batch in _fit_best(packs, max_items)), key=order)
    return sorted(put_together(batches, max_items), key=order) if together else batches


def put_together(batches: Iterable[list[Bump]], max_items: int) -> list[list[Bump]]:
    """Return pull requests with those of few items put together, up to `max_items`.

    Few is at most half of `max_items`, so that two of them always fit; a larger one stays as it is. Only
    those of one wave and risk group come together, and none with another of its own image. The largest is
    put first, where it leaves least room: so those that are left come together as before when some of them
    exist by now.

    Args:
        batches: Pull requests of one image each, in their order.
        max_items: Most bumps of a pull request.
    """
    made: list[list[Bump]] = []
    mixed: list[tuple[list[Bump], set[str], tuple[str, str]]] = []
    for batch in sorted(batches, key=lambda batch: -len(batch)):
        image, kind = batch[0].image.repository, (batch[0].wave, batch[0].risk_group)
        fitting = [
            (others, images)
            for others, images, its_kind in mixed
            if its_kind == kind and image not in images and len(others) + len(batch) <= max_items
        ]
        if len(batch) * 2 > max_items:
            made.append(batch)
        elif fitting:
            others, images = max(fitting, key=lambda one: len(one[0]))
            others += batch
            images.add(image)
        else:
            made.append(list(batch))
            mixed.append((made[-1], {image}, kind))
    return made


def _take_along(batch: list[Bump], packs: Mapping[str, Mapping[Group, list[Bump]]], max_items: int) -> None:
    """Add what else the packs of a small pull request need, most first, as far as there is room.

    What is added has the same wave and risk group, and of an image that is in it already the same target.
    """
    kind = (batch[0].risk_group, batch[0].wave)
    targets = {bump.image.repository: bump.target.tag.text for bump in batch}
    if len(targets) == 1 and len(batch) * 2 > max_items:
        return
    held = {(bump.item.pack, group_of(bump)) for bump in batch}
    more = [
        (group, bumps)
        for pack in dict.fromkeys(bump.item.pack for bump in batch)
        for group, bumps in packs[pack].items()
        if (pack, group) not in held and (group[0], group[2]) == kind
    ]
    for group, bumps in sorted(more, key=lambda one: (-len(one[1]), one[0], one[1][0].path)):
        fits = len(batch) + len(bumps) <= max_items
        if fits and targets.setdefault(group[1], group[3]) == group[3]:
            batch += bumps


def _order(batch: Sequence[Bump], ranks: Mapping[str, int], urgent: Set[str]) -> tuple[object, ...]:
    risk_group, repository, wave, _ = group_of(batch[0])
    packs = [bump.item.pack for bump in batch]
    first = (_rank(batch, ranks), urgent.isdisjoint(packs), -len(batch))
    return (*first, risk_group, repository, wave, _newest_first(batch), packs)


def _newest_first(bumps: Sequence[Bump]) -> tuple[object, ...]:
    """Return what puts a group of a newer target first, and tells two targets apart in any case."""
    tag = bumps[0].target.tag
    return (-tag.build, tuple(-part for part in tag.parts), tag.text)


def _rank(bumps: Iterable[Bump], ranks: Mapping[str, int]) -> int:
    return min(ranks.get(bump.path, 0) for bump in bumps) if ranks else 0


def _urgent_packs(
    groups: Mapping[str, Set[Group]], items: Mapping[Group, int], max_items: int, max_new_per_run: int
) -> set[str]:
    """Return the packs with more groups than all pull requests need passes: each pass takes one of a pack."""
    fewest = sum(_divide_up(number, max_items) for number in items.values())
    passes = _divide_up(fewest, max(max_new_per_run, 1))
    return {pack for pack, wanted in groups.items() if len(wanted) > passes}


def _divide_up(number: int, by: int) -> int:
    return -(-number // by)


def _fit_best(packs: Iterable[list[Bump]], max_items: int) -> list[list[Bump]]:
    """Put whole packs where they leave least room, the largest first; among equals where room was first."""
    batches: list[list[Bump]] = []
    by_room: dict[int, deque[list[Bump]]] = defaultdict(deque)
    for bumps in sorted(packs, key=lambda bumps: (-len(bumps), bumps[0].item.pack)):
        room = min((room for room in by_room if room >= len(bumps)), default=None)
        if room is None:
            batch: list[Bump] = []
            batches.append(batch)
            room = max_items
        else:
            batch = by_room[room].popleft()
            if not by_room[room]:
                del by_room[room]
        batch += bumps
        if room > len(bumps):
            by_room[room - len(bumps)].append(batch)
    return batches
