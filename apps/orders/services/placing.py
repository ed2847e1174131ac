"""From a basket to an order whose goods are kept for it."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from prometheus_client import Counter

from apps.accounts.models import User
from apps.accounts.services import address_of
from apps.orders.errors import CartEmpty, OrderTooLarge, ProductUnavailable, TooManyUnpaidOrders
from apps.orders.models import MAX_UNITS, MAX_UNPAID_ORDERS, Cart, Order, OrderEvent, OrderLine
from apps.orders.pricing import totals
from apps.orders.services.spending import require_affordable
from apps.products.models import Product, ProductVariant
from apps.products.services import reserve_stock
from core.clock import now, seconds_until
from core.locks import lock
from core.outbox import enqueue

ORDERS = Counter("hanout_orders_placed_total", "Orders placed.")
# No vowels and no look-alikes: numbers are read out on the phone.
_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
_OF_ADDRESS = ("full_name", "phone", "address_line1", "address_line2", "city", "state", "country", "postal_code")


@dataclass(frozen=True)
class BasketLine:
    product_id: UUID
    variant_id: UUID | None
    quantity: int


@dataclass(frozen=True)
class Addresses:
    """Where it goes and who pays; kept with the order as given."""

    shipping: dict[str, Any]
    billing: dict[str, Any]


def addresses_from_book(*, user: User, shipping: UUID, billing: UUID | None) -> Addresses:
    """Two entries of a person's address book, or one for both; raises `AddressNotFound` for one that is not theirs."""
    sent_to = _written(user, shipping)
    return Addresses(sent_to, sent_to if billing in {None, shipping} else _written(user, billing or shipping))


@dataclass(frozen=True)
class _Priced:
    """A basket line beside the rows it names."""

    line: BasketLine
    product: Product
    variant: ProductVariant | None

    @property
    def unit_price(self) -> int:
        return self.product.price_of(self.variant)


@transaction.atomic
def place_order(*, user: User, basket: Sequence[BasketLine], addresses: Addresses, notes: str = "") -> Order:
    """Freeze names and prices, keep the goods, record the order.

    Raises `ProductUnavailable`, `OutOfStock`, `OrderTooLarge`, `TooManyUnpaidOrders` or what `require_within_limits`
    does; then nothing was kept.
    """
    priced = orderable(basket)
    _check_open_orders(user, sum(line.quantity for line in basket))
    bill = totals(sum(item.unit_price * item.line.quantity for item in priced))
    require_affordable(user=user, amount=bill.total)
    order = Order.objects.create(
        number=_number(),
        user=user,
        currency=settings.SHOP_CURRENCY,
        subtotal=bill.subtotal,
        tax_amount=bill.tax_amount,
        shipping_cost=bill.shipping_cost,
        total=bill.total,
        shipping_address=addresses.shipping,
        billing_address=addresses.billing,
        customer_notes=notes,
        reserved_until=now() + timedelta(minutes=settings.RESERVATION_MINUTES),
    )
    OrderLine.objects.bulk_create(_line(order, item) for item in priced)
    OrderEvent.objects.create(order=order, status=order.status, note="Placed", actor=user)
    # Last, because it takes the locks others wait for.
    reserve_stock(lines=order.stock_lines(), reference=order.number)
    enqueue("orders.announce_placed", order_id=str(order.pk))
    transaction.on_commit(ORDERS.inc)
    return order


@transaction.atomic
def check_out_cart(*, user: User, addresses: Addresses, notes: str = "") -> Order:
    """Order what the cart holds and empty it; raises `CartEmpty`, so a second tap orders nothing."""
    cart = Cart.objects.select_for_update().filter(user=user).first()
    items = list(cart.items.all()) if cart else []
    if cart is None or not items:
        raise CartEmpty
    basket = [BasketLine(item.product_id, item.variant_id, item.quantity) for item in items]
    order = place_order(user=user, basket=basket, addresses=addresses, notes=notes)
    cart.items.all().delete()
    cart.save(update_fields=["updated_at"])
    return order


def _check_open_orders(user: User, units: int) -> None:
    """Goods are kept without payment, so how much one customer may have kept is bounded."""
    lock(f"orders-of:{user.pk}")
    if units > MAX_UNITS:
        raise OrderTooLarge(max_units=MAX_UNITS)
    waiting = Order.objects.filter(user=user, status=Order.Status.PENDING).values_list("reserved_until", flat=True)
    if len(waiting) >= MAX_UNPAID_ORDERS:
        soonest = min(instant for instant in waiting if instant)
        raise TooManyUnpaidOrders(retry_after=seconds_until(soonest))


def orderable(basket: Sequence[BasketLine]) -> list[_Priced]:
    """The basket beside what it names; raises `ProductUnavailable` naming every line that cannot be ordered.

    A product with variants is ordered by variant, and a variant only with its own product.
    """
    wanted = {line.product_id for line in basket}
    products = Product.objects.on_sale_to_public().prefetch_related("variants").in_bulk(wanted)
    found: list[_Priced] = []
    refused = []
    for line in basket:
        product = products.get(line.product_id)
        variants = {variant.pk: variant for variant in product.variants.all()} if product else {}
        variant = variants.get(line.variant_id) if line.variant_id else None
        fits = variant is not None and variant.is_active if variants else line.variant_id is None
        if product is None or not fits:
            refused.append({"product_id": line.product_id, "variant_id": line.variant_id})
        else:
            found.append(_Priced(line, product, variant))
    if refused:
        raise ProductUnavailable(items=refused)
    return found


def _line(order: Order, item: _Priced) -> OrderLine:
    name = f"{item.product.name} · {item.variant.name}" if item.variant else item.product.name
    return OrderLine(
        order=order,
        product=item.product,
        variant=item.variant,
        product_name=name,
        product_sku=item.variant.sku if item.variant else item.product.sku,
        unit_price=item.unit_price,
        quantity=item.line.quantity,
        holds_stock=item.product.track_inventory,
    )


def _written(user: User, address: UUID) -> dict[str, Any]:
    """As it would be sent with an order: later changes of the book do not touch what was ordered."""
    entry = address_of(user=user, address=address)
    return {"email": user.email or "", **{name: getattr(entry, name) for name in _OF_ADDRESS}}


def _number() -> str:
    """S2's form: ORD-, eight digits of the second, six random characters; the column is unique."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    return f"ORD-{int(time.time()) % 10**8:08d}-{random}"
