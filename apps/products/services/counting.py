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
    _require_shelf(line.product_id, line.variant_id)
    return receive_stock(lines=[line], reference=reference, actor=actor)[0]


@transaction.atomic
def count_stock(*, product_id: UUID, variant_id: UUID | None, counted: int, reason: str, actor: User) -> StockMovement:
    """Write down what stands on the shelf.

    Raises `ProductNotFound`, `VariantNotFound`, `StockedByVariant`, `StockNotTracked`, or what `adjust_stock` does.
    """
    _require_shelf(product_id, variant_id)
    item, _ = StockItem.objects.get_or_create(product_id=product_id, variant_id=variant_id)
    return adjust_stock(item_id=item.pk, counted=counted, reason=reason, actor=actor)


def _require_shelf(product_id: UUID, variant_id: UUID | None) -> None:
    product = Product.objects.filter(pk=product_id).first()
    if product is None:
        raise ProductNotFound
    if not product.track_inventory:
        raise StockNotTracked
    if variant_id is None and product.variants.exists():
        raise StockedByVariant(param="variant_id")
    if variant_id is not None and not product.variants.filter(pk=variant_id).exists():
        raise VariantNotFound(param="variant_id")
