"""Reads of the catalogue. Lists fetch plain rows, not model instances: it is the hot path."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from apps.products.models import Category, Product, ProductImage, ProductVariant, StockItem

# Products with annotations, or rows of them: the stubs cannot name what `annotate` adds.
Products = QuerySet[Any, Any]

# What can be bought: a product's own stock if it has no variants, else that of the variants that are on.
_SELLABLE = Q(variant__is_active=True) | (
    Q(variant=None) & ~Exists(ProductVariant.objects.filter(product=OuterRef("product")))
)
_AVAILABLE = Coalesce(
    Subquery(
        StockItem.objects.filter(_SELLABLE, product=OuterRef("pk"))
        .order_by()
        .values("product")
        .annotate(total=Sum(F("on_hand") - F("reserved") - F("allocated")))
        .values("total")
    ),
    0,
)
_PICTURE = Subquery(ProductImage.objects.filter(product=OuterRef("pk")).order_by("position", "pk").values("image")[:1])

LIST_COLUMNS = (
    "id",
    "name",
    "slug",
    "price",
    "compare_at_price",
    "low_stock_threshold",
    "track_inventory",
    "is_active",
    "is_featured",
)
_WORD = re.compile(r"\w+")
MAX_WORDS = 12


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


def filtered(products: Products, filters: Mapping[str, Any]) -> Products:
    """Narrow by the S2 filters that were given; prices are minor units."""
    conditions = {
        "min_price": lambda value: Q(price__gte=value),
        "max_price": lambda value: Q(price__lte=value),
        "category": lambda value: Q(category__slug=value) | Q(category__name__iexact=value),
        "category_id": lambda value: Q(category_id=value),
        "is_featured": lambda value: Q(is_featured=value),
        "is_active": lambda value: Q(is_active=value),
        "is_on_sale": _is_reduced,
        "in_stock": _is_in_stock,
    }
    for name, condition in conditions.items():
        if filters.get(name) is not None:
            products = products.filter(condition(filters[name]))
    return products


def _is_reduced(wanted: bool) -> Q:  # noqa: FBT001  # the value of a filter
    reduced = Q(compare_at_price__isnull=False, compare_at_price__gt=F("price"))
    return reduced if wanted else ~reduced


def _is_in_stock(wanted: bool) -> Q:  # noqa: FBT001  # the value of a filter
    there = Q(available__gt=0) | Q(track_inventory=False)
    return there if wanted else ~there


def matching(products: Products, text: str) -> Products:
    """Full-text search: all words, each as a prefix, best match first."""
    words = _WORD.findall(text)[:MAX_WORDS]
    if not words:
        return products.none().annotate(rank=Value(0.0))
    query = SearchQuery(" & ".join(f"'{word}':*" for word in words), search_type="raw", config="simple")
    return products.filter(search_vector=query).annotate(rank=SearchRank(F("search_vector"), query))


def ordered(products: Products, ordering: str | None, *, searched: bool) -> Products:
    """A total order, so that pages neither repeat nor skip a row."""
    if ordering:
        return products.order_by(ordering, "pk")
    return products.order_by("-rank", "pk") if searched else products.order_by("-created_at", "pk")


def list_rows(products: Products) -> Products:
    """The columns a list shows, as dictionaries."""
    return products.values(*LIST_COLUMNS, "available", "picture", category_name=F("category__name"))


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
