"""S0's signed form, for payment providers without an SDK."""

import hmac
import json
import time

import pytest
from django.core import mail

from apps.orders.services import cancel_order
from apps.payments.models import Payment, WebhookEvent
from tests.conftest import Api
from tests.payments.conftest import state, work

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


def test_an_order_nobody_knows_is_kept_and_moves_nothing(buyer):
    order = buyer.order()
    assert tell({**paid(order), "invoice_code": "ORD-0"}).status_code == 200
    assert state(order) == (("pending", "pending"), [])
    assert WebhookEvent.objects.count() == 1


def assert_nothing_moved(order):
    assert not WebhookEvent.objects.exists()
    assert state(order) == (("pending", "pending"), [])
