"""The packages of an image's operating system, and which of them differ between two tags.

Source: the image pages in demisto/dockerfiles-info, which print what `apk list` says on Alpine and
`dpkg-query --show` on Debian and Ubuntu. Neither tells licences; only the former tells the source package.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

_MAX_PACKAGES = 5000
"""Most packages of an image; of more none is known. The page with the most has 506."""

_APK = re.compile(r"\* (\S+)-(\d[^\s-]*-r\d+) \S+ \{([^{}\s]+)\}.*")
_APK_VIRTUAL = re.compile(r"\* \.\S+ \S+ \{\S+\}.*")
_DPKG = re.compile(r"\* ([^\s:]+)(?::\S+)?\t(\S+)")
_ALPINE = re.compile(r"Alpine Linux v(\d{1,3}\.\d{1,3})")


class SystemPackage(Struct, frozen=True, array_like=True):
    """One package of the operating system.

    Attributes:
        version: As the system spells it.
        source: The package that it is built from, or empty when the page does not tell.
    """

    version: str
    source: str = ""


class SystemChange(NamedTuple):
    """One package that is not the same in both images; a version is empty where there is none."""

    name: str
    old: str
    new: str


class InstalledOfSystem(NamedTuple):
    """A source package and its version, in an ecosystem as OSV names it, such as `Alpine:v3.17`."""

    ecosystem: str
    package: str
    version: str


def parse_system_packages(lines: Iterable[str]) -> dict[str, SystemPackage] | None:
    """Read the packages that a page lists; None when one line is no package, or there are none.

    What an image is built with for a moment (`.python-rundeps`) is no package.
    """
    packages: dict[str, SystemPackage] = {}
    for line in lines:
        if match := _DPKG.fullmatch(line.rstrip()):
            packages[match[1]] = SystemPackage(match[2])
        elif match := _APK.fullmatch(line.rstrip()):
            packages[match[1]] = SystemPackage(match[2], match[3])
        elif line.strip() and not _APK_VIRTUAL.fullmatch(line.rstrip()):
            return None
    return packages if 0 < len(packages) <= _MAX_PACKAGES else None


def compare_system_packages(
    old: Mapping[str, SystemPackage], new: Mapping[str, SystemPackage]
) -> tuple[SystemChange, ...]:
    """Return the packages that differ, by name."""
    empty = SystemPackage("")
    return tuple(
        SystemChange(name, was, now)
        for name in sorted(old.keys() | new.keys())
        if (was := old.get(name, empty).version) != (now := new.get(name, empty).version)
    )


def summarise_system_packages(changes: Iterable[SystemChange]) -> str:
    """Say in a few words how many packages differ."""
    counts = {"removed": 0, "changed": 0, "added": 0}
    for change in changes:
        counts["added" if not change.old else "changed" if change.new else "removed"] += 1
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "the same"


def name_installed(
    system: str | None, packages: Mapping[str, SystemPackage] | None
) -> frozenset[InstalledOfSystem] | None:
    """Return what advisories are asked for by; None where the system or its source packages are not known."""
    match = _ALPINE.fullmatch(system or "")
    if match is None or packages is None:
        return None
    ecosystem = f"Alpine:v{match[1]}"
    return frozenset(
        InstalledOfSystem(ecosystem, one.source, one.version) for one in packages.values() if one.source
    )
