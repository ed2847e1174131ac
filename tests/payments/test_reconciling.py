"""Money nobody told us of, money that came too late, money that came twice (kill test 11's promises)."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.core.management import call_command

from apps.orders.models import Order, OrderEvent
from apps.orders.services import expire_order, fill_backorder, mark_paid, plan_expiries
from apps.payments import services
from apps.payments.errors import GatewayFailed
from apps.payments.gateway import Wanted
from apps.payments.models import Payment, SandboxIntent, WebhookEvent
from apps.payments.sandbox_gateway import SandboxGateway
from apps.payments.tasks import reconcile
from apps.products.errors import OutOfStock
from apps.products.services import StockLine, receive_stock
from core.clock import now
from core.housekeeping import delete_stale
from core.models import OutboxJob
from tests.balances import stock
from tests.factories.products import ProductFactory
from tests.payments.conftest import GOOD, Buyer, charged, events, post, state, work
from tests.races import race

pytestmark = pytest.mark.django_db


def later(minutes=2):
    return time_machine.travel(now() + timedelta(minutes=minutes), tick=False)


def lapse():
    """The reservation runs out and the sweep comes by, its jobs not yet."""
    Order.objects.update(reserved_until=now() - timedelta(seconds=1))
    plan_expiries()


def test_a_charge_nobody_told_us_of_is_found_within_two_minutes(buyer):
    order = buyer.order()
    buyer.pay(order)
    events()  # lost
    assert services.plan_checks() == 0  # it was looked at just now
    with later():
        assert services.plan_checks() == 1
        work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])


def test_what_is_settled_is_not_looked_at_again(buyer):
    buyer.pay(buyer.order())
    work()
    with later(60):
        assert services.plan_checks() == 0


def test_money_for_an_order_that_lapsed_goes_back_and_staff_are_told(buyer, operator):
    mug = ProductFactory(stock=1, price=6000)
    order = buyer.order(mug)
    buyer.pay(order)
    lapse()
    while_paying = events()
    work()
    assert state(order) == (("cancelled", "pending"), [("refunded", order.total)])
    assert charged(order) == 0
    assert stock(mug) == (1, 0, 0)
    assert order.number in mail.outbox[0].subject
    assert OrderEvent.objects.filter(note__startswith="A payment goes back").count() == 1
    assert len(while_paying) == 1


def test_with_backorders_a_late_payment_takes_the_goods_if_they_are_there(buyer, settings):
    settings.LATE_PAYMENTS = "backorder"
    mug = ProductFactory(stock=1, price=6000)
    order = buyer.order(mug)
    buyer.pay(order)
    lapse()
    events()
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert stock(mug) == (1, 0, 1)
    assert not Order.objects.get().is_backordered


def test_with_backorders_a_late_payment_without_goods_waits_for_them(buyer, operator, settings):
    settings.LATE_PAYMENTS = "backorder"
    mug = ProductFactory(stock=1, price=6000)
    order = buyer.order(mug)
    buyer.pay(order)
    lapse()
    events()
    expire_order(order_id=order.pk)
    Buyer("+966512345679").order(mug)
    work()
    assert Order.objects.get(pk=order.pk).is_backordered
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert stock(mug) == (1, 1, 0)
    assert "backordered" in mail.outbox[0].body
    with pytest.raises(OutOfStock):
        fill_backorder(order_id=order.pk, actor=operator)
    assert stock(mug) == (1, 1, 0)
    receive_stock(lines=[StockLine(mug.pk, None, 1)], reference="delivery")
    fill_backorder(order_id=order.pk, actor=operator)
    assert stock(mug) == (2, 1, 1)


def test_money_that_comes_twice_goes_back_once(buyer, operator):
    order = buyer.order()
    buyer.pay(order)
    mark_paid(order_id=order.pk, actor=operator, note="Paid in cash")
    work()
    assert state(order) == (("processing", "paid"), [("refunded", order.total)])
    assert charged(order) == 0


def test_an_amount_that_is_not_the_orders_buys_nothing(buyer):
    order = buyer.order()
    intent = buyer.pay(order)
    SandboxIntent.objects.filter(pk=intent).update(amount=1)
    work()
    assert state(order)[0][0] == "pending"
    assert charged(order) == 0
    assert OrderEvent.objects.filter(note__contains="amount is not the order's").exists()


def test_a_payment_whose_row_was_lost_is_found_and_becomes_the_order(buyer):
    order = buyer.order()
    intent = SandboxGateway().create_intent(_wanted(order))
    SandboxGateway().pay(intent.id, client_secret=intent.client_secret, number=GOOD)
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert Payment.objects.get().intent == intent.id


def test_reconciliation_mends_what_was_missed_and_calls_off_what_nobody_can_pay(buyer):
    paid, forgotten, agreed = buyer.order(), buyer.order(), buyer.order()
    buyer.pay(agreed)
    work()
    buyer.pay(paid)
    orphan = SandboxGateway().create_intent(_wanted(forgotten))
    theirs = SandboxGateway().create_intent(replace(_wanted(forgotten), key="x", metadata={"hanout_shop": "another"}))
    SandboxIntent.objects.update(created_at=now() - timedelta(hours=2))
    events()
    out = StringIO()
    call_command("reconcile_payments", days=1, stdout=out)
    assert state(paid)[0] == ("processing", "paid")
    assert SandboxIntent.objects.get(pk=orphan.id).status == "canceled"
    assert SandboxIntent.objects.get(pk=theirs.id).status == "requires_payment_method"  # another shop's
    assert "1 agreed" in out.getvalue()
    assert "1 mended" in out.getvalue()
    assert "1 called off" in out.getvalue()
    again = StringIO()
    call_command("reconcile_payments", days=1, stdout=again)
    assert "3 agreed" in again.getvalue()


def test_the_nightly_job_mends_each_payment_in_a_job_of_its_own(buyer):
    paid, refunded = buyer.order(), buyer.order()
    for order in (paid, refunded):
        buyer.pay(order)
    services.settle_payment(gateway="sandbox", intent=SandboxGateway().read_intent(_intent_of(refunded)))
    SandboxGateway().send_back(_intent_of(refunded), amount=100, currency="USD", ours="", reason="other")
    events()
    reconcile()
    assert OutboxJob.objects.filter(name="payments.mend").count() == 2
    work()
    assert state(paid)[0] == ("processing", "paid")
    assert state(refunded) == (("processing", "paid"), [("succeeded", 100)])


def test_one_that_cannot_be_read_keeps_no_other_waiting(buyer, monkeypatch):
    monkeypatch.setattr("apps.payments.services.reconciling.SWEEP_BATCH", 1)
    broken, paid = buyer.order(), buyer.order()
    for order in (broken, paid):
        buyer.pay(order)
    events()
    SandboxIntent.objects.filter(pk=_intent_of(broken)).delete()
    with later():
        services.plan_checks()
        work()
        services.plan_checks()
        work()
    assert state(paid)[0] == ("processing", "paid")


def test_an_event_whose_job_was_given_up_is_applied_by_the_sweep_or_when_it_is_told_again(buyer):
    for again in (True, False):
        order = buyer.order()
        buyer.pay(order)
        (body,) = events()
        post(body)
        OutboxJob.objects.all().delete()
        if again:
            post(body)
        else:
            WebhookEvent.objects.filter(state="received").update(received_at=now() - timedelta(minutes=6))
            assert services.plan_waiting_events() == 1
        work()
        assert state(order)[0] == ("processing", "paid")


def test_an_order_that_lapses_while_the_gateway_is_asked_gives_nobody_a_payment(buyer, monkeypatch):
    order = buyer.order()
    real = SandboxGateway.create_intent

    def slow(self, wanted):
        intent = real(self, wanted)
        expired = Order.objects.filter(pk=order.pk)
        expired.update(reserved_until=now() - timedelta(seconds=1))
        expire_order(order_id=order.pk)
        work()
        return intent

    monkeypatch.setattr(SandboxGateway, "create_intent", slow)
    reply = buyer.begin(order)
    assert (reply.status_code, reply.json()["code"]) == (409, "order_not_payable")
    assert SandboxIntent.objects.get().status == "canceled"
    assert state(order) == (("cancelled", "pending"), [("cancelled", 0)])


def test_paying_while_another_card_is_chosen_is_found_and_kept(buyer):
    order = buyer.order()
    buyer.pay(order)
    events()
    reply = buyer.begin(order, save_payment_method=True)
    assert (reply.status_code, reply.json()["code"]) == (400, "already_paid")
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])


def test_old_events_are_forgotten(buyer):
    buyer.pay(buyer.order())
    work()
    assert delete_stale(services.stale_events) == 0
    WebhookEvent.objects.update(received_at=now() - timedelta(days=91))
    assert delete_stale(services.stale_events) == 1


def _intent_of(order):
    return SandboxIntent.objects.get(metadata__hanout_order=str(order.pk)).pk


def test_a_gateway_that_is_away_is_asked_again(buyer, monkeypatch):
    order = buyer.order()
    buyer.pay(order)
    events()

    def away(self, intent):
        raise GatewayFailed

    with monkeypatch.context() as patched, later():
        patched.setattr(SandboxGateway, "read_intent", away)
        services.plan_checks()
        work()
    assert state(order)[0] == ("pending", "pending")
    with later(10):
        services.plan_checks()
        work()
    assert state(order)[0] == ("processing", "paid")


def _wanted(order):
    metadata = {"hanout_shop": settings.SHOP_ID, "hanout_order": str(order.pk), "hanout_attempt": "1"}
    return Wanted(key=f"lost-{order.pk}", amount=order.total, currency=order.currency, metadata=metadata)


@pytest.mark.django_db(transaction=True)
def test_the_client_the_webhook_and_the_sweep_at_once_settle_a_payment_once():
    buyer = Buyer()
    order = buyer.order(ProductFactory(stock=1, price=6000))
    intent = buyer.pay(order)
    found = SandboxGateway().read_intent(intent)
    race(lambda _: services.settle_payment(gateway="sandbox", intent=found), threads=20)
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert Payment.objects.get().transactions.count() == 1
    assert OrderEvent.objects.filter(order=order).count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_taps_on_pay_begin_one_payment():
    buyer = Buyer()
    order = buyer.order(ProductFactory(stock=1, price=6000))

    def begin(number):
        return services.begin_payment(user=buyer.user, order_id=order.pk).payment.intent

    assert len(set(race(begin, threads=20))) == 1
    assert SandboxIntent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_payment_and_the_sweep_of_its_reservation_at_once_end_in_an_order_or_a_refund():
    for number in range(5):
        buyer = Buyer(f"+9665123457{number:02}")
        mug = ProductFactory(stock=1, price=6000)
        order = buyer.order(mug)
        found = SandboxGateway().read_intent(buyer.pay(order))
        lapse()
        moves = [work, lambda found=found: services.settle_payment(gateway="sandbox", intent=found)]
        race(lambda turn, moves=moves: moves[turn % 2](), threads=4)
        work()
        (status, paid), _ = state(order)
        assert (status, paid, charged(order)) in {
            ("processing", "paid", order.total),
            ("cancelled", "pending", 0),
        }
        assert stock(mug) == ((1, 0, 1) if status == "processing" else (1, 0, 0))
