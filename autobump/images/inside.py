"""What changes between two tags of an image."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from autobump.images.facts import ImageFacts, PackageFacts
from autobump.images.licences import LicenceKind, classify_licence

_FIRST_YEAR = 1990
_NOISE = re.compile(r"\b(?:the|licen[cs]e|software)\b|[^a-z0-9]+")


@lru_cache(maxsize=1 << 14)
def package_key(name: str) -> str:
    """Return the name of a package that is the same in every spelling."""
    return canonicalize_name(name)


class ChangeKind(StrEnum):
    """What happened to a package; the order is the one a reviewer wants."""

    REMOVED = "removed"
    DOWNGRADED = "downgraded"
    MAJOR = "major"
    CHANGED = "changed"
    ADDED = "added"
    MINOR = "minor"
    PATCH = "patch"


@dataclass(frozen=True, slots=True)
class PackageChange:
    """One package that is not the same in both images.

    Attributes:
        name: As the newer image spells it, or the older one when it was removed.
        kind: What happened; `CHANGED` when the versions cannot be compared.
        old: What the older image holds, or None.
        new: What the newer image holds, or None.
    """

    name: str
    kind: ChangeKind
    old: PackageFacts | None
    new: PackageFacts | None

    @property
    def key(self) -> str:
        """The name that is the same in every spelling."""
        return package_key(self.name)


@dataclass(frozen=True, slots=True)
class LicenceChange:
    """A package that came in, or whose licence changed; `old` is None for one that came in."""

    name: str
    old: str | None
    new: str
    kind: LicenceKind


@dataclass(frozen=True, slots=True)
class ImageDiff:
    """What changes inside an image.

    Attributes:
        old: Facts of the older tag.
        new: Facts of the newer tag.
        changes: Packages by kind, then by name; None when the packages of one of the two are unknown.
        licences: Licences of packages that came in, and changed ones, by name; `kind` is that of the new one.
    """

    old: ImageFacts
    new: ImageFacts
    changes: tuple[PackageChange, ...] | None
    licences: tuple[LicenceChange, ...]

    @property
    def changes_python(self) -> bool:
        """Whether Python changes its major or minor version."""
        return bool(self.old.python and self.new.python) and self.old.python_minor != self.new.python_minor

    def count(self, *kinds: ChangeKind) -> int:
        """Return how many packages changed in one of these ways."""
        return sum(1 for change in self.changes or () if change.kind in kinds)


@dataclass(frozen=True, slots=True)
class NamedDiff:
    """A difference and what it is between: `namespace/name`, the older and the newer tag."""

    repository: str
    old: str
    new: str
    diff: ImageDiff


def compare_images(old: ImageFacts, new: ImageFacts) -> ImageDiff:
    """Compare two tags of an image; packages are the same when their normalised names are."""
    if old.packages is None or new.packages is None:
        return ImageDiff(old, new, None, ())
    before, after = _by_key(old.packages), _by_key(new.packages)
    changes: list[PackageChange] = []
    licences: list[LicenceChange] = []
    for key in before.keys() | after.keys():
        old_name, was = before.get(key, ("", None))
        new_name, now = after.get(key, ("", None))
        name = new_name or old_name
        if kind := _compare(was, now):
            changes.append(PackageChange(name, kind, was, now))
        if now is not None and (was is None or _changes_licence(was.licence, now.licence)):
            old_licence = None if was is None else was.licence
            licences.append(LicenceChange(name, old_licence, now.licence, classify_licence(now.licence)))
    order = list(ChangeKind)
    return ImageDiff(
        old,
        new,
        tuple(sorted(changes, key=lambda change: (order.index(change.kind), change.key))),
        tuple(sorted(licences, key=lambda change: package_key(change.name))),
    )


# The tags of an image, and the images, hold much the same packages.
@lru_cache(maxsize=1 << 16)
def compare_versions(old: str, new: str) -> ChangeKind | None:
    """Say how far two versions are apart, or None when they are the same.

    Anything below the second part counts as a patch. Where the first part is a year, as in pytz 2026.1, it
    promises nothing and counts as minor. What is no version is compared as text.
    """
    if old == new:
        return None
    try:
        was, now = Version(old), Version(new)
    except InvalidVersion:
        return ChangeKind.CHANGED
    if was == now:
        return None
    if now < was:
        return ChangeKind.DOWNGRADED
    if (was.epoch, was.major) == (now.epoch, now.major):
        return ChangeKind.MINOR if was.minor != now.minor else ChangeKind.PATCH
    by_year = was.epoch == now.epoch and min(was.major, now.major) >= _FIRST_YEAR
    return ChangeKind.MINOR if by_year else ChangeKind.MAJOR


def _compare(old: PackageFacts | None, new: PackageFacts | None) -> ChangeKind | None:
    if old is None:
        return ChangeKind.ADDED
    if new is None:
        return ChangeKind.REMOVED
    return compare_versions(old.version, new.version)


def _changes_licence(old: str, new: str) -> bool:
    """Whether a package names another licence; one that names none any more has only moved its metadata."""
    return bool(new) and _NOISE.sub("", old.casefold()) != _NOISE.sub("", new.casefold())


def _by_key(packages: Mapping[str, PackageFacts]) -> dict[str, tuple[str, PackageFacts]]:
    return {package_key(name): (name, facts) for name, facts in sorted(packages.items())}
