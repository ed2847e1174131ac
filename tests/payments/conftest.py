"""A customer with an order, and a till whose events arrive by HTTP at the shop's own address."""

import pytest

from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
from apps.orders.models import Order
from apps.orders.services import Addresses, BasketLine, place_order
from apps.payments.gateway import WEBHOOK
from apps.payments.models import Payment, SandboxIntent
from apps.payments.sandbox_gateway import SandboxGateway, signed
from core.models import OutboxJob
from core.outbox import run_due_jobs
from tests.conftest import Api
from tests.factories.products import ProductFactory

GOOD, DECLINED, POOR = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0000 0000 9995"
ASKS, DISPUTED, NO_REFUNDS = "4000 0025 0000 3155", "4000 0000 0000 0259", "4000 0000 0000 5126"
HOME = Addresses({"city": "Riyadh"}, {"city": "Riyadh"})


class Buyer:
    """Somebody who orders mugs and pays for them."""

    def __init__(self, phone="+966512345678", user=None):
        self.user = user or User.objects.create_user(phone=phone)
        self.api = Api(start_session(user=self.user, caller=Caller("127.0.0.1", "tests")).access)

    @classmethod
    def of(cls, user):
        return cls(user=user)

    def order(self, product=None, quantity=1):
        product = product or ProductFactory(stock=5, price=4000)
        return place_order(user=self.user, basket=[BasketLine(product.pk, None, quantity)], addresses=HOME)

    def begin(self, order, **more):
        return self.api.send("POST", "/api/payments/create_intent/", {"order_id": str(order.pk), **more})

    def pay(self, order, card=GOOD, **more):
        """Begin, and put a card in: what the customer's device does. The shop has not been told anything yet."""
        begun = self.begin(order, **more).json()
        reply = Api().send(
            "POST",
            f"/api/payments/sandbox/{begun['payment_intent_id']}/confirm/",
            {"client_secret": begun["client_secret"], "card_number": card},
        )
        assert reply.status_code == 200, reply.content
        return begun["payment_intent_id"]

    def confirm(self, intent):
        return self.api.send("POST", "/api/payments/confirm/", {"payment_intent_id": intent})


@pytest.fixture
def buyer(db):
    return Buyer()


@pytest.fixture(autouse=True)
def _posted(monkeypatch):
    """The sandbox posts to the shop under test."""
    monkeypatch.setattr(SandboxGateway, "tell", lambda _, body: _taken(post(body)))


def post(body, signature=None):
    header = signed(body) if signature is None else signature
    return Api().generic("POST", WEBHOOK, body, content_type="application/json", HTTP_STRIPE_SIGNATURE=header)


def _taken(reply):
    assert reply.status_code == 200, reply.content


def events():
    """What the sandbox is about to tell, oldest first; it is told by the test instead."""
    jobs = OutboxJob.objects.filter(name="payments.sandbox_tell").order_by("pk")
    bodies = [job.payload["body"].encode() for job in jobs]
    jobs.delete()
    return bodies


def work():
    """Run jobs until none is due."""
    while run_due_jobs():
        pass


def state(order):
    """The order and its payments as anybody may see them."""
    order = Order.objects.get(pk=order.pk)
    payments = Payment.objects.filter(order=order).order_by("attempt")
    return (
        (order.status, order.payment_status),
        [(payment.status, payment.amount_refunded) for payment in payments],
    )


def charged(order):
    """What the gateway holds for this order, in minor units."""
    intents = SandboxIntent.objects.filter(metadata__hanout_order=str(order.pk), status="succeeded")
    return sum(intent.amount - intent.refunded for intent in intents)
