"""How many passes the corpus needs when everything is merged after each: `python -m benchmarks.order`.

Today's order beside the one by name that came before it, and with `group: batch`, at the default limits.
"""

import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from autobump.content.tree import ContentTree
from autobump.decisions.bump import Bump
from autobump.images.sources import open_tag_source
from autobump.passes.one import Pass
from autobump.planning.plan import Limits, plan_pull_requests
from autobump.settings.model import Settings
from autobump.support.progress import Silent
from tests.fixtures.corpus import corpus_folder, unpack_content

Batch = list[Bump]
LARGEST = "demisto/python3"


def read_bumps(repository: Path) -> tuple[Bump, ...]:
    """Return every update of a content repository to the tags of the corpus."""
    source = open_tag_source(f"file:{corpus_folder() / 'images-2026-05.json.xz'}")
    tree = ContentTree.open(repository)
    return Pass(tree, Settings(), source, datetime(2026, 6, 1, tzinfo=UTC), Silent()).evaluate({}).bumps


def plan_by_achievement(bumps: Sequence[Bump], limits: Limits) -> list[Batch]:
    """Return the pull requests of one pass as autobump plans them."""
    return [list(pr.bumps) for pr in plan_pull_requests(bumps, limits).pull_requests]


def plan_in_batches(bumps: Sequence[Bump], limits: Limits) -> list[Batch]:
    """Return the pull requests of one pass with images of few items put together."""
    return plan_by_achievement(bumps, replace(limits, together=True))


def plan_by_name(bumps: Sequence[Bump], limits: Limits) -> list[Batch]:
    """Return the pull requests of one pass by the name of the image, each filled pack after pack."""
    groups: dict[str, dict[str, Batch]] = defaultdict(lambda: defaultdict(list))
    for bump in bumps:
        groups[bump.image.repository][bump.item.pack].append(bump)
    made: list[Batch] = []
    claimed: set[str] = set()
    for _, packs in sorted(groups.items()):
        batches: list[Batch] = []
        for pack in sorted(packs.keys() - claimed):
            if not batches or len(batches[-1]) + len(packs[pack]) > limits.max_items:
                batches.append([])
            batches[-1] += packs[pack]
        for batch in batches[: limits.max_new_per_run - len(made)]:
            made.append(batch)
            claimed |= {bump.item.pack for bump in batch}
    return made


def merge_all(
    plan: Callable[[Sequence[Bump], Limits], list[Batch]], bumps: Sequence[Bump], limits: Limits
) -> list[list[Batch]]:
    """Return the pull requests of each pass until nothing is left."""
    left, passes = list(bumps), []
    while left:
        passes.append(plan(left, limits))
        done = {bump.path for batch in passes[-1] for bump in batch}
        left = [bump for bump in left if bump.path not in done]
    return passes


def fewest(bumps: Sequence[Bump], limits: Limits) -> tuple[int, int, int]:
    """Return the fewest pull requests, the fewest passes for so many, and the most images of one pack.

    A pack is in one open pull request at a time, so it needs a pass for each of its images.
    """
    images: dict[str, set[str]] = defaultdict(set)
    for bump in bumps:
        images[bump.item.pack].add(bump.image.repository)
    number = 0
    for image in {bump.image.repository for bump in bumps}:
        mine = [bump for bump in bumps if bump.image.repository == image]
        lifted = Limits(limits.max_items, max_open=len(mine), max_new_per_run=len(mine))
        number += len(plan_pull_requests(mine, lifted).pull_requests)
    return number, math.ceil(number / limits.max_new_per_run), max(map(len, images.values()))


def describe(bumps: Sequence[Bump]) -> str:
    """Return the table of passes, pull requests and items of each order."""
    limits = Limits()
    number, passes, most = fewest(bumps, limits)
    lines = [
        f"{len(bumps):,} updates at the default limits, everything merged after each pass",
        f"fewest pull requests {number}, in passes of {limits.max_new_per_run}: {passes}; "
        f"a pack with {most} images needs {most} passes",
        "",
        f"{'':16}{'passes':>8}{'pull requests':>15}{'items after 1':>15}{'5':>6}{'10':>6}{'20':>6}"
        f"{f'first {LARGEST}':>24}",
    ]
    orders = (
        ("by name", plan_by_name),
        ("by achievement", plan_by_achievement),
        ("in batches", plan_in_batches),
    )
    for name, plan in orders:
        made = merge_all(plan, bumps, limits)
        items = [sum(map(len, batches)) for batches in made]
        shares = [f"{sum(items[:number]) / len(bumps):.0%}" for number in (1, 5, 10, 20)]
        images = [Counter(bump.image.repository for batch in batches for bump in batch) for batches in made]
        first = next(number for number, counts in enumerate(images, 1) if counts[LARGEST])
        lines.append(
            f"{name:16}{len(made):>8}{sum(map(len, made)):>15}{shares[0]:>15}"
            + "".join(f"{share:>6}" for share in shares[1:])
            + f"{f'pass {first}':>24}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="autobump-order-") as folder:
        print(describe(read_bumps(unpack_content(Path(folder) / "content"))))


if __name__ == "__main__":
    main()
