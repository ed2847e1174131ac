"""Telling the customer."""

from uuid import UUID

from django.conf import settings

from apps.accounts.texts import providers, send_text
from apps.orders.models import Order
from core.money import with_currency

TEXT = "Hanout: your order {number} for {total} is in. We keep it for you for {minutes} minutes."


def announce_placed(*, order_id: UUID) -> None:
    """Text the customer that the order is in, unless it has moved on since.

    May repeat after a crash: twice is better than never. Without a provider nothing is tried.
    """
    order = Order.objects.select_related("user").get(pk=order_id)
    if order.user.phone and order.status == Order.Status.PENDING and providers():
        body = TEXT.format(
            number=order.number,
            total=with_currency(order.total, order.currency),
            minutes=settings.RESERVATION_MINUTES,
        )
        send_text(phone=order.user.phone, body=body)
