"""Looking after money nobody told us of: open payments every minute, the gateway's own list every day."""

from collections import Counter as Tally
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Max, Q

from apps.orders.models import Order
from apps.payments.gateway import Gateway, Intent, State, gateway
from apps.payments.models import Payment, Refund
from apps.payments.services.alerts import tell_staff
from apps.payments.services.paying import OUR_ATTEMPT, OUR_ORDER
from apps.payments.services.settling import settle_payment
from core.clock import now
from core.outbox import enqueue

log = structlog.get_logger(__name__)
CHECK_EVERY = timedelta(minutes=1)
REFUND_SHOULD_BE_SENT = timedelta(minutes=10)
SWEEP_BATCH = 200


def plan_checks() -> int:
    """Write a job for each payment the gateway should be asked about; return how many.

    Open ones, every minute: so what was charged is an order or a refund within five, whatever was lost on the way. And
    those with a refund that is on its way.
    """
    before = now() - CHECK_EVERY
    going_back = Refund.objects.filter(status=Refund.Status.PROCESSING, created_at__lt=now() - REFUND_SHOULD_BE_SENT)
    due = Payment.objects.filter(checked_at__lt=before).filter(
        Q(charged_at=None, status__in=Payment.OPEN) | Q(refunds__in=going_back)
    )
    found = due.order_by("checked_at").values_list("pk", flat=True).distinct()[:SWEEP_BATCH]
    for payment in found:
        enqueue("payments.check", key=str(payment), payment=str(payment))
    return len(found)


def check_payment(*, payment_id: UUID) -> None:
    """Ask the gateway what became of a payment; one whose order waits no more is called off there."""
    payment = Payment.objects.select_related("order").get(pk=payment_id)
    till = gateway()
    if payment.gateway != till.name:
        Payment.objects.filter(pk=payment.pk).update(checked_at=now())
        return
    if not payment.intent:
        _give_up(payment)
        return
    intent = till.read_intent(payment.intent)
    if _is_payable(intent) and payment.order.status != Order.Status.PENDING:
        intent = till.cancel_intent(payment.intent, key=f"cancel-{payment.pk}")
    settle_payment(gateway=till.name, intent=intent)
    for refund in payment.refunds.filter(status=Refund.Status.PROCESSING, reference=""):
        enqueue("payments.send_refund", key=str(refund.pk), refund=str(refund.pk))


def close_payments(*, order_id: UUID) -> None:
    """The order waits no more: look at its open payments now, not in a minute."""
    for payment in Payment.objects.open().filter(order=order_id):
        check_payment(payment_id=payment.pk)


def reconcile(*, since: datetime) -> Mapping[str, int]:
    """Hold our books against the gateway's list; return how many payments agreed, or were mended and how.

    Raises `GatewayFailed` half way; what was mended until then stays.
    """
    till = gateway()
    tally: Tally[str] = Tally()
    for intent in till.intents_since(since):
        if OUR_ORDER in intent.metadata:
            tally[_reconcile(till, intent)] += 1
    log.info("payments_reconciled", **tally)
    return tally


@transaction.atomic
def adopt_payment(*, gateway: str, intent: Intent) -> Payment | None:
    """Write a payment of ours whose row was lost, and settle it; None if it is none of ours.

    It happens when a process dies between the gateway's answer and our commit.
    """
    order_id, attempt = intent.metadata.get(OUR_ORDER, ""), intent.metadata.get(OUR_ATTEMPT, "")
    order = Order.objects.select_for_update().filter(pk=order_id).first() if _is_uuid(order_id) else None
    if order is None or intent.state != State.SUCCEEDED:
        return None
    nameless = Payment.objects.filter(order=order, intent="", attempt=attempt if attempt.isdecimal() else 0).first()
    payment = nameless or lost_payment(order, gateway)
    payment.intent, payment.checked_at = intent.id, now()
    payment.save()
    tell_staff(order=order, what="A payment was found that we had lost sight of.")
    return settle_payment(gateway=gateway, intent=intent)


def lost_payment(order: Order, gateway: str) -> Payment:
    """Called off until it is settled: another attempt may be open beside it."""
    last = Payment.objects.filter(order=order).aggregate(last=Max("attempt", default=0))["last"]
    return Payment(
        order=order,
        user=order.user,
        attempt=last + 1,
        gateway=gateway,
        amount=order.total,
        currency=order.currency,
        status=Payment.Status.CANCELLED,
    )


def _reconcile(till: Gateway, listed: Intent) -> str:
    payment = Payment.objects.filter(gateway=till.name, intent=listed.id).first()
    if payment is None:
        return _reconcile_unknown(till, listed)
    if payment.is_charged == (listed.state == State.SUCCEEDED):
        return "agreed"
    settle_payment(gateway=till.name, intent=till.read_intent(listed.id))
    return "mended"


def _reconcile_unknown(till: Gateway, listed: Intent) -> str:
    intent = till.read_intent(listed.id)
    if adopt_payment(gateway=till.name, intent=intent):
        return "found"
    if _is_payable(intent):
        till.cancel_intent(intent.id, key=f"cancel-{intent.id}")
        return "called_off"
    return "agreed"


def _give_up(payment: Payment) -> None:
    """The gateway never named it, so nobody can pay it; it goes with its order."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=payment.order_id)
        mine = Payment.objects.filter(pk=payment.pk, intent="")
        if order.status == Order.Status.PENDING:
            mine.update(checked_at=now())
        else:
            mine.update(status=Payment.Status.CANCELLED, checked_at=now())


def _is_payable(intent: Intent) -> bool:
    return intent.state not in {State.SUCCEEDED, State.CANCELED, State.PROCESSING}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
