"""Reads of the catalogue for one product, the console and the other apps; lists are in `listing.py`."""

from typing import Any
from uuid import UUID

from django.db.models import Case, F, IntegerField, QuerySet, TextField, Value, When
from django.db.models.expressions import RawSQL

from apps.products.models import Category, Product, StockItem

# Products with annotations: the stubs cannot name what `annotate` adds.
Products = QuerySet[Any, Any]

# What can be bought: a product's own stock if it has no variants, else that of the variants that are on.
AVAILABLE_SQL = """COALESCE((
    SELECT sum(on_hand - reserved - allocated) FROM products_stockitem
    LEFT JOIN products_productvariant ON products_productvariant.id = variant_id
    WHERE products_stockitem.product_id = products_product.id
    AND CASE WHEN variant_id IS NOT NULL THEN products_productvariant.is_active
        ELSE NOT EXISTS (SELECT FROM products_productvariant own WHERE own.product_id = products_product.id) END
), 0)::int"""
PICTURE_SQL = """(
    SELECT image FROM products_productimage WHERE products_productimage.product_id = products_product.id
    ORDER BY position, products_productimage.id LIMIT 1
)"""
# One text for the ORM and for the hand-written list, so that both count the same.
_AVAILABLE = RawSQL(AVAILABLE_SQL, (), output_field=IntegerField())  # noqa: S611  # a constant
_PICTURE = RawSQL(PICTURE_SQL, (), output_field=TextField())  # noqa: S611  # a constant


def public_products() -> Products:
    """Everything a customer may see, with its available stock and first picture."""
    return Product.objects.on_sale_to_public().annotate(available=_AVAILABLE, picture=_PICTURE)


def with_stock(products: Products) -> Products:
    """For the console: what is available, and whether that is fine, low or sold out."""
    state = Case(
        When(track_inventory=False, then=Value("untracked")),
        When(available__lte=0, then=Value("sold out")),
        When(available__lte=F("low_stock_threshold"), then=Value("low")),
        default=Value("fine"),
    )
    return products.annotate(available=_AVAILABLE).annotate(stock_state=state)


def product_detail(product_id: UUID) -> Product | None:
    """One visible product with all its page shows, in a fixed number of queries."""
    return (
        public_products()
        .select_related("category")
        .prefetch_related("images", "variants", "tags")
        .filter(pk=product_id)
        .first()
    )


def variant_stock(product: Product) -> dict[UUID | None, int]:
    """What is available of each variant; the key None is the product without a variant."""
    rows = StockItem.objects.filter(product=product).values_list("variant_id", "on_hand", "reserved", "allocated")
    return {variant: on_hand - reserved - allocated for variant, on_hand, reserved, allocated in rows}


def public_categories() -> QuerySet[Category]:
    return Category.objects.filter(is_active=True)
