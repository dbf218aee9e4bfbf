import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.images.reference import (
    Tag,
    find_current_tag,
    find_immutable_tag,
    is_registry,
    parse_image_ref,
    split_registry,
)


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "alpine:3",
            "alpine:3 has no namespace: an official image of Docker Hub, which is not trusted; write "
            "namespace/name for another",
        ),
        (
            "demisto/x@sha256:0@sha256:1",
            "demisto/x is pinned by digest, which is never changed; name a tag to have it updated",
        ),
        ("me@example", "'me@example' is not [registry/]namespace/name[:tag]"),
        ("Demisto/x:1", "'Demisto/x:1' is not [registry/]namespace/name[:tag]"),
        ("D" * 80, f"'{'D' * 80}' is not [registry/]namespace/name[:tag]"),
        ("D" * 81, f"'{'D' * 79}\u2026' is not [registry/]namespace/name[:tag]"),
        ("x@sha256:" + "0" * 247, f"'x@sha256:{'0' * 70}\u2026' is not [registry/]namespace/name[:tag]"),
    ],
)
def test_name_that_is_refused_says_what_was_found_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_image_ref(text)


def test_name_may_have_255_characters() -> None:
    name = "demisto/" + "x" * 247
    assert parse_image_ref(name).repository == name
    with pytest.raises(ValueError, match="is not"):
        parse_image_ref(f"{name}x")
    with pytest.raises(ValueError, match="pinned by digest"):
        parse_image_ref("x@sha256:" + "0" * 246)


@pytest.mark.parametrize(
    ("text", "registry", "rest"),
    [
        ("docker.io/demisto/x", "docker.io", "demisto/x"),
        ("localhost:5000/x", "localhost:5000", "x"),
        ("localhost/x", "localhost", "x"),
        ("demisto/x", "", "demisto/x"),
        ("docker.io", "", "docker.io"),
        ("docker.io/", "", "docker.io/"),
        ("x", "", "x"),
    ],
)
def test_registry_is_what_looks_like_a_host_before_the_first_slash(
    text: str, registry: str, rest: str
) -> None:
    assert split_registry(text) == (registry, rest)


def test_host_may_stand_for_a_registry_and_a_namespace_may_not() -> None:
    for host in ("docker.io", "localhost", "localhost:5000", "mirror:5000"):
        assert is_registry(host)
    for other in ("demisto", "", "docker.io/demisto", "mirror:"):
        assert not is_registry(other)


@pytest.mark.parametrize("text", ["1.0.7", "3.12.13.12042988", "2.5.34.1.9155015"])
def test_three_or_more_numbers_are_immutable(text: str) -> None:
    tag = find_immutable_tag(text)
    assert tag is not None
    assert tag.build == int(text.rsplit(".", 1)[1])
    assert (tag.text, str(tag)) == (text, text)


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
    tag = find_current_tag("2.7")
    assert tag is not None
    assert (tag.build, tag.parts) == (0, (2, 7))


def test_tag_may_have_128_characters() -> None:
    assert find_current_tag("1." * 63 + "10") is not None
    assert find_current_tag("1." * 63 + "100") is None


def tag(text: str) -> Tag:
    found = find_immutable_tag(text)
    assert found is not None
    return found


def test_tags_are_the_same_when_they_are_spelled_the_same() -> None:
    assert tag("1.0.0.1") == tag("1.0.0.1")
    assert tag("1.0.0.1") != tag("1.0.0.01")
    assert tag("1.0.0.1") != "1.0.0.1"
    assert len({tag("1.0.0.1"), tag("1.0.0.1"), tag("1.0.0.2")}) == 2
    assert hash(tag("1.0.0.1")) != hash(tag("1.0.0.2"))


def test_no_tag_is_below_itself() -> None:
    one, other = tag("1.0.0.1"), tag("1.0.0.01")
    assert not one < tag("1.0.0.1")
    assert other < one


@given(st.lists(st.lists(st.integers(0, 99), min_size=3, max_size=5), min_size=1, max_size=20))
def test_order_is_by_build_number_then_by_all_parts(numbers: list[list[int]]) -> None:
    tags = [find_immutable_tag(".".join(map(str, parts))) for parts in numbers]
    assert all(tags)
    ordered = sorted(tag for tag in tags if tag)
    keys = [(tag.build, tag.parts) for tag in ordered]
    assert keys == sorted(keys)
