import itertools
import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.images.inside.changes import ChangeKind, ImageDiff, compare_versions
from autobump.images.inside.facts import ImageFacts, PackageFacts, facts_from_record
from autobump.images.inside.licences import LicenceKind, classify_licence


def image(python: str | None = "3.10.1", **versions: str | tuple[str, str]) -> ImageFacts:
    packages = {
        name: PackageFacts(*(entry if isinstance(entry, tuple) else (entry, "MIT")))
        for name, entry in versions.items()
    }
    return ImageFacts(python=python, packages=packages)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1.2.3", "1.2.3", None),
        ("1.0", "1.0.0", None),
        ("1.2.3", "1.2.4", ChangeKind.PATCH),
        ("1.2.3", "1.2.3.post1", ChangeKind.PATCH),
        ("1.2", "1.3", ChangeKind.MINOR),
        ("1.9", "1.10", ChangeKind.MINOR),
        ("1.9", "2.0", ChangeKind.MAJOR),
        ("2026.1", "1!2020.1", ChangeKind.MAJOR),
        ("2021.1", "2026.1.post1", ChangeKind.MINOR),
        ("0.9", "2026.1", ChangeKind.MAJOR),
        ("2.0", "2.0rc1", ChangeKind.DOWNGRADED),
        ("1.10", "1.9", ChangeKind.DOWNGRADED),
        ("2020c-alpine", "2020d", ChangeKind.CHANGED),
        ("", "1.0", ChangeKind.CHANGED),
    ],
)
def test_versions_are_compared_as_packages_count_them(old: str, new: str, kind: ChangeKind | None) -> None:
    assert compare_versions(old, new) == kind


def test_changes_come_with_the_weightiest_first() -> None:
    diff = ImageDiff(
        image(gone="1.0", back="2.0", big="1.0", text="x", small="1.1", tiny="1.0.0", same="1"),
        image(back="1.0", big="2.0", text="y", small="1.2", tiny="1.0.1", same="1", fresh="1.0"),
    )
    assert [(change.name, change.kind) for change in diff.changes or ()] == [
        ("gone", ChangeKind.REMOVED),
        ("back", ChangeKind.DOWNGRADED),
        ("big", ChangeKind.MAJOR),
        ("text", ChangeKind.CHANGED),
        ("fresh", ChangeKind.ADDED),
        ("small", ChangeKind.MINOR),
        ("tiny", ChangeKind.PATCH),
    ]


def test_package_in_another_spelling_is_the_same() -> None:
    assert (
        ImageDiff(image(PyYAML="6.0", ruamel_yaml="1"), image(pyyaml="6.0", **{"ruamel.yaml": "1"})).changes
        == ()
    )


def test_unknown_packages_are_not_taken_for_removed_ones() -> None:
    assert ImageDiff(image(six="1"), ImageFacts()).changes is None
    assert ImageDiff(ImageFacts(), image(six="1")).changes is None


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("3.9.8", "3.10.1", True),
        ("2.7.18", "3.7.0", True),
        ("3.10.1", "3.10.13", False),
        (None, "3.10", False),
    ],
)
def test_python_counts_by_its_minor_version(old: str | None, new: str, changes: bool) -> None:
    assert ImageDiff(image(old), image(new)).changes_python is changes


def test_licences_are_told_of_new_packages_and_of_changes() -> None:
    diff = ImageDiff(
        image(
            kept=("1", "MIT License"),
            moved=("1", "MIT"),
            silent=("1", "BSD"),
            reworded=("1", "GNU Library or Lesser General Public License (LGPL)"),
            freed=("1", "GPLv3"),
        ),
        image(
            kept=("2", "MIT"),
            moved=("1", "GPLv3"),
            silent=("2", ""),
            reworded=("2", "GNU Lesser General Public License v2 or later (LGPLv2+)"),
            freed=("2", "BSD-3-Clause"),
            added=("1", "LGPL"),
            bare=("1", ""),
        ),
    )
    assert [(one.name, one.old, one.new, one.kind) for one in diff.licences] == [
        ("added", None, "LGPL", LicenceKind.WEAK_COPYLEFT),
        ("bare", None, "", LicenceKind.UNKNOWN),
        ("freed", "GPLv3", "BSD-3-Clause", LicenceKind.PERMISSIVE),
        ("moved", "MIT", "GPLv3", LicenceKind.STRONG_COPYLEFT),
    ]


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("MIT License", LicenceKind.PERMISSIVE),
        ("Apache Software License", LicenceKind.PERMISSIVE),
        ("BSD 3-Clause License Modified (PIL Software License)", LicenceKind.PERMISSIVE),
        ("zlib/libpng License", LicenceKind.PERMISSIVE),
        ("Eclipse Public License v2.0 / Eclipse Distribution License v1.0", LicenceKind.PERMISSIVE),
        ("EPL-2.0 OR BSD-3-Clause", LicenceKind.PERMISSIVE),
        ("(Apache-2.0 OR BSD-3-Clause) AND PSF-2.0", LicenceKind.PERMISSIVE),
        ("Mozilla Public License 2.0 (MPL 2.0)", LicenceKind.WEAK_COPYLEFT),
        ("MPL-2.0 AND MIT", LicenceKind.WEAK_COPYLEFT),
        ("GNU Library or Lesser General Public License (LGPL)", LicenceKind.WEAK_COPYLEFT),
        ("GNU Lesser General Public License v3 or later (LGPLv3+)", LicenceKind.WEAK_COPYLEFT),
        ("GNU General Public License v3 or later (GPLv3+)", LicenceKind.STRONG_COPYLEFT),
        ("AGPL-3.0-only", LicenceKind.STRONG_COPYLEFT),
        ("MIT AND GPL-2.0", LicenceKind.STRONG_COPYLEFT),
        ("CC BY-NC-SA 3.0", LicenceKind.UNKNOWN),
        ("Copyright 2010 Pallets", LicenceKind.UNKNOWN),
        ("Demisto ML", LicenceKind.UNKNOWN),
        ("", LicenceKind.UNKNOWN),
    ],
)
def test_licence_has_its_kind(licence: str, kind: LicenceKind) -> None:
    assert classify_licence(licence) is kind


_PACKAGES = st.none() | st.dictionaries(
    st.sampled_from(["requests", "Six", "PyYAML", "zope.interface"]),
    st.builds(PackageFacts, st.sampled_from(["1.0", "1.1", "2.0", "2.0.post1", "odd"])),
)


@given(_PACKAGES, _PACKAGES)
def test_number_of_packages_grows_by_what_is_added_less_what_is_removed(
    old: dict[str, PackageFacts] | None, new: dict[str, PackageFacts] | None
) -> None:
    diff = ImageDiff(ImageFacts(packages=old), ImageFacts(packages=new))
    change = diff.count(ChangeKind.ADDED) - diff.count(ChangeKind.REMOVED)
    assert change == (0 if old is None or new is None else len(new) - len(old))


@pytest.mark.corpus
def test_all_neighbouring_tags_of_all_images_compare(corpus: Path) -> None:
    known = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    pairs = 0
    for records in known.values():
        tags = [facts_from_record(record) for record in records.values()]
        for old, new in itertools.pairwise(tags):
            diff = ImageDiff(old, new)
            added, removed = diff.count(ChangeKind.ADDED), diff.count(ChangeKind.REMOVED)
            assert len(new.packages or ()) - len(old.packages or ()) == added - removed
            pairs += 1
    assert pairs == 11_902
