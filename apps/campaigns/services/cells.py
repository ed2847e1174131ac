"""The text of one cell as a value, or the reason why it is none. Nothing here guesses."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from apps.campaigns.services.serial_dates import day_count, looks_like_date
from apps.campaigns.vocabulary import CampaignKind

MAX_NAME = 200
MAX_WHOLE = 2**63 - 1
FRACTION_DIGITS = 12
SHARE_DIGITS = 15

_WHOLE = re.compile(r"0|[1-9][0-9]*")
_FRACTION = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_SIGNED = re.compile(r"-[0-9.,]+")
_POINTED = re.compile(r"[0-9]+(?:[.,][0-9]+)+")
_LOST_POINT = re.compile(r"[1-9][0-9]{14,16}")
_UNAMBIGUOUS_DECIMALS = 4

Parse = Callable[[str], Any]


class Unreadable(Exception):
    """The text of a cell is not a value of its column; the message says why."""


class Spelling(StrEnum):
    """How a period's number was written."""

    PLAIN = "plain"
    SERIAL_DATE = "serial date"
    LOST_POINT = "lost point"


@dataclass(frozen=True, slots=True)
class Reading:
    """A period's number as written; unless plain, only the campaign's total can prove what it is."""

    text: str
    value: Decimal
    spelling: Spelling


def whole(text: str) -> int:
    """A count: digits only. A point or comma could mark decimals or thousands, so neither is accepted."""
    if not _WHOLE.fullmatch(text):
        raise Unreadable(_complaint(text, "a whole number"))
    if len(text) > len(str(MAX_WHOLE)) or int(text) > MAX_WHOLE:
        raise Unreadable("The number is larger than any count can be.")
    return int(text)


def positive(text: str) -> int:
    """A count that cannot be zero."""
    count = whole(text)
    if count == 0:
        raise Unreadable("The number is zero; at least 1 is expected.")
    return count


def fraction(text: str) -> Decimal:
    """A measure with a decimal point, kept digit by digit."""
    return _decimal(text, digits=FRACTION_DIGITS)


def share(text: str) -> Decimal | None:
    """A part of one; blank means not available, which is not zero."""
    if not text:
        return None
    part = _decimal(text, digits=SHARE_DIGITS)
    if part > 1:
        raise Unreadable("A share lies between 0 and 1.")
    return part


def day(text: str) -> date:
    """An ordinary ISO day of this century."""
    try:
        written = date.fromisoformat(text) if looks_like_date(text) else None
    except ValueError:
        written = None
    if written is None or written.year not in range(2000, 2100):
        raise Unreadable("A day such as 2025-03-31 is expected.")
    return written


def kind(text: str) -> CampaignKind:
    """One of the two kinds the contract knows."""
    try:
        return CampaignKind(text)
    except ValueError:
        raise Unreadable(f"Only {' and '.join(CampaignKind.values)} are known.") from None


def words(text: str) -> str:
    """A name or label: something visible, with no stray spaces around it."""
    if not text.strip():
        raise Unreadable("The cell is blank.")
    if text != text.strip() or not text.isprintable():
        raise Unreadable("The text has spaces around it or characters that cannot be seen.")
    if len(text) > MAX_NAME:
        raise Unreadable(f"The text is longer than {MAX_NAME} characters.")
    return text


def campaign_name(text: str) -> str:
    """A name that fits into an address."""
    if "/" in text:
        raise Unreadable("A slash would end the campaign's address early.")
    return words(text)


def labels(text: str) -> tuple[str, ...]:
    """A comma-separated list of different labels."""
    listed = tuple(words(part) for part in text.split(","))
    if len(set(listed)) != len(listed):
        raise Unreadable("The list names something twice.")
    return listed


def optional(parse: Parse) -> Parse:
    """The same, where a blank cell means that there is no value."""
    return lambda text: parse(text) if text else None


def reading(text: str) -> Reading:
    """A period's number in any of the spellings whose meaning a campaign's total can prove."""
    if looks_like_date(text):
        days = day_count(text)
        if days is None:
            raise Unreadable("This is neither a number nor a day of the calendar.")
        return Reading(text, Decimal(days), Spelling.SERIAL_DATE)
    if _LOST_POINT.fullmatch(text):
        return Reading(text, Decimal(text), Spelling.LOST_POINT)
    pointed = _FRACTION.fullmatch(text)
    if pointed and pointed[2] and len(pointed[2]) >= _UNAMBIGUOUS_DECIMALS:
        return Reading(text, fraction(text), Spelling.PLAIN)
    return Reading(text, Decimal(whole(text)), Spelling.PLAIN)


def _decimal(text: str, *, digits: int) -> Decimal:
    written = _FRACTION.fullmatch(text)
    if written is None:
        raise Unreadable(_complaint(text, "a number such as 13.64"))
    if len(written[1]) > FRACTION_DIGITS or len(written[2] or "") > digits:
        raise Unreadable("The number has more digits than any measure can have.")
    return Decimal(text)


def _complaint(text: str, expected: str) -> str:
    if not text:
        return f"The cell is blank; {expected} is expected."
    if looks_like_date(text):
        return f"This looks like a date; {expected} is expected, and nothing proves which number it was."
    if _SIGNED.fullmatch(text):
        return f"The number is negative; {expected} is expected."
    if _POINTED.fullmatch(text):
        return f"The point or comma may mark decimals or thousands; {expected} is expected."
    return f"This is not {expected}."
