"""From an order to a payment its customer can confirm. The goods are kept before anybody is asked for money."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.orders.errors import OrderNotFound
from apps.orders.models import Order
from apps.orders.services import hold_for_payment, require_still_affordable
from apps.payments.errors import AlreadyPaid, CardDeclined, MethodNotFound, NotPayable, PaymentNotFound
from apps.payments.gateway import Gateway, State, Wanted, gateway
from apps.payments.models import GatewayCustomer, Payment, SavedMethod
from apps.payments.services.settling import settle_payment
from core.clock import now

# Of an intent's metadata: by these reconciliation finds the order of a payment whose row was lost.
OUR_ORDER, OUR_ATTEMPT = "hanout_order", "hanout_attempt"


@dataclass(frozen=True)
class Begun:
    """A payment, and the secret by which its customer's device may confirm it."""

    payment: Payment
    client_secret: str


def begin_payment(*, user: User, order_id: UUID, method_id: UUID | None = None, keep_card: bool = False) -> Begun:
    """Make an order payable, or find the payment it is waiting for already.

    Raises `OrderNotFound`, `AlreadyPaid`, `NotPayable`, `MethodNotFound`, what `require_within_limits` does,
    `PaymentsNotSetUp`, `GatewayFailed` or `GatewayRefused`; asked again, the same attempt goes on.
    """
    till = gateway()
    card = _saved(user, method_id, till.name)
    payment = _attempt(user, order_id, till.name)
    if payment.intent:
        intent = till.read_intent(payment.intent)
        if intent.state == State.SUCCEEDED:
            settle_payment(gateway=till.name, intent=intent)
            raise AlreadyPaid
        if intent.state != State.CANCELED and not (card or keep_card):
            return Begun(payment, intent.client_secret)
        payment = _next_attempt(payment, till)
    customer = _customer_of(user, till) if card or keep_card else ""
    intent = till.create_intent(_wanted(payment, card, customer, keep_card=keep_card))
    payment.intent = intent.id
    payment.save(update_fields=["intent", "updated_at"])
    return Begun(payment, intent.client_secret)


def confirm_payment(*, user: User, intent: str) -> Payment:
    """Charge a saved card, or look at what the customer's device has done already; one's own payments only.

    Raises `PaymentNotFound`, `CardDeclined`, `GatewayFailed`. The webhook may say the same before or after.
    """
    till = gateway()
    mine = Payment.objects.filter(user=user, gateway=till.name, intent=intent).first()
    if mine is None:
        raise PaymentNotFound
    found = till.read_intent(intent)
    declined = None
    if found.state == State.NEEDS_CONFIRMATION and mine.order.status == Order.Status.PENDING:
        try:
            found = till.confirm_intent(intent, key=f"confirm-{mine.pk}")
        except CardDeclined as error:
            declined, found = error, till.read_intent(intent)
    settled = settle_payment(gateway=till.name, intent=found)
    # Only now: that the card was declined is written down.
    if declined:
        raise declined
    return settled or mine


@transaction.atomic
def _attempt(user: User, order_id: UUID, till: str) -> Payment:
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
    return waiting or _new_attempt(order, till)


def _next_attempt(payment: Payment, till: Gateway) -> Payment:
    """Another card, or a payment called off: the old one can never be paid, or two could be."""
    over = till.cancel_intent(payment.intent, key=f"cancel-{payment.pk}")
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=payment.order_id)
        settle_payment(gateway=till.name, intent=over)
        return _new_attempt(order, till.name) if over.state == State.CANCELED else _already_paid()


def _already_paid() -> Payment:
    raise AlreadyPaid


def _new_attempt(order: Order, till: str) -> Payment:
    last = Payment.objects.filter(order=order).aggregate(last=Max("attempt", default=0))["last"]
    return Payment.objects.create(
        order=order,
        user=order.user,
        attempt=last + 1,
        gateway=till,
        intent="",
        amount=order.total,
        currency=order.currency,
        checked_at=now(),
    )


def _wanted(payment: Payment, card: str, customer: str, *, keep_card: bool) -> Wanted:
    """All of it follows from the attempt: after a crash the same is asked for under the same key."""
    how = hashlib.sha256(f"{card}\n{customer}\n{keep_card}".encode()).hexdigest()[:16]
    return Wanted(
        key=f"order-{payment.order_id}-{payment.attempt}-{how}",
        amount=payment.amount,
        currency=payment.currency,
        metadata={OUR_ORDER: str(payment.order_id), OUR_ATTEMPT: str(payment.attempt)},
        customer=customer,
        card=card,
        keep_card=keep_card,
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
