from datetime import timedelta

import pytest
import time_machine

from apps.accounts.models import DevelopmentMessage, User
from apps.orders import services
from apps.orders.errors import (
    OrderTooLarge,
    ProductUnavailable,
    TooManyUnpaidOrders,
    WrongOrderState,
)
from apps.orders.models import Order, OrderEvent
from apps.orders.services import Addresses, BasketLine
from apps.products.errors import OutOfStock
from apps.products.models import StockItem
from core.clock import now
from core.models import OutboxJob
from core.outbox import run_due_jobs
from tests.balances import stock
from tests.factories.products import ProductFactory, VariantFactory
from tests.races import race

pytestmark = pytest.mark.django_db
HOME = Addresses({"city": "Riyadh"}, {"city": "Riyadh"})


@pytest.fixture
def shopper_user():
    return User.objects.create_user(phone="+966512345678")


def place(user, *wanted, notes=""):
    basket = [BasketLine(product.pk, None, quantity) for product, quantity in wanted]
    return services.place_order(user=user, basket=basket, addresses=HOME, notes=notes)


def test_an_order_freezes_prices_and_keeps_the_goods(shopper_user):
    mug = ProductFactory(name="Mug", price=1490, stock=3)
    order = place(shopper_user, (mug, 2))
    mug.price = 9999
    mug.save()
    assert (order.subtotal, order.tax_amount, order.shipping_cost, order.total) == (2980, 298, 1000, 4278)
    assert order.items.get().unit_price == 1490
    assert stock(mug) == (3, 2, 0)
    assert order.reserved_until > now()
    assert OrderEvent.objects.get().status == "pending"


@pytest.mark.parametrize(("price", "shipping"), [(4999, 1000), (5000, 0)])
def test_shipping_is_free_from_fifty(shopper_user, price, shipping):
    assert place(shopper_user, (ProductFactory(price=price, stock=1), 1)).shipping_cost == shipping


def test_an_order_number_is_fit_to_be_read_out(shopper_user):
    assert place(shopper_user, (ProductFactory(stock=1), 1)).number[:4] == "ORD-"


def test_a_sold_out_item_refuses_the_whole_order(shopper_user):
    mug, plate = ProductFactory(stock=1), ProductFactory(stock=0)
    with pytest.raises(OutOfStock):
        place(shopper_user, (mug, 1), (plate, 1))
    assert not Order.objects.exists()
    assert not OutboxJob.objects.exists()
    assert stock(mug) == (1, 0, 0)


def test_what_cannot_be_ordered_is_named(shopper_user):
    hidden, shirt = ProductFactory(is_active=False, stock=1), ProductFactory()
    VariantFactory(product=shirt, stock=1)
    other = VariantFactory(product=ProductFactory(), stock=1)
    for line in (BasketLine(hidden.pk, None, 1), BasketLine(shirt.pk, None, 1), BasketLine(shirt.pk, other.pk, 1)):
        with pytest.raises(ProductUnavailable) as refused:
            services.place_order(user=shopper_user, basket=[line], addresses=HOME)
        assert refused.value.details["items"][0]["product_id"] == line.product_id
    assert not Order.objects.exists()


def test_a_variant_is_ordered_at_its_own_price_from_its_own_shelf(shopper_user):
    shirt = ProductFactory(name="Shirt", price=3000)
    small = VariantFactory(product=shirt, name="S", price=2500, stock=1)
    order = services.place_order(user=shopper_user, basket=[BasketLine(shirt.pk, small.pk, 1)], addresses=HOME)
    assert order.subtotal == 2500
    assert order.items.get().product_name == "Shirt · S"


def test_a_product_that_is_not_tracked_never_runs_out(shopper_user):
    order = place(shopper_user, (ProductFactory(track_inventory=False), 500))
    services.cancel_order(order_id=order.pk, actor=None)
    assert not StockItem.objects.exists()


def test_cancelling_puts_the_goods_back_once(shopper_user):
    mug = ProductFactory(stock=2)
    order = place(shopper_user, (mug, 2))
    services.cancel_order(order_id=order.pk, actor=shopper_user)
    with pytest.raises(WrongOrderState):
        services.cancel_order(order_id=order.pk, actor=shopper_user)
    assert stock(mug) == (2, 0, 0)


def test_a_paid_order_sets_goods_aside_and_can_be_cancelled(shopper_user):
    mug = ProductFactory(stock=2)
    order = place(shopper_user, (mug, 2))
    services.mark_paid(order_id=order.pk, actor=None, note="bank transfer")
    assert stock(mug) == (2, 0, 2)
    with pytest.raises(WrongOrderState):
        services.mark_paid(order_id=order.pk, actor=None, note="twice")
    services.cancel_order(order_id=order.pk, actor=None)
    assert stock(mug) == (2, 0, 0)


def test_an_unpaid_order_lets_go_of_its_goods_in_time(shopper_user, settings):
    mug = ProductFactory(stock=1)
    unpaid, paid = place(shopper_user, (mug, 1)), place(shopper_user, (ProductFactory(stock=1), 1))
    services.mark_paid(order_id=paid.pk, actor=None, note="")
    assert services.plan_expiries() == 0
    with time_machine.travel(now() + timedelta(minutes=settings.RESERVATION_MINUTES, seconds=1)):
        assert services.plan_expiries() == 1
        run_due_jobs()
    unpaid.refresh_from_db()
    assert unpaid.status == "cancelled"
    assert stock(mug) == (1, 0, 0)


def test_the_customer_is_told_once_the_order_is_in(shopper_user):
    order = place(shopper_user, (ProductFactory(stock=1), 1))
    assert not DevelopmentMessage.objects.exists()
    run_due_jobs()
    assert order.number in DevelopmentMessage.objects.get(recipient=shopper_user.phone).body


@pytest.mark.django_db(transaction=True)
def test_fifty_customers_and_one_unit_make_one_order():
    mug = ProductFactory(stock=1)
    people = [User.objects.create_user(phone=f"+96650000{number:04d}") for number in range(50)]
    outcomes = race(lambda number: place(people[number], (mug, 1)))
    assert sum(isinstance(outcome, Order) for outcome in outcomes) == Order.objects.count() == 1
    assert sum(isinstance(outcome, OutOfStock) for outcome in outcomes) == 49
    assert stock(mug) == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_expiring_at_once_puts_the_goods_back_once(settings):
    settings.RESERVATION_MINUTES = 0
    user = User.objects.create_user(phone="+966512345678")
    mug = ProductFactory(stock=1)
    order = place(user, (mug, 1))

    def end(number):
        return (
            services.expire_order(order_id=order.pk)
            if number % 2
            else services.cancel_order(order_id=order.pk, actor=user)
        )

    race(end, threads=12)
    assert stock(mug) == (1, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_and_buyers_of_the_same_goods_do_not_deadlock(settings):
    settings.RESERVATION_MINUTES = 0
    shelf = [ProductFactory(stock=500) for _ in range(3)]
    people = [User.objects.create_user(phone=f"+96650000{number:04d}") for number in range(24)]
    for number in range(40):
        place(people[number % 12], *((product, 1) for product in (shelf if number % 2 else shelf[::-1])))

    def act(number):
        if number % 4 == 0:
            return services.plan_expiries() + run_due_jobs(limit=400)
        return place(people[12 + number], *((product, 1) for product in shelf[:: 1 if number % 2 else -1]))

    outcomes = race(act, threads=12)
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    run_due_jobs(limit=400)
    waiting = Order.objects.filter(status="pending").count()
    assert [stock(product) for product in shelf] == [(500, waiting, 0)] * 3


def test_a_paid_order_that_is_cancelled_says_that_a_refund_is_due(shopper_user):
    order = place(shopper_user, (ProductFactory(stock=1), 1))
    services.mark_paid(order_id=order.pk, actor=None, note="bank transfer")
    assert not Order.objects.refund_due().exists()
    services.cancel_order(order_id=order.pk, actor=shopper_user)
    assert Order.objects.refund_due().get().paid_at is not None
    assert OrderEvent.objects.latest("pk").note.endswith("refund due")


def test_a_customer_has_five_unpaid_orders_at_most(shopper_user):
    mug = ProductFactory(stock=100)
    orders = [place(shopper_user, (mug, 1)) for _ in range(5)]
    with pytest.raises(TooManyUnpaidOrders) as refused:
        place(shopper_user, (mug, 1))
    assert refused.value.retry_after > 0
    assert stock(mug) == (100, 5, 0)
    services.cancel_order(order_id=orders[0].pk, actor=shopper_user)
    place(shopper_user, (mug, 1))


@pytest.mark.django_db(transaction=True)
def test_orders_placed_at_once_do_not_slip_past_the_limit():
    user, mug = User.objects.create_user(phone="+966512345678"), ProductFactory(stock=100)
    race(lambda _: place(user, (mug, 1)), threads=12)
    assert Order.objects.count() == 5
    assert stock(mug) == (100, 5, 0)


def test_one_order_holds_two_thousand_units_at_most(shopper_user):
    mug = ProductFactory(stock=5000)
    with pytest.raises(OrderTooLarge):
        place(shopper_user, (mug, 1000), (mug, 1000), (mug, 1))
    assert stock(mug) == (5000, 0, 0)


def test_a_product_whose_variants_are_all_off_cannot_be_ordered(shopper_user):
    shirt = ProductFactory(track_inventory=False)
    VariantFactory(product=shirt, is_active=False)
    with pytest.raises(ProductUnavailable):
        place(shopper_user, (shirt, 1))
    assert not Order.objects.exists()


def test_an_order_that_moved_on_is_not_announced(shopper_user):
    order = place(shopper_user, (ProductFactory(stock=1), 1))
    services.cancel_order(order_id=order.pk, actor=shopper_user)
    run_due_jobs()
    assert not DevelopmentMessage.objects.exists()
