"""S2's cart, under /api/orders/cart/."""

from typing import Any

from django.conf import settings
from ninja import Query, Router, Status

from apps.accounts.auth import UserRequest, bearer
from apps.orders import queries, schemas, services
from apps.orders.models import Cart, Order
from core.money import major

router = Router(tags=["Cart"], auth=bearer)


@router.get("", response=schemas.CartOut, summary="My cart")
def get_cart(request: UserRequest) -> dict[str, Any]:
    return _cart(services.open_cart(user=request.auth))


@router.post("add_item/", response=schemas.CartOut, summary="Put something in")
def add_item(request: UserRequest, body: schemas.AddItemIn) -> dict[str, Any]:
    """Adds to what the cart already holds of it. Nothing is kept back from other customers yet."""
    return _cart(services.add_to_cart(user=request.auth, **body.dict()))


@router.patch("update_item/", response=schemas.CartOut, summary="Change a quantity")
def update_item(request: UserRequest, body: schemas.UpdateItemIn) -> dict[str, Any]:
    """0 removes the line."""
    return _cart(services.set_quantity(user=request.auth, item_id=body.item_id, quantity=body.quantity))


@router.delete("remove_item/", response=schemas.CartOut, summary="Take something out")
def remove_item(request: UserRequest, query: Query[schemas.RemoveItemQuery]) -> dict[str, Any]:
    return _cart(services.remove_from_cart(user=request.auth, item_id=query.item_id))


@router.post("clear/", response=schemas.CartOut, summary="Empty it")
def clear(request: UserRequest) -> dict[str, Any]:
    return _cart(services.clear_cart(user=request.auth))


@router.post("checkout/", response={201: schemas.OrderOut}, summary="Order what it holds")
def check_out(request: UserRequest, body: schemas.CheckoutIn) -> Status[Order]:
    """Keeps the goods for RESERVATION_MINUTES and empties the cart; a second call finds it empty."""
    order = services.check_out_cart(user=request.auth, addresses=body.addresses(), notes=body.customer_notes)
    return Status(201, order)


def _cart(cart: Cart) -> dict[str, Any]:
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
        "id": cart.pk,
        "items": items,
        "total": major(total, currency),
        "currency": currency,
        "updated_at": cart.updated_at,
    }
