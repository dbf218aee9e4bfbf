"""Lines keep to the width of the terminal."""

import pytest

from autobump.support.width import fold, wrap


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("Packs/Alpha/Scripts/One.yml", 14, ["Packs/Alpha/", "Scripts/", "One.yml"]),
        ("demisto/ansible-runner", 16, ["demisto/", "ansible-runner"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("ab", 1, ["a", "b"]),
        ("日本語", 4, ["日本", "語"]),
        ("", 9, [""]),
    ],
)
def test_text_breaks_between_words_and_behind_slashes(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


def test_last_column_goes_on_below_itself_where_there_is_room_for_it() -> None:
    line = "pass  hidden  the pack is not hidden"
    assert wrap(line, 30) == "pass  hidden  the pack is not\n              hidden"
    assert wrap(line, 20) == "pass  hidden  the\n    pack is not\n    hidden"


def test_line_that_fits_or_goes_into_a_pipe_stays_as_it_is() -> None:
    line = "pass  hidden  the pack is not hidden"
    assert wrap(line, None) == wrap(line, len(line)) == line
