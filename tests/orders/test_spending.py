"""S1's limits hold where money moves: per order, per day, per month, and lower for a day after a secret changed."""

from datetime import timedelta

import pytest
import time_machine

from apps.accounts.callers import Caller
from apps.accounts.errors import (
    DailyLimitExceeded,
    LimitsRestricted,
    MonthlyLimitExceeded,
    TransactionLimitExceeded,
)
from apps.accounts.models import User
from apps.accounts.services import PIN, change_secret, set_up_secret, spending, start_session
from apps.orders import services
from apps.orders.models import Order
from apps.orders.services import Addresses, BasketLine
from apps.products.models import StockItem
from core.clock import now
from tests.conftest import Api
from tests.factories.products import ProductFactory
from tests.races import race

pytestmark = pytest.mark.django_db
HOME = Addresses({"city": "Riyadh"}, {"city": "Riyadh"})
ADDRESS = {
    "full_name": "Nora", "email": "n@shop.test", "phone": "+966512345678", "address_line1": "1 Street",
    "city": "Riyadh", "state": "Riyadh", "country": "SA", "postal_code": "1",
}  # fmt: skip


@pytest.fixture
def customer():
    return User.objects.create_user(email="nora@shop.test", password="a long enough phrase")


@pytest.fixture
def untaxed(settings):
    settings.SHOP_TAX_PERCENT = 0
    return settings


def buy(user, amount):
    product = ProductFactory(price=amount, stock=1)
    basket = [BasketLine(product.pk, None, 1)]
    return services.place_order(user=user, basket=basket, addresses=HOME)


def settled(user, amount, *, ago=timedelta(0)):
    """An order of the past that was paid."""
    order = buy(user, amount)
    Order.objects.filter(pk=order.pk).update(
        created_at=now() - ago, status="processing", payment_status="paid", paid_at=now(), reserved_until=None
    )
    return order


def refused(user, amount, kind):
    before = (Order.objects.count(), list(StockItem.objects.values_list("reserved", flat=True)))
    with pytest.raises(kind):
        buy(user, amount)
    after = (Order.objects.count(), list(StockItem.objects.values_list("reserved", flat=True))[: len(before[1])])
    assert after == before


def change_pin(user):
    set_up_secret(user=user, kind=PIN, value="8362", caller=Caller())
    user.refresh_from_db()
    session = start_session(user=user, caller=Caller())
    change_secret(user=user, kind=PIN, current="8362", new="9471", caller=Caller(), keep=session.session.pk)
    return Api(session.access)


def test_one_order_has_a_limit(customer, untaxed):
    buy(customer, spending.PER_TRANSACTION)
    refused(customer, spending.PER_TRANSACTION + 1, TransactionLimitExceeded)


@pytest.mark.parametrize(
    ("status", "payment_status"), [("cancelled", "paid"), ("cancelled", "refunded"), ("refunded", "refunded")]
)
def test_a_day_has_a_limit_and_what_was_called_off_or_paid_back_does_not_count(
    customer, untaxed, status, payment_status
):
    first = settled(customer, 5_000_000)
    settled(customer, 4_999_999)
    refused(customer, 5_000, DailyLimitExceeded)
    Order.objects.filter(pk=first.pk).update(status=status, payment_status=payment_status)
    buy(customer, 5_000)


def test_yesterday_counts_for_the_month_only(customer, untaxed):
    for day in range(2, 22):
        settled(customer, 5_000_000, ago=timedelta(days=day))
    refused(customer, 5_000, MonthlyLimitExceeded)
    Order.objects.update(created_at=now() - timedelta(days=31))
    buy(customer, 5_000)


def test_for_a_day_after_a_change_only_small_orders_are_taken(customer, untaxed):
    change_pin(customer)
    refused(customer, spending.RESTRICTED + 1, LimitsRestricted)
    buy(customer, spending.RESTRICTED)
    refused(customer, 5_000, LimitsRestricted)
    with time_machine.travel(now() + timedelta(hours=24, seconds=1)):
        buy(customer, spending.RESTRICTED + 1)


def test_setting_a_pin_the_first_time_restricts_nothing(customer, untaxed):
    set_up_secret(user=customer, kind=PIN, value="8362", caller=Caller())
    buy(customer, spending.RESTRICTED + 1)


def test_other_people_are_not_restricted(customer, untaxed):
    change_pin(customer)
    buy(User.objects.create_user(email="other@shop.test"), spending.RESTRICTED + 1)


def test_the_client_is_told_until_when_and_how_much(customer, untaxed):
    app = change_pin(customer)
    product = ProductFactory(price=spending.RESTRICTED + 1, stock=1)
    body = {"items": [{"product_id": str(product.pk), "quantity": 1}], "shipping_address": ADDRESS}
    reply = app.send("POST", "/api/orders/", body)
    assert (reply.status_code, reply.json()["code"]) == (403, "restricted_24hr")
    assert reply.json()["details"]["limit"] == 1_000_000
    assert 23 * 3600 < int(reply["Retry-After"]) <= 24 * 3600 + 1
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_orders_at_once_do_not_both_fit_into_what_is_left(customer, untaxed):
    change_pin(customer)
    products = [ProductFactory(price=600_000, stock=1) for _ in range(8)]

    def place(number):
        user = User.objects.get(pk=customer.pk)
        basket = [BasketLine(products[number].pk, None, 1)]
        return services.place_order(user=user, basket=basket, addresses=HOME)

    outcomes = race(place, threads=8)
    assert sum(isinstance(outcome, Order) for outcome in outcomes) == 1
    assert all(isinstance(o, LimitsRestricted) for o in outcomes if not isinstance(o, Order))
