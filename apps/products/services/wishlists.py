"""Wishlists: a person's own, at most twenty of at most two hundred products."""

from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services.people import locked_person
from apps.products.errors import ProductNotFound, TooManyWishlists, WishlistFull, WishlistNotFound
from apps.products.models import MAX_WISHES, MAX_WISHLISTS, Product, Wishlist


@transaction.atomic
def create_wishlist(*, user: User, name: str) -> Wishlist:
    """Start a list; raises `TooManyWishlists`, or `TokenRejected` for somebody who left meanwhile."""
    locked_person(user)
    if Wishlist.objects.filter(user=user).count() >= MAX_WISHLISTS:
        raise TooManyWishlists(most=MAX_WISHLISTS)
    return Wishlist.objects.create(user=user, name=name)


@transaction.atomic
def rename_wishlist(*, user: User, wishlist_id: UUID, name: str) -> Wishlist:
    """Call it something else; raises `WishlistNotFound`."""
    wishlist = _own(user, wishlist_id)
    wishlist.name = name
    wishlist.save(update_fields=["name", "updated_at"])
    return wishlist


@transaction.atomic
def delete_wishlist(*, user: User, wishlist_id: UUID) -> None:
    """Delete it with all it holds; raises `WishlistNotFound`."""
    _own(user, wishlist_id).delete()


@transaction.atomic
def add_wish(*, user: User, wishlist_id: UUID, product_id: UUID) -> Wishlist:
    """Put a product on it, once; raises `WishlistNotFound`, `ProductNotFound` or `WishlistFull`."""
    wishlist = _own(user, wishlist_id)
    if not Product.objects.on_sale_to_public().filter(pk=product_id).exists():
        raise ProductNotFound(param="product_id")
    if wishlist.items.filter(product_id=product_id).exists():
        return wishlist
    if wishlist.items.count() >= MAX_WISHES:
        raise WishlistFull(most=MAX_WISHES)
    wishlist.items.create(product_id=product_id)
    wishlist.save(update_fields=["updated_at"])
    return wishlist


@transaction.atomic
def remove_wish(*, user: User, wishlist_id: UUID, product_id: UUID) -> Wishlist:
    """Take a product off, if it is there; raises `WishlistNotFound`."""
    wishlist = _own(user, wishlist_id)
    wishlist.items.filter(product_id=product_id).delete()
    wishlist.save(update_fields=["updated_at"])
    return wishlist


@transaction.atomic
def clear_wishlist(*, user: User, wishlist_id: UUID) -> Wishlist:
    """Take everything off; raises `WishlistNotFound`."""
    wishlist = _own(user, wishlist_id)
    wishlist.items.all().delete()
    wishlist.save(update_fields=["updated_at"])
    return wishlist


def forget_wishlists(*, user_id: int) -> None:
    """Remove the lists of somebody who left."""
    Wishlist.objects.filter(user_id=user_id).delete()


def _own(user: User, wishlist_id: UUID) -> Wishlist:
    wishlist = Wishlist.objects.select_for_update().filter(pk=wishlist_id, user=user).first()
    if wishlist is None:
        raise WishlistNotFound
    return wishlist
