"""The hot read: pages of the shelf, in SQL written by hand.

Composing and compiling the same query takes the ORM longer than PostgreSQL takes to answer it. Every filter is in the
statement; one that was not given is NULL, which the planner folds away, so the text never changes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from apps.products.queries import AVAILABLE_SQL, PICTURE_SQL

_ON_THE_SHELF = f"""
    FROM products_product JOIN products_category ON products_category.id = category_id
    WHERE products_product.is_active AND products_category.is_active
    AND (%(is_active)s::boolean IS NULL OR %(is_active)s::boolean)
    AND (%(is_featured)s::boolean IS NULL OR is_featured = %(is_featured)s::boolean)
    AND (%(min_price)s::bigint IS NULL OR price >= %(min_price)s::bigint)
    AND (%(max_price)s::bigint IS NULL OR price <= %(max_price)s::bigint)
    AND (%(category_id)s::uuid IS NULL OR category_id = %(category_id)s::uuid)
    AND (%(category)s::text IS NULL OR products_category.slug = %(category)s::text
         OR upper(products_category.name) = upper(%(category)s::text))
    AND (%(is_on_sale)s::boolean IS NULL
         OR COALESCE(compare_at_price > price, false) = %(is_on_sale)s::boolean)
    AND (%(in_stock)s::boolean IS NULL
         OR (NOT track_inventory OR {AVAILABLE_SQL} > 0) = %(in_stock)s::boolean)
    AND (%(words)s::text IS NULL OR search_vector @@ to_tsquery('simple', %(words)s::text))
"""  # constants of ours; what comes from outside is a parameter
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
    "best_match": "ts_rank(search_vector, to_tsquery('simple', %(words)s::text)) DESC, products_product.id",
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
_WORD = re.compile(r"\w+")
MAX_WORDS = 12


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The part of the public catalogue somebody asked for; prices in minor units.

    Slices like a queryset. A search finds all its words, each as the beginning of one in the product.
    """

    filters: Mapping[str, Any] = field(default_factory=dict)
    search: str | None = None
    ordering: str | None = None

    def count(self) -> int:
        """How many products there are on it."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, self._parameters())
            return int(cursor.fetchone()[0])

    def __getitem__(self, wanted: slice) -> list[dict[str, Any]]:
        start, stop = wanted.start or 0, wanted.stop
        order = _ORDERS[self.ordering or ("best_match" if self.search is not None else "newest")]
        with connection.cursor() as cursor:
            cursor.execute(_ROWS.format(order=order), {**self._parameters(), "start": start, "limit": stop - start})
            columns = [column.name for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def _parameters(self) -> dict[str, Any]:
        return {**{name: self.filters.get(name) for name in _FILTERS}, "words": self._words()}

    def _words(self) -> str | None:
        """The search as tsquery text; words hold no character that means anything there."""
        if self.search is None:
            return None
        return " & ".join(f"'{word}':*" for word in _WORD.findall(self.search)[:MAX_WORDS])
