"""What happens to an order after it was placed. Each step locks the order first and its stock second."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.orders.errors import OrderNotFound, WrongOrderState
from apps.orders.models import Order, OrderEvent
from apps.products.errors import OutOfStock
from apps.products.services import allocate_stock, deallocate_stock, release_stock, reserve_stock
from core.clock import now
from core.outbox import enqueue

Status = Order.Status
SWEEP_BATCH = 100
AT_THE_TILL = timedelta(minutes=5)
MOST_HELD = timedelta(minutes=15)
NOTE_LENGTH = 200
_MOVED = [
    "status",
    "payment_status",
    "paid_at",
    "reserved_until",
    "lapsed_at",
    "is_backordered",
    "shipped_at",
    "delivered_at",
    "returned_at",
    "tracking_number",
    "updated_at",
]


@transaction.atomic
def cancel_order(*, order_id: UUID, actor: User | None, note: str = "Cancelled by the customer") -> Order:
    """Cancel before it ships and put its goods back, once; raises `WrongOrderState` afterwards."""
    order = locked_order(order_id)
    if not order.is_cancellable:
        raise WrongOrderState(status=order.status)
    was_paid = order.status != Status.PENDING
    put_back = deallocate_stock if was_paid else release_stock
    owed = "; refund due" if order.payment_status == Order.PaymentStatus.PAID else ""
    move_order(order, Status.CANCELLED, actor=actor, note=f"{note}{owed}")
    put_back(lines=order.stock_lines(), reference=order.number)
    enqueue("payments.refund_order" if was_paid else "payments.close", order=str(order.pk))
    return order


@transaction.atomic
def mark_paid(*, order_id: UUID, actor: User | None, note: str) -> Order:
    """Record money that arrived for a waiting order and set its goods aside; raises `WrongOrderState`."""
    order = locked_order(order_id)
    if order.status != Status.PENDING:
        raise WrongOrderState(status=order.status)
    order.payment_status = Order.PaymentStatus.PAID
    order.paid_at = now()
    move_order(order, Status.PROCESSING, actor=actor, note=note)
    allocate_stock(lines=order.stock_lines(), reference=order.number)
    enqueue("payments.close", order=str(order.pk))
    return order


@transaction.atomic
def reopen_order(*, order_id: UUID, note: str) -> Order:
    """Take back an order that lapsed, for its money has come; without goods it waits for them, paid.

    Raises `WrongOrderState` for one that did not lapse.
    """
    order = locked_order(order_id)
    if order.status != Status.CANCELLED or order.lapsed_at is None:
        raise WrongOrderState(status=order.status)
    order.payment_status, order.paid_at, order.lapsed_at = Order.PaymentStatus.PAID, now(), None
    order.is_backordered = not _take_again(order)
    missing = "; its goods are out of stock" if order.is_backordered else ""
    move_order(order, Status.PROCESSING, actor=None, note=f"{note}{missing}")
    return order


@transaction.atomic
def fill_backorder(*, order_id: UUID, actor: User | None) -> Order:
    """Set goods aside for a paid order that waited for them; raises `WrongOrderState` or `OutOfStock`."""
    order = locked_order(order_id)
    if order.status != Status.PROCESSING or not order.is_backordered:
        raise WrongOrderState(status=order.status)
    order.is_backordered = False
    lines = order.stock_lines()
    reserve_stock(lines=lines, reference=order.number)
    allocate_stock(lines=lines, reference=order.number)
    move_order(order, Status.PROCESSING, actor=actor, note="Its goods came in")
    return order


@transaction.atomic
def set_payment_standing(*, order_id: UUID, standing: str, note: str) -> Order:
    """Write down what became of an order's money. One that was paid back whole before it shipped gives its goods up."""
    order = locked_order(order_id)
    order.payment_status = standing
    status = Status(order.status)
    if standing == Order.PaymentStatus.REFUNDED and status in {Status.PROCESSING, Status.SHIPPED, Status.DELIVERED}:
        if status == Status.PROCESSING:
            deallocate_stock(lines=order.stock_lines(), reference=order.number)
        status = Status.REFUNDED
    move_order(order, status, actor=None, note=note, keep_reservation=status == Status.PENDING)
    return order


def note_on_order(*, order_id: UUID, note: str, actor: User | None = None) -> None:
    """Add a line to the order's history that moves nothing."""
    status = Order.objects.values_list("status", flat=True).get(pk=order_id)
    OrderEvent.objects.create(order_id=order_id, status=status, note=note[:NOTE_LENGTH], actor=actor)


def hold_for_payment(order: Order) -> None:
    """Keep the goods of a locked order for whoever stands at the till, a few times over and not for ever."""
    latest = order.created_at + timedelta(minutes=settings.RESERVATION_MINUTES) + MOST_HELD
    until = min(now() + AT_THE_TILL, latest)
    if order.reserved_until and until > order.reserved_until:
        order.reserved_until = until
        order.save(update_fields=["reserved_until", "updated_at"])


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
    order.lapsed_at = now()
    move_order(order, Status.CANCELLED, actor=None, note="Not paid in time")
    release_stock(lines=order.stock_lines(), reference=order.number)
    enqueue("payments.close", order=str(order.pk))
    return True


def locked_order(order_id: UUID) -> Order:
    """The order, and nobody else changes it until the transaction ends; raises `OrderNotFound`."""
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    return order


def move_order(order: Order, status: Status, *, actor: User | None, note: str, keep_reservation: bool = False) -> None:
    """Write a step of a locked order and of its history; what is paid or off is kept for nobody any more."""
    order.status = status
    order.reserved_until = order.reserved_until if keep_reservation else None
    order.save(update_fields=_MOVED)
    OrderEvent.objects.create(order=order, status=status, actor=actor, note=note[:NOTE_LENGTH])


def _take_again(order: Order) -> bool:
    lines = order.tracked_lines()
    try:
        with transaction.atomic():
            reserve_stock(lines=lines, reference=order.number)
            allocate_stock(lines=lines, reference=order.number)
    except OutOfStock:
        return False
    return True
