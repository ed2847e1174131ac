"""Everything that changes a cart or an order, one file per flow."""

from apps.orders.services.announcing import announce_placed
from apps.orders.services.carts import add_to_cart, clear_cart, forget_cart, open_cart, remove_from_cart, set_quantity
from apps.orders.services.life import cancel_order, expire_order, mark_paid, plan_expiries
from apps.orders.services.placing import Addresses, BasketLine, check_out_cart, place_order

__all__ = [
    "Addresses",
    "BasketLine",
    "add_to_cart",
    "announce_placed",
    "cancel_order",
    "check_out_cart",
    "clear_cart",
    "expire_order",
    "forget_cart",
    "mark_paid",
    "open_cart",
    "place_order",
    "plan_expiries",
    "remove_from_cart",
    "set_quantity",
]
