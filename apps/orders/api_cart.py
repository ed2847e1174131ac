"""S2's cart, under /api/orders/cart/."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router, Status

from apps.accounts.auth import UserRequest, bearer
from apps.accounts.models import User
from apps.orders import queries, schemas, services
from apps.orders.api import check_out_from_book
from apps.orders.guests import HEADER, Guest, Holder, guest
from apps.orders.models import Cart, Order
from core.client_address import client_address, limit_key
from core.idempotency import idempotent
from core.money import major
from core.throttle import Rate, throttle

router = Router(tags=["Cart"], auth=[bearer, guest])
# New carts of guests, from one address: each is a row.
GUESTS = Rate(60, 3600)


class CartRequest(HttpRequest):
    """A request that passed `bearer` or, without a token, `guest`."""

    auth: Holder


@router.get("", response=schemas.CartOut, summary="My cart")
def get_cart(request: CartRequest) -> dict[str, Any]:
    """Without signing in too: the cart is then known by `X-Cart-Token`. Sent once more after signing in, it merges."""
    return _cart(services.open_cart(holder=_holder(request)))


@router.post("add_item/", response=schemas.CartOut, summary="Put something in")
def add_item(request: CartRequest, body: schemas.AddItemIn) -> dict[str, Any]:
    """Adds to what the cart already holds of it. Nothing is kept back from other customers yet.

    A token that opens no cart counts as none: the answer has a new one.
    """
    holder = _holder(request)
    if services.has_cart(holder=holder):
        return _cart(services.add_to_cart(holder=holder, **body.dict()))
    throttle("cart", limit_key(client_address(request)), GUESTS)
    newcomer = Guest.new()
    return _cart(services.add_to_cart(holder=newcomer, **body.dict()), token=newcomer.token)


@router.patch("update_item/", response=schemas.CartOut, summary="Change a quantity")
def update_item(request: CartRequest, body: schemas.UpdateItemIn) -> dict[str, Any]:
    """0 removes the line."""
    return _cart(services.set_quantity(holder=_holder(request), item_id=body.item_id, quantity=body.quantity))


@router.delete("remove_item/", response=schemas.CartOut, summary="Take something out")
def remove_item(request: CartRequest, query: Query[schemas.RemoveItemQuery]) -> dict[str, Any]:
    return _cart(services.remove_from_cart(holder=_holder(request), item_id=query.item_id))


@router.post("clear/", response=schemas.CartOut, summary="Empty it")
def clear(request: CartRequest) -> dict[str, Any]:
    return _cart(services.clear_cart(holder=_holder(request)))


@router.post("checkout/", response={201: schemas.OrderOut}, auth=bearer, summary="Order what it holds")
@idempotent(schemas.OrderOut, status=201)
def check_out(request: UserRequest, body: schemas.AnyCheckoutIn) -> Status[Order]:
    """Keeps the goods for RESERVATION_MINUTES and empties the cart; a second call finds it empty."""
    _holder(request)
    wanted = body.root
    if isinstance(wanted, schemas.FromBookIn):
        return Status(201, check_out_from_book(request.auth, wanted))
    order = services.check_out_cart(user=request.auth, addresses=wanted.addresses(), notes=wanted.customer_notes)
    return Status(201, order)


def _holder(request: CartRequest | UserRequest) -> Holder:
    """Whose cart it is; who signed in with a guest's cart in hand brings it along."""
    holder = request.auth
    if isinstance(holder, User) and HEADER in request.headers:
        services.take_over_cart(user=holder, guest=Guest.by_token(request.headers[HEADER]))
    return holder


def _cart(cart: Cart, *, token: str | None = None) -> dict[str, Any]:
    currency = settings.SHOP_CURRENCY
    total, items = 0, []
    for item in queries.cart_items(cart):
        price = item.product.price_of(item.variant)
        total += price * item.quantity
        items.append(
            {
                "id": item.pk,
                "product_id": item.product_id,
                "product_name": item.product.name,
                "variant_id": item.variant_id,
                "variant_name": item.variant.name if item.variant else None,
                "quantity": item.quantity,
                "unit_price": major(price, currency),
                "total_price": major(price * item.quantity, currency),
            }
        )
    return {
        "id": None if cart._state.adding else cart.pk,  # noqa: SLF001  # Django's name for a row that is not there
        "token": token,
        "items": items,
        "total": major(total, currency),
        "currency": currency,
        "updated_at": cart.updated_at,
    }
