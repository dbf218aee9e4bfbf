import pytest

from autobump.support.markdown import MAX_INLINE, code, table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("", "-"),
        ("two\nlines\r\n", "`two lines`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``` x", "```` ``` x ````"),
        ("\u202eevil", "`evil`"),
        ("a\u2028b\x00c", "`a b c`"),
    ],
)
def test_outside_text_becomes_one_code_span(text: str, expected: str) -> None:
    assert code(text) == expected


def test_pipe_does_not_end_a_cell() -> None:
    assert table(["A", "B"], [(code("a|b"), "c")]).splitlines()[2] == "| `a\\|b` | c |"


def test_long_text_is_cut() -> None:
    assert len(code("x" * 10_000)) == MAX_INLINE + 2
