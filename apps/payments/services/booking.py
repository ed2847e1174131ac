"""What the gateway says of refunds and disputes, written into our books. The caller holds order and payment locked."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from django.db.models import Sum

from apps.orders.models import Order
from apps.orders.services import set_payment_standing
from apps.payments.gateway import SentBack
from apps.payments.models import Payment, Refund, Transaction
from apps.payments.services.alerts import tell_staff
from core.clock import now
from core.outbox import enqueue

Standing = Order.PaymentStatus
_BECOMES = {
    "pending": Refund.Status.PROCESSING,
    "requires_action": Refund.Status.PROCESSING,
    "succeeded": Refund.Status.SUCCEEDED,
    "failed": Refund.Status.FAILED,
    "canceled": Refund.Status.CANCELLED,
}
_DISPUTES = {
    "won": Payment.Dispute.WON,
    "warning_closed": Payment.Dispute.WON,
    "prevented": Payment.Dispute.WON,
    "lost": Payment.Dispute.LOST,
}
_NOTES = {
    Payment.Dispute.OPEN: "The payment is disputed",
    Payment.Dispute.WON: "The dispute was won",
    Payment.Dispute.LOST: "The dispute was lost",
}


def book_refunds(payment: Payment, sent: Iterable[SentBack]) -> None:
    """Write down each refund once, also those made in the gateway's own console."""
    for one in sent:
        _book(payment, one)
    done = payment.refunds.filter(status=Refund.Status.SUCCEEDED).aggregate(sum=Sum("amount", default=0))["sum"]
    payment.amount_refunded = done
    payment.status = Payment.Status.REFUNDED if done == payment.amount else Payment.Status.SUCCEEDED
    payment.save(update_fields=["amount_refunded", "status", "updated_at"])


def book_dispute(payment: Payment, said: str, amount: int) -> None:
    """What is disputed cannot be refunded as well; what is lost is gone like a refund."""
    dispute = _DISPUTES.get(said, Payment.Dispute.OPEN) if said else Payment.Dispute(payment.dispute)
    if dispute == payment.dispute:
        return
    payment.dispute, payment.amount_disputed = dispute, min(amount or payment.amount, payment.amount)
    payment.save(update_fields=["dispute", "amount_disputed", "updated_at"])
    if dispute == Payment.Dispute.LOST:
        _move(payment, Transaction.Kind.REFUND, payment.amount_disputed, f"dispute {payment.charge}")
    if dispute == Payment.Dispute.WON:  # the money of an order that was cancelled meanwhile goes back after all
        enqueue("payments.refund_order", key=str(payment.order_id), order=str(payment.order_id))
    tell_staff(order=payment.order, what=f"{_NOTES[dispute]}.")


def book_standing(payment: Payment) -> None:
    """What the order counts as, by the payment it lives on: unpaid while that is disputed, paid back once gone."""
    order = Order.objects.get(pk=payment.order_id)
    lost = payment.amount_disputed if payment.dispute == Payment.Dispute.LOST else 0
    if payment.amount_refunded + lost >= payment.amount:
        standing = Standing.REFUNDED
    elif payment.dispute == Payment.Dispute.OPEN:
        standing = Standing.PENDING
    else:
        standing = Standing.PAID
    if payment.pays_order and order.payment_status != standing:
        is_plain = standing == Standing.REFUNDED and not lost
        note = "Paid back" if is_plain else _NOTES.get(Payment.Dispute(payment.dispute), "Paid")
        set_payment_standing(order_id=order.pk, standing=standing, note=note)


def _book(payment: Payment, one: SentBack) -> None:
    refund = _found(payment, one)
    was, becomes = refund.status, _BECOMES.get(one.status, Refund.Status.PROCESSING)
    if refund.reference and was == becomes:
        return
    refund.status, refund.reference = becomes, one.id
    if refund.status != Refund.Status.PROCESSING and refund.settled_at is None:
        refund.settled_at = now()
    refund.save()
    if refund.status == Refund.Status.SUCCEEDED:
        _move(payment, Transaction.Kind.REFUND, one.amount, one.id)
    if refund.status in Refund.VOID:
        if was == Refund.Status.SUCCEEDED:  # the bank sent it back
            _move(payment, Transaction.Kind.VOID, one.amount, one.id)
        tell_staff(order=payment.order, what="A refund failed: the customer has to get the money another way.")


def _move(payment: Payment, kind: str, amount: int, reference: str) -> None:
    Transaction.objects.get_or_create(payment=payment, kind=kind, reference=reference, defaults={"amount": amount})


def _found(payment: Payment, one: SentBack) -> Refund:
    mine = Refund.objects.filter(payment=payment)
    known = mine.filter(pk__in=_id(one.ours)).first()
    return (
        known
        or mine.filter(reference=one.id).first()
        or Refund(payment=payment, amount=one.amount, reason=Refund.Reason.OTHER, description="Made at the gateway")
    )


def _id(ours: str) -> list[UUID]:
    """The id of our row; none for a refund that is not ours, or whose field holds somebody else's word."""
    with suppress(ValueError):
        return [UUID(ours)]
    return []
