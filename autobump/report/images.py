"""Images of a search or in use, as table, JSON, a plain list, or for `skopeo sync`."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from autobump.images.advisories.compare import Advisory, count_severities
from autobump.images.advisories.record import Severity
from autobump.images.inside.facts import ImageFacts
from autobump.passes.inspect.image_list import ImageAtTag, ImageList
from autobump.report.json import facts_document
from autobump.support.markdown import count
from autobump.support.printable import printable
from autobump.support.tables import Cell, Sheet, make_table

VERSION = 1
"""Raised when anything but an added key changes."""

NOT_KNOWN = "not known"
_MOST_NAMES = 6
"""Most images that a note names; JSON names all."""


def render_images(found: ImageList, output_format: str, *, colour: bool | None = None) -> str:
    """Write images as `table`, `json`, `list` or `skopeo`.

    Args:
        found: The images.
        output_format: Which of them.
        colour: Whether the table has colours; by default if stdout is a terminal.
    """
    match output_format:
        case "json":
            return _render_json(found)
        case "list":
            return _render_list(found)
        case "skopeo":
            return _render_for_skopeo(found)
        case _:
            return _render_table(found, colour=colour)


def _render_table(found: ImageList, *, colour: bool | None) -> str:
    """Write images as a table for a terminal, and below it what is not known."""
    sheet = Sheet(colour=colour)
    if found.images:
        sheet.line(f"{_headline(found)}.", bold=True)
        columns = _columns(found, wide=sheet.is_wide)
        table = make_table(*columns, numbers=frozenset(name for name, right in columns.items() if right))
        for one in found.images:
            cells = _cells(one)
            table.add_row(*(Cell(cells[name]) for name in columns))
        sheet.table(table)
    for note in describe_unknown(found):
        sheet.line(note)
    return sheet.text


def _render_json(found: ImageList) -> str:
    """Write images as JSON; what is null is not known."""
    document = {
        "version": VERSION,
        "packages": found.wanted,
        "images": [_document(one, found) for one in found.images],
        "unknown": [{"image": name, "detail": detail} for name, detail in found.unknown],
        "unread_files": found.unread,
    }
    return json.dumps(document, indent=2) + "\n"


def _render_list(found: ImageList) -> str:
    """Write what an engine pulls, `registry/path:tag`, one a line, each once, sorted."""
    return "".join(f"{reference}\n" for reference in sorted({one.reference for one in found.images}))


def _render_for_skopeo(found: ImageList) -> str:
    """Write images as the YAML that `skopeo sync --src yaml` reads: registries, images, tags, sorted.

    Source: "YAML file content" in the manual page skopeo-sync(1).
    """
    registries: dict[str, dict[str, set[str]]] = {}
    over_http = set()
    for one in found.images:
        registry, _, path = one.address.partition("/")
        registries.setdefault(registry, {}).setdefault(path, set()).add(one.tag)
        if one.over_http:
            over_http.add(registry)
    lines = []
    for registry, images in sorted(registries.items()):
        lines.append(f"{json.dumps(registry)}:")
        lines += ["  tls-verify: false"] if registry in over_http else []
        lines.append("  images:")
        for path, tags in sorted(images.items()):
            lines.append(f"    {json.dumps(path)}:")
            lines += [f"      - {json.dumps(tag)}" for tag in sorted(tags)]
    return "".join(f"{line}\n" for line in lines)


def describe_unknown(found: ImageList) -> Iterator[str]:
    """Yield a line for everything that a list of images cannot show."""
    if not found.images:
        if found.wanted is None:
            yield "No item uses an image."
        else:
            close = f" Did you mean {found.hint}?" if found.hint else ""
            yield f"No image has {' and '.join(found.wanted)}.{close}"
    if found.images and not found.has_facts:
        yield "What is inside images is not told: there is no source of image facts (registry.facts)."
    elif found.images and not found.has_advisories:
        yield "Known vulnerabilities are not told: there is no source of advisories (registry.advisories)."
    if found.unread:
        those = "is" if found.unread == 1 else "are"
        yield f"{count(found.unread, 'item file')} could not be read, whose images {those} not known."
    by_detail: dict[str, list[str]] = {}
    for name, detail in found.unknown:
        by_detail.setdefault(detail, []).append(name)
    for detail, names in sorted(by_detail.items(), key=lambda one: (-len(one[1]), one[0])):
        more = len(names) - _MOST_NAMES
        shown = ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
        yield printable(f"{'Not searched' if found.wanted is not None else 'Note'}: {shown}: {detail}.")


def _headline(found: ImageList) -> str:
    images, tags = len({one.image for one in found.images}), len(found.images)
    if found.wanted is not None:
        return f"{count(images, 'image')} with {' and '.join(found.wanted)}"
    sizes = [one.facts.size_mb for one in found.images if one.facts and one.facts.size_mb is not None]
    # Layers that images share are pulled once.
    size = f", at most {sum(sizes) / 1000:,.1f} GB compressed" if sizes else ""
    rest = f" and {count(tags - len(sizes), 'tag')} of unknown size" if sizes and len(sizes) < tags else ""
    return f"{count(images, 'image')} in use, {count(tags, 'tag')}{size}{rest}"


def _columns(found: ImageList, *, wide: bool) -> dict[str, bool]:
    """Return the columns that have something to show, and whether numbers stand in them."""
    shown = {"Image": False, "Tag": False}
    if found.wanted is not None:
        shown["Packages"] = False
    if found.has_facts and wide:
        shown |= {"Python": False, "System": False, "Size": True}
    if any(one.items is not None for one in found.images):
        shown["Items"] = True
    if found.wanted is None:
        shown["Arriving"] = True
    if found.has_advisories:
        shown["Open vulnerabilities"] = False
    if any(one.advice for one in found.images):
        shown["Note"] = False
    return shown


def _cells(one: ImageAtTag) -> dict[str, str]:
    facts = one.facts
    return {
        "Image": one.image,
        "Tag": one.tag,
        "Packages": ", ".join(f"{name} {version}" for name, version in sorted(one.packages.items())),
        "Python": facts.python or "none" if facts else NOT_KNOWN,
        "System": facts.system or NOT_KNOWN if facts else NOT_KNOWN,
        "Size": f"{facts.size_mb:.2f} MB" if facts and facts.size_mb is not None else NOT_KNOWN,
        "Items": f"{one.items or 0:,}",
        "Arriving": f"{one.arriving:,}",
        "Open vulnerabilities": describe_open(one.vulnerabilities),
        "Note": one.advice,
    }


def describe_open(vulnerabilities: tuple[Advisory, ...] | None) -> str:
    """Say how many vulnerabilities of each severity are known; None when that is not known."""
    if vulnerabilities is None:
        return NOT_KNOWN
    return count_severities(vulnerabilities) or "none known"


def _document(one: ImageAtTag, found: ImageList) -> dict[str, Any]:
    searched = found.wanted is not None
    counts = Counter(advisory.severity for advisory in one.vulnerabilities or ())
    return {
        "image": one.image,
        "tag": one.tag,
        "reference": one.reference,
        **({"packages": dict(sorted(one.packages.items()))} if searched else {}),
        **({} if one.items is None else {"items": one.items}),
        **({} if searched else {"arriving": one.arriving}),
        **facts_document(one.facts or ImageFacts()),
        "vulnerabilities": None
        if one.vulnerabilities is None
        else {severity.value: counts[severity] for severity in Severity},
        "deprecated": one.advice or None,
    }
