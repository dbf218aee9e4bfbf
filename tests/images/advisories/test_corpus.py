"""Source of the advisories: the PyPA advisory database, CC-BY-4.0."""

import json
import lzma
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from autobump.images.advisories.compare import compare_matches
from autobump.images.advisories.export import Export
from autobump.images.advisories.record import Record, version_key

pytestmark = pytest.mark.corpus

_IMAGE = re.compile(r"^\s*dockerimage:\s*[\"']?(demisto/[^\s:\"']+):([^\s\"']+)", re.MULTILINE)


def read(path: Path) -> Any:
    return json.loads(lzma.decompress(path.read_bytes()))


@pytest.fixture(scope="module")
def records(corpus: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(corpus / "osv-pypi.json.xz")["records"]
    return found


@pytest.fixture(scope="module")
def export(corpus: Path) -> Export:
    return Export.open(corpus / "osv-pypi.json.xz", None)


def build(tag: str) -> int:
    return int(tag.rpartition(".")[2])


@pytest.fixture(scope="module")
def bumps(corpus: Path, corpus_repository: Path) -> dict[str, list[dict[str, str]]]:
    """Return the packages of each image before and after: of the tag most items are on, and of the newest."""
    used = Counter(
        pair for path in corpus_repository.rglob("*.yml") for pair in _IMAGE.findall(path.read_text("utf-8"))
    )
    found: dict[str, list[dict[str, str]]] = {}
    for image, tags in read(corpus / "images-2026-05.json.xz").items():
        known = [tag for tag in tags if re.fullmatch(r"\d+(\.\d+){2,}", tag)]
        old = max(
            (tag for tag in known if used[image, tag]), key=lambda t: (used[image, t], build(t)), default=""
        )
        new = max(known, key=build, default="")
        if old and old != new and tags[old]["packages"] and tags[new]["packages"]:
            found[image] = [
                {
                    str(canonicalize_name(name)): version
                    for name, (version, _) in tags[tag]["packages"].items()
                    if canonicalize_name(name) != "pip"
                }
                for tag in (old, new)
            ]
    return found


@cache
def parse(text: str) -> Version | None:
    try:
        return Version(Version(text).public)
    except InvalidVersion:
        return None


def direct_hits(records: list[dict[str, Any]], packages: dict[str, str]) -> list[set[str]]:
    """Return the names of each record that affects one of the packages, found the long way."""
    hits = []
    for record in records:
        for entry in record["affected"]:
            name = canonicalize_name(entry["package"]["name"])
            mine = parse(packages.get(name, ""))
            if record.get("withdrawn") or mine is None:
                continue
            named = any(parse(text) == mine for text in entry.get("versions", []))
            if named or any(_holds(one["events"], mine) for one in entry.get("ranges", [])):
                hits.append({record["id"], *record.get("aliases", [])})
                break
    return hits


def _holds(events: list[dict[str, str]], mine: Version) -> bool:
    """Walk through the events as they stand: in the corpus each range is sorted."""
    inside = False
    if any(text != "0" and parse(text) is None for event in events for text in event.values()):
        return False
    for event in events:
        ((kind, text),) = event.items()
        if text == "0":
            inside = True
        elif kind == "introduced":
            inside = inside or mine >= Version(text)
        elif kind == "fixed":
            inside = inside and mine < Version(text)
        else:
            inside = inside and mine <= Version(text)
    return inside


def direct_counts(old: list[set[str]], new: list[set[str]]) -> tuple[int, int, int]:
    """Join what shares a name until nothing does, and count what is on one side and on both."""
    groups: list[tuple[set[str], set[str]]] = []
    for side, hits in (("old", old), ("new", new)):
        for names in hits:
            joined, sides = set(names), {side}
            for group in [group for group in groups if not group[0].isdisjoint(names)]:
                joined |= group[0]
                sides |= group[1]
                groups.remove(group)
            groups.append((joined, sides))
    counts = Counter(tuple(sorted(sides)) for _, sides in groups)
    return counts[("old",)], counts[("new",)], counts["new", "old"]


def matches(export: Export, packages: dict[str, str]) -> dict[str, tuple[Record, ...]]:
    return {name: hits for (name, _), hits in export.find(packages.items()).items()}


def test_counts_of_every_image_are_those_of_a_direct_calculation(
    bumps: dict[str, list[dict[str, str]]], records: list[dict[str, Any]], export: Export
) -> None:
    wanted = {name for packages in bumps.values() for side in packages for name in side}
    about = [
        record
        for record in records
        if any(canonicalize_name(entry["package"]["name"]) in wanted for entry in record["affected"])
    ]
    told, direct = {}, {}
    for image, (old, new) in bumps.items():
        diff = compare_matches(matches(export, old), matches(export, new))
        told[image] = (len(diff.fixed), len(diff.introduced), len(diff.remaining))
        direct[image] = direct_counts(direct_hits(about, old), direct_hits(about, new))
    assert told == direct
    assert told["demisto/python3"] == (23, 0, 1)
    assert (len(told), *map(sum, zip(*told.values(), strict=True))) == (127, 2390, 332, 1701)


def test_key_of_versions_is_the_same_for_those_that_are_equal(records: list[dict[str, Any]]) -> None:
    texts = {text for record in records for entry in record["affected"] for text in entry.get("versions", [])}
    by_key: dict[str | None, set[Version | None]] = {}
    by_version: dict[Version | None, set[str | None]] = {}
    for text in texts:
        by_key.setdefault(version_key(text), set()).add(parse(text))
        by_version.setdefault(parse(text), set()).add(version_key(text))
    assert [found for found in by_key.values() if len(found) > 1] == []
    assert [found for found in by_version.values() if len(found) > 1] == []
