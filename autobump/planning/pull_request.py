"""A planned pull request: the images it updates, each with its target and its bumps."""

from collections.abc import Iterable

from msgspec import Struct

from autobump.decisions.bump import Bump
from autobump.images.choice import Release


class PlannedImage(Struct, frozen=True):
    """One image of a pull request: its target, and its bumps sorted by path.

    Attributes:
        repository: `namespace/name` of the image.
        target: What every bump of it moves to.
        bumps: At least one.
    """

    repository: str
    target: Release
    bumps: tuple[Bump, ...]

    @property
    def packs(self) -> tuple[str, ...]:
        """Folder names of the packs of its items, sorted."""
        return _packs_of(self.bumps)

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of its items, sorted."""
        return tuple(bump.path for bump in self.bumps)


class PlannedPullRequest(Struct, frozen=True):
    """One wave and risk group, and the bumps of one or more images, of each those of whole packs.

    Attributes:
        branch: Its branch; for one that exists, the branch it has.
        images: Its images, each once, the one with most items first, then by name.
        bumps: The bumps of all of them, sorted by path.
    """

    branch: str
    images: tuple[PlannedImage, ...]
    bumps: tuple[Bump, ...]

    @property
    def wave(self) -> str:
        """The wave of all of its bumps."""
        return self.bumps[0].wave

    @property
    def risk_group(self) -> str:
        """The risk group of all of its bumps."""
        return self.bumps[0].risk_group

    @property
    def repository(self) -> str:
        """`namespace/name` of the image with most items."""
        return self.images[0].repository

    @property
    def target(self) -> Release:
        """The target of the image with most items."""
        return self.images[0].target

    @property
    def packs(self) -> tuple[str, ...]:
        """Folder names of its packs, sorted."""
        return _packs_of(self.bumps)

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of its items, sorted."""
        return tuple(bump.path for bump in self.bumps)


def make_pull_request(branch: str, images: Iterable[PlannedImage]) -> PlannedPullRequest:
    """Return a pull request of some images, in any order."""
    ordered = sorted(images, key=lambda image: (-len(image.bumps), image.repository))
    bumps = sorted((bump for image in ordered for bump in image.bumps), key=lambda bump: bump.path)
    return PlannedPullRequest(branch, tuple(ordered), tuple(bumps))


def group_by_image(bumps: Iterable[Bump]) -> dict[str, list[Bump]]:
    """Return bumps by the `namespace/name` of their image, in the order in which they come."""
    groups: dict[str, list[Bump]] = {}
    for bump in bumps:
        groups.setdefault(bump.image.repository, []).append(bump)
    return groups


def _packs_of(bumps: Iterable[Bump]) -> tuple[str, ...]:
    return tuple(sorted({bump.item.pack for bump in bumps}))
