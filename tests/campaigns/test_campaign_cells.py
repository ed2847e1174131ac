from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.campaigns.services import cells, serial_dates
from apps.campaigns.services.calendar import is_period, period_span
from apps.campaigns.services.cells import Spelling, Unreadable
from apps.campaigns.vocabulary import CampaignKind


def written_day(days):
    """Days since 1899-12-30 as a spreadsheet would write them, past year 9999 too (400 years repeat)."""
    eras, rest = divmod(days, 146_097)
    day = date(1899, 12, 30) + timedelta(days=rest)
    return f"{day.year + 400 * eras:04d}-{day.month:02d}-{day.day:02d}"


@given(st.integers(min_value=1, max_value=35_000_000))
@example(5_883_488)
def test_a_number_shown_as_a_day_is_read_back_exactly(days):
    assert serial_dates.day_count(written_day(days)) == days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("18008-06-09", 5_883_488),
        ("6263-07-11", 1_593_746),
        ("21571-12-24", 7_185_044),
        ("1899-12-31", 1),
        ("2000-02-29", 36_585),
    ],
)
def test_known_days(text, days):
    assert serial_dates.day_count(text) == days


@pytest.mark.parametrize(
    "text", ["1899-12-30", "1899-12-29", "2001-02-29", "2025-13-01", "2025-00-10", "2025-04-31", "2025-1-1", "x"]
)
def test_what_is_no_day_after_the_first_has_no_count(text):
    assert serial_dates.day_count(text) is None


@given(st.integers(min_value=0, max_value=cells.MAX_WHOLE))
def test_any_count_is_read_as_written(count):
    assert cells.whole(str(count)) == count


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "blank"),
        ("-5", "negative"),
        ("-5.0", "negative"),
        ("18500.00", "decimals or thousands"),
        ("18,500", "decimals or thousands"),
        ("1.234.567", "decimals or thousands"),
        ("18008-06-09", "looks like a date"),
        ("1e6", "not a whole number"),
        ("+5", "not a whole number"),
        (" 5", "not a whole number"),
        ("007", "not a whole number"),
        ("١٢٣", "not a whole number"),
        ("NaN", "not a whole number"),
        ("9223372036854775808", "larger than any count"),
        ("9" * 5000, "larger than any count"),
    ],
)
def test_a_count_is_never_guessed(text, why):
    with pytest.raises(Unreadable, match=why):
        cells.whole(text)


@pytest.mark.parametrize("text", ["13,64", "-0.5", "1e-3", "inf", ".5", "5.", "13.64 ", "1.2.3", "2013-06-04"])
def test_a_measure_has_one_point_or_none(text):
    with pytest.raises(Unreadable):
        cells.fraction(text)


@pytest.mark.parametrize("text", ["1.0000001", "2", "-0.1", "0,5"])
def test_a_share_lies_between_0_and_1(text):
    with pytest.raises(Unreadable):
        cells.share(text)


def test_a_blank_share_is_not_available_rather_than_zero():
    assert cells.share("") is None
    assert cells.share("0") == Decimal(0)


@pytest.mark.parametrize(
    ("text", "spelling", "value"),
    [
        ("5883488", Spelling.PLAIN, Decimal(5_883_488)),
        ("16708404.625281382", Spelling.PLAIN, Decimal("16708404.625281382")),
        ("18008-06-09", Spelling.SERIAL_DATE, Decimal(5_883_488)),
        ("16708404625281382", Spelling.LOST_POINT, Decimal(16_708_404_625_281_382)),
        ("143857131942002", Spelling.LOST_POINT, Decimal(143_857_131_942_002)),
    ],
)
def test_a_period_value_says_how_it_was_written(text, spelling, value):
    assert cells.reading(text) == cells.Reading(text, value, spelling)


@pytest.mark.parametrize("text", ["18500.00", "1234.567", "12345,67", "", "-3", "2025-02-30", "1899-12-30", "abc"])
def test_an_ambiguous_period_value_is_not_read(text):
    with pytest.raises(Unreadable):
        cells.reading(text)


@pytest.mark.parametrize("text", ["", "  ", " a", "a ", "a\u200bb", "x" * 201])
def test_a_name_has_nothing_invisible_about_it(text):
    with pytest.raises(Unreadable):
        cells.words(text)


def test_a_catorcena_is_one_of_the_trades_own_14_days():
    assert period_span(CampaignKind.CATORCENAL, "2025-17") == (date(2025, 8, 5), date(2025, 8, 18))
    assert period_span(CampaignKind.CATORCENAL, "2023-18") == (date(2023, 8, 22), date(2023, 9, 4))
    assert period_span(CampaignKind.MENSUAL, "2024-02") == (date(2024, 2, 1), date(2024, 2, 29))


def test_a_year_without_a_proven_calendar_has_no_dates():
    assert is_period(CampaignKind.CATORCENAL, "2031-05")
    assert period_span(CampaignKind.CATORCENAL, "2031-05") is None


@pytest.mark.parametrize(
    ("kind", "label"),
    [("mensual", "2025-13"), ("mensual", "2025-00"), ("catorcenal", "2025-27"), ("mensual", "25-01"), ("mensual", "")],
)
def test_periods_that_cannot_exist(kind, label):
    assert not is_period(CampaignKind(kind), label)
