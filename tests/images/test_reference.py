import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.images.reference import find_current_tag, find_immutable_tag, parse_image_ref


@pytest.mark.parametrize(
    ("text", "owner", "repository", "tag"),
    [
        ("demisto/python3", "demisto", "demisto/python3", None),
        ("demisto/python3:3.9.8.24399", "demisto", "demisto/python3", "3.9.8.24399"),
        ("docker.io/demisto/x:1", "docker.io/demisto", "docker.io/demisto/x", "1"),
        ("host.example/a/b/c:1.2.3", "host.example/a/b", "host.example/a/b/c", "1.2.3"),
        ("localhost/a/b/c/d", "localhost/a/b/c", "localhost/a/b/c/d", None),
        ("localhost:5000/demisto/x", "localhost:5000/demisto", "localhost:5000/demisto/x", None),
        ("demisto/symantec_mss:latest", "demisto", "demisto/symantec_mss", "latest"),
        ("demisto/azure-kusto-data:1.2.3", "demisto", "demisto/azure-kusto-data", "1.2.3"),
    ],
)
def test_well_formed_names_are_taken_apart(text: str, owner: str, repository: str, tag: str | None) -> None:
    ref = parse_image_ref(text)
    assert (ref.owner, ref.repository, ref.tag) == (owner, repository, tag)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python3",
        "demisto/oauthlib:",
        "demisto/",
        "/python3",
        "Demisto/python3",
        "demisto/a/b",
        "host.example/",
        "host.example/a//b",
        "host.example/a/../b",
        "host.example/A/b",
        "host.example/a/b/",
        "demisto/../etc:1.2.3",
        "demisto/x:1.2.3\n",
        " demisto/x",
        "demisto/x@sha256:" + "0" * 64,
        "demisto/x:" + "1" * 129,
        "demisto/" + "x" * 300,
        "demisto/x:$(id)",
        "demisto/x:1.2.3 # x",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|is pinned by digest|has no namespace"):
        parse_image_ref(text)


@pytest.mark.parametrize("text", ["1.0.0", "3.12.13.12042988", "2.5.34.1.9155015"])
def test_three_or_more_numbers_are_immutable(text: str) -> None:
    tag = find_immutable_tag(text)
    assert tag is not None
    assert tag.build == int(text.rsplit(".", 1)[1])


@pytest.mark.parametrize(
    "text",
    [
        "latest",
        "last",
        "1.5",
        "2.0",
        "3.1",
        "1.4_languages",
        "languages1.0",
        "1.0-alpine",
        "1.0.0-rc1",
        "1..2.3",
        "1.2.3.",
        "\u0661.\u0662.\u0663",
        "",
        "v1.2.3",
    ],
)
def test_other_tags_are_mutable(text: str) -> None:
    assert find_immutable_tag(text) is None


def test_two_part_tag_counts_as_build_zero_for_an_item() -> None:
    tag = find_current_tag("2.0")
    assert tag is not None
    assert tag.build == 0


@given(st.lists(st.lists(st.integers(0, 99), min_size=3, max_size=5), min_size=1, max_size=20))
def test_order_is_by_build_number_then_by_all_parts(numbers: list[list[int]]) -> None:
    tags = [find_immutable_tag(".".join(map(str, parts))) for parts in numbers]
    assert all(tags)
    ordered = sorted(tag for tag in tags if tag)
    keys = [(tag.build, tag.parts) for tag in ordered]
    assert keys == sorted(keys)
