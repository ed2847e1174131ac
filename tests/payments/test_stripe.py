"""The adapter of Stripe: against localstripe for what that supports, and at the wire for the rest."""

import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
import stripe

from apps.payments import services
from apps.payments.errors import CardDeclined, GatewayFailed, GatewayRefused
from apps.payments.gateway import State, Wanted
from apps.payments.models import GatewayCustomer, Payment, SavedMethod
from apps.payments.stripe_gateway import StripeGateway
from core.clock import now
from tests.parties import Party, free_port
from tests.payments.conftest import state, work

DISPUTE = {"status": "under_review", "amount": 999}
WANTED = Wanted(key="order-1-1", amount=1999, currency="USD", metadata={"hanout_order": "1"})
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "requires_payment_method",
    "amount": 1999,
    "currency": "usd",
}


@pytest.fixture(scope="module")
def localstripe():
    """A Stripe on this machine. It knows no idempotency keys and lists nothing by date."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.fixture
def real(settings, localstripe, monkeypatch):
    """The shop pays through Stripe, which is localstripe."""
    settings.STRIPE_SECRET_KEY = "sk_test_12345"
    till = StripeGateway(localstripe)
    for module in ("paying", "listening", "reconciling", "returning"):
        monkeypatch.setattr(f"apps.payments.services.{module}.gateway", lambda: till)
    return till


@pytest.fixture
def wire(settings):
    settings.STRIPE_SECRET_KEY = "sk_test_12345"
    party = Party()
    party.said = INTENT
    yield party
    party.stop()


def keep(buyer, till, number="4242424242424242"):
    """What the customer's device would have done with Stripe's library, and the shop the time before."""
    details = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    card = till._client.v1.payment_methods.create({"type": "card", "card": details})["id"]
    customer = till.make_customer(ours="1")
    till._client.v1.payment_methods.attach(card, {"customer": customer})
    GatewayCustomer.objects.create(user=buyer.user, gateway="stripe", reference=customer)
    return SavedMethod.objects.create(
        user=buyer.user, gateway="stripe", reference=card, brand="visa", last4="4242", exp_month=12, exp_year=2040
    )


@pytest.mark.django_db
def test_a_shop_on_stripe_charges_and_refunds(buyer, real, operator):
    kept = keep(buyer, real)
    order = buyer.order()
    begun = services.begin_payment(user=buyer.user, order_id=order.pk, method_id=kept.pk)
    assert begun.client_secret.startswith(begun.payment.intent)
    services.confirm_payment(user=buyer.user, intent=begun.payment.intent)
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert Payment.objects.get().card == "visa 4242"
    services.refund_payment(payment_id=begun.payment.pk, amount=500, reason="other", why="Sorry", actor=operator)
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 500)])
    assert real.read_intent(begun.payment.intent).refunds[0].amount == 500


@pytest.mark.django_db
def test_a_card_stripe_declines_leaves_the_order_unpaid(buyer, real):
    kept = keep(buyer, real, "4000000000000341")  # may be kept, and is declined when it is charged
    order = buyer.order()
    begun = services.begin_payment(user=buyer.user, order_id=order.pk, method_id=kept.pk)
    with suppress(CardDeclined):  # Stripe says so by an error, localstripe by the payment's state
        services.confirm_payment(user=buyer.user, intent=begun.payment.intent)
    assert state(order) == (("pending", "failed"), [("failed", 0)])
    assert Payment.objects.get().failure_code == "card_declined"


def test_a_payment_called_off_cannot_be_paid(real):
    intent = real.create_intent(WANTED)
    assert real.cancel_intent(intent.id, key="off").state == State.CANCELED
    assert real.cancel_intent(intent.id, key="off again").state == State.CANCELED
    with pytest.raises(GatewayRefused):
        real.confirm_intent(intent.id, key="on")


def test_every_call_carries_its_key_and_the_version_it_was_written_for(wire):
    StripeGateway(wire.url).create_intent(WANTED)
    asked = wire.asked[-1]
    assert asked.headers["Idempotency-Key"] == "order-1-1"
    assert asked.headers["Stripe-Version"] == stripe.api_version
    assert asked.form == {
        "amount": "1999",
        "currency": "usd",
        "metadata[hanout_order]": "1",
        "payment_method_types[0]": "card",
    }


def test_a_refund_carries_the_id_of_our_row_as_its_key(wire):
    wire.said = {"id": "re_1", "amount": 500, "status": "succeeded", "metadata": {"hanout_refund": "r-1"}}
    sent = StripeGateway(wire.url).send_back("pi_1", amount=500, currency="USD", ours="r-1", reason="duplicate")
    assert wire.asked[-1].headers["Idempotency-Key"] == "refund-r-1"
    assert wire.asked[-1].form["reason"] == "duplicate"
    assert (sent.ours, sent.amount) == ("r-1", 500)


@pytest.mark.parametrize(
    ("status", "error", "meaning"),
    [
        (500, {"type": "api_error"}, GatewayFailed),
        (429, {"type": "invalid_request_error"}, GatewayFailed),
        (409, {"type": "idempotency_error"}, GatewayFailed),
        (400, {"type": "invalid_request_error"}, GatewayRefused),
        (404, {"type": "invalid_request_error"}, GatewayRefused),
        (400, {"type": "idempotency_error"}, GatewayFailed),
        (401, {"type": "invalid_request_error"}, GatewayFailed),
        (403, {"type": "invalid_request_error"}, GatewayFailed),
        (402, {"type": "card_error", "code": "card_declined"}, CardDeclined),
    ],
)
def test_what_stripe_says_is_told_as_what_it_means(wire, status, error, meaning):
    wire.status, wire.said = status, {"error": {"message": "about sk_test_12345", **error}}
    with pytest.raises(meaning) as raised:
        StripeGateway(wire.url).create_intent(WANTED)
    assert "sk_test" not in raised.value.text


def test_a_stripe_that_cannot_be_reached_has_not_answered(settings):
    settings.STRIPE_SECRET_KEY = "sk_test_12345"
    with pytest.raises(GatewayFailed):
        StripeGateway(f"http://127.0.0.1:{free_port()}").read_intent("pi_1")


def test_the_list_is_read_to_its_end(wire, monkeypatch):
    pages = [
        {"data": [{**INTENT, "id": "pi_1"}, {**INTENT, "id": "pi_2"}], "has_more": True},
        {"data": [{**INTENT, "id": "pi_3"}], "has_more": False},
    ]
    till = StripeGateway(wire.url)
    asked = []

    def answer(call, params, key=""):
        asked.append(params)
        return pages[len(asked) - 1]

    monkeypatch.setattr(till, "_ask", answer)
    assert [intent.id for intent in till.intents_since(now() - timedelta(days=1))] == ["pi_1", "pi_2", "pi_3"]
    assert asked[1]["starting_after"] == "pi_2"


@pytest.mark.parametrize(
    ("currency", "ours", "told"),
    [("USD", 1999, 1999), ("JPY", 5400, 5400), ("ISK", 5400, 540000), ("MGA", 5400, 54), ("KWD", 1230, 1230)],
)
def test_amounts_are_told_as_stripe_counts_them(wire, currency, ours, told):
    wire.said = {**INTENT, "currency": currency.lower(), "amount": told}
    intent = StripeGateway(wire.url).create_intent(replace(WANTED, amount=ours, currency=currency))
    assert wire.asked[-1].form["amount"] == str(told)
    assert (intent.amount, intent.currency) == (ours, currency)


@pytest.mark.parametrize(("currency", "amount"), [("MGA", 5450), ("KWD", 1234)])
def test_an_amount_stripe_cannot_take_is_refused_before_it_is_sent(wire, currency, amount):
    with pytest.raises(GatewayRefused):
        StripeGateway(wire.url).create_intent(replace(WANTED, amount=amount, currency=currency))
    assert wire.asked == []


def test_a_dispute_is_told_in_stripes_word(wire, monkeypatch):
    charge = {"id": "ch_1", "disputed": True, "amount_refunded": 0, "amount": 1999, "captured": True}
    wire.said = {**INTENT, "status": "succeeded", "latest_charge": charge, "amount_received": 1999}
    till = StripeGateway(wire.url)
    monkeypatch.setattr(till, "_listed", lambda resource, _: [] if resource is till._client.v1.refunds else [DISPUTE])
    intent = till.read_intent("pi_1")
    assert (intent.dispute, intent.disputed, intent.received) == ("under_review", 999, 1999)
