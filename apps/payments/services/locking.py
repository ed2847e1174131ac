"""Payments under lock, always after their order: whoever moves money takes the two in this order, and stock third."""

from django.db.models import QuerySet

from apps.orders.models import Order
from apps.payments.models import Payment


def locked_payment(among: QuerySet[Payment]) -> Payment | None:
    """The one payment among these, with its order and then itself locked; None if there is none."""
    known = among.values_list("pk", "order_id").first()
    if known is None:
        return None
    Order.objects.select_for_update().get(pk=known[1])
    return Payment.objects.select_for_update().get(pk=known[0])
