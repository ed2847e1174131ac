"""Reads of the catalogue for one product, the console and the other apps; lists are in `listing.py`."""

from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, TextField, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from apps.accounts.models import User
from apps.products.models import Category, Product, ProductReview, StockItem, Wishlist

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
    return _with_page(public_products()).filter(pk=product_id).first()


def any_product(product_id: UUID) -> Product:
    """The same for staff, who also see what is hidden; for a product that is known to be there."""
    return _with_page(Product.objects.annotate(available=_AVAILABLE, picture=_PICTURE)).get(pk=product_id)


def _with_page(products: Products) -> Products:
    return products.select_related("category").prefetch_related("images", "variants", "tags")


def variant_stock(product: Product) -> dict[UUID | None, int]:
    """What is available of each variant; the key None is the product without a variant."""
    rows = StockItem.objects.filter(product=product).values_list("variant_id", "on_hand", "reserved", "allocated")
    return {variant: on_hand - reserved - allocated for variant, on_hand, reserved, allocated in rows}


def public_reviews() -> QuerySet[Any, Any]:
    """Reviews of what customers may see, as they are shown, newest first."""
    return ProductReview.objects.public().as_shown()


def wishlists_of(user: User) -> QuerySet[Any, Any]:
    """A person's own lists, each with how much is on it."""
    return Wishlist.objects.filter(user=user).annotate(item_count=Count("items"))


def wishes_of(wishlist: Wishlist) -> QuerySet[Any, Any]:
    """What is on a list and may still be seen, newest first."""
    return (
        public_products()
        .filter(wishes__wishlist=wishlist)
        .annotate(added_at=F("wishes__added_at"), category_name=F("category__name"))
        .order_by("-wishes__added_at", "-wishes__pk")
    )


def public_categories() -> QuerySet[Category]:
    return Category.objects.filter(is_active=True)


def stock_differences() -> list[dict[str, Any]]:
    """Every stock item whose movements do not add up to its balances, or that is below zero; one statement."""
    balances = ("on_hand", "reserved", "allocated")
    sums = {f"{name}_moved": Coalesce(Sum(f"movements__{name}_change"), 0) for name in balances}
    wrong = Q(on_hand__lt=F("reserved") + F("allocated"))
    for name in balances:
        wrong |= ~Q(**{f"{name}_moved": F(name)}) | Q(**{f"{name}__lt": 0})
    rows = StockItem.objects.annotate(**sums).filter(wrong).order_by("pk")
    named = {"sku": Coalesce("variant__sku", "product__sku")}
    return list(rows.values("id", *balances, *sums, **named))
