from datetime import timedelta

import pytest
import time_machine

from apps.accounts.services.spending import RESTRICTED
from apps.orders.models import Order
from apps.orders.services import cancel_order, plan_expiries
from apps.payments import services
from apps.payments.models import Payment, SavedMethod, Transaction
from apps.payments.schemas import IntentOut
from apps.payments.services import Begun
from core.clock import now
from core.models import IdempotentAnswer, OutboxJob
from tests.balances import stock
from tests.factories.products import ProductFactory
from tests.payments.conftest import ASKS, DECLINED, GOOD, POOR, Buyer, charged, events, state, work

pytestmark = pytest.mark.django_db


def test_an_order_is_paid_end_to_end(buyer):
    mug = ProductFactory(stock=3, price=6000)
    order = buyer.order(mug, 2)
    intent = buyer.pay(order)
    assert state(order) == (("pending", "pending"), [("pending", 0)])  # nobody has told the shop
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert stock(mug) == (3, 0, 2)
    assert charged(order) == order.total
    charge = Transaction.objects.get()
    assert (charge.kind, charge.amount) == ("charge", order.total)
    shown = buyer.api.get(f"/api/payments/{Payment.objects.get().pk}/").json()
    assert (shown["payment_intent_id"], shown["amount"], shown["card"]) == (intent, "132.00", "visa 4242")
    assert [movement["kind"] for movement in shown["transactions"]] == ["charge"]


def test_a_begun_payment_tells_the_device_what_it_needs(buyer, settings):
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_1"
    begun = buyer.begin(buyer.order()).json()
    assert begun["client_secret"].startswith(begun["payment_intent_id"])
    assert (begun["gateway"], begun["publishable_key"]) == ("sandbox", "")
    Payment.objects.update(gateway="stripe")
    begun = Begun(Payment.objects.get(), "secret")
    assert IntentOut.model_validate(begun).publishable_key == "pk_test_1"


def test_asking_again_goes_on_with_the_same_payment(buyer):
    order = buyer.order()
    first, second = (buyer.begin(order).json() for _ in range(2))
    assert first == second
    assert Payment.objects.count() == 1


def test_a_declined_card_may_be_followed_by_another(buyer):
    order = buyer.order()
    intent = buyer.pay(order, DECLINED)
    work()
    assert state(order) == (("pending", "failed"), [("failed", 0)])
    assert Payment.objects.get().failure_code == "generic_decline"
    assert charged(order) == 0
    assert buyer.pay(order, GOOD) == intent
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert Payment.objects.get().failure_code == ""


def test_the_client_may_see_the_payment_before_the_webhook_does(buyer):
    order = buyer.order()
    reply = buyer.confirm(buyer.pay(order))
    assert (reply.status_code, reply.json()["status"]) == (200, "succeeded")
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])
    assert Transaction.objects.count() == 1


def test_a_bank_that_asks_the_owner_is_waited_for(buyer):
    order = buyer.order()
    begun = buyer.begin(order).json()
    path, secret = f"/api/payments/sandbox/{begun['payment_intent_id']}/", {"client_secret": begun["client_secret"]}
    reply = buyer.api.send("POST", f"{path}confirm/", {**secret, "card_number": ASKS})
    assert reply.json()["status"] == "requires_action"
    work()
    assert state(order) == (("pending", "pending"), [("pending", 0)])
    buyer.api.send("POST", f"{path}authenticate/", {**secret, "agrees": True})
    work()
    assert state(order) == (("processing", "paid"), [("succeeded", 0)])


def test_a_card_is_kept_for_the_next_time_and_charged_by_the_shop(buyer):
    buyer.pay(buyer.order(), save_payment_method=True)
    work()
    card = SavedMethod.objects.get()
    assert (card.brand, card.last4, card.is_default) == ("visa", "4242", True)
    listed = buyer.api.get("/api/payments/payment-methods/").json()["results"]
    assert [row["id"] for row in listed] == [str(card.pk)]
    order = buyer.order()
    begun = buyer.begin(order, payment_method_id=str(card.pk)).json()
    assert buyer.confirm(begun["payment_intent_id"]).json()["status"] == "succeeded"
    assert state(order)[0] == ("processing", "paid")


def test_nobody_pays_with_a_strangers_card_or_sees_their_payments(buyer):
    intent = buyer.pay(buyer.order(), save_payment_method=True)
    work()
    card, payment = SavedMethod.objects.get(), Payment.objects.get()
    stranger = Buyer("+966512345679")
    order = stranger.order()
    assert stranger.begin(order, payment_method_id=str(card.pk)).status_code == 404
    assert stranger.confirm(intent).status_code == 404
    assert stranger.api.get(f"/api/payments/{payment.pk}/").status_code == 404
    assert stranger.api.get("/api/payments/").json()["count"] == 0
    path = f"/api/payments/payment-methods/{card.pk}/"
    assert stranger.api.send("POST", f"{path}set_default/").status_code == 404
    assert stranger.api.send("DELETE", path).status_code == 404
    assert SavedMethod.objects.filter(pk=card.pk).exists()
    assert state(order) == (("pending", "pending"), [])


def test_a_strangers_order_cannot_be_paid(buyer):
    order = Buyer("+966512345679").order()
    reply = buyer.begin(order)
    assert (reply.status_code, reply.json()["code"]) == (404, "order_not_found")
    assert not Payment.objects.exists()


def test_limits_that_sank_after_the_order_hold_when_it_is_paid(buyer):
    order = buyer.order(ProductFactory(stock=1, price=RESTRICTED))  # with its tax, above what is allowed for a day
    buyer.user.limits_restricted_until = now() + timedelta(hours=1)
    buyer.user.save()
    reply = buyer.begin(order)
    assert (reply.status_code, reply.json()["code"]) == (403, "restricted_24hr")
    assert not Payment.objects.exists()


def test_a_paid_order_is_not_paid_again(buyer):
    order = buyer.order()
    buyer.pay(order)
    work()
    reply = buyer.begin(order)
    assert (reply.status_code, reply.json()["code"]) == (400, "already_paid")
    assert Payment.objects.count() == 1


def test_an_order_whose_goods_were_let_go_cannot_be_paid(buyer):
    order = buyer.order()
    with time_machine.travel(now() + timedelta(hours=2), tick=False):
        plan_expiries()
        work()
    assert Order.objects.get().status == "cancelled"
    reply = buyer.begin(order)
    assert (reply.status_code, reply.json()["code"]) == (409, "order_not_payable")
    assert not Payment.objects.exists()


def test_goods_are_kept_a_little_longer_for_who_stands_at_the_till_and_not_for_ever(buyer):
    order = buyer.order()
    Order.objects.update(reserved_until=now() + timedelta(seconds=20))
    buyer.begin(order)
    assert timedelta(minutes=4) < Order.objects.get().reserved_until - now() <= timedelta(minutes=5)
    Order.objects.update(created_at=now() - timedelta(minutes=44), reserved_until=now() + timedelta(seconds=20))
    buyer.begin(order)
    assert Order.objects.get().reserved_until - now() <= timedelta(minutes=1)


def test_another_card_takes_the_place_of_the_payment_that_waits(buyer):
    buyer.pay(buyer.order(), save_payment_method=True)
    work()
    order = buyer.order()
    first = buyer.begin(order).json()
    second = buyer.begin(order, payment_method_id=str(SavedMethod.objects.get().pk)).json()
    assert first["payment_intent_id"] != second["payment_intent_id"]
    assert state(order)[1] == [("cancelled", 0), ("pending", 0)]
    late = buyer.api.send(
        "POST",
        f"/api/payments/sandbox/{first['payment_intent_id']}/confirm/",
        {"client_secret": first["client_secret"], "card_number": GOOD},
    )
    assert late.json()["status"] == "canceled"
    assert charged(order) == 0


@pytest.mark.parametrize("card", [DECLINED, POOR, "1", "9999 9999 9999 9999"])
def test_what_is_no_good_card_charges_nothing(buyer, card):
    order = buyer.order()
    buyer.pay(order, card)
    work()
    assert state(order) == (("pending", "failed"), [("failed", 0)])
    assert charged(order) == 0


def test_a_cancelled_order_calls_its_payment_off_at_the_gateway(buyer):
    order = buyer.order()
    begun = buyer.begin(order).json()
    cancel_order(order_id=order.pk, actor=buyer.user)
    work()
    assert state(order) == (("cancelled", "pending"), [("cancelled", 0)])
    reply = buyer.api.send(
        "POST",
        f"/api/payments/sandbox/{begun['payment_intent_id']}/confirm/",
        {"client_secret": begun["client_secret"], "card_number": GOOD},
    )
    assert reply.json()["status"] == "canceled"


def test_a_wrong_secret_opens_nothing_in_the_sandbox(buyer):
    order = buyer.order()
    intent = buyer.begin(order).json()["payment_intent_id"]
    reply = buyer.api.send(
        "POST", f"/api/payments/sandbox/{intent}/confirm/", {"client_secret": "guessed", "card_number": GOOD}
    )
    assert reply.status_code == 404
    assert events() == []


def test_without_a_gateway_nothing_is_begun(buyer, settings):
    settings.PAYMENT_GATEWAY = ""
    order = buyer.order()
    reply = buyer.begin(order)
    assert (reply.status_code, reply.json()["code"]) == (503, "payments_not_set_up")
    assert not Payment.objects.exists()
    sandbox = buyer.api.send("POST", "/api/payments/sandbox/pi_1/confirm/", {"client_secret": "x", "card_number": GOOD})
    assert sandbox.status_code == 503


def test_what_is_found_while_paying_outlives_the_refusal_also_with_a_key(buyer):
    order = buyer.order()
    buyer.pay(order)
    events()
    reply = buyer.api.send(
        "POST", "/api/payments/create_intent/", {"order_id": str(order.pk)}, HTTP_IDEMPOTENCY_KEY="tap"
    )
    assert (reply.status_code, reply.json()["code"]) == (400, "already_paid")
    assert state(order)[0] == ("processing", "paid")


def test_with_a_key_a_confirmation_is_answered_as_the_first_time(buyer):
    order = buyer.order()
    send = {"payment_intent_id": buyer.begin(order).json()["payment_intent_id"]}
    first = buyer.api.send("POST", "/api/payments/confirm/", send, HTTP_IDEMPOTENCY_KEY="k")
    buyer.pay(order)
    second = buyer.api.send("POST", "/api/payments/confirm/", send, HTTP_IDEMPOTENCY_KEY="k")
    assert (first.json()["status"], second.content) == ("pending", first.content)
    assert buyer.confirm(send["payment_intent_id"]).json()["status"] == "succeeded"


def test_a_key_in_use_is_409_and_one_whose_holder_died_is_taken_over(buyer, monkeypatch):
    send, meanwhile, begin = {"order_id": str(buyer.order().pk)}, [], services.begin_payment

    def ask():
        return buyer.api.send("POST", "/api/payments/create_intent/", send, HTTP_IDEMPOTENCY_KEY="k")

    def slow(**given):
        meanwhile.append(ask())
        return begin(**given)

    with monkeypatch.context() as patched:
        patched.setattr(services, "begin_payment", slow)
        first = ask()
    assert (first.status_code, meanwhile[0].status_code) == (200, 409)
    assert meanwhile[0].json()["code"] == "request_in_progress"
    IdempotentAnswer.objects.update(status=0)  # as a process that was killed leaves it
    assert ask().status_code == 409
    IdempotentAnswer.objects.update(created_at=now() - timedelta(minutes=2))
    assert (ask().status_code, Payment.objects.count()) == (200, 1)


def test_an_idempotency_key_begins_one_payment(buyer):
    order = buyer.order()
    send = {"order_id": str(order.pk)}
    replies = [
        buyer.api.send("POST", "/api/payments/create_intent/", send, HTTP_IDEMPOTENCY_KEY="one") for _ in range(2)
    ]
    assert replies[0].content == replies[1].content
    other = buyer.api.send(
        "POST",
        "/api/payments/create_intent/",
        {"order_id": str(buyer.order().pk)},
        HTTP_IDEMPOTENCY_KEY="one",
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Payment.objects.count() == 1


def test_a_forgotten_card_leaves_the_shop_at_once(buyer):
    buyer.pay(buyer.order(), save_payment_method=True)
    work()
    path = f"/api/payments/payment-methods/{SavedMethod.objects.get().pk}/"
    assert buyer.api.send("DELETE", path).status_code == 204
    assert not SavedMethod.objects.exists()
    assert OutboxJob.objects.filter(name="payments.forget_card").count() == 1
