"""Filling and emptying a cart."""

from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.orders.errors import CartFull, CartItemNotFound
from apps.orders.models import MAX_LINES, MAX_QUANTITY, Cart, CartItem
from apps.orders.services.placing import BasketLine, orderable
from core.errors import InvalidInput


def open_cart(*, user: User) -> Cart:
    """The customer's cart, made the first time it is looked at."""
    return Cart.objects.get_or_create(user=user)[0]


@transaction.atomic
def add_to_cart(*, user: User, product_id: UUID, variant_id: UUID | None, quantity: int) -> Cart:
    """Add to what the cart already holds of it; raises `ProductUnavailable`, `CartFull`."""
    cart = _locked_cart(user)
    line = BasketLine(product_id, variant_id, quantity)
    orderable([line])
    item = cart.items.filter(product_id=product_id, variant_id=variant_id).first()
    if item is None and cart.items.count() >= MAX_LINES:
        raise CartFull
    item = item or CartItem(cart=cart, product_id=product_id, variant_id=variant_id, quantity=0)
    _set(item, item.quantity + quantity)
    cart.save(update_fields=["updated_at"])
    return cart


@transaction.atomic
def set_quantity(*, user: User, item_id: UUID, quantity: int) -> Cart:
    """Change a line's quantity; 0 removes it. Raises `CartItemNotFound`."""
    cart = _locked_cart(user)
    item = cart.items.filter(pk=item_id).first()
    if item is None:
        raise CartItemNotFound
    if quantity:
        _set(item, quantity)
    else:
        item.delete()
    cart.save(update_fields=["updated_at"])
    return cart


def remove_from_cart(*, user: User, item_id: UUID) -> Cart:
    """Take a line out; raises `CartItemNotFound`."""
    return set_quantity(user=user, item_id=item_id, quantity=0)


@transaction.atomic
def clear_cart(*, user: User) -> Cart:
    """Take everything out."""
    cart = _locked_cart(user)
    cart.items.all().delete()
    cart.save(update_fields=["updated_at"])
    return cart


def _locked_cart(user: User) -> Cart:
    """Under lock, so that two taps on a phone add up instead of overwriting each other."""
    open_cart(user=user)
    return Cart.objects.select_for_update().get(user=user)


def _set(item: CartItem, quantity: int) -> None:
    if quantity > MAX_QUANTITY:
        raise InvalidInput({"quantity": [f"At most {MAX_QUANTITY} of one item."]})
    item.quantity = quantity
    item.save()


def forget_cart(*, user_id: int) -> None:
    """Remove the cart of somebody who left."""
    Cart.objects.filter(user_id=user_id).delete()
