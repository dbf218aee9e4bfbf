"""What changes between two tags of an image."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property, lru_cache

from msgspec import Struct
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from autobump.images.inside.facts import ImageFacts, PackageFacts
from autobump.images.inside.licences import LicenceKind, classify_licence
from autobump.images.inside.system import SystemChange, compare_system_packages

NOT_TOLD = frozenset({"pip"})
"""Packages that image pages show as of the day the page was made, and not as the image has them."""

_FIRST_YEAR = 1990


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


class PackageChange(Struct, frozen=True):
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


class LicenceChange(Struct, frozen=True):
    """A package that came in, or whose kind of licence changed; `old` is None for one that came in."""

    name: str
    old: str | None
    new: str
    kind: LicenceKind

    @property
    def key(self) -> str:
        """The name that is the same in every spelling."""
        return package_key(self.name)


class ImageDiff(Struct, frozen=True, dict=True):
    """What changes inside an image; packages are the same when their normalised names are.

    Changes are looked for when they are first asked for: a plan needs no more than `versions_of`.

    Attributes:
        old: Facts of the older tag.
        new: Facts of the newer tag.
    """

    old: ImageFacts
    new: ImageFacts

    @property
    def has_packages(self) -> bool:
        """Whether the packages of both are known."""
        return self.old.packages is not None and self.new.packages is not None

    @property
    def changes_python(self) -> bool:
        """Whether Python changes its major or minor version."""
        return bool(self.old.python and self.new.python) and self.old.python_minor != self.new.python_minor

    @cached_property
    def changes(self) -> tuple[PackageChange, ...] | None:
        """Packages by kind, then by name; None when the packages of one of the two are unknown."""
        if not self.has_packages:
            return None
        before, after = _by_key(self.old.packages), _by_key(self.new.packages)
        found: list[PackageChange] = []
        for key in (before.keys() | after.keys()) - NOT_TOLD:
            old_name, was = before.get(key, ("", None))
            new_name, now = after.get(key, ("", None))
            if kind := _compare(was, now):
                found.append(PackageChange(new_name or old_name, kind, was, now))
        order = list(ChangeKind)
        return tuple(sorted(found, key=lambda change: (order.index(change.kind), change.key)))

    @cached_property
    def licences(self) -> tuple[LicenceChange, ...]:
        """Licences of packages that came in, or got one of another kind, by name; `kind` is the new one's."""
        if not self.has_packages:
            return ()
        before, after = _by_key(self.old.packages), _by_key(self.new.packages)
        found: list[LicenceChange] = []
        for key, (name, now) in sorted(after.items()):
            if key in NOT_TOLD:
                continue
            _, was = before.get(key, ("", None))
            kind, old = classify_licence(now.licence), None if was is None else was.licence
            # One that names none any more has only moved its metadata.
            if old is None or (now.licence and classify_licence(old) is not kind):
                found.append(LicenceChange(name, old, now.licence, kind))
        return tuple(found)

    @cached_property
    def system_changes(self) -> tuple[SystemChange, ...] | None:
        """Packages of the operating system that differ, by name; None when those of one are unknown."""
        old, new = self.old.system_packages, self.new.system_packages
        return None if old is None or new is None else compare_system_packages(old, new)

    def count(self, *kinds: ChangeKind) -> int:
        """Return how many packages changed in one of these ways."""
        return sum(1 for change in self.changes or () if change.kind in kinds)


class TagDiff(Struct, frozen=True):
    """A difference and what it is between: `namespace/name`, the older and the newer tag."""

    repository: str
    old: str
    new: str
    diff: ImageDiff


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


def versions_of(facts: ImageFacts) -> dict[str, str]:
    """Return the versions of an image's packages by `package_key`; none when they are unknown."""
    return {package_key(name): package.version for name, package in (facts.packages or {}).items()}


def _by_key(packages: Mapping[str, PackageFacts] | None) -> dict[str, tuple[str, PackageFacts]]:
    return {package_key(name): (name, facts) for name, facts in sorted((packages or {}).items())}
