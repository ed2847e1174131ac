"""How numbers leave this app."""

from decimal import Decimal


def as_number(value: Decimal | float) -> int | float:
    """A whole number as an integer, anything else as the nearest float: what JSON can say."""
    return int(value) if value == int(value) else float(value)
