"""Looking after money nobody told us of: open payments every minute, the gateway's own list every day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from apps.orders.models import Order
from apps.payments.gateway import Intent, State, gateway
from apps.payments.models import Payment, Refund
from apps.payments.services.settling import is_ours, is_payable, look_at_payment
from core.clock import now
from core.outbox import enqueue

log = structlog.get_logger(__name__)
CHECK_EVERY = timedelta(minutes=1)
REFUND_SHOULD_BE_SENT = timedelta(minutes=10)
MAY_BE_BEING_BEGUN = timedelta(hours=1)
SWEEP_BATCH = 1000


@transaction.atomic
def plan_checks() -> int:
    """Write a job for each payment the gateway should be asked about; return how many.

    Open ones, every minute: so what was charged is an order or a refund within five, whatever was lost on the way. And
    those with a refund that is on its way. Each is due again a minute later, whatever comes of it: one that cannot be
    read keeps no other waiting.
    """
    going_back = Refund.objects.filter(status=Refund.Status.PROCESSING, created_at__lt=now() - REFUND_SHOULD_BE_SENT)
    due = Payment.objects.filter(checked_at__lt=now() - CHECK_EVERY).filter(
        Q(charged_at=None, status__in=Payment.OPEN) | Q(pk__in=going_back.values("payment"))
    )
    found = list(due.order_by("checked_at").values_list("pk", flat=True)[:SWEEP_BATCH])
    for payment in found:
        enqueue("payments.check", key=str(payment), payment=str(payment))
    Payment.objects.filter(pk__in=found).update(checked_at=now())
    return len(found)


def plan_dispute_checks() -> int:
    """Write a job for each open dispute, which ends weeks later: a list of the last days has no such payment."""
    disputed = Payment.objects.filter(dispute=Payment.Dispute.OPEN).values_list("pk", flat=True)
    for payment in disputed:
        enqueue("payments.check", key=str(payment), payment=str(payment))
    return len(disputed)


def check_payment(*, payment_id: UUID) -> bool:
    """Ask the gateway what became of a payment; one whose order waits no more is called off there.

    False for a payment of another gateway than the shop's, which cannot be asked.
    """
    payment = Payment.objects.select_related("order").get(pk=payment_id)
    till = gateway()
    if payment.gateway != till.name:
        return False
    if payment.intent:
        is_over = payment.order.status != Order.Status.PENDING
        look_at_payment(till=till, intent=payment.intent, cancel=is_over)
    else:
        _give_up(payment)
    for refund in payment.refunds.filter(status=Refund.Status.PROCESSING, reference=""):
        enqueue("payments.send_refund", key=str(refund.pk), refund=str(refund.pk))
    return True


def close_payments(*, order_id: UUID) -> None:
    """The order waits no more: look at its open payments now, not in a minute; one job a payment."""
    for payment in Payment.objects.open().filter(order=order_id).values_list("pk", flat=True):
        enqueue("payments.check", key=str(payment), payment=str(payment))


def mismatches(*, since: datetime) -> Iterator[tuple[str, str]]:
    """Hold our books against the gateway's list: each payment of this shop, and "agreed" or what is to be done.

    Nothing is changed, and no row is locked while the next page is asked for. Raises `GatewayFailed` half way.
    """
    for listed in gateway().intents_since(since):
        if is_ours(listed):
            yield listed.id, _verdict(listed)


def mend_payment(*, intent: str) -> None:
    """Do what `mismatches` found: settle it, adopt it, or call it off where nobody can pay it any more."""
    till = gateway()
    known = Payment.objects.filter(gateway=till.name, intent=intent).exists()
    look_at_payment(till=till, intent=intent, cancel=not known)


def _verdict(listed: Intent) -> str:
    payment = Payment.objects.filter(gateway=gateway().name, intent=listed.id).first()
    if payment is None:
        return _verdict_of_unknown(listed)
    ours = (payment.is_charged, payment.amount_refunded, bool(payment.dispute))
    theirs = (listed.state == State.SUCCEEDED, listed.returned, bool(listed.disputed))
    return "agreed" if ours == theirs else "mended"


def _verdict_of_unknown(listed: Intent) -> str:
    if listed.state == State.SUCCEEDED:
        return "found"
    is_old = listed.begun_at is None or listed.begun_at < now() - MAY_BE_BEING_BEGUN
    return "called_off" if is_payable(listed) and is_old else "agreed"


@transaction.atomic
def _give_up(payment: Payment) -> None:
    """The gateway never named it, so nobody can pay it; it goes with its order."""
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    if order.status != Order.Status.PENDING:
        Payment.objects.filter(pk=payment.pk, intent="").update(status=Payment.Status.CANCELLED)
