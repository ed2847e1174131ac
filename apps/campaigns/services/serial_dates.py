"""Spreadsheet day counts, in whole numbers only: these years reach five digits, where `datetime` ends at 9999."""

import re

_DATE = re.compile(r"([1-9][0-9]{3,4})-([0-9]{2})-([0-9]{2})")
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def looks_like_date(text: str) -> bool:
    """Whether the text has the form a spreadsheet gives to a number it takes for a day."""
    return _DATE.fullmatch(text) is not None


def day_count(text: str) -> int | None:
    """Days from 1899-12-30 to the written day (proleptic Gregorian); None when there is no such day."""
    written = _DATE.fullmatch(text)
    if written is None:
        return None
    year, month, day = (int(part) for part in written.groups())
    if not 1 <= month <= len(_MONTH_LENGTHS) or not 1 <= day <= _month_length(year, month):
        return None
    days = julian_day(year, month, day) - DAY_ZERO
    return days if days > 0 else None


def _month_length(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else _MONTH_LENGTHS[month - 1]  # noqa: PLR2004  # February


def julian_day(year: int, month: int, day: int) -> int:
    """The Julian day number (Richards 2013); counting years from March puts the leap day last."""
    before_march = (14 - month) // 12
    years = year + 4800 - before_march
    months = month + 12 * before_march - 3
    return day + (153 * months + 2) // 5 + 365 * years + years // 4 - years // 100 + years // 400 - 32045


DAY_ZERO = julian_day(1899, 12, 30)
