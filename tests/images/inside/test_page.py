import json
import lzma
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.images.inside.facts import (
    ImageFacts,
    PackageFacts,
    facts_from_record,
    facts_to_record,
    parse_digest,
    parse_licence,
    parse_moment,
    parse_python,
    parse_size,
)
from autobump.images.inside.page import parse_page
from autobump.images.inside.system import SystemPackage
from tests.fixtures.pages import make_page

IMAGE = "demisto/python3"
PACKAGES = {"requests": ("2.26.0", "OSI Approved :: Apache Software License"), "six": ("1.16.0", "MIT")}
LONG = 200_000
PAGE = make_page(IMAGE, "3.9.8.24399", python="3.9.8", packages=PACKAGES)


def test_page_tells_everything() -> None:
    assert parse_page(PAGE) == ImageFacts(
        created=datetime(2026, 5, 1, 10, 0, 0, 123456, tzinfo=UTC),
        digest="sha256:" + "0" * 64,
        python="3.9.8",
        system="Alpine Linux v3.23",
        size_mb=27.28,
        packages={
            "requests": PackageFacts("2.26.0", "Apache Software License"),
            "six": PackageFacts("1.16.0", "MIT"),
        },
        system_packages={"zlib": SystemPackage("1.3.1-r2", "zlib")},
    )


def test_deprecated_image_tells_why() -> None:
    assert parse_page(make_page(IMAGE, "1.0.0.1", deprecated="Use another.")).deprecated == "Use another."
    assert parse_page(PAGE).deprecated == ""


def test_banner_alone_marks_an_image_as_deprecated() -> None:
    page = PAGE.replace(
        "## Docker Metadata", "## 🔴 IMPORTANT: This image is deprecated 🔴\n## Docker Metadata"
    )
    assert parse_page(page).deprecated == "no reason given"


def test_digest_of_another_tag_does_not_count() -> None:
    page = PAGE.replace(f"# `{IMAGE}:3.9.8.24399`", f"# `{IMAGE}:3.9.8.1`")
    assert parse_page(page).digest is None


@pytest.mark.parametrize(
    ("broken", "lost"),
    [
        ("- Image Size: 27.28 MB", "size_mb"),
        ("- Created: `2026-05-01T10:00:00.123456789Z`", "created"),
        ("  - `PYTHON_VERSION=3.9.8`", "python"),
        ('  - `PRETTY_NAME="Alpine Linux v3.23"`', "system"),
        ("## Docker Trust", "digest"),
        ("## `Python Packages`", "packages"),
    ],
)
def test_unreadable_part_costs_that_part_alone(broken: str, lost: str) -> None:
    assert broken in PAGE
    facts, whole = parse_page(PAGE.replace(broken, "- \x00 no such line")), parse_page(PAGE)
    assert getattr(facts, lost) is None
    for name in set(ImageFacts.__struct_fields__) - {lost}:
        assert getattr(facts, name) == getattr(whole, name)


@given(st.integers(0, len(PAGE)))
def test_page_that_is_cut_off_invents_nothing(end: int) -> None:
    facts, whole = parse_page(PAGE[:end]), parse_page(PAGE)
    assert facts.python in (None, whole.python, "3.9")
    assert set(facts.packages or ()) <= set(whole.packages or ())


@given(st.text())
def test_any_text_is_a_page_that_tells_little(text: str) -> None:
    assert parse_page(text).digest is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_record_of_any_shape_is_read(record: object) -> None:
    assert isinstance(facts_from_record(record), ImageFacts)
    fields = ("created", "digest", "python", "os", "size", "packages", "deprecated")
    assert isinstance(facts_from_record(dict.fromkeys(fields, record)), ImageFacts)


@pytest.mark.parametrize(
    "line",
    [
        "##" + " " * LONG + "a`b",
        "## `" + " " * LONG + "``",
        "# `" + "a" * LONG + ":`",
        "- Image Size: " + "9" * LONG,
        "- Created: `" + "9" * LONG,
        "  - `" + "A" * LONG + "=",
        "  - `PRETTY_NAME=" + '"' * LONG + "`",
        "x " + " " * LONG + "a" * 64,
        "### `" + "`" * LONG,
        "* License ::" + " OSI Approved ::" * (LONG // 16),
        "* License :: " + " " * LONG,
    ],
    ids=lambda line: line[:16],
)
def test_long_line_is_read_in_one_go_or_not_at_all(line: str) -> None:
    """What tries places of it twice does not come to an end here."""
    page = "\n".join([line, "## Docker Metadata", line, "## Docker Trust", line, "## Python Packages", line])
    for text in (page, "\n".join([page[: 7 * 4000], *[line[:4000]] * 32])):
        assert parse_page(text).digest is None


def test_list_of_more_packages_than_an_image_can_have_is_not_known() -> None:
    assert len(parse_page(page_of_packages(1000)).packages or ()) == 1000
    assert parse_page(page_of_packages(1001)).packages is None
    assert parse_page(page_of_packages(0)).packages == {}


def page_of_packages(number: int) -> str:
    return make_page(IMAGE, "1.0.0.1", packages={f"p{each}": ("1", "MIT") for each in range(number)})


def test_page_and_record_tell_the_same_and_go_through_the_model_and_back() -> None:
    facts = parse_page(PAGE)
    record = facts_to_record(facts)
    assert facts_from_record(json.loads(json.dumps(record))) == facts
    assert (record["python"], record["os"]) == ("3.9.8", "Alpine Linux v3.23")
    nothing = ImageFacts()
    assert facts_from_record(json.loads(json.dumps(facts_to_record(nothing)))) == nothing


@pytest.mark.corpus
def test_no_sample_page_loses_a_part_that_is_known(corpus: Path) -> None:
    known = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    pages = sorted((corpus / "dockerfiles-info").glob("demisto/*/*.md"))
    assert len(pages) == 96
    for page in pages:
        facts, record = parse_page(page.read_text()), known[f"demisto/{page.parent.name}"][page.stem]
        assert facts.python == parse_python(record["python"]), page
        assert facts.system == record["os"], page
        assert facts.size_mb == parse_size(record["size"]), page
        assert facts.created == parse_moment(record["created"]), page
        assert record["digest"] is None or facts.digest == parse_digest(record["digest"]), page
        assert facts.packages == {
            name: PackageFacts(version, parse_licence(licence))
            for name, (version, licence) in record["packages"].items()
        }, page


@pytest.mark.corpus
def test_every_known_tag_goes_through_the_model_and_back(corpus: Path) -> None:
    known = json.loads(lzma.decompress((corpus / "images-2026-05.json.xz").read_bytes()))
    tags = 0
    for records in known.values():
        for record in records.values():
            facts = facts_from_record(record)
            assert facts_from_record(json.loads(json.dumps(facts_to_record(facts)))) == facts
            assert facts.python == record["python"]
            assert facts.system == record["os"]
            assert (facts.digest is None) == (record["digest"] is None)
            assert facts.created is not None
            assert len(facts.packages or ()) == len(record["packages"])
            tags += 1
    assert tags == 12_180
