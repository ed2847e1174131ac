"""Orders in currencies with no, two and three decimals."""

import pytest

from apps.orders.pricing import Totals, totals


@pytest.mark.parametrize(
    ("currency", "subtotal", "expected"),
    [
        ("USD", 1999, Totals(1999, 200, 1000)),
        ("USD", 5000, Totals(5000, 500, 0)),
        ("JPY", 45, Totals(45, 5, 10)),
        ("JPY", 50, Totals(50, 5, 0)),
        ("KWD", 12340, Totals(12340, 1240, 10000)),  # 1234 of tax, and 6 to the next payable total
        ("KWD", 50000, Totals(50000, 5000, 0)),
    ],
)
def test_tax_shipping_and_total_are_whole_minor_units(settings, currency, subtotal, expected):
    settings.SHOP_CURRENCY = currency
    assert totals(subtotal) == expected


@pytest.mark.parametrize("subtotal", range(1, 60_000, 997))
def test_a_total_of_thousandths_can_be_paid(settings, subtotal):
    settings.SHOP_CURRENCY = "BHD"
    assert totals(subtotal).total % 10 == 0
