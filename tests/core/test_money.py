from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import major, minor, share


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1999, "USD", "19.99"), (1999, "JPY", "1999"), (1999, "KWD", "1.999"), (0, "USD", "0.00")],
)
def test_minor_units_become_the_currencys_decimals(amount, currency, text):
    assert major(amount, currency) == text


@given(st.integers(0, 10**15), st.sampled_from(["USD", "JPY", "KWD"]))
def test_there_and_back_is_exact(amount, currency):
    assert minor(Decimal(major(amount, currency)), currency) == amount


@pytest.mark.parametrize(("amount", "percent", "expected"), [(2980, 10, 298), (5, 10, 1), (4, 10, 0), (0, 10, 0)])
def test_a_share_rounds_half_up(amount, percent, expected):
    assert share(amount, percent) == expected
