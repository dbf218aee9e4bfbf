import pytest

from autobump.settings.cron import parse_cron


def test_five_fields_begin_with_the_minute() -> None:
    cron = parse_cron("0 3 * * 1-5")
    assert (cron.seconds, cron.minutes, cron.hours) == ((0,), (0,), (3,))
    assert cron.days == tuple(range(1, 32))
    assert cron.months == tuple(range(1, 13))
    assert cron.weekdays == (1, 2, 3, 4, 5)


def test_six_fields_begin_with_the_second() -> None:
    cron = parse_cron("*/20 1,2 * * * *")
    assert (cron.seconds, cron.minutes) == ((0, 20, 40), (1, 2))


@pytest.mark.parametrize(
    ("weekday", "expected"),
    [
        ("0", (0,)),
        ("7", (0,)),
        ("5-7", (0, 5, 6)),
        ("mon-fri", (1, 2, 3, 4, 5)),
        ("SUN,Sat", (0, 6)),
        ("*", (0, 1, 2, 3, 4, 5, 6)),
        ("1-5/2", (1, 3, 5)),
    ],
)
def test_weekdays_count_from_sunday_as_in_cron(weekday: str, expected: tuple[int, ...]) -> None:
    assert parse_cron(f"0 0 * * {weekday}").weekdays == expected


def test_months_have_names_and_a_step_without_range_goes_to_the_end() -> None:
    assert parse_cron("50/5 0 * jan,jun-aug *").months == (1, 6, 7, 8)
    assert parse_cron("50/5 0 * * *").minutes == (50, 55)


def test_day_counts_by_either_field_only_when_both_are_given() -> None:
    assert parse_cron("0 0 13 * fri").either_day
    assert not parse_cron("0 0 */2 * fri").either_day
    assert not parse_cron("0 0 13 * *").either_day


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have five fields"),
        ("* * * *", "must have five fields"),
        ("@daily", "must have five fields"),
        ("60 * * * *", "has the minute '60', which is not within 0 to 59"),
        ("* 24 * * *", "has the hour '24', which is not within 0 to 23"),
        ("* * 0 * *", "has the day '0', which is not within 1 to 31"),
        ("* * * 13 *", "has the month '13', which is not within 1 to 12 or jan to dec"),
        ("* * * * 8", "has the weekday '8', which is not within 0 to 7 or sun to sat"),
        ("61 * * * * *", "has the second '61'"),
        ("5-1 * * * *", "has the minute '5-1', which runs backwards"),
        ("*/0 * * * *", "has the minute '*/0', whose step is no number above 0"),
        ("*/x * * * *", "whose step is no number"),
        ("1,,2 * * * *", "has the minute ''"),
        ("- * * * *", "has the minute '-'"),
        ("1- * * * *", "has the minute '1-'"),
        ("٣ * * * *", "has the minute"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_each_mistake_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        parse_cron(text)


def test_day_that_only_some_months_have_is_fine() -> None:
    assert parse_cron("0 0 29 2 *").days == (29,)
    assert parse_cron("0 0 31 4,5 *").days == (31,)
    assert parse_cron("0 0 30 2 mon").either_day
