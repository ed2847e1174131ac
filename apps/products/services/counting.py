"""Deliveries and counts as staff enter them: by product and variant, checked against how the product is stocked."""

from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.products.errors import ProductNotFound, StockedByVariant, StockNotTracked, VariantNotFound
from apps.products.models import Product, StockItem, StockMovement
from apps.products.services.stock import StockLine, adjust_stock, receive_stock


@transaction.atomic
def deliver_stock(*, line: StockLine, reference: str, actor: User) -> StockMovement:
    """Put a delivery of one thing on the shelf; raises what `count_stock` does."""
    _require_shelf(_tracked(line.product_id), line.variant_id)
    return receive_stock(lines=[line], reference=reference, actor=actor)[0]


@transaction.atomic
def count_stock(*, product_id: UUID, variant_id: UUID | None, counted: int, reason: str, actor: User) -> StockMovement:
    """Write down what stands on the shelf.

    What a product was stocked with before its first variant is counted down, never up. Raises `ProductNotFound`,
    `VariantNotFound`, `StockedByVariant`, `StockNotTracked`, or what `adjust_stock` does.
    """
    product = _tracked(product_id)
    if variant_id is not None or not _is_left_over(product, counted):
        _require_shelf(product, variant_id)
    item, _ = StockItem.objects.get_or_create(product_id=product_id, variant_id=variant_id)
    return adjust_stock(item_id=item.pk, counted=counted, reason=reason, actor=actor)


def _tracked(product_id: UUID) -> Product:
    product = Product.objects.filter(pk=product_id).first()
    if product is None:
        raise ProductNotFound
    if not product.track_inventory:
        raise StockNotTracked
    return product


def _is_left_over(product: Product, counted: int) -> bool:
    """Whether this is no more than what stands there without a variant; locked, so it stays true."""
    item = StockItem.objects.select_for_update().filter(product=product, variant=None).first()
    return item is not None and counted <= item.on_hand


def _require_shelf(product: Product, variant_id: UUID | None) -> None:
    if variant_id is None and product.variants.exists():
        raise StockedByVariant(param="variant_id")
    if variant_id is not None and not product.variants.filter(pk=variant_id).exists():
        raise VariantNotFound(param="variant_id")
