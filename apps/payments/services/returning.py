"""Money back: asked for by customers and staff, or by the shop's own rules; sent by a job, once."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.services import require_permission
from apps.orders.models import Order
from apps.orders.services import note_on_order
from apps.payments.errors import (
    GatewayRefused,
    NotRefundable,
    PaymentNotFound,
    RefundNotFound,
    RefundPending,
    RefundSettled,
)
from apps.payments.gateway import gateway
from apps.payments.models import Payment, Refund
from apps.payments.services.alerts import tell_staff
from apps.payments.services.booking import book_refunds, book_standing
from apps.payments.services.locking import locked_payment
from core.clock import now
from core.locks import lock
from core.money import major, with_currency
from core.outbox import enqueue


@transaction.atomic
def request_refund(*, user: User, payment_id: UUID, amount: int | None, reason: str, description: str = "") -> Refund:
    """Ask for money back, all that is left without an `amount`; one request at a time.

    Staff decide; until then the amount counts as gone. Who asks for somebody else must be allowed to add refunds.
    Raises `NotRefundable`, `RefundPending`, `PaymentNotFound`, and as `require_permission` does.
    """
    payment = _locked(Payment.objects.visible_to(user), payment_id)
    if payment.user_id != user.pk:
        require_permission(user, "payments.add_refund")
    if payment.refunds.filter(status=Refund.Status.PENDING).exists():
        raise RefundPending(param="payment_id")
    wanted = _possible(payment, amount)
    return Refund.objects.create(
        payment=payment, amount=wanted, reason=reason, description=description, requested_by=user
    )


@transaction.atomic
def process_refund(*, refund_id: UUID, actor: User) -> Refund:
    """Staff agree: it leaves with a job. Raises `RefundNotFound`, `RefundSettled`."""
    refund = _waiting(refund_id)
    refund.status = Refund.Status.PROCESSING
    refund.save(update_fields=["status"])
    enqueue("payments.send_refund", key=str(refund.pk), refund=str(refund.pk))
    _note(refund, "is agreed to", actor)
    return refund


@transaction.atomic
def decline_refund(*, refund_id: UUID, actor: User) -> Refund:
    """Staff do not agree; what was asked for can be asked for again. Raises `RefundNotFound`, `RefundSettled`."""
    refund = _waiting(refund_id)
    refund.status, refund.settled_at = Refund.Status.CANCELLED, now()
    refund.save(update_fields=["status", "settled_at"])
    _note(refund, "is declined", actor)
    return refund


@transaction.atomic
def refund_payment(*, payment_id: UUID, amount: int | None, reason: str, why: str, actor: User | None) -> Refund:
    """Staff send money back at once. Raises `NotRefundable`, `PaymentNotFound`."""
    payment = _locked(Payment.objects.all(), payment_id)
    refund = give_back(payment=payment, amount=_possible(payment, amount), reason=reason, why=why, actor=actor)
    _note(refund, "is sent", actor)
    return refund


@transaction.atomic
def refund_order(*, order_id: UUID) -> int:
    """Send back whatever is left of the payments of an order that is over. Returns how many; may be repeated.

    What is in dispute waits for its end.
    """
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status not in {Order.Status.CANCELLED, Order.Status.REFUNDED}:
        return 0
    charged = Payment.objects.select_for_update().filter(order=order_id, charged_at__isnull=False)
    # All of it goes back now: who asked for a part need not wait for an answer.
    asked = Refund.objects.filter(payment__in=charged, status=Refund.Status.PENDING)
    asked.update(status=Refund.Status.CANCELLED, settled_at=now())
    owed = [(payment, left) for payment in charged if (left := payment.refundable())]
    for payment, left in owed:
        give_back(payment=payment, amount=left, reason=Refund.Reason.REQUESTED, why="the order was cancelled")
    return len(owed)


def give_back(*, payment: Payment, amount: int, reason: str, why: str, actor: User | None = None) -> Refund:
    """Write the refund and its job; the caller holds the payment locked and has checked what is left."""
    refund = Refund.objects.create(
        payment=payment,
        amount=amount,
        reason=reason,
        description=why,
        requested_by=actor,
        status=Refund.Status.PROCESSING,
    )
    enqueue("payments.send_refund", key=str(refund.pk), refund=str(refund.pk))
    return refund


@transaction.atomic
def send_refund(*, refund_id: UUID) -> None:
    """Tell the gateway; the refund's id is the key, so a job that runs twice sends once."""
    refund = Refund.objects.select_related("payment__order").get(pk=refund_id)
    payment = refund.payment
    if refund.status != Refund.Status.PROCESSING or refund.reference:
        return
    if payment.gateway != gateway().name:
        _fail(refund, "It was paid by another way than the shop's gateway.")
        return
    lock(f"payment:{payment.intent}")
    try:
        sent = gateway().send_back(
            payment.intent,
            amount=refund.amount,
            currency=payment.currency,
            ours=str(refund.pk),
            reason=refund.reason,
        )
    except GatewayRefused as error:
        _fail(refund, error.text)
        return
    with transaction.atomic():
        locked = _locked(Payment.objects.all(), payment.pk)
        book_refunds(locked, [sent])
        book_standing(locked)


def _locked(among: QuerySet[Payment], payment_id: UUID) -> Payment:
    payment = locked_payment(among.filter(pk=payment_id))
    if payment is None:
        raise PaymentNotFound
    return payment


def _possible(payment: Payment, amount: int | None) -> int:
    left = payment.refundable()
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise NotRefundable(param="amount", remaining=major(left, payment.currency))
    return wanted


def _waiting(refund_id: UUID) -> Refund:
    payment_id = Refund.objects.filter(pk=refund_id).values_list("payment_id", flat=True).first()
    if payment_id is None:
        raise RefundNotFound
    _locked(Payment.objects.all(), payment_id)
    refund = Refund.objects.select_for_update().get(pk=refund_id)
    if refund.status != Refund.Status.PENDING:
        raise RefundSettled(status=refund.status)
    return refund


def _note(refund: Refund, what: str, actor: User | None) -> None:
    amount = with_currency(refund.amount, refund.payment.currency)
    note_on_order(order_id=refund.payment.order_id, note=f"A refund of {amount} {what}", actor=actor)


def _fail(refund: Refund, why: str) -> None:
    refund.status, refund.failure, refund.settled_at = Refund.Status.FAILED, why[:300], now()
    refund.save(update_fields=["status", "failure", "settled_at"])
    tell_staff(order=refund.payment.order, what=f"A refund failed: {why}")
