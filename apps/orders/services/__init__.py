"""Everything that changes a cart or an order, one file per flow."""

from apps.orders.services.announcing import announce_placed
from apps.orders.services.carts import (
    add_to_cart,
    clear_cart,
    forget_cart,
    has_cart,
    open_cart,
    remove_from_cart,
    set_quantity,
    stale_carts,
    take_over_cart,
)
from apps.orders.services.leaving import orders_of_who_left, take_person_out
from apps.orders.services.life import (
    cancel_order,
    expire_order,
    fill_backorder,
    hold_for_payment,
    mark_paid,
    note_on_order,
    plan_expiries,
    reopen_order,
    set_payment_standing,
)
from apps.orders.services.placing import Addresses, BasketLine, addresses_from_book, check_out_cart, place_order
from apps.orders.services.shipping import deliver_order, ship_order, take_back_order
from apps.orders.services.spending import require_still_affordable

__all__ = [
    "Addresses",
    "BasketLine",
    "add_to_cart",
    "addresses_from_book",
    "announce_placed",
    "cancel_order",
    "check_out_cart",
    "clear_cart",
    "deliver_order",
    "expire_order",
    "fill_backorder",
    "forget_cart",
    "has_cart",
    "hold_for_payment",
    "mark_paid",
    "note_on_order",
    "open_cart",
    "orders_of_who_left",
    "place_order",
    "plan_expiries",
    "remove_from_cart",
    "reopen_order",
    "require_still_affordable",
    "set_payment_standing",
    "set_quantity",
    "ship_order",
    "stale_carts",
    "take_back_order",
    "take_over_cart",
    "take_person_out",
]
