"""Reads an image page as published in demisto/dockerfiles-info.

Source: the pages of that repository, formats of 2018 to 2026: a heading, a banner on deprecated images,
`Docker Metadata` (size, date, environment, labels, system), `Docker Trust` (signed digests) and sections
of the packages of Python and of the system. What cannot be read costs that part alone.
"""

import re
from collections.abc import Iterator

from autobump.images.inside.facts import (
    ImageFacts,
    PackageFacts,
    parse_digest,
    parse_licence,
    parse_moment,
    parse_python,
    parse_size,
)
from autobump.images.inside.system import parse_system_packages

_MAX_LINE = 4096
"""Most characters of a line that is read; the longest published one has 523."""

_MAX_PACKAGES = 1000
"""Most packages of an image; of more none is known. The image with the most has 219."""

# No pattern tries a place of a line twice.
_TITLE = re.compile(r"# `[^`:]+:([^`]+)`")
_SECTION = re.compile(r"## ++`?([^`]+)`?")
_FIELD = re.compile(r"- (Image Size|Created): (.+)")
_ENTRY = re.compile(r"  - `([A-Z_]+)=(.*)`")
_SIGNED = re.compile(r"(\S+) +([0-9a-f]{64}) .*")
_PACKAGE = re.compile(r"### `(.+)`")
_DETAIL = re.compile(r"\* (Version|License)(?: ::|:) ?(.*)")


def parse_page(text: str) -> ImageFacts:
    """Read what a page tells; never raises.

    Args:
        text: The page; one cut off in the middle gives what stands before the cut.
    """
    lines = [line for line in text.splitlines() if len(line) <= _MAX_LINE]
    title = next((match for line in lines[:5] if (match := _TITLE.fullmatch(line.rstrip()))), None)
    sections = dict(_sections(lines))
    metadata = sections.get("Docker Metadata", [])
    fields = {match[1]: match[2] for line in metadata if (match := _FIELD.fullmatch(line.rstrip()))}
    entries = {match[1]: match[2] for line in metadata if (match := _ENTRY.fullmatch(line.rstrip()))}
    packages = dict(_read_packages(sections.get("Python Packages", [])))
    banner = any("image is deprecated" in name for name in sections)
    return ImageFacts(
        created=parse_moment(fields.get("Created", "").strip("`")),
        digest=_find_digest(sections.get("Docker Trust", []), title[1] if title else ""),
        python=parse_python(entries.get("PYTHON_VERSION")),
        system=entries.get("PRETTY_NAME", "").strip('"') or None,
        size_mb=parse_size(fields.get("Image Size")),
        packages=packages if "Python Packages" in sections and len(packages) <= _MAX_PACKAGES else None,
        system_packages=parse_system_packages(sections.get("OS Packages", [])),
        deprecated=entries.get("DEPRECATED_REASON", "").strip()
        or ("no reason given" if banner or entries.get("DEPRECATED_IMAGE") == "true" else ""),
    )


def _sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the lines of each section; of two alike the last counts."""
    name, begin = "", 0
    for number, line in enumerate(lines):
        if match := _SECTION.fullmatch(line.rstrip()):
            yield name, lines[begin:number]
            name, begin = match[1], number + 1
    yield name, lines[begin:]


def _find_digest(lines: list[str], tag: str) -> str | None:
    for line in lines:
        if (match := _SIGNED.fullmatch(line)) and match[1] == tag:
            return parse_digest(match[2])
    return None


def _read_packages(lines: list[str]) -> Iterator[tuple[str, PackageFacts]]:
    """Yield each package; the first licence given is the one its index page shows."""
    name, version, licence = "", "", ""
    for line in [*lines, "### `end`"]:
        if match := _PACKAGE.fullmatch(line.rstrip()):
            if name:
                yield name, PackageFacts(version, licence)
            name, version, licence = match[1], "", ""
        elif match := _DETAIL.fullmatch(line.rstrip()):
            if match[1] == "Version":
                version = version or match[2].strip()
            else:
                licence = licence or parse_licence(match[2])
