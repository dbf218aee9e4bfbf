import pytest

from autobump.support.printable import printable, printable_path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 图", "plain é 图"),
        ("a\nb\r\x1b[2J\x00", r"a\nb\r\x1b[2J\x00"),
        ("\u2028\u202e\ud800", r"\u2028\u202e\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_path_that_is_no_utf8_shows_its_bytes() -> None:
    assert printable_path("Packs/\udcff\n.yml") == r"Packs/\xff\n.yml"
