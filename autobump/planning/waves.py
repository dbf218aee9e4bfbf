"""Rollout in waves: whose turn it is for an image and a target, told by the pull requests alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.images.registries import names_of
from autobump.planning.plan import Waiting, WaitReason
from autobump.support.markdown import count

REST = "rest"
"""Name of the wave behind the last one, which takes what no other wave does."""


class Wave(Struct, frozen=True):
    """One wave; see the settings `rollout.waves`.

    Attributes:
        name: Its name, unique.
        min_coverage: Least unit-test coverage of an item, in percent.
        max_coverage: Most unit-test coverage of an item, in percent.
        support: Support levels of packs; empty for all.
        nightly: Only packs that are tested nightly, or only the others; None for all.
        packs: Patterns of pack folders; empty for all.
        images: Patterns of `namespace/name`; empty for all.
        max_items: Most items of it for one image and target; the others fall to the next that takes them.
        soak: Time after its last pull request is merged or closed, before the next wave opens.
    """

    name: str
    min_coverage: float = 0
    max_coverage: float = 100
    support: tuple[str, ...] = ()
    nightly: bool | None = None
    packs: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    max_items: int | None = None
    soak: timedelta = timedelta()

    def accepts(self, bump: Bump, data: "WaveData") -> bool:
        """Whether an update belongs to it, as far as its number is not the question."""
        return (
            self.min_coverage <= data.coverage_of(bump) <= self.max_coverage
            and (not self.support or bump.pack.support_level in self.support)
            and (self.nightly is None or (bump.item.pack in data.nightly_packs) is self.nightly)
            and _matches(self.packs, bump.item.pack)
            and any(_matches(self.images, name) for name in names_of(bump.image.repository))
        )


class WaveData(Struct, frozen=True):
    """What waves select by, beside the items themselves.

    Attributes:
        coverage: Unit-test coverage in percent, by the path of the Python file in lower case.
        nightly_packs: Folders of packs that are tested nightly.
    """

    coverage: Mapping[str, float] = field(default_factory=dict)
    nightly_packs: frozenset[str] = frozenset()

    def coverage_of(self, bump: Bump) -> float:
        """Return an item's coverage in percent; one that is not in the report has none."""
        return self.coverage.get(f"{bump.path.removesuffix('.yml')}.py".lower(), 0)


class WavePullRequest(Struct, frozen=True):
    """What planning must know of one image of a pull request that is open, merged, or closed by a person.

    Attributes:
        image: The image.
        target: Tag it updates the image to.
        wave: Name of its wave; empty when it was made without waves.
        paths: Paths of its items of that image.
        is_open: Neither merged nor closed.
        done_at: When it was merged or closed, with timezone; None when open or not known.
        packs: Packs of its items of that image.
        digest: Digest of the target when it was made, or empty.
        is_merged: It was merged.
    """

    image: str
    target: str
    wave: str
    paths: tuple[str, ...]
    is_open: bool
    done_at: datetime | None = None
    packs: tuple[str, ...] = ()
    digest: str = ""
    is_merged: bool = False


class Turns(Struct, frozen=True):
    """Updates whose turn it is, and those that wait; both sorted by path."""

    ready: tuple[Bump, ...]
    waiting: tuple[Waiting, ...]


def take_turns(
    bumps: Iterable[Bump],
    waves: Sequence[Wave],
    pull_requests: Sequence[WavePullRequest],
    refused: Set[tuple[str, str, str]],
    data: WaveData,
    now: datetime,
    *,
    partial: bool = False,
) -> Turns:
    """Say whose turn it is.

    Args:
        bumps: Everything that could be updated.
        waves: In the order they open; none to let everything through.
        pull_requests: Those that are open or were ended by people.
        refused: Image, target and pack of pull requests that people closed: these wait for nothing.
        data: What waves select by.
        now: The time of the pass, with timezone.
        partial: Only some packs or paths take part, so that a wave can look done and is not.

    Returns:
        Each update once. What an open pull request holds stays ready, whatever became of its wave.
    """
    if not waves and not pull_requests:
        return Turns(tuple(sorted(bumps, key=lambda bump: bump.path)), ())
    groups: dict[tuple[str, str], list[Bump]] = defaultdict(list)
    for bump in sorted(bumps, key=lambda bump: bump.path):
        groups[bump.image.repository, bump.target.tag.text].append(bump)
    ready: list[Bump] = []
    waiting: list[Waiting] = []
    for (image, target), group in groups.items():
        mine = [pr for pr in pull_requests if (pr.image, pr.target) == (image, target)]
        rollout = _Rollout(waves, mine, data, now, partial=partial)
        refused_packs = {
            pack for refused_image, tag, pack in refused if (refused_image, tag) == (image, target)
        }
        turns = rollout.take_turns(group, refused_packs)
        ready += turns.ready
        waiting += turns.waiting
    return Turns(
        tuple(sorted(ready, key=lambda bump: bump.path)),
        tuple(sorted(waiting, key=lambda wait: wait.bump.path)),
    )


class _Rollout:
    """The waves of one image and target."""

    def __init__(
        self,
        waves: Sequence[Wave],
        prs: Sequence[WavePullRequest],
        data: WaveData,
        now: datetime,
        *,
        partial: bool,
    ) -> None:
        self._waves = [*waves, Wave(REST)] if waves else []
        self._prs = prs
        self._data = data
        self._now = now
        self._partial = partial
        self._open = {path: pr.wave for pr in prs if pr.is_open for path in pr.paths}

    def take_turns(self, bumps: Sequence[Bump], refused_packs: Set[str]) -> Turns:
        members = self._assign(bumps)
        names = [wave.name for wave in self._waves]
        # What was made without waves, or in one that the settings do not name any more, goes on as it is.
        ready = [bump for name, group in members.items() if name not in names for bump in group]
        waiting: list[Waiting] = []
        why = ""
        for wave in self._waves:
            group = members.get(wave.name, [])
            pending: list[Bump] = []
            for bump in group:
                stays = bump.path in self._open or bump.item.pack in refused_packs
                (ready if stays else pending).append(bump)
            if why:
                waiting += [Waiting(bump, WaitReason.WAITING_FOR_WAVE, why) for bump in pending]
            else:
                ready += pending
                why = self._why_next_waits(wave, len(pending))
        return Turns(tuple(ready), tuple(waiting))

    def _assign(self, bumps: Sequence[Bump]) -> dict[str, list[Bump]]:
        """Return the members of each wave; what an open pull request holds stays in its wave."""
        used: dict[str, set[str]] = defaultdict(set)
        for pr in self._prs:
            used[pr.wave] |= set(pr.paths)
        members: dict[str, list[Bump]] = defaultdict(list)
        for bump in bumps:
            name = self._open.get(bump.path)
            if name is None:
                name = self._find_wave(bump, used)
            used[name].add(bump.path)
            members[name].append(replace(bump, wave=name))
        return members

    def _find_wave(self, bump: Bump, used: Mapping[str, Set[str]]) -> str:
        for wave in self._waves:
            full = wave.max_items is not None and len(used[wave.name] - {bump.path}) >= wave.max_items
            if not full and wave.accepts(bump, self._data):
                return wave.name
        return ""  # there are no waves: the last one takes everything

    def _why_next_waits(self, wave: Wave, pending: int) -> str:
        mine = [pr for pr in self._prs if pr.wave == wave.name]
        items = pending + sum(len(pr.paths) for pr in mine if pr.is_open)
        if items:
            return f"the wave {wave.name} comes first: {count(items, 'item')} to go"
        later = [one.name for one in self._waves[self._waves.index(wave) + 1 :]]
        if self._partial and not any(pr.wave in later for pr in self._prs):
            return f"a pass over a part cannot tell whether the wave {wave.name} is done"
        done = max((pr.done_at for pr in mine if pr.done_at), default=None)
        if done is not None and self._now < done + wave.soak:
            return f"the wave {wave.name} soaks until {done + wave.soak:%Y-%m-%d %H:%M} UTC"
        return ""


def _matches(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)
