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
_STANDINGS = {
    Payment.Dispute.OPEN: (Order.PaymentStatus.PENDING, "The payment is disputed"),
    Payment.Dispute.WON: (Order.PaymentStatus.PAID, "The dispute was won"),
    Payment.Dispute.LOST: (Order.PaymentStatus.REFUNDED, "The dispute was lost"),
}


def book_refunds(payment: Payment, sent: Iterable[SentBack]) -> None:
    """Write down each refund once, also those made in the gateway's own console."""
    for one in sent:
        _book(payment, one)
    done = payment.refunds.filter(status=Refund.Status.SUCCEEDED).aggregate(sum=Sum("amount", default=0))["sum"]
    if done == payment.amount_refunded:
        return
    payment.amount_refunded = done
    is_whole = done == payment.amount
    payment.status = Payment.Status.REFUNDED if is_whole else Payment.Status.SUCCEEDED
    payment.save(update_fields=["amount_refunded", "status", "updated_at"])
    if is_whole and payment.pays_order:
        set_payment_standing(order_id=payment.order_id, standing=Order.PaymentStatus.REFUNDED, note="Refunded")


def book_dispute(payment: Payment, said: str) -> None:
    """A disputed payment counts as none until the dispute is won: what is disputed does not ship."""
    dispute = _DISPUTES.get(said, Payment.Dispute.OPEN) if said else Payment.Dispute.NONE
    if not said or dispute == payment.dispute:
        return
    payment.dispute = dispute
    payment.save(update_fields=["dispute", "updated_at"])
    standing, note = _STANDINGS[dispute]
    if payment.pays_order:
        set_payment_standing(order_id=payment.order_id, standing=standing, note=note)
    tell_staff(order=payment.order, what=f"{note}.")


def _book(payment: Payment, one: SentBack) -> None:
    refund = _found(payment, one)
    before, refund.status, refund.reference = refund.status, _BECOMES.get(one.status, Refund.Status.PROCESSING), one.id
    if refund.status != Refund.Status.PROCESSING and refund.settled_at is None:
        refund.settled_at = now()
    refund.save()
    if refund.status == before:
        return
    if refund.status == Refund.Status.SUCCEEDED:
        Transaction.objects.get_or_create(
            payment=payment, kind=Transaction.Kind.REFUND, reference=one.id, defaults={"amount": one.amount}
        )
    if refund.status == Refund.Status.FAILED:
        tell_staff(order=payment.order, what="A refund failed: the customer has to get the money another way.")


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
