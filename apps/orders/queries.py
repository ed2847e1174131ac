"""Reads of carts and orders, in a fixed number of queries."""

from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.orders.models import Cart, CartItem, Order


def cart_items(cart: Cart) -> QuerySet[CartItem]:
    return cart.items.select_related("product", "variant")


def orders_of(user: User) -> QuerySet[Order]:
    return Order.objects.visible_to(user).prefetch_related("items")


def order_of(user: User, order_id: UUID) -> Order | None:
    return orders_of(user).filter(pk=order_id).first()
