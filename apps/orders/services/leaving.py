"""People who left, in their orders: what an order cost, and its city and country, are the books' and stay."""

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import JSONObject

from apps.orders.models import Order

_STAYS = ("city", "state", "country")
_GOES = ["full_name", "email", "phone", "address_line1", "address_line2", "postal_code"]
_TRACES = Q(shipping_address__has_any_keys=_GOES) | Q(billing_address__has_any_keys=_GOES) | ~Q(customer_notes="")


def orders_of_who_left() -> QuerySet[Order]:
    """Orders that are over, of people who left, and still say who they were; what is owed for one is not over."""
    is_over = Q(status__in=[Order.Status.DELIVERED, Order.Status.CANCELLED, Order.Status.REFUNDED])
    is_owed = Q(status=Order.Status.CANCELLED, payment_status=Order.PaymentStatus.PAID)
    return Order.objects.filter(is_over, _TRACES, user__deleted_at__isnull=False).exclude(is_owed)


def take_person_out(orders: QuerySet[Order]) -> int:
    """Leave of these orders what the books need; return how many there were."""
    return orders.update(
        shipping_address=_place("shipping_address"), billing_address=_place("billing_address"), customer_notes=""
    )


def _place(address: str) -> JSONObject:
    return JSONObject(**{name: KeyTransform(name, address) for name in _STAYS})
