"""Who leaves is taken out of their orders: at once where one is over, later where it is under way. Nobody else is."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import delete_account
from apps.orders import services
from apps.orders.models import Cart, Order
from apps.orders.services import Addresses, BasketLine
from apps.payments.models import Payment, Refund
from apps.payments.services import forget_customer, stale_traces
from apps.payments.services.leaving import BY_HAND
from core import housekeeping
from core.clock import now
from core.outbox import registered_jobs, run_due_jobs
from tests.factories.products import ProductFactory
from tests.races import race

pytestmark = pytest.mark.django_db
BOOKED = {"city": "Riyadh", "state": "Riyadh", "country": "SA"}
HOME = BOOKED | {
    "full_name": "Layla Haddad",
    "email": "layla@shop.test",
    "phone": "+966512345678",
    "address_line1": "12 Palm Street",
    "address_line2": "Floor 2",
    "postal_code": "11564",
}
NOTES = "Ring at Haddad's"
OVER = [
    {"status": "delivered", "payment_status": "paid", "paid_at": now()},
    {"status": "cancelled", "payment_status": "pending", "lapsed_at": now()},
    {"status": "cancelled", "payment_status": "failed"},
    {"status": "cancelled", "payment_status": "refunded", "paid_at": now()},
    {"status": "refunded", "payment_status": "refunded", "paid_at": now()},
]
UNDER_WAY = [
    {"status": "pending", "payment_status": "pending"},
    {"status": "processing", "payment_status": "paid", "paid_at": now()},
    {"status": "processing", "payment_status": "paid", "paid_at": now(), "is_backordered": True},
    {"status": "shipped", "payment_status": "paid", "paid_at": now()},
    {"status": "cancelled", "payment_status": "paid", "paid_at": now()},
]
MONEY_MOVES = [{"dispute": "open"}, {"charged_at": None, "status": "processing"}]


def name_of(state):
    return f"{state['status']}-{state['payment_status']}"


@pytest.fixture
def layla():
    return User.objects.create_user(phone="+966512345678", first_name="Layla", last_name="Haddad")


@pytest.fixture
def omar():
    return User.objects.create_user(phone="+966512345679")


def order_of(user, **state):
    basket = [BasketLine(ProductFactory(stock=5, price=4000).pk, None, 1)]
    billing = HOME | {"full_name": "Haddad & Sons"}
    order = services.place_order(user=user, basket=basket, addresses=Addresses(HOME, billing), notes=NOTES)
    Order.objects.filter(pk=order.pk).update(**state)
    order.refresh_from_db()
    return order


def payment_of(order, **state):
    charged = {"status": "succeeded", "charged_at": now(), "pays_order": True} | state
    return Payment.objects.create(
        order=order,
        user=order.user,
        attempt=1,
        gateway="sandbox",
        intent=f"pi_{order.pk}",
        amount=order.total,
        currency=order.currency,
        checked_at=now(),
        **charged,
    )


def leave(user):
    delete_account(user=user, caller=Caller())
    registered_jobs()["payments.forget_owner"].handler(user=user.pk)


def says(order):
    order.refresh_from_db()
    return order.shipping_address, order.billing_address, order.customer_notes


def is_whole(order):
    return says(order) == (HOME, HOME | {"full_name": "Haddad & Sons"}, NOTES)


def is_taken_out(order):
    return says(order) == (BOOKED, BOOKED, "")


def tidy():
    registered_jobs()["payments.forget_traces"].handler()


@pytest.mark.parametrize("state", OVER, ids=name_of)
def test_an_order_that_is_over_forgets_its_customer_at_once_and_keeps_what_it_cost(layla, state):
    order = order_of(layla, **state)
    before = Order.objects.filter(pk=order.pk).values(
        "number", "user", "status", "payment_status", "subtotal", "tax_amount", "shipping_cost", "total", "updated_at"
    )
    kept, lines = before.get(), list(order.items.values())
    delete_account(user=layla, caller=Caller())
    run_due_jobs()
    assert is_taken_out(order)
    assert before.get() == kept
    assert list(order.items.values()) == lines


@pytest.mark.parametrize("state", UNDER_WAY, ids=name_of)
def test_an_order_under_way_keeps_where_it_goes_until_it_is_over(layla, state):
    order = order_of(layla, **state)
    leave(layla)
    tidy()
    assert is_whole(order)
    Order.objects.filter(pk=order.pk).update(status="cancelled", payment_status="refunded")
    tidy()
    assert is_taken_out(order)


@pytest.mark.parametrize("state", MONEY_MOVES, ids=str)
def test_money_in_dispute_or_on_its_way_keeps_the_order_whole(layla, state):
    order = order_of(layla, **OVER[0])
    payment = payment_of(order, **state)
    leave(layla)
    tidy()
    assert is_whole(order)
    Payment.objects.filter(pk=payment.pk).update(status="succeeded", charged_at=now(), dispute="won")
    tidy()
    assert is_taken_out(order)


def test_money_nobody_could_send_back_keeps_the_order_whole_until_staff_have_returned_it(layla):
    order = order_of(layla, **OVER[1])
    payment = payment_of(order, pays_order=False)
    leave(layla)
    tidy()
    assert is_whole(order)
    Payment.objects.filter(pk=payment.pk).update(charged_at=now() - BY_HAND)
    tidy()
    assert is_taken_out(order)


def test_a_refund_that_failed_keeps_the_order_whole_until_staff_have_returned_it(layla):
    order = order_of(layla, **OVER[0])
    refund = Refund.objects.create(
        payment=payment_of(order), amount=100, reason="other", status="failed", settled_at=now()
    )
    leave(layla)
    tidy()
    assert is_whole(order)
    Refund.objects.filter(pk=refund.pk).update(settled_at=now() - BY_HAND)
    tidy()
    assert is_taken_out(order)


@pytest.mark.parametrize("end", ["succeeded", "cancelled"])
@pytest.mark.parametrize("going", ["pending", "processing"])
def test_a_refund_that_runs_keeps_the_order_whole_until_it_ends(layla, going, end):
    order = order_of(layla, **OVER[0])
    payment = payment_of(order)
    refund = Refund.objects.create(payment=payment, amount=100, reason="other", status=going)
    leave(layla)
    tidy()
    assert is_whole(order)
    Refund.objects.filter(pk=refund.pk).update(status=end)
    tidy()
    assert is_taken_out(order)


def test_an_order_is_shipped_after_its_customer_left_and_then_forgets_them(layla, operator):
    order = order_of(layla)
    services.mark_paid(order_id=order.pk, actor=operator, note="Cash")
    leave(layla)
    services.ship_order(order_id=order.pk, actor=operator)
    tidy()
    assert is_whole(order)
    services.deliver_order(order_id=order.pk, actor=operator)
    tidy()
    assert is_taken_out(order)


def test_nobody_elses_order_and_no_guests_cart_is_touched(layla, omar):
    theirs = [order_of(omar, **state) for state in OVER]
    mine = order_of(layla, **OVER[0])
    guests = Cart.objects.create(token_digest=b"x")
    leave(layla)
    tidy()
    assert is_taken_out(mine)
    assert all(is_whole(order) for order in theirs)
    assert Cart.objects.filter(pk=guests.pk).exists()


def test_forgetting_twice_changes_nothing_more(layla):
    order = order_of(layla, **OVER[0])
    leave(layla)
    Order.objects.filter(pk=order.pk).update(tracking_number="AB 123")
    before = Order.objects.filter(pk=order.pk).values()
    once = before.get()
    registered_jobs()["payments.forget_owner"].handler(user=layla.pk)
    tidy()
    assert before.get() == once


def test_the_job_takes_nobody_out_who_has_not_left(layla):
    order = order_of(layla, **OVER[0])
    registered_jobs()["payments.forget_owner"].handler(user=layla.pk)
    assert is_whole(order)


def test_housekeeping_counts_them_first_and_takes_the_person_never_the_order(layla, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    orders = [order_of(layla, **OVER[0]) for _ in range(5)]
    delete_account(user=layla, caller=Caller())
    for option, done in (("--dry-run", is_whole), ("--only=traces", is_taken_out)):
        said = StringIO()
        call_command("housekeeping", option, "--only=traces", stdout=said)
        assert said.getvalue().splitlines()[1].split()[:2] == ["traces", "5"]
        assert all(done(order) for order in orders)
    assert Order.objects.count() == 5


def test_days_of_keeping_are_counted_from_the_leaving(layla):
    order = order_of(layla, **OVER[0])
    delete_account(user=layla, caller=Caller())
    assert housekeeping.delete_stale(stale_traces, days=7) == 0
    assert is_whole(order)
    User.objects.filter(pk=layla.pk).update(deleted_at=now() - timedelta(days=8))
    assert housekeeping.delete_stale(stale_traces, days=7) == 1
    assert is_taken_out(order)


@pytest.mark.django_db(transaction=True)
def test_late_money_beside_the_forgetting_brings_back_orders_that_are_whole():
    layla = User.objects.create_user(phone="+966512345678")
    lapsed = {"status": "cancelled", "reserved_until": None, "lapsed_at": now()}
    paid_late, never_paid = ([order_of(layla, **lapsed) for _ in range(3)] for _ in range(2))
    payments = [payment_of(order, charged_at=None, status="processing") for order in paid_late]
    delete_account(user=layla, caller=Caller())

    @transaction.atomic
    def pay(number):
        services.reopen_order(order_id=paid_late[number].pk, note="Paid late")
        Payment.objects.filter(pk=payments[number].pk).update(status="succeeded", charged_at=now())

    def act(number):
        return pay(number) if number < 3 else forget_customer(user_id=layla.pk) if number < 5 else tidy()

    assert race(act, threads=6) == [None] * 6
    assert all(is_whole(order) and order.status == "processing" for order in paid_late)
    assert all(is_taken_out(order) for order in never_paid)
