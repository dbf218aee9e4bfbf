"""What is inside one image: Python, system, packages, licences."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from autobump.images.inside.system import SystemPackage

_SIZE = re.compile(r"`?(\d{1,7}(?:\.\d{1,4})?) MB`?")
_PYTHON = re.compile(r"\d{1,3}(?:\.\d{1,3}){1,2}")
_APPROVED = "OSI Approved ::"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class PackageFacts(Struct, frozen=True, array_like=True):
    """One installed Python package.

    Attributes:
        version: As its metadata spells it.
        licence: As its metadata spells it, a classifier without `OSI Approved ::`; empty when it says none.
    """

    version: str
    licence: str = ""


class ImageFacts(Struct, frozen=True):
    """What was published of one tag; everything can be unknown.

    Attributes:
        created: When the image was built, with timezone.
        digest: Signed manifest digest, `sha256:…`.
        python: Version of the image's Python, such as `3.12.13`.
        system: Human name of its operating system.
        size_mb: Compressed size in megabytes.
        packages: Python packages by name as published; None when the list is unknown.
        system_packages: Packages of the operating system by name; None when the list is unknown.
        deprecated: Why the image is deprecated, or empty.
    """

    created: datetime | None = None
    digest: str | None = None
    python: str | None = None
    system: str | None = None
    size_mb: float | None = None
    packages: Mapping[str, PackageFacts] | None = None
    system_packages: Mapping[str, SystemPackage] | None = None
    deprecated: str = ""

    @property
    def python_minor(self) -> str | None:
        """Major and minor version of its Python, such as `3.12`."""
        return ".".join(self.python.split(".")[:2]) if self.python else None


def facts_from_record(record: object) -> ImageFacts:
    """Read facts as a tag file holds them; what is missing or odd is unknown.

    Args:
        record: `{"created", "digest", "python", "os", "size", "packages": {name: [version, licence]}}`, with
            `deprecated` where an image is, and `os_packages: {name: [version, source]}` where they are known.
    """
    fields = record if isinstance(record, dict) else {}
    system, packages, deprecated = fields.get("os"), fields.get("packages"), fields.get("deprecated")
    of_system = fields.get("os_packages")
    return ImageFacts(
        created=parse_moment(fields.get("created")),
        digest=parse_digest(fields.get("digest")),
        python=parse_python(fields.get("python")),
        system=system if isinstance(system, str) and system else None,
        size_mb=parse_size(fields.get("size")),
        packages=_packages(packages) if isinstance(packages, dict) else None,
        system_packages=_system_packages(of_system) if isinstance(of_system, dict) else None,
        deprecated=deprecated if isinstance(deprecated, str) else "",
    )


def facts_to_record(facts: ImageFacts) -> dict[str, Any]:
    """Return what `facts_from_record` reads back as the same facts."""
    return {
        "created": facts.created.isoformat() if facts.created else None,
        "digest": facts.digest,
        "python": facts.python,
        "os": facts.system,
        "size": None if facts.size_mb is None else f"{facts.size_mb:.2f} MB",
        "packages": None
        if facts.packages is None
        else {name: [package.version, package.licence] for name, package in facts.packages.items()},
        "os_packages": None
        if facts.system_packages is None
        else {name: [package.version, package.source] for name, package in facts.system_packages.items()},
        "deprecated": facts.deprecated,
    }


def _packages(entries: Mapping[object, object]) -> dict[str, PackageFacts]:
    return {name: _package(version, licence) for name, version, licence in _pairs(entries)}


def _system_packages(entries: Mapping[object, object]) -> dict[str, SystemPackage]:
    return {name: SystemPackage(version, source) for name, version, source in _pairs(entries)}


def _pairs(entries: Mapping[object, object]) -> Iterator[tuple[str, str, str]]:
    for name, entry in entries.items():
        if isinstance(name, str) and isinstance(entry, list) and len(entry) == 2:
            first, second = (part if isinstance(part, str) else "" for part in entry)
            yield name, first, second


# The tags of an image hold much the same packages: one record serves all of them.
@lru_cache(maxsize=1 << 14)
def _package(version: str, licence: str) -> PackageFacts:
    return PackageFacts(version, parse_licence(licence))


def parse_moment(text: object) -> datetime | None:
    """Read an RFC 3339 time; one without a timezone cannot be compared and counts as unknown."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def parse_size(text: object) -> float | None:
    """Read a size such as `29.14 MB`, with or without backticks."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    return float(match[1]) if match else None


def parse_python(text: object) -> str | None:
    """Return a version of Python as written, or None when it is none."""
    return text if isinstance(text, str) and _PYTHON.fullmatch(text) else None


def parse_digest(text: object) -> str | None:
    """Return `sha256:` and 64 hexadecimal digits, which may come without the prefix."""
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    return f"sha256:{match[1]}" if match else None


def parse_licence(text: object) -> str:
    """Return a licence as its package names it, without the words every approved one begins with."""
    licence = text.strip() if isinstance(text, str) else ""
    while licence.startswith(_APPROVED):
        licence = licence.removeprefix(_APPROVED).strip()
    return "" if licence.upper() in ("UNKNOWN", "NONE") else licence
