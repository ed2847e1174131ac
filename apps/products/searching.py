"""A search: which products, in which order, and what is among them.

OpenSearch, where there is one, says which ids fit and in which order; what is shown, filtered and counted is read
from the database, so nothing stale or hidden appears. When it is slow, away or wrong, the database searches.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
import structlog
from django.db import connection
from prometheus_client import Counter

from apps.products.listing import CATEGORY_FITS, IS_IN_STOCK, IS_ON_SALE, MATCHES, PRICE_FITS, Shelf, words_of
from apps.products.search_index import SearchIndex, SearchUnavailable, Wanted, search_index
from core.breaker import Breaker

log = structlog.get_logger(__name__)
SEARCHES = Counter("hanout_searches_total", "Searches, by what found the products.", ["found_by"])
FALLBACKS = Counter("hanout_search_fallbacks_total", "Searches the index did not answer, by why.", ["reason"])

# Of the 300 ms a search may take without its index, so much is spent waiting for it.
BUDGET_SECONDS = 0.15
REST_SECONDS = 5.0
MOST_CATEGORIES = 50
LEAST_SIMILAR = 0.4
MOST_SIMILAR = 100

# A count beside a filter says what choosing it would show: it obeys all the other filters, but not its own.
_FACETS = f"""
    WITH found AS MATERIALIZED (
        SELECT products_category.slug, products_category.name, price, {PRICE_FITS} AS price_fits,
            {CATEGORY_FITS} AS category_fits, {IS_ON_SALE} AS is_on_sale, {IS_IN_STOCK} AS is_in_stock
        {MATCHES}
    ), judged AS (
        SELECT *, %(is_on_sale)s::boolean IS NULL OR is_on_sale = %(is_on_sale)s::boolean AS sale_fits,
            %(in_stock)s::boolean IS NULL OR is_in_stock = %(in_stock)s::boolean AS stock_fits
        FROM found
    ), shelves AS (
        SELECT slug, name, count(*) FROM judged WHERE price_fits AND sale_fits AND stock_fits
        GROUP BY slug, name ORDER BY count(*) DESC, name, slug LIMIT {MOST_CATEGORIES}
    )
    SELECT count(*) AS matches,
        count(*) FILTER (WHERE price_fits AND category_fits AND sale_fits AND stock_fits) AS count,
        min(price) FILTER (WHERE category_fits AND sale_fits AND stock_fits) AS min_price,
        max(price) FILTER (WHERE category_fits AND sale_fits AND stock_fits) AS max_price,
        count(*) FILTER (WHERE is_in_stock AND price_fits AND category_fits AND sale_fits) AS in_stock,
        count(*) FILTER (WHERE is_on_sale AND price_fits AND category_fits AND stock_fits) AS on_sale,
        (SELECT COALESCE(jsonb_agg(shelves), '[]') FROM shelves) AS categories
    FROM judged
"""  # noqa: S608  # constants of ours
_SIMILAR = """
    SELECT id FROM (
        SELECT id, word_similarity(products_fold(%(text)s), products_fold(name)) AS likeness
        FROM products_product WHERE is_active
    ) compared WHERE likeness >= %(least)s ORDER BY likeness DESC, id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Found:
    """The products that fit, as `paginate` takes them, and the counts beside the filters."""

    shelf: Shelf
    facets: Mapping[str, Any]

    def count(self) -> int:
        """How many fit; known already."""
        return int(self.facets["count"])

    def __getitem__(self, wanted: slice) -> list[dict[str, Any]]:
        return self.shelf[wanted]


def find_products(*, text: str, filters: Mapping[str, Any], ordering: str | None) -> Found:
    """Everything that fits a search; prices in minor units. It may always be answered: nothing is raised."""
    words = words_of(text)
    ids = _asked(Wanted(words=words, filters=filters)) if words else None
    if ids is not None:
        SEARCHES.labels(found_by="opensearch").inc()
        return _found(Shelf(filters=filters, ids=ids, ordering=ordering))
    found = _found(Shelf(filters=filters, search=text, ordering=ordering))
    if found.facets["matches"] or not words or not has_trigrams():
        SEARCHES.labels(found_by="postgresql").inc()
        return found
    SEARCHES.labels(found_by="likeness").inc()
    return _found(Shelf(filters=filters, ids=_similar(words), ordering=ordering))


def _found(shelf: Shelf) -> Found:
    with connection.cursor() as cursor:
        cursor.execute(_FACETS, shelf.parameters())
        names = [column.name for column in cursor.description]
        facets = dict(zip(names, cursor.fetchone(), strict=True))
    return Found(shelf, {**facets, "categories": orjson.loads(facets["categories"])})


@cache
def has_trigrams() -> bool:
    """Whether this database has pg_trgm where we can call it; asked once a process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('word_similarity(text, text)') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def _similar(words: Sequence[str]) -> list[UUID]:
    """Products whose name looks like it; every name is compared, which only a search that found nothing pays for."""
    with connection.cursor() as cursor:
        cursor.execute(_SIMILAR, {"text": " ".join(words), "least": LEAST_SIMILAR, "most": MOST_SIMILAR})
        return [row[0] for row in cursor.fetchall()]


breaker = Breaker(REST_SECONDS)
# Only a thread keeps a deadline: the client's own limits are per read, and a name that does not resolve has none.
_threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="search")


def _asked(wanted: Wanted) -> list[UUID] | None:
    """What the index says; None when there is none, or it did not answer in time."""
    index = search_index()
    if index is None:
        return None
    if not breaker.allows():
        FALLBACKS.labels(reason="resting").inc()
        return None
    ids = _within_budget(index, wanted)
    breaker.note(worked=ids is not None)
    return ids


def _within_budget(index: SearchIndex, wanted: Wanted) -> list[UUID] | None:
    future = _threads.submit(index.find, wanted)
    try:
        return future.result(timeout=BUDGET_SECONDS)
    except NoAnswer:
        future.cancel()
        reason, why = "timeout", "no answer in time"
    except SearchUnavailable as error:
        reason, why = "failed", str(error)
    FALLBACKS.labels(reason=reason).inc()
    log.warning("search_fell_back", reason=reason, why=why)
    return None
