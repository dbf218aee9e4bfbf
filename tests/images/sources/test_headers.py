import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.images.sources.headers import MAX_LENGTH, find_etag, find_next_link, parse_challenge


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('</v2/x/tags/list?last=1>; rel="next"', "/v2/x/tags/list?last=1"),
        ("</p2>;rel=next", "/p2"),
        ("</p2> ; REL = Next", "/p2"),
        ('</p0>; rel="prev", </p2>; rel="next"', "/p2"),
        ('</p2>; title="b"; rel="last next"', "/p2"),
        ("</p2>; rel=next, </p3>; rel=next", "/p2"),
        ('</p0>; rel="prev"', None),
        ('</p2>; rel="nextish"', None),
        ("</p2>; relation=next", None),
        ("</p2", None),
        ("", None),
    ],
)
def test_next_page_is_the_link_that_says_so(header: str, address: str | None) -> None:
    assert find_next_link(header) == address


def test_parameters_of_a_challenge_are_read_by_name() -> None:
    header = 'Bearer realm="https://t.example/token",service="r",scope="repository:a/x:pull,push"'
    assert parse_challenge(header) == {
        "realm": "https://t.example/token",
        "service": "r",
        "scope": "repository:a/x:pull,push",
    }
    assert parse_challenge("Basic") == parse_challenge('Bearer realm="x') == {}


@pytest.mark.parametrize(
    ("header", "kept"), [('W/"v1"', True), ("v1", True), ("a b", False), ("\xff", False)]
)
def test_only_a_version_that_can_be_sent_back_is_kept(header: str, kept: bool) -> None:
    assert find_etag(header) == (header if kept else "")


PIECES = st.sampled_from(["<", ">", ";", ",", "=", '"', " ", "rel", "next", "a", "\xff", "\n", "0"])


@given(st.lists(PIECES | st.characters(max_codepoint=255)).map("".join))
def test_any_header_is_read_without_an_error(header: str) -> None:
    link = find_next_link(header)
    assert link is None or f"<{link}>" in header
    assert all(f'{name}="{value}"' in header for name, value in parse_challenge(header).items())
    assert find_etag(header) in ("", header)


@pytest.mark.parametrize("text", ["<", "<>", "<>;", "a", 'a="', "a=", '"', "<;rel=", "<>;rel=next\xff", ", "])
def test_header_is_read_in_one_go_over_its_text(text: str) -> None:
    """As long as 25 of the longest that are read: what tries places twice does not come to an end here."""
    header = text * (25 * MAX_LENGTH // len(text))
    find_next_link(header)
    parse_challenge(header)
    find_etag(header)
