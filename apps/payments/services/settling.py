"""The one place where money becomes an order, or goes back.

Client, webhook, sweep and reconciliation all end here, with what the gateway says *now*; an event only says that it is
worth asking. So the number and the order of events do not matter. The gateway is asked under the payment's own lock, so
that no older answer is booked after a newer one; then the order, the payment and the stock are locked, in that order.
"""

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from prometheus_client import Counter

from apps.accounts.models import User
from apps.orders.models import Order
from apps.orders.services import mark_paid, note_on_order, reopen_order, set_payment_standing
from apps.payments.gateway import Card, Gateway, Intent, State
from apps.payments.models import Payment, Refund, SavedMethod, Transaction
from apps.payments.services.alerts import tell_staff
from apps.payments.services.booking import book_dispute, book_refunds, book_standing
from apps.payments.services.locking import locked_payment
from apps.payments.services.returning import give_back
from core.clock import now
from core.ids import is_uuid
from core.locks import lock
from core.outbox import enqueue

log = structlog.get_logger(__name__)
CHARGES = Counter("hanout_charges_total", "Payments charged, by what became of the money.", ["outcome"])

RETURNED = "returned"
# Of an intent's metadata: by these a payment whose row was lost finds its order, in this shop and no other.
OUR_SHOP, OUR_ORDER, OUR_ATTEMPT = "hanout_shop", "hanout_order", "hanout_attempt"
# What an uncharged payment becomes. The others (a card or its owner is waited for) leave it as it is.
_BECOMES = {State.PROCESSING: Payment.Status.PROCESSING, State.CANCELED: Payment.Status.CANCELLED}


@transaction.atomic
def look_at_payment(*, till: Gateway, intent: str, cancel: bool = False) -> tuple[Payment | None, Intent]:
    """Ask the gateway and bring our books there; None for a payment that is none of ours. May be repeated.

    With `cancel` it is called off if it can still be paid. Raises `GatewayFailed` or `GatewayRefused`.
    """
    lock(f"payment:{intent}")
    seen = till.read_intent(intent)
    if cancel and is_payable(seen):
        seen = till.cancel_intent(intent, key=f"cancel-{intent}")
    payment = settle_payment(gateway=till.name, intent=seen) or _adopt(till.name, seen)
    return payment, seen


@transaction.atomic
def settle_payment(*, gateway: str, intent: Intent) -> Payment | None:
    """Bring our books to what the gateway says; None if we know no such payment. Repeating it changes nothing."""
    payment = locked_payment(Payment.objects.filter(gateway=gateway, intent=intent.id))
    if payment is None:
        return None
    if not payment.is_charged:
        if intent.state == State.SUCCEEDED:
            _charged(payment, intent)
        else:
            _uncharged(payment, intent)
    if payment.is_charged:
        book_refunds(payment, intent.refunds)
        book_dispute(payment, intent.dispute, intent.disputed)
        book_standing(payment)
    payment.checked_at = now()
    payment.save()
    return payment


def is_payable(intent: Intent) -> bool:
    """Whether somebody could still pay it."""
    return intent.state not in {State.SUCCEEDED, State.CANCELED, State.PROCESSING}


def is_ours(intent: Intent) -> bool:
    """Whether this shop began it; others may share the account at the gateway."""
    return intent.metadata.get(OUR_SHOP) == settings.SHOP_ID


def lost_payment(order: Order, gateway: str) -> Payment:
    """A row for money we find; called off where another attempt is open beside it, for there is one at a time."""
    is_open = Payment.objects.open().filter(order=order, gateway=gateway).exists()
    last = Payment.objects.filter(order=order).aggregate(last=Max("attempt", default=0))["last"]
    return Payment(
        order=order,
        user=order.user,
        attempt=last + 1,
        gateway=gateway,
        amount=order.total,
        currency=order.currency,
        status=Payment.Status.CANCELLED if is_open else Payment.Status.PENDING,
        checked_at=now(),
    )


def _adopt(gateway: str, intent: Intent) -> Payment | None:
    """Settle a charge of ours whose row was lost: a process died between the gateway's answer and our commit."""
    order_id, attempt = intent.metadata.get(OUR_ORDER, ""), intent.metadata.get(OUR_ATTEMPT, "")
    if intent.state != State.SUCCEEDED or not is_ours(intent) or not is_uuid(order_id):
        return None
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        return None
    nameless = Payment.objects.filter(order=order, intent="", attempt=attempt if attempt.isdecimal() else 0).first()
    payment = nameless or lost_payment(order, gateway)
    payment.intent = intent.id
    payment.save()
    tell_staff(order=order, what="A payment was found that we had lost sight of.")
    return settle_payment(gateway=gateway, intent=intent)


def _uncharged(payment: Payment, intent: Intent) -> None:
    """What was called off stays so, whatever is said of it later, but for money that came."""
    if payment.status == Payment.Status.CANCELLED:
        return
    if becomes := _BECOMES.get(intent.state):
        payment.status = becomes
    elif intent.failure_code and (payment.status, payment.failure_code) != (Payment.Status.FAILED, intent.failure_code):
        payment.status = Payment.Status.FAILED
        payment.failure_code, payment.failure_message = intent.failure_code[:100], intent.failure_message[:300]
        if payment.order.status == Order.Status.PENDING:
            standing, note = Order.PaymentStatus.FAILED, f"The card was declined: {payment.failure_code}"
            set_payment_standing(order_id=payment.order_id, standing=standing, note=note)


def _charged(payment: Payment, intent: Intent) -> None:
    payment.status, payment.charged_at, payment.charge = Payment.Status.SUCCEEDED, now(), intent.charge
    payment.card, payment.failure_code, payment.failure_message = str(intent.card or ""), "", ""
    is_exact = (intent.received, intent.currency) == (payment.amount, payment.currency)
    # What came, whatever was asked for: no more than that can go back.
    payment.amount, payment.currency = intent.received, intent.currency
    payment.save()
    Transaction.objects.create(
        payment=payment, kind=Transaction.Kind.CHARGE, amount=intent.received, reference=intent.charge or intent.id
    )
    if intent.card and intent.card.reference:
        _keep(payment, intent.card)
    outcome = _spend(payment) if is_exact else _return(payment, Refund.Reason.OTHER, "the amount is not the order's")
    payment.pays_order = outcome != RETURNED
    CHARGES.labels(outcome=outcome).inc()
    log.info("payment_charged", payment=str(payment.pk), outcome=outcome)


def _spend(payment: Payment) -> str:
    """Give the order its money; where it can use none, the money goes back."""
    order = payment.order
    order.refresh_from_db()
    if order.payment_status == Order.PaymentStatus.PAID:
        return _return(payment, Refund.Reason.DUPLICATE, "the order was paid before")
    if order.status == Order.Status.PENDING:
        mark_paid(order_id=order.pk, actor=None, note=f"Paid by {payment.card or payment.get_method_display()}")
        return "paid"
    if order.user.deleted_at:  # whose lapsed orders say no more where they go
        return _return(payment, Refund.Reason.OTHER, "its customer left")
    if order.lapsed_at and order.status == Order.Status.CANCELLED and settings.LATE_PAYMENTS == "backorder":
        reopened = reopen_order(order_id=order.pk, note="Paid after its goods had been let go")
        missing = "backordered" if reopened.is_backordered else "reopened"
        tell_staff(order=order, what=f"Paid late and {missing}.")
        return missing
    return _return(payment, Refund.Reason.OTHER, f"the order was {order.status} by then")


def _return(payment: Payment, reason: str, why: str) -> str:
    give_back(payment=payment, amount=payment.amount, reason=reason, why=why)
    note_on_order(order_id=payment.order_id, note=f"A payment goes back: {why}")
    tell_staff(order=payment.order, what=f"A payment goes back: {why}.")
    return RETURNED


def _keep(payment: Payment, card: Card) -> None:
    """Its owner asked for that, and the gateway has it; the first one kept is what they pay with next time.

    Their lock is held: a card must not outlive an account that goes at this moment, and of two cards one is the first.
    """
    owner = User.objects.select_for_update(no_key=True).get(pk=payment.user_id)
    if owner.deleted_at:
        enqueue("payments.forget_card", gateway_name=payment.gateway, card=card.reference)
        return
    SavedMethod.objects.get_or_create(
        user=owner,
        gateway=payment.gateway,
        reference=card.reference,
        defaults={
            "brand": card.brand,
            "last4": card.last4,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "is_default": not SavedMethod.objects.filter(user=owner).exists(),
        },
    )
