"""Out of the door, and back again; every step is written down and leaves the right stock behind."""

import pytest

from apps.accounts.models import User
from apps.orders import services
from apps.orders.errors import WrongOrderState
from apps.orders.models import Order, OrderEvent
from apps.orders.services import Addresses, BasketLine
from apps.products.models import StockMovement
from core.models import OutboxJob
from tests.balances import stock
from tests.factories.products import ProductFactory
from tests.races import race

pytestmark = pytest.mark.django_db
HOME = Addresses({"city": "Riyadh"}, {"city": "Riyadh"})


@pytest.fixture
def mug():
    return ProductFactory(stock=5, price=1000)


@pytest.fixture
def paid(mug, operator):
    return pay(mug, operator)


def pay(mug, operator):
    buyer = User.objects.create_user(phone="+966512345678")
    order = services.place_order(user=buyer, basket=[BasketLine(mug.pk, None, 2)], addresses=HOME)
    return services.mark_paid(order_id=order.pk, actor=operator, note="Cash")


def test_a_paid_order_is_shipped_and_delivered(paid, mug, operator):
    services.ship_order(order_id=paid.pk, actor=operator, tracking_number="AB 123")
    assert stock(mug) == (3, 0, 0)
    assert StockMovement.objects.filter(kind="ship", actor=operator, reference=paid.number).count() == 1
    services.deliver_order(order_id=paid.pk, actor=operator)
    order = Order.objects.get()
    assert (order.status, order.tracking_number) == ("delivered", "AB 123")
    assert order.shipped_at <= order.delivered_at
    assert list(OrderEvent.objects.values_list("status", "actor")) == [
        ("pending", paid.user_id),
        ("processing", operator.pk),
        ("shipped", operator.pk),
        ("delivered", operator.pk),
    ]
    job = OutboxJob.objects.get(name="products.mark_bought")
    assert job.payload == {"user_id": paid.user_id, "product_ids": [str(mug.pk)]}


@pytest.mark.parametrize("step", [services.ship_order, services.deliver_order, services.take_back_order])
def test_an_order_that_waits_for_payment_goes_nowhere(step, mug, operator):
    buyer = User.objects.create_user(phone="+966512345678")
    order = services.place_order(user=buyer, basket=[BasketLine(mug.pk, None, 2)], addresses=HOME)
    with pytest.raises(WrongOrderState):
        step(order_id=order.pk, actor=operator)
    assert Order.objects.get().status == "pending"
    assert stock(mug) == (5, 2, 0)


def test_what_was_shipped_is_neither_shipped_nor_cancelled_again(paid, mug, operator):
    services.ship_order(order_id=paid.pk, actor=operator)
    for step in (services.ship_order, services.cancel_order):
        with pytest.raises(WrongOrderState):
            step(order_id=paid.pk, actor=operator)
    assert stock(mug) == (3, 0, 0)


def test_goods_that_come_back_are_on_the_shelf_once(paid, mug, operator):
    services.ship_order(order_id=paid.pk, actor=operator)
    services.take_back_order(order_id=paid.pk, actor=operator)
    assert stock(mug) == (5, 0, 0)
    with pytest.raises(WrongOrderState):
        services.take_back_order(order_id=paid.pk, actor=operator)
    assert stock(mug) == (5, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_shipping_and_cancelling_at_once_do_one_of_both():
    operator = User.objects.create_superuser(email="operator@shop.test", password="a long enough phrase")
    mug = ProductFactory(stock=5, price=1000)
    order = pay(mug, operator)
    steps = (services.ship_order, services.cancel_order)
    outcomes = race(lambda number: steps[number % 2](order_id=order.pk, actor=operator), threads=10)
    assert sum(isinstance(outcome, Order) for outcome in outcomes) == 1
    assert stock(mug) == ((3, 0, 0) if Order.objects.get().status == "shipped" else (5, 0, 0))
