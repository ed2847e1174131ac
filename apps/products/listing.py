"""The hot read: pages of the shelf, in SQL written by hand.

Composing and compiling the same query takes the ORM longer than PostgreSQL takes to answer it. Every filter is in the
statement; one that was not given is NULL, which the planner folds away, so the text never changes.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.products.queries import AVAILABLE_SQL, PICTURE_SQL
from core.money import minor

# Each filter once, for the list here and for the counts of a search; all of this is constant text, and what comes
# from outside is a parameter.
PRICE_FITS = """(%(min_price)s::bigint IS NULL OR price >= %(min_price)s::bigint)
    AND (%(max_price)s::bigint IS NULL OR price <= %(max_price)s::bigint)"""
CATEGORY_FITS = """(%(category_id)s::uuid IS NULL OR category_id = %(category_id)s::uuid)
    AND (%(category)s::text IS NULL OR products_category.slug = %(category)s::text
         OR upper(products_category.name) = upper(%(category)s::text))"""
IS_ON_SALE = "COALESCE(compare_at_price > price, false)"
IS_IN_STOCK = f"(NOT track_inventory OR {AVAILABLE_SQL} > 0)"
MATCHES = """
    FROM products_product JOIN products_category ON products_category.id = category_id
    WHERE products_product.is_active AND products_category.is_active
    AND (%(words)s::text[] IS NULL OR search_vector @@ products_query(%(words)s::text[]))
    AND (%(ids)s::uuid[] IS NULL OR products_product.id = ANY(%(ids)s::uuid[]))
"""
_ON_THE_SHELF = f"""{MATCHES}
    AND (%(is_active)s::boolean IS NULL OR %(is_active)s::boolean)
    AND (%(is_featured)s::boolean IS NULL OR is_featured = %(is_featured)s::boolean)
    AND {PRICE_FITS} AND {CATEGORY_FITS}
    AND (%(is_on_sale)s::boolean IS NULL OR {IS_ON_SALE} = %(is_on_sale)s::boolean)
    AND (%(in_stock)s::boolean IS NULL OR {IS_IN_STOCK} = %(in_stock)s::boolean)
"""
_COUNT = f"SELECT count(*) {_ON_THE_SHELF}"  # see above
_ROWS = f"""
    SELECT products_product.id, products_product.name, products_product.slug, price, compare_at_price,
        low_stock_threshold, track_inventory, products_product.is_active, is_featured,
        products_category.name AS category_name, {AVAILABLE_SQL} AS available, {PICTURE_SQL} AS picture
    {_ON_THE_SHELF} ORDER BY {{order}} LIMIT %(limit)s OFFSET %(start)s
"""  # see above

# The second column makes it a total order, so that pages neither repeat nor skip a row.
_ORDERS = {
    "newest": "created_at DESC, products_product.id",
    "best_match": "ts_rank(search_vector, products_query(%(words)s::text[])) DESC, products_product.id",
    "as_given": "array_position(%(ids)s::uuid[], products_product.id)",
    "price": "price, products_product.id",
    "-price": "price DESC, products_product.id",
    "created_at": "created_at, products_product.id",
    "-created_at": "created_at DESC, products_product.id",
    "name": "products_product.name, products_product.id",
    "-name": "products_product.name DESC, products_product.id",
}
_FILTERS = (
    "is_active",
    "is_featured",
    "min_price",
    "max_price",
    "category_id",
    "category",
    "is_on_sale",
    "in_stock",
)
MAX_WORDS = 12


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The part of the public catalogue somebody asked for; prices in minor units.

    Slices like a queryset. A search finds all its words, each as the beginning of one in the product or by its stem;
    `ids` are what another search found, best first.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    search: str | None = None
    ids: Sequence[UUID] | None = None
    ordering: str | None = None

    def count(self) -> int:
        """How many products there are on it."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, self.parameters())
            return int(cursor.fetchone()[0])

    def __getitem__(self, wanted: slice) -> list[dict[str, Any]]:
        start, stop = wanted.start or 0, wanted.stop
        order = _ORDERS[self.ordering or self._usual_order()]
        with connection.cursor() as cursor:
            cursor.execute(_ROWS.format(order=order), {**self.parameters(), "start": start, "limit": stop - start})
            columns = [column.name for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def parameters(self) -> dict[str, Any]:
        """What fills the placeholders of the texts above."""
        return {
            **{name: self.filters.get(name) for name in _FILTERS},
            "words": None if self.search is None else words_of(self.search),
            "ids": None if self.ids is None else list(self.ids),
        }

    def _usual_order(self) -> str:
        if self.ids is not None:
            return "as_given"
        return "newest" if self.search is None else "best_match"


def words_of(text: str) -> list[str]:
    """The words of a search: letters, numbers and their marks; nothing that means anything to a search engine."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in plain).split()[:MAX_WORDS]


def in_minor_units(filters: Mapping[str, Any]) -> dict[str, Any]:
    """The same filters with prices as the database has them."""
    prices = {name: filters[name] for name in ("min_price", "max_price") if filters.get(name) is not None}
    return {**filters, **{name: minor(price, settings.SHOP_CURRENCY) for name, price in prices.items()}}
