"""Says what a plan leaves for later passes: how many items of each image, and in about how many passes."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec import Struct

from autobump.decisions.bump import Bump
from autobump.planning.order import Group, fill_batches, group_of
from autobump.planning.plan import Limits, Waiting, WaitReason
from autobump.support.markdown import count

QUEUE_HEADERS = ("Image", "Items", "Passes")
"""What `queue_rows` holds."""

_FOR_ROOM = (WaitReason.LIMIT_REACHED, WaitReason.PACK_BUSY)


class QueuedImage(Struct, frozen=True):
    """An image whose items come in later passes.

    Attributes:
        repository: `namespace/name`.
        items: How many of its items wait.
        passes: In about how many passes the last of them is done; None when the limits let none through.
    """

    repository: str
    items: int
    passes: int | None


class Queue(Struct, frozen=True):
    """What comes in later passes.

    Attributes:
        images: Those with most items first, then by name.
        pull_requests: About how many they take.
    """

    images: tuple[QueuedImage, ...] = ()
    pull_requests: int = 0

    @property
    def items(self) -> int:
        """How many items wait."""
        return sum(image.items for image in self.images)

    @property
    def passes(self) -> int | None:
        """In about how many passes all is done; None when the limits let none through."""
        known = [image.passes for image in self.images if image.passes is not None]
        return max(known, default=0) if len(known) == len(self.images) else None


def forecast(waiting: Iterable[Waiting], limits: Limits) -> Queue:
    """Say how what waits for room follows: what the limits cut off, and what waits for a busy pack.

    It assumes that everything that is open is merged between two passes, that each pass makes as many new
    pull requests as the limits allow, most items first, that a pack has one of them in a pass, and that no
    newer tag comes out. What waits for a wave or a person is not in it.

    Args:
        waiting: The bumps of a plan that wait, any order.
        limits: Bounds of each pass.
    """
    bumps = [wait.bump for wait in waiting if wait.reason in _FOR_ROOM]
    packs: dict[Group, dict[str, list[Bump]]] = defaultdict(lambda: defaultdict(list))
    for bump in bumps:
        packs[group_of(bump)][bump.item.pack].append(bump)
    room = min(limits.max_open, limits.max_new_per_run)
    turns: Counter[str] = Counter()
    last: dict[str, int] = defaultdict(int)
    parts = {group: group_packs.values() for group, group_packs in packs.items()}
    batches = list(fill_batches(parts, limits.max_items, {}, together=limits.together))
    for position, batch in enumerate(batches):
        names = {bump.item.pack for bump in batch}
        turns.update(names)
        reached = max(position // room + 1, *(turns[name] for name in names)) if room else 0
        for repository in {bump.image.repository for bump in batch}:
            last[repository] = max(last[repository], reached)
    items = Counter(bump.image.repository for bump in bumps)
    ordered = sorted(items, key=lambda image: (-items[image], image))
    images = tuple(QueuedImage(image, items[image], last[image] or None) for image in ordered)
    return Queue(images, len(batches))


def describe_queue(queue: Queue) -> str:
    """Say in one sentence what follows; nothing when nothing does."""
    if not queue.items:
        return ""
    what = (
        f"{count(queue.items, 'item')} of {count(len(queue.images), 'image')} in "
        f"{count(queue.pull_requests, 'later pull request')}"
    )
    if queue.passes is None:
        return f"{what}, but pull_requests.max_open or pull_requests.max_new_per_run is 0."
    passes = f"{queue.passes:,} more pass{'' if queue.passes == 1 else 'es'}"
    return f"{what}: all is done in about {passes} at these limits, if everything is merged between them."


def queue_rows(queue: Queue) -> list[tuple[str, str, str]]:
    """Return image, items and passes of each image as they read; see `QUEUE_HEADERS`."""
    return [
        (image.repository, f"{image.items:,}", "-" if image.passes is None else f"{image.passes:,}")
        for image in queue.images
    ]


def merge_queues(queues: Iterable[Queue]) -> Queue:
    """Return what comes in later passes of several repositories that are passed over side by side."""
    items: Counter[str] = Counter()
    passes: dict[str, list[int | None]] = defaultdict(list)
    queues = list(queues)
    for queue in queues:
        for image in queue.images:
            items[image.repository] += image.items
            passes[image.repository].append(image.passes)
    merged = []
    for name in sorted(items, key=lambda name: (-items[name], name)):
        known = [number for number in passes[name] if number is not None]
        merged.append(QueuedImage(name, items[name], max(known) if len(known) == len(passes[name]) else None))
    return Queue(tuple(merged), sum(queue.pull_requests for queue in queues))
