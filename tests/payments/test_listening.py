"""What gateways tell: signed or refused, kept once, applied in any order to the same end (kill tests 12 and 13)."""

import hmac
import itertools
import json
import time

import pytest
import time_machine

from apps.payments.gateway import WEBHOOK
from apps.payments.models import Refund, Transaction, WebhookEvent
from apps.payments.sandbox_gateway import SandboxGateway, signed
from core.models import OutboxJob
from tests.conftest import Api
from tests.payments.conftest import ASKS, charged, events, post, state, work

pytestmark = pytest.mark.django_db
STRIPE = "apps.payments.stripe_gateway.StripeGateway"


def nothing_kept():
    return not WebhookEvent.objects.exists() and not OutboxJob.objects.filter(name="payments.apply_event").exists()


@pytest.fixture
def four(buyer):
    """An order, and four events of its payment: the bank asked, the money came, a part went back, and another part."""
    order = buyer.order()
    begun = buyer.begin(order).json()
    path, secret = f"/api/payments/sandbox/{begun['payment_intent_id']}/", {"client_secret": begun["client_secret"]}
    buyer.api.send("POST", f"{path}confirm/", {**secret, "card_number": ASKS})
    buyer.api.send("POST", f"{path}authenticate/", {**secret, "agrees": True})
    told = events()
    # Two refunds made in the gateway's own console.
    from_afar(begun["payment_intent_id"], 100)
    from_afar(begun["payment_intent_id"], 250)
    return order, begun["payment_intent_id"], told + events()


def from_afar(intent, amount):
    SandboxGateway().send_back(intent, amount=amount, currency="USD", ours="", reason="other")


@pytest.mark.parametrize("confirms", ["before", "between", "after", "never"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_four_events_in_any_order_end_the_same(buyer, four, order, confirms):
    mine, intent, told = four
    if confirms == "before":
        buyer.confirm(intent)
    for place, number in enumerate(order):
        assert post(told[number]).status_code == 200
        if confirms == "between" and place == 1:
            buyer.confirm(intent)
        work()
    if confirms == "after":
        buyer.confirm(intent)
    _is_final(mine)


@pytest.mark.parametrize(
    "times", list(itertools.product((0, 1, 3), repeat=4)), ids=lambda times: "".join(map(str, times))
)
def test_each_event_never_once_or_three_times_ends_the_same(buyer, four, times):
    mine, intent, told = four
    for body, count in zip(told, times, strict=True):
        for _ in range(count):
            assert post(body).status_code == 200
    work()
    buyer.confirm(intent)
    _is_final(mine)
    assert WebhookEvent.objects.count() == sum(count > 0 for count in times)


def _is_final(order):
    assert state(order) == (("processing", "paid"), [("succeeded", 350)])
    moves = Transaction.objects.values_list("kind", "amount").order_by("amount")
    assert list(moves) == [("refund", 100), ("refund", 250), ("charge", order.total)]
    assert sorted(Refund.objects.values_list("amount", "status")) == [(100, "succeeded"), (250, "succeeded")]
    assert charged(order) == order.total - 350


def test_a_repeated_event_is_answered_and_changes_nothing(buyer):
    order = buyer.order()
    buyer.pay(order)
    (body,) = events()
    assert [post(body).status_code for _ in range(3)] == [200] * 3
    work()
    assert WebhookEvent.objects.get().state == "applied"
    assert state(order)[0] == ("processing", "paid")


@pytest.mark.parametrize(
    "spoil",
    ["no header", "wrong secret", "re-serialised", "another body", "ten minutes later", "another scheme", "empty"],
)
def test_what_is_not_signed_as_it_came_moves_nothing(buyer, spoil, settings):
    order = buyer.order()
    buyer.pay(order)
    (body,) = events()
    header, sent = signed(body), body
    if spoil == "no header":
        header = ""
    elif spoil == "wrong secret":
        moment = str(int(time.time()))
        header = f"t={moment},v1={hmac.digest(b'guessed', f'{moment}.'.encode() + body, 'sha256').hex()}"
    elif spoil == "re-serialised":
        sent = json.dumps(json.loads(body), indent=1).encode()
    elif spoil == "another body":
        sent = body.replace(b"succeeded", b"succeedeD")
    elif spoil == "empty":
        sent = b""
    elif spoil == "another scheme":
        header = header.replace("v1=", "v0=")
    with time_machine.travel(time.time() + (600 if spoil == "ten minutes later" else 0), tick=False):
        reply = post(sent, header)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_signature")
    assert nothing_kept()
    assert state(order)[0] == ("pending", "pending")


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"id":"evt_1"}', b'{"id":"e","type":"x","data":{"object":7}}'])
def test_a_signed_body_that_is_no_event_is_400(buyer, body):
    reply = post(body)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_webhook")
    assert nothing_kept()


def test_two_secrets_count_during_a_rotation(settings, monkeypatch):
    settings.PAYMENT_GATEWAY, settings.STRIPE_SECRET_KEY = STRIPE, "sk_test_1"
    settings.STRIPE_WEBHOOK_SECRETS = ["old", "new"]
    for number, secret in enumerate(("old", "new", "forgotten")):
        body = json.dumps({"id": f"evt_{number}", "type": "customer.created", "data": {"object": {"id": "c"}}}).encode()
        moment = str(int(time.time()))
        header = f"t={moment},v1={hmac.digest(secret.encode(), f'{moment}.'.encode() + body, 'sha256').hex()}"
        assert post(body, header).status_code == (400 if secret == "forgotten" else 200)
    assert WebhookEvent.objects.count() == 2


def test_an_event_of_an_unknown_kind_is_kept_and_ignored(buyer):
    body = json.dumps({"id": "evt_1", "type": "invoice.paid", "data": {"object": {"object": "invoice"}}}).encode()
    assert post(body).status_code == 200
    work()
    kept = WebhookEvent.objects.get()
    assert (kept.state, kept.note, kept.body.encode()) == ("ignored", "Not about a payment", body)


def test_an_event_is_applied_by_a_job_and_not_while_the_gateway_waits(buyer):
    order = buyer.order()
    buyer.pay(order)
    post(events()[0])
    assert state(order)[0] == ("pending", "pending")
    assert OutboxJob.objects.filter(name="payments.apply_event").count() == 1


def test_a_body_beyond_all_measure_is_413(buyer):
    reply = post(b"x" * (256 * 1024 + 1), "t=1,v1=0")
    assert reply.status_code == 413
    assert nothing_kept()


def test_the_webhook_answers_no_other_method():
    assert Api().get(WEBHOOK).status_code == 405
