from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobump.settings.cron import check_cron, explain_cron, find_next

START = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def dues(line: str, count: int) -> list[str]:
    found, moment = [], START
    for _ in range(count):
        due = find_next(line, moment)
        assert due is not None
        found.append(f"{due:%a %d %b %H:%M:%S}")
        moment = due
    return found


def test_five_fields_begin_with_the_minute() -> None:
    assert dues("0 3 * * 1-5", 3) == ["Thu 01 Jan 03:00:00", "Fri 02 Jan 03:00:00", "Mon 05 Jan 03:00:00"]


def test_six_fields_begin_with_the_second() -> None:
    assert dues("*/20 1 0 * * *", 3) == ["Thu 01 Jan 00:01:00", "Thu 01 Jan 00:01:20", "Thu 01 Jan 00:01:40"]


@pytest.mark.parametrize(
    ("weekday", "expected"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("5-7", ["Fri", "Sat", "Sun"]),
        ("mon-fri", ["Thu", "Fri", "Mon", "Tue", "Wed"]),
        ("SUN,Sat", ["Sat", "Sun"]),
        ("*", ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]),
        ("1-5/2", ["Fri", "Mon", "Wed"]),
    ],
)
def test_weekdays_count_from_sunday_as_in_cron(weekday: str, expected: list[str]) -> None:
    line = f"0 12 * * {weekday}"
    assert [due[:3] for due in dues(line, len(expected))] == expected


def test_months_have_names_and_a_step_without_range_goes_to_the_end() -> None:
    assert dues("50/5 0 1 jan,jun-aug *", 3) == [
        "Thu 01 Jan 00:50:00",
        "Thu 01 Jan 00:55:00",
        "Mon 01 Jun 00:50:00",
    ]


def test_day_counts_by_either_field_only_when_both_are_given() -> None:
    assert dues("0 0 13 * fri", 2) == ["Fri 02 Jan 00:00:00", "Fri 09 Jan 00:00:00"]
    assert dues("0 0 */2 * fri", 2) == ["Fri 09 Jan 00:00:00", "Fri 23 Jan 00:00:00"]
    assert dues("0 0 13 * *", 2) == ["Tue 13 Jan 00:00:00", "Fri 13 Feb 00:00:00"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have five fields"),
        ("* * * *", "must have five fields"),
        ("@daily", "must have five fields"),
        ("60 * * * *", "has the minute '60', which cron does not know"),
        ("* 24 * * *", "has the hour '24', which cron does not know"),
        ("* * 0 * *", "has the day-of-month '0', which cron does not know"),
        ("* * * 13 *", "has the month '13', which cron does not know"),
        ("* * * * 8", "has the day-of-week '8', which cron does not know"),
        ("61 * * * * *", "has the second '61'"),
        ("5-1 * * * *", "has the minute '5-1'"),
        ("*/0 * * * *", "has the minute '*/0'"),
        ("*/x * * * *", "has the minute '*/x'"),
        ("1,,2 * * * *", "has the minute '1,,2'"),
        ("- * * * *", "has the minute '-'"),
        ("1- * * * *", "has the minute '1-'"),
        ("٣ * * * *", "has the minute"),
        (f"{'1' * 5000} * * * *", "has a number that is too long"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_each_mistake_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        check_cron(text)


@given(st.text(st.sampled_from("0123456789*/-,#LWl monfrijan٣")))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        check_cron(text)
    except ValueError:
        return
    explain_cron(text)
    find_next(text, START)


def test_day_that_only_some_months_have_is_fine() -> None:
    assert dues("0 0 29 2 *", 1) == ["Tue 29 Feb 00:00:00"]
    assert dues("0 0 31 4,5 *", 1) == ["Sun 31 May 00:00:00"]
    assert dues("0 0 30 2 mon", 1) == ["Mon 02 Feb 00:00:00"]


def test_line_is_explained_in_words() -> None:
    assert explain_cron("0 3 * * 1-5") == "At 03:00 on Monday through Friday"
    assert explain_cron("0 0 3 * * 1-5") == "At 03:00 on Monday through Friday"
