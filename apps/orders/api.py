"""S2's orders, under /api/orders/."""

from typing import Any

from ninja import Query, Router, Status

from apps.accounts.auth import UserRequest, bearer
from apps.accounts.models import User
from apps.orders import queries, schemas, services
from apps.orders.errors import OrderNotFound
from apps.orders.models import Order
from core.idempotency import idempotent
from core.ids import uuid_or_not_found
from core.pagination import PageQuery, envelope, paginate

router = Router(tags=["Orders"], auth=bearer)


@router.post("", response={201: schemas.OrderOut}, summary="Place an order")
@idempotent(schemas.OrderOut, status=201)
def place_order(request: UserRequest, body: schemas.AnyOrderIn) -> Status[Order]:
    """Of `items`, or of the cart with addresses from the address book.

    Prices, tax and shipping are computed here; the goods are kept for RESERVATION_MINUTES.
    """
    wanted = body.root
    if isinstance(wanted, schemas.FromBookIn):
        return Status(201, check_out_from_book(request.auth, wanted))
    basket = [services.BasketLine(item.product_id, item.variant_id, item.quantity) for item in wanted.items]
    order = services.place_order(
        user=request.auth, basket=basket, addresses=wanted.addresses(), notes=wanted.customer_notes
    )
    return Status(201, order)


@router.get("", response=schemas.OrderPage, summary="My orders")
def list_orders(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """Newest first."""
    page = paginate(queries.orders_of(request.auth), query)
    return envelope(request, page, page.rows)


@router.get("history/", response=schemas.OrderPage, summary="My orders, as S2's older clients ask for them")
def history(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    return list_orders(request, query)


@router.get("{order_id}/", response=schemas.OrderOut, summary="One order")
def get_order(request: UserRequest, order_id: str) -> Order:
    return _mine(request, order_id)


@router.post("{order_id}/cancel/", response=schemas.OrderOut, summary="Cancel it")
@idempotent(schemas.OrderOut)
def cancel(request: UserRequest, order_id: str) -> Order:
    """Possible until it ships; the goods go back on the shelf, once."""
    order = _mine(request, order_id)
    return services.cancel_order(order_id=order.pk, actor=request.auth)


def check_out_from_book(user: User, body: schemas.FromBookIn) -> Order:
    """Order what the cart holds; addresses are the book's."""
    addresses = services.addresses_from_book(user=user, shipping=body.shipping_address_id, billing=body.billing)
    return services.check_out_cart(user=user, addresses=addresses, notes=body.customer_notes)


def _mine(request: UserRequest, order_id: str) -> Order:
    order = queries.order_of(request.auth, uuid_or_not_found(order_id))
    if order is None:
        raise OrderNotFound
    return order
