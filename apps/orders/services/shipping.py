"""Out of the door, and what comes back."""

from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.orders.errors import WrongOrderState
from apps.orders.models import Order
from apps.orders.services.life import locked_order, move_order
from apps.products.services import return_stock, ship_stock
from core.clock import now
from core.outbox import enqueue

Status = Order.Status


@transaction.atomic
def ship_order(*, order_id: UUID, actor: User | None, tracking_number: str = "") -> Order:
    """Hand it to the carrier; its goods leave the stock. Raises `WrongOrderState` unless it is paid and complete."""
    order = locked_order(order_id)
    is_paid = order.payment_status == Order.PaymentStatus.PAID
    if order.status != Status.PROCESSING or not is_paid or order.is_backordered:
        raise WrongOrderState(status=order.status, payment_status=order.payment_status)
    order.shipped_at, order.tracking_number = now(), tracking_number
    move_order(order, Status.SHIPPED, actor=actor, note=f"Shipped {tracking_number}".strip())
    ship_stock(lines=order.stock_lines(), reference=order.number, actor=actor)
    return order


@transaction.atomic
def deliver_order(*, order_id: UUID, actor: User | None) -> Order:
    """It arrived: its customer may review it as a buyer. Raises `WrongOrderState` unless it was shipped."""
    order = locked_order(order_id)
    if order.status != Status.SHIPPED:
        raise WrongOrderState(status=order.status)
    order.delivered_at = now()
    move_order(order, Status.DELIVERED, actor=actor, note="Delivered")
    bought = sorted({str(line.product_id) for line in order.items.all()})
    enqueue("products.mark_bought", user_id=order.user_id, product_ids=bought)
    return order


@transaction.atomic
def take_back_order(*, order_id: UUID, actor: User | None) -> Order:
    """Its goods came back fit to be sold again: they go on the shelf, once; the money is a matter of its refund.

    Raises `WrongOrderState` unless it was shipped and is not back yet.
    """
    order = locked_order(order_id)
    if order.shipped_at is None or order.returned_at is not None:
        raise WrongOrderState(status=order.status)
    order.returned_at = now()
    move_order(order, Status(order.status), actor=actor, note="Its goods came back")
    return_stock(lines=order.stock_lines(), reference=order.number, actor=actor, reason="Sent back")
    return order
