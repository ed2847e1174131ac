"""S0's signed form, for payment providers without an SDK."""

import hmac
import json
import time

import pytest
from django.core import mail

from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import delete_account
from apps.orders.models import Order
from apps.orders.services import cancel_order
from apps.payments.models import Payment, Refund, WebhookEvent
from core.clock import now
from tests.conftest import Api
from tests.payments.conftest import state, work
from tests.races import queue

pytestmark = pytest.mark.django_db
PATH = "/api/payments/webhook/palmpay/"


@pytest.fixture(autouse=True)
def _set_up(settings):
    settings.WEBHOOK_SECRETS = {"palmpay": ["old secret", "new secret"]}


def tell(body, *, event="evt-1", key="new secret", moment=None, off=0, path=PATH, drop=(), spoil=None):
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    moment = str(int(time.time()) + off if moment is None else moment)
    mac = hmac.digest(key.encode(), f"{moment}.{event}.".encode() + raw, "sha256").hex()
    headers = {"HTTP_X_EVENT_ID": event, "HTTP_X_TIMESTAMP": moment, "HTTP_X_SIGNATURE": mac}
    sent = {name: value for name, value in headers.items() if name not in drop}
    return Api().generic("POST", path, spoil or raw, content_type="application/json", **sent)


def paid(order, **more):
    return {"provider_reference": "tr-1", "invoice_code": order.number, "status": "paid", **more}


@pytest.mark.parametrize("secret", ["old secret", "new secret"])
def test_a_signed_form_pays_the_order_once(buyer, secret):
    order = buyer.order()
    first = tell(paid(order), key=secret)
    assert (first.status_code, first.json()) == (200, {"ok": True, "status": "accepted"})
    assert tell(paid(order), key=secret).json() == {"ok": True, "status": "duplicate_ignored"}
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    payment = Payment.objects.get()
    assert (payment.gateway, payment.intent, payment.method) == ("palmpay", "tr-1", "bank_transfer")
    assert WebhookEvent.objects.get().state == "applied"


def test_another_event_about_the_same_payment_changes_nothing_more(buyer):
    order = buyer.order()
    tell({**paid(order), "status": "processing"})
    assert state(order) == (("pending", "pending"), [("processing", 0)])
    for event in ("evt-2", "evt-3"):
        assert tell(paid(order), event=event).json()["status"] == "accepted"
    tell({**paid(order), "status": "failed"}, event="evt-4")
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert Payment.objects.get().transactions.count() == 1


@pytest.mark.parametrize("header", ["HTTP_X_EVENT_ID", "HTTP_X_TIMESTAMP", "HTTP_X_SIGNATURE"])
def test_a_missing_header_is_400(buyer, header):
    order = buyer.order()
    assert tell(paid(order), drop=(header,)).status_code == 400
    assert_nothing_moved(order)


@pytest.mark.parametrize(
    "how",
    [
        {"key": "guessed"},
        {"off": -301},
        {"off": 301},
        {"moment": "soon"},
        {"moment": "١٧٠٠٠٠٠٠٠٠"},
        {"spoil": b'{"invoice_code":"ORD-1","reference":"x","status":"paid"}'},
    ],
    ids=["wrong secret", "too old", "from the future", "no time", "another script", "another body"],
)
def test_a_wrong_signature_or_time_is_401(buyer, how):
    order = buyer.order()
    reply = tell(paid(order), **how)
    assert (reply.status_code, reply.json()["code"]) == (401, "webhook_not_authentic")
    assert_nothing_moved(order)


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", {"status": "paid"}, {"reference": "", "invoice_code": "x"}])
def test_a_signed_form_that_is_none_is_400(buyer, body):
    order = buyer.order()
    reply = tell(body)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_webhook")
    assert_nothing_moved(order)


def test_a_provider_without_a_secret_is_404(buyer):
    order = buyer.order()
    assert tell(paid(order), path="/api/payments/webhook/unknown/", key="").status_code == 404
    assert_nothing_moved(order)


def test_another_amount_than_the_orders_pays_nothing_and_staff_are_told(buyer, operator):
    order = buyer.order()
    tell(paid(order, amount="1.00", currency="USD"))
    work()
    assert state(order)[0] == ("pending", "pending")
    assert order.number in mail.outbox[0].subject


def test_money_for_a_cancelled_order_is_told_to_staff(buyer, operator):
    order = buyer.order()
    cancel_order(order_id=order.pk, actor=buyer.user)
    tell(paid(order))
    work()
    assert state(order)[0] == ("cancelled", "pending")
    assert {message.to[0] for message in mail.outbox} == {operator.email}


def test_an_order_nobody_knows_is_kept_and_moves_nothing(buyer, operator):
    User.objects.create_superuser(email="second@shop.test", password="a long enough phrase")
    order = buyer.order()
    assert tell({**paid(order, amount="54.00"), "invoice_code": "ORD-0"}).status_code == 200
    work()
    assert state(order) == (("pending", "pending"), [])
    event = WebhookEvent.objects.get()
    assert (event.state, event.note) == ("ignored", "No order has this number")
    assert sorted(message.to[0] for message in mail.outbox) == [operator.email, "second@shop.test"]
    assert "palmpay" in mail.outbox[0].subject
    for word in ("ORD-0", "tr-1", "54.00 USD"):
        assert word in mail.outbox[0].body


def test_a_payment_of_another_order_is_told_to_staff_and_books_nothing(buyer, operator):
    first, second = buyer.order(), buyer.order()
    tell(paid(first))
    tell(paid(second), event="evt-2")
    work()
    assert state(first) == (("processing", "paid"), [("succeeded", 0)])
    assert state(second) == (("pending", "pending"), [])
    assert WebhookEvent.objects.get(event_id="evt-2").state == "ignored"
    assert second.number in mail.outbox[0].body


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_payment_taken_back_after_it_was_booked_is_told_to_staff(buyer, operator, status):
    order = buyer.order()
    tell(paid(order))
    tell({**paid(order), "status": status}, event="evt-2")
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert order.number in mail.outbox[0].subject
    assert status in mail.outbox[0].body


@pytest.mark.parametrize("amount", [{}, {"amount": "66.00"}, {"amount": "66"}])
def test_another_currency_than_the_orders_buys_nothing_and_staff_are_told(buyer, operator, amount):
    order = buyer.order()
    assert tell(paid(order, currency="EUR", **amount)).status_code == 200
    work()
    assert state(order) == (("pending", "pending"), [])
    assert not Payment.objects.exists()
    assert WebhookEvent.objects.get().state == "ignored"
    assert order.number in mail.outbox[0].body
    assert "EUR" in mail.outbox[0].body


def test_an_amount_without_a_currency_is_in_the_shops_and_not_in_an_older_orders(buyer, operator, settings):
    order = buyer.order()
    settings.SHOP_CURRENCY = "KWD"
    tell(paid(order, amount="5.4"))
    work()
    assert state(order) == (("pending", "pending"), [])
    assert "5.400 KWD" in mail.outbox[0].body


@pytest.mark.parametrize("field", ["provider_reference", "reference", "invoice_code", "status", "currency"])
def test_a_nul_anywhere_is_400(buyer, field):
    order = buyer.order()
    body = paid(order)
    if field == "reference":
        del body["provider_reference"]
    reply = tell({**body, field: "a\x00b"})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_webhook")
    assert_nothing_moved(order)


@pytest.mark.parametrize("event", ["a\x00b", "x" * 256])
def test_an_event_id_that_cannot_be_kept_whole_is_400(buyer, event):
    order = buyer.order()
    reply = tell(paid(order), event=event)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_webhook")
    assert_nothing_moved(order)


@pytest.mark.parametrize(
    ("amount", "currency"), [("54.001", "USD"), ("54.001", None), ("54.1", "JPY"), ("0.001", "USD")]
)
def test_more_decimals_than_the_currency_has_are_400(buyer, amount, currency):
    order = buyer.order()
    reply = tell(paid(order, amount=amount, **({"currency": currency} if currency else {})))
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_webhook")
    assert_nothing_moved(order)


def test_zeros_behind_the_point_are_no_decimals(buyer):
    order = buyer.order()
    assert tell(paid(order, amount=f"{order.total // 100}.{order.total % 100:02}0", currency="USD")).status_code == 200
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])


@pytest.mark.parametrize("late", ["refund", "backorder"])
def test_money_for_a_lapsed_order_whose_customer_left_goes_back_and_nothing_is_shipped(buyer, operator, settings, late):
    settings.LATE_PAYMENTS = late
    order = buyer.order()
    Order.objects.filter(pk=order.pk).update(status="cancelled", reserved_until=None, lapsed_at=now())
    delete_account(user=buyer.user, caller=Caller())
    work()
    assert tell(paid(order)).json()["status"] == "accepted"
    order.refresh_from_db()
    assert (order.status, "address_line1" in order.shipping_address) == ("cancelled", False)
    assert Refund.objects.get().amount == order.total
    work()
    assert operator.email in {message.to[0] for message in mail.outbox}


@pytest.mark.django_db(transaction=True)
def test_one_payment_told_for_two_orders_at_once_pays_one_of_them(buyer):
    first, second = buyer.order(), buyer.order()
    reply = queue(lambda: tell(paid(first)), lambda: tell(paid(second), event="evt-2"))
    assert reply.json() == {"ok": True, "status": "accepted"}, reply.status_code
    assert state(first) == (("processing", "paid"), [("succeeded", 0)])
    assert state(second) == (("pending", "pending"), [])
    assert WebhookEvent.objects.get(event_id="evt-2").note == "The payment is another order's"


def assert_nothing_moved(order):
    assert not WebhookEvent.objects.exists()
    assert state(order) == (("pending", "pending"), [])
