"""The two calendars of a campaign: months, and catorcenas, the trade's own consecutive 14-day cycles."""

import re
from calendar import monthrange
from datetime import date, timedelta

from apps.campaigns.vocabulary import CampaignKind

Span = tuple[date, date]

_LABEL = re.compile(r"(20[0-9]{2})-([0-9]{2})")
_CATORCENA = timedelta(days=14)
_CATORCENAS = 26
_MONTHS = 12
# First days of the years whose calendar the deliveries themselves prove; no other year is assumed.
_FIRST_CATORCENA = {2023: date(2022, 12, 27), 2024: date(2023, 12, 26), 2025: date(2024, 12, 24)}


def is_period(kind: CampaignKind, label: str) -> bool:
    """Whether the label names a month (2025-03) or a catorcena (2025-17) that can exist."""
    return _parts(kind, label) is not None


def period_span(kind: CampaignKind, label: str) -> Span | None:
    """First and last day of a period; None for a catorcena of a year whose calendar is not known."""
    parts = _parts(kind, label)
    if parts is None:
        return None
    year, index = parts
    if kind is CampaignKind.MENSUAL:
        return date(year, index, 1), date(year, index, monthrange(year, index)[1])
    if year not in _FIRST_CATORCENA:
        return None
    starts_on = _FIRST_CATORCENA[year] + (index - 1) * _CATORCENA
    return starts_on, starts_on + _CATORCENA - timedelta(days=1)


def _parts(kind: CampaignKind, label: str) -> tuple[int, int] | None:
    written = _LABEL.fullmatch(label)
    if written is None:
        return None
    year, index = int(written[1]), int(written[2])
    last = _MONTHS if kind is CampaignKind.MENSUAL else _CATORCENAS
    return (year, index) if 1 <= index <= last else None
