"""Rollouts that finish: while one runs, a newer tag waits until its last wave is merged or closed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from autobump.decisions.bump import Bump
from autobump.images.choice import Release
from autobump.images.reference import Tag, find_immutable_tag
from autobump.planning.plan import Waiting, WaitReason
from autobump.planning.waves import WavePullRequest
from autobump.support.markdown import count

ReplaceName = Literal["security", "always", "never"]

Target = tuple[str, str]
"""Image and tag."""


def _allow(_bump: Bump, _release: Release) -> bool | None:
    return True


def _fix_nothing(_image: str, _older: str, _newer: str) -> bool:
    return False


class RolloutRules(Struct, frozen=True):
    """What decides whether a rollout keeps its target, beside its pull requests.

    Attributes:
        replace: See the setting `rollout.replace`.
        found: What the registry holds of each image, newest first; something else where it did not answer.
        refused: Image, target and pack of pull requests that people closed: these wait for nothing.
        overwritten: Targets whose digest is another one than when their pull requests were made.
        unconfirmed: Targets whose manifest the registry did not show in this pass.
        may_take: Whether the holds of an item let it move to a tag; None when that cannot be told now.
        fixes: Whether moving an image from one tag to another fixes something of the severity that counts.
        partial: Only some packs or paths take part, so that a rollout can look done and is not.
    """

    replace: ReplaceName = "security"
    found: Mapping[str, object] = field(default_factory=dict)
    refused: Set[tuple[str, str, str]] = frozenset()
    overwritten: Set[Target] = frozenset()
    unconfirmed: Set[Target] = frozenset()
    may_take: Callable[[Bump, Release], bool | None] = _allow
    fixes: Callable[[str, str, str], bool] = _fix_nothing
    partial: bool = False


class Kept(Struct, frozen=True):
    """Updates with the target that is theirs now, and those that wait for a rollout; both sorted by path."""

    bumps: tuple[Bump, ...]
    waiting: tuple[Waiting, ...] = ()


def keep_targets(
    bumps: Iterable[Bump], pull_requests: Sequence[WavePullRequest], rules: RolloutRules
) -> Kept:
    """Give every update of a running rollout its target, and let those that have it already wait.

    The rollout of an item is the newest of its image that has begun in waves. It runs while a pull request of
    it is open, or an item is left that neither got it nor was refused it. An item that a hold keeps from it
    waits as well, or it would begin a newer one; with an older tag it goes on by itself. What got the target
    of a rollout in an earlier round of the pass gets the newest one again when that is over.

    Args:
        bumps: Everything that could be updated.
        pull_requests: Those that are open, merged, or closed by people.
        rules: What decides beside them.
    """
    begun: dict[str, dict[str, list[WavePullRequest]]] = defaultdict(lambda: defaultdict(list))
    for pr in pull_requests:
        begun[pr.image][pr.target].append(pr)
    kept: list[Bump] = []
    waiting: list[Waiting] = []
    rollouts: dict[Target, _Rollout] = {}
    finder = _Finder(begun, rules)
    for bump in sorted(bumps, key=lambda bump: bump.path):
        image = bump.image.repository
        release, allowed = finder.find(bump)
        if release is None:
            kept.append(_retarget(bump, _newest(bump)))
            continue
        key = (image, release.tag.text)
        if key not in rollouts:
            rollouts[key] = _Rollout(image, release, begun[image][release.tag.text], rules)
        rollouts[key].add(bump, allowed=allowed)
    for rollout in rollouts.values():
        kept += rollout.bumps()
        waiting += rollout.waiting()
    return Kept(
        tuple(sorted(kept, key=lambda bump: bump.path)),
        tuple(sorted(waiting, key=lambda wait: wait.bump.path)),
    )


def find_begun(pull_requests: Iterable[WavePullRequest]) -> dict[Target, set[str]]:
    """Return the targets whose rollouts may run, each with the digests its pull requests were made for.

    It is the newest of each image that has begun in waves, and what has open pull requests beside it.
    """
    newest: dict[str, Tag] = {}
    digests: dict[Target, set[str]] = defaultdict(set)
    opened: set[Target] = set()
    for pr in pull_requests:
        tag = find_immutable_tag(pr.target) if pr.wave else None
        if tag is None:
            continue
        newest[pr.image] = max(tag, newest.get(pr.image, tag))
        digests[pr.image, pr.target] |= {pr.digest} - {""}
        if pr.is_open:
            opened.add((pr.image, pr.target))
    wanted = opened | {(image, tag.text) for image, tag in newest.items()}
    return {target: digests[target] for target in sorted(wanted)}


class _Finder:
    """Finds the rollout of an item."""

    def __init__(self, begun: Mapping[str, Mapping[str, list[WavePullRequest]]], rules: RolloutRules) -> None:
        self._begun = begun
        self._rules = rules
        self._targets: dict[str, list[Release | None]] = {}

    def find(self, bump: Bump) -> tuple[Release | None, bool | None]:
        """Return the target of its rollout, or None, and whether the item may take it; None if not known."""
        image = bump.image.repository
        if image not in self._targets:
            self._targets[image] = list(self._list(image))
        for release in self._targets[image]:
            if release is None:
                return None, True
            if release.tag.build > _newest(bump).tag.build:
                continue
            return release, self._rules.may_take(bump, release)
        return None, True

    def _list(self, image: str) -> Iterable[Release | None]:
        """Yield the targets that began in waves, newest first; None for one that must not be used."""
        found = self._rules.found.get(image)
        known = {release.tag.text: release for release in found} if isinstance(found, tuple) else {}
        tags = (
            find_immutable_tag(text)
            for text, prs in self._begun.get(image, {}).items()
            if any(pr.wave for pr in prs)
        )
        for tag in sorted(filter(None, tags), key=_order, reverse=True):
            yield None if (image, tag.text) in self._rules.overwritten else known.get(tag.text)


class _Rollout:
    """One image and target whose waves have begun, and the items that are part of it."""

    def __init__(
        self,
        image: str,
        release: Release,
        prs: Sequence[WavePullRequest],
        rules: RolloutRules,
    ) -> None:
        self._image = image
        self._release = release
        self._rules = rules
        opened, ended = [pr for pr in prs if pr.is_open], [pr for pr in prs if not pr.is_open]
        self._is_open = bool(opened)
        self._open = {path for pr in opened for path in pr.paths}
        self._done = {path for pr in ended for path in pr.paths}
        self._done_packs = {pack for pr in ended if not pr.paths for pack in pr.packs}
        self._left = set(self._open)
        self._taking: list[Bump] = []
        self._others: list[Bump] = []

    def add(self, bump: Bump, *, allowed: bool | None) -> None:
        """Note an item; `allowed` says whether it may take the target, None that this cannot be told."""
        has_it = bump.current is not None and bump.current.build >= self._release.tag.build
        if has_it or allowed is False:
            self._others.append(bump)
            return
        if self._is_left(bump):
            self._left.add(bump.path)
        unsure = allowed is None and bump.path not in self._open
        (self._others if unsure else self._taking).append(bump)

    def bumps(self) -> list[Bump]:
        """Return the items that take part in a plan, each with its target."""
        if self._runs():
            return [_retarget(bump, self._release) for bump in self._taking]
        return [_retarget(bump, _newest(bump)) for bump in (*self._taking, *self._others)]

    def waiting(self) -> list[Waiting]:
        """Return the items that wait until it is over."""
        if not self._runs():
            return []
        tag = self._release.tag
        why = f"the rollout of {tag} comes first: {count(len(self._left), 'item')} to go"
        if not self._left:
            why = f"the rollout of {tag} comes first"
        if self._rules.partial:
            why = f"a pass over a part cannot tell whether the rollout of {tag} is done"
        return [
            Waiting(_retarget(bump, _newest(bump)), WaitReason.WAITING_FOR_WAVE, why) for bump in self._others
        ]

    def _runs(self) -> bool:
        tag = self._release.tag.text
        if self._rules.replace == "always":
            return False
        if self._rules.replace == "security":
            newer = {_newest(bump).tag.text for bump in (*self._taking, *self._others)} - {tag}
            if any(self._rules.fixes(self._image, tag, text) for text in sorted(newer)):
                return False
        in_doubt = self._rules.partial or (self._image, tag) in self._rules.unconfirmed
        return in_doubt or self._is_open or bool(self._left)

    def _is_left(self, bump: Bump) -> bool:
        """Whether an item is still to get the target: nothing that was merged or closed was to bring it."""
        pack = bump.item.pack
        if (self._image, self._release.tag.text, pack) in self._rules.refused:
            return False
        return bump.path not in self._done and pack not in self._done_packs


def _newest(bump: Bump) -> Release:
    return bump.newest or bump.target


def _retarget(bump: Bump, target: Release) -> Bump:
    """Return an update with a target; what was found out of another one is forgotten."""
    newest = _newest(bump)
    if bump.target.tag == target.tag:
        return bump
    return replace(
        bump,
        target=target,
        newest=None if newest.tag == target.tag else newest,
        risk=None,
        risk_group="",
        may_join=True,
        advisories=None,
        fixes_security=False,
    )


def _order(tag: Tag) -> tuple[int, tuple[int, ...], str]:
    return tag.order
