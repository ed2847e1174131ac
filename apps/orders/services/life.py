"""What happens to an order after it was placed. Each step locks the order first and its stock second."""

from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.orders.errors import OrderNotFound, WrongOrderState
from apps.orders.models import Order, OrderEvent
from apps.products.services import allocate_stock, deallocate_stock, release_stock
from core.clock import now
from core.outbox import enqueue

Status = Order.Status
SWEEP_BATCH = 100


@transaction.atomic
def cancel_order(*, order_id: UUID, actor: User | None, note: str = "Cancelled by the customer") -> Order:
    """Cancel before it ships and put its goods back, once; raises `WrongOrderState` afterwards."""
    order = _locked(order_id)
    if not order.is_cancellable:
        raise WrongOrderState(status=order.status)
    put_back = release_stock if order.status == Status.PENDING else deallocate_stock
    owed = "; refund due" if order.payment_status == Order.PaymentStatus.PAID else ""
    _move(order, Status.CANCELLED, actor=actor, note=f"{note}{owed}")
    put_back(lines=order.stock_lines(), reference=order.number)
    return order


@transaction.atomic
def mark_paid(*, order_id: UUID, actor: User | None, note: str) -> Order:
    """Record money that arrived for a waiting order and set its goods aside; raises `WrongOrderState`."""
    order = _locked(order_id)
    if order.status != Status.PENDING:
        raise WrongOrderState(status=order.status)
    order.payment_status = Order.PaymentStatus.PAID
    order.paid_at = now()
    _move(order, Status.PROCESSING, actor=actor, note=note)
    allocate_stock(lines=order.stock_lines(), reference=order.number)
    return order


def plan_expiries() -> int:
    """Write a job for each order whose reservation ran out; return how many.

    A job an order, because stock is locked in id order within one order only: a sweep that held several at once
    could wait for a buyer who waits for the sweep.
    """
    lapsed = Order.objects.lapsed().order_by("reserved_until").values_list("pk", flat=True)[:SWEEP_BATCH]
    for order_id in lapsed:
        enqueue("orders.expire", key=str(order_id), order_id=str(order_id))
    return len(lapsed)


@transaction.atomic
def expire_order(*, order_id: UUID) -> bool:
    """Cancel an unpaid order and let go of its goods; False if it was paid, cancelled, or is in somebody's hands."""
    order = Order.objects.lapsed().select_for_update(skip_locked=True).filter(pk=order_id).first()
    if order is None:
        return False
    _move(order, Status.CANCELLED, actor=None, note="Not paid in time")
    release_stock(lines=order.stock_lines(), reference=order.number)
    return True


def _locked(order_id: UUID) -> Order:
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def _move(order: Order, status: Status, *, actor: User | None, note: str) -> None:
    order.status = status
    order.reserved_until = None
    order.save(update_fields=["status", "payment_status", "paid_at", "reserved_until", "updated_at"])
    OrderEvent.objects.create(order=order, status=status, actor=actor, note=note)
