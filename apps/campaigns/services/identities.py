"""The equations that hold in every sound delivery; a repair counts only when one of them proves it."""

from collections.abc import Sequence
from decimal import Decimal

# A total is a whole number while its parts may not be: half a unit of rounding, and the parts' own last digits.
TOLERANCE = Decimal("0.6")
SHARE_TOLERANCE = Decimal("0.000001")
_SIGNIFICANT_DIGITS = 10


def is_product(impacts: Decimal | int, frequency: Decimal, reach: Decimal | int) -> bool:
    """Whether impacts are frequency × reach, each factor known only to half of its last digit."""
    slack = frequency * _half_last_digit(reach) + reach * _half_last_digit(frequency)
    return abs(impacts - frequency * reach) <= slack + 1


def _half_last_digit(value: Decimal | int) -> Decimal:
    """Counts are whole; measures come with ten significant digits, zeros at their end left out."""
    last = 0 if isinstance(value, int) else value.adjusted() + 1 - _SIGNIFICANT_DIGITS
    return Decimal(5).scaleb(last - 1)


def adds_up(values: Sequence[Decimal], total: Decimal | int) -> bool:
    """Whether parts make up a total: exactly when all are whole, else within the stated tolerance."""
    has_fractions = any(value != value.to_integral_value() for value in values)
    return abs(sum(values, Decimal(0)) - total) <= (TOLERANCE if has_fractions else 0)


def share_sum_error(shares: Sequence[Decimal | None]) -> str | None:
    """Why these shares cannot describe one whole; those not available are allowed for."""
    known = [share for share in shares if share is not None]
    total = sum(known, Decimal(0))
    if len(known) == len(shares) and abs(total - 1) > SHARE_TOLERANCE:
        return f"The {len(shares)} shares add up to {total.normalize():f} instead of 1."
    if total > 1 + SHARE_TOLERANCE:
        return f"The shares add up to {total.normalize():f}, more than 1."
    return None
