"""From an order to a payment its customer can confirm. The goods are kept before anybody is asked for money.

No row is locked while the gateway is asked: what was true before is looked at again afterwards.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.orders.errors import OrderNotFound
from apps.orders.models import Order
from apps.orders.services import hold_for_payment, require_still_affordable
from apps.payments.errors import (
    AlreadyPaid,
    CardDeclined,
    MethodNotFound,
    NotPayable,
    PaymentNotFound,
    PaymentUnderWay,
)
from apps.payments.gateway import Gateway, State, Wanted, gateway
from apps.payments.models import GatewayCustomer, Payment, SavedMethod
from apps.payments.services.settling import OUR_ATTEMPT, OUR_ORDER, OUR_SHOP, is_payable, look_at_payment
from core.clock import now


@dataclass(frozen=True)
class Begun:
    """A payment, and the secret by which its customer's device may confirm it."""

    payment: Payment
    client_secret: str


@dataclass(frozen=True)
class _Way:
    """How somebody wants to pay: with a card kept before, or with one that is to be kept."""

    card: str
    keep_card: bool


def begin_payment(*, user: User, order_id: UUID, method_id: UUID | None = None, keep_card: bool = False) -> Begun:
    """Make an order payable, or find the payment it is waiting for already; asked again, the same attempt goes on.

    Another card takes the place of the one before. Raises `OrderNotFound`, `AlreadyPaid`, `PaymentUnderWay`,
    `NotPayable`, `MethodNotFound`, what `require_within_limits` does, `PaymentsNotSetUp`, `GatewayFailed` or
    `GatewayRefused`. Not to be called in a transaction: what it finds must outlive its refusals.
    """
    till = gateway()
    way = _Way(_saved(user, method_id, till.name), keep_card)
    payment = _attempt(user, order_id, till.name, way)
    if payment.intent:
        is_same = (payment.wanted_card, payment.keeps_card) == (way.card, way.keep_card)
        _, seen = look_at_payment(till=till, intent=payment.intent, cancel=not is_same)
        if seen.state == State.SUCCEEDED:
            raise AlreadyPaid
        if seen.state == State.PROCESSING:
            raise PaymentUnderWay(retry_after=10)
        if is_payable(seen):
            return Begun(payment, seen.client_secret)
        payment = _attempt(user, order_id, till.name, way)
    customer = _customer_of(user, till) if way.card or way.keep_card else ""
    intent = till.create_intent(_wanted(payment, customer))
    if not _name(payment, intent.id):
        look_at_payment(till=till, intent=intent.id, cancel=True)
        raise NotPayable(status=Order.Status.CANCELLED)
    return Begun(payment, intent.client_secret)


def confirm_payment(*, user: User, intent: str) -> Payment:
    """Charge a saved card, or look at what the customer's device has done already; one's own payments only.

    Raises `PaymentNotFound`, `CardDeclined`, `GatewayFailed`. The webhook may say the same before or after.
    """
    till = gateway()
    mine = Payment.objects.filter(user=user, gateway=till.name, intent=intent).first()
    if mine is None:
        raise PaymentNotFound
    payment, seen = look_at_payment(till=till, intent=intent)
    if seen.state == State.NEEDS_CONFIRMATION and mine.order.status == Order.Status.PENDING:
        declined = None
        try:
            till.confirm_intent(intent, key=f"confirm-{mine.pk}")
        except CardDeclined as error:
            declined = error
        payment, _ = look_at_payment(till=till, intent=intent)
        if declined:
            raise declined
    return payment or mine


@transaction.atomic
def _attempt(user: User, order_id: UUID, till: str, way: _Way) -> Payment:
    """The order's open payment, or a new one, with the order locked."""
    order = Order.objects.select_for_update().filter(pk=order_id, user=user).first()
    if order is None:
        raise OrderNotFound
    if order.payment_status == Order.PaymentStatus.PAID:
        raise AlreadyPaid
    if order.status != Order.Status.PENDING or order.reserved_until is None or order.reserved_until <= now():
        raise NotPayable(status=order.status)
    require_still_affordable(user=user, order=order)
    hold_for_payment(order)
    waiting = Payment.objects.open().filter(order=order, gateway=till).first()
    if waiting is None:
        return _new_attempt(order, till, way)
    if not waiting.intent:  # nobody was given it yet
        waiting.wanted_card, waiting.keeps_card = way.card, way.keep_card
        waiting.save(update_fields=["wanted_card", "keeps_card", "updated_at"])
    return waiting


@transaction.atomic
def _name(payment: Payment, intent: str) -> bool:
    """Write down what the gateway calls it; False if the order was cancelled or paid while we asked."""
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    mine = Payment.objects.open().select_for_update().filter(pk=payment.pk, intent__in=["", intent]).first()
    if mine is None or order.status != Order.Status.PENDING:
        return False
    mine.intent = payment.intent = intent
    mine.save(update_fields=["intent", "updated_at"])
    return True


def _new_attempt(order: Order, till: str, way: _Way) -> Payment:
    last = Payment.objects.filter(order=order).aggregate(last=Max("attempt", default=0))["last"]
    return Payment.objects.create(
        order=order,
        user=order.user,
        attempt=last + 1,
        gateway=till,
        intent="",
        amount=order.total,
        currency=order.currency,
        wanted_card=way.card,
        keeps_card=way.keep_card,
        checked_at=now(),
    )


def _wanted(payment: Payment, customer: str) -> Wanted:
    """All of it follows from the attempt: after a crash the same is asked for under the same key."""
    way = f"{payment.wanted_card}\n{customer}\n{payment.keeps_card}"
    return Wanted(
        key=f"order-{payment.order_id}-{payment.attempt}-{hashlib.sha256(way.encode()).hexdigest()[:16]}",
        amount=payment.amount,
        currency=payment.currency,
        metadata={
            OUR_SHOP: settings.SHOP_ID,
            OUR_ORDER: str(payment.order_id),
            OUR_ATTEMPT: str(payment.attempt),
        },
        customer=customer,
        card=payment.wanted_card,
        keep_card=payment.keeps_card,
    )


def _saved(user: User, method_id: UUID | None, till: str) -> str:
    if method_id is None:
        return ""
    method = SavedMethod.objects.filter(pk=method_id, user=user, gateway=till).first()
    if method is None:
        raise MethodNotFound(param="payment_method_id")
    return method.reference


def _customer_of(user: User, till: Gateway) -> str:
    known = GatewayCustomer.objects.filter(user=user, gateway=till.name).first()
    if known is None:
        reference = till.make_customer(ours=str(user.public_id))
        try:
            with transaction.atomic():
                known = GatewayCustomer.objects.create(user=user, gateway=till.name, reference=reference)
        except IntegrityError:  # two taps; the gateway gave both the same
            known = GatewayCustomer.objects.get(user=user, gateway=till.name)
    return known.reference
