from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.support.http.headers import (
    MAX_LENGTH,
    find_etag,
    find_next_link,
    find_seconds_asked,
)


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


@pytest.mark.parametrize(
    ("header", "kept"), [('W/"v1"', True), ("v1", True), ("a b", False), ("\xff", False)]
)
def test_only_a_version_that_can_be_sent_back_is_kept(header: str, kept: bool) -> None:
    assert find_etag(header) == (header if kept else "")


NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 07 "}, 7),
        ({"retry-after": "9" * 5000}, 999_999_999_999),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60),
        ({"retry-after": "Thu, 01 Jan 2015 00:01:00 GMT"}, 0),
        ({"retry-after": "Mon, 01 Jan 2020 00:00:00 +99999999999999999999"}, None),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 -0000"}, 0),
        ({"retry-after": "Mon, 99 Foo 2020 99:99:99 GMT"}, None),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "7.5"}, 7.5),
        ({"retry-after": str(int(NOW) + 40)}, 40),
        ({"retry-after": f"{int(NOW) + 40}000"}, 40),
        ({"retry-after": str(int(NOW) - 40)}, 0),
        ({"retry-after": "2026-01-01T00:01:00Z"}, 60),
        ({"retry-after": "2026-01-01T00:01:00.123456789+00:00"}, 60),
        ({"retry-after": "2026-01-01T01:01:00+0100"}, 60),
        ({"retry-after": "2026-01-01 00:01:00"}, 60),
        ({"retry-after": "2026-01-01 00:01:00.5 +0000 UTC"}, 60),
        ({"retry-after": "2026-02-31T00:01:00Z"}, None),
        ({"retry-after": "0001-01-01T00:00:00+23:00"}, 0),
        ({"retry-after": "Thursday, 01-Jan-26 00:01:00 GMT"}, 60),
        ({"retry-after": "Thu Jan  1 00:01:00 2026"}, 60),
        ({"retry-after": "Thu, 01 Jan 2026 01:01:00 +0100"}, 60),
        ({"x-retry-after": str(int(NOW) + 40)}, 40),
        ({"x-retry-after": "7"}, 7),
        ({"retry-after": "soon", "x-retry-after": "2026-01-01T00:01:00Z"}, 60),
        ({"retry-after": "5", "x-retry-after": str(int(NOW) + 40)}, 5),
        ({"retry-after": "\u0667"}, None),
        ({"retry-after": "\u00b2"}, None),
        ({"retry-after": ""}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 30)}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 5000}, 999_999_999_999 - NOW),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1"}, None),
        ({}, None),
    ],
)
def test_server_is_understood_only_as_it_may_say_how_long_to_wait(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert find_seconds_asked(headers, NOW) == seconds


PIECES = st.sampled_from(["<", ">", ";", ",", "=", '"', " ", "rel", "next", "a", "\xff", "\n", "0"])


@given(st.lists(PIECES | st.characters(max_codepoint=255)).map("".join))
def test_any_header_is_read_without_an_error(header: str) -> None:
    link = find_next_link(header)
    assert link is None or f"<{link}>" in header
    assert find_etag(header) in ("", header)


DATE_PIECES = st.sampled_from(
    [
        "Mon, ",
        "01 ",
        "Jan ",
        "2020 ",
        "0000",
        "00:",
        "23:59:60",
        " GMT",
        " +",
        "-0000",
        "9999999999",
        "(",
        ")",
        "\u0663",
    ]
)


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "x-retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.just("0")
        | st.lists(DATE_PIECES).map("".join)
        | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{2} (Jan|Feb|Xyz) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z")
        | st.text(st.characters(max_codepoint=255)),
    )
)
def test_no_server_can_ask_to_wait_for_less_than_nothing_or_break_the_reading(
    headers: dict[str, str],
) -> None:
    seconds = find_seconds_asked(headers, NOW)
    assert seconds is None or 0 <= seconds < 1e12


@pytest.mark.parametrize("text", ["<", "<>", "<>;", "a", 'a="', "a=", '"', "<;rel=", "<>;rel=next\xff", ", "])
def test_header_is_read_in_one_go_over_its_text(text: str) -> None:
    """As long as 25 of the longest that are read: what tries places twice does not come to an end here."""
    header = text * (25 * MAX_LENGTH // len(text))
    find_next_link(header)
    find_etag(header)
    find_seconds_asked({"retry-after": header}, NOW)
