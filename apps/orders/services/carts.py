"""Filling and emptying a cart: a customer's own, or a guest's, which becomes the customer's when they sign in."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.orders.errors import CartFull, CartItemNotFound
from apps.orders.guests import Guest, Holder
from apps.orders.models import MAX_LINES, MAX_QUANTITY, Cart, CartItem
from apps.orders.services.placing import BasketLine, orderable
from core.clock import now
from core.errors import InvalidInput
from core.housekeeping import Stale, chore

ABANDONED_AFTER = timedelta(days=30)


def open_cart(*, holder: Holder) -> Cart:
    """The holder's cart. A customer's is made the first time it is looked at, a guest's when it is first filled."""
    if isinstance(holder, User):
        return Cart.objects.get_or_create(user=holder)[0]
    return Cart.objects.filter(token_digest=holder.digest).first() or Cart(updated_at=now())


def has_cart(*, holder: Holder) -> bool:
    """Whether something can be put in without making a guest's cart first."""
    return isinstance(holder, User) or Cart.objects.filter(token_digest=holder.digest).exists()


@transaction.atomic
def add_to_cart(*, holder: Holder, product_id: UUID, variant_id: UUID | None, quantity: int) -> Cart:
    """Add to what the cart already holds of it; raises `ProductUnavailable`, `CartFull`.

    A new guest gets a cart. One whose token opens none does not: `CartItemNotFound`.
    """
    cart = _locked_cart(holder)
    line = BasketLine(product_id, variant_id, quantity)
    orderable([line])
    item = cart.items.filter(product_id=product_id, variant_id=variant_id).first()
    if item is None and cart.items.count() >= MAX_LINES:
        raise CartFull
    item = item or CartItem(cart=cart, product_id=product_id, variant_id=variant_id, quantity=0)
    _set(item, item.quantity + quantity)
    return _touched(cart)


@transaction.atomic
def set_quantity(*, holder: Holder, item_id: UUID, quantity: int) -> Cart:
    """Change a line's quantity; 0 removes it. Raises `CartItemNotFound`."""
    cart = _locked_cart(holder)
    item = cart.items.filter(pk=item_id).first()
    if item is None:
        raise CartItemNotFound
    if quantity:
        _set(item, quantity)
    else:
        item.delete()
    return _touched(cart)


def remove_from_cart(*, holder: Holder, item_id: UUID) -> Cart:
    """Take a line out; raises `CartItemNotFound`."""
    return set_quantity(holder=holder, item_id=item_id, quantity=0)


@transaction.atomic
def clear_cart(*, holder: Holder) -> Cart:
    """Take everything out."""
    if isinstance(holder, Guest) and open_cart(holder=holder)._state.adding:  # noqa: SLF001  # Django's name for it
        return Cart(updated_at=now())
    cart = _locked_cart(holder)
    cart.items.all().delete()
    return _touched(cart)


@transaction.atomic
def take_over_cart(*, user: User, guest: Guest) -> bool:
    """Put what a guest chose into the cart of who they turned out to be; False if the token opens no cart.

    Quantities add up as far as a cart goes; what no longer fits is left out rather than refused, for nobody asked.
    """
    if not guest.token or not Cart.objects.filter(token_digest=guest.digest).exists():
        return False
    mine = _locked_cart(user)
    theirs = Cart.objects.select_for_update().filter(token_digest=guest.digest).first()
    if theirs is None:
        return False
    _merge(mine, theirs.items.all())
    theirs.delete()
    _touched(mine)
    return True


def forget_cart(*, user_id: int) -> None:
    """Remove the cart of somebody who left."""
    Cart.objects.filter(user_id=user_id).delete()


@chore("carts", "carts nobody has touched for thirty days")
def stale_carts(days: int | None) -> Iterator[Stale]:
    before = now() - (ABANDONED_AFTER if days is None else timedelta(days=days))
    yield Stale(Cart.objects.filter(updated_at__lt=before), along="updated_at")


def _merge(mine: Cart, chosen: Iterable[CartItem]) -> None:
    held = {(item.product_id, item.variant_id): item for item in mine.items.all()}
    for theirs in chosen:
        known = held.get((theirs.product_id, theirs.variant_id))
        if known is None and len(held) >= MAX_LINES:
            continue
        item = known or CartItem(cart=mine, product_id=theirs.product_id, variant_id=theirs.variant_id, quantity=0)
        item.quantity = min(item.quantity + theirs.quantity, MAX_QUANTITY)
        item.save()
        held[theirs.product_id, theirs.variant_id] = item


def _locked_cart(holder: Holder) -> Cart:
    """Under lock, so that two taps on a phone add up instead of overwriting each other."""
    if isinstance(holder, User):
        return Cart.objects.select_for_update().get_or_create(user=holder)[0]  # one swept meanwhile is made anew
    if holder.is_new:
        Cart.objects.get_or_create(token_digest=holder.digest)
    cart = Cart.objects.select_for_update().filter(token_digest=holder.digest).first()
    if cart is None:
        raise CartItemNotFound
    return cart


def _touched(cart: Cart) -> Cart:
    cart.save(update_fields=["updated_at"])
    return cart


def _set(item: CartItem, quantity: int) -> None:
    if quantity > MAX_QUANTITY:
        raise InvalidInput({"quantity": [f"At most {MAX_QUANTITY} of one item."]})
    item.quantity = quantity
    item.save()
