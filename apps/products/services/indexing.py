"""What is searched follows what is sold: changes are noted with the change and told to the index afterwards.

A change leaves a row and a job in its transaction. The job takes whatever rows wait, so a hundred changes are a few
requests; jobs have no key, because one that is being run counts as waiting and would swallow the change that it has
just missed. When the index is away the rows stay, and `products.index_rest` sends them when it is back.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction

from apps.products.models import Product, SearchChange
from apps.products.queries import AVAILABLE_SQL
from apps.products.search_index import Document, SearchIndex, search_index
from core.outbox import enqueue

BATCH = 500

_TAKE = """
    DELETE FROM products_searchchange WHERE id IN (
        SELECT id FROM products_searchchange ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    ) RETURNING product_id
"""
_DOCUMENTS = f"""
    SELECT products_product.id, products_product.name, sku, products_product.description, price,
        products_category.name AS category, products_category.slug AS category_slug, category_id,
        COALESCE(compare_at_price > price, false) AS is_on_sale,
        NOT track_inventory OR {AVAILABLE_SQL} > 0 AS is_in_stock,
        ARRAY(
            SELECT products_tag.name FROM products_product_tags
            JOIN products_tag ON products_tag.id = products_product_tags.tag_id
            WHERE products_product_tags.product_id = products_product.id ORDER BY products_tag.name
        ) AS tags
    FROM products_product JOIN products_category ON products_category.id = category_id
    WHERE products_product.is_active AND products_category.is_active AND products_product.id = ANY(%s)
"""  # noqa: S608  # a constant of ours
_REFRESH_WORDS = """
    WITH described AS (
        SELECT products_product.id, concat_ws(' ', products_category.name, (
            SELECT string_agg(products_tag.name, ' ' ORDER BY products_tag.name) FROM products_product_tags
            JOIN products_tag ON products_tag.id = products_product_tags.tag_id
            WHERE products_product_tags.product_id = products_product.id
        )) AS words
        FROM products_product JOIN products_category ON products_category.id = category_id
        WHERE %(ids)s::uuid[] IS NULL OR products_product.id = ANY(%(ids)s::uuid[])
    ), wrong AS (
        SELECT products_product.id, words FROM described JOIN products_product USING (id)
        WHERE search_words <> words ORDER BY products_product.id LIMIT %(most)s FOR NO KEY UPDATE OF products_product
    )
    UPDATE products_product SET search_words = words FROM wrong WHERE wrong.id = products_product.id
    RETURNING products_product.id
"""


def note_changed(product_ids: Iterable[UUID]) -> None:
    """Let the index learn that the price, stock or visibility of products changed; part of the caller's transaction.

    Without an index it does nothing.
    """
    if not settings.ELASTICSEARCH_URL:
        return
    rows = [SearchChange(product_id=product_id) for product_id in sorted(set(product_ids))]
    if rows:
        SearchChange.objects.bulk_create(rows)
        enqueue("products.index")


@transaction.atomic
def note_described(product_ids: Iterable[UUID]) -> None:
    """The same when name, description, category or tags changed: the database's own search learns it at once.

    Of more than `BATCH` products, a renamed category's, it learns in jobs, seconds later.
    """
    ids = sorted(set(product_ids))
    if len(ids) > BATCH:
        enqueue("products.refresh_words")
    else:
        _refresh(ids)
    note_changed(ids)


def note_category_changed(category_id: UUID) -> None:
    """The same for everything on a shelf that was renamed, shown or hidden."""
    note_described(Product.objects.filter(category_id=category_id).values_list("pk", flat=True))


def note_tag_changed(tag_id: int) -> None:
    """The same for everything that carries a renamed tag; when one is deleted, `note_described` what carried it."""
    note_described(Product.objects.filter(tags=tag_id).values_list("pk", flat=True))


@transaction.atomic
def refresh_words() -> int:
    """Give products the names of their category and tags to be found by; how many had others, `BATCH` at most."""
    changed = _refresh(None)
    note_changed(changed)
    return len(changed)


def _refresh(product_ids: Sequence[UUID] | None) -> list[UUID]:
    ids = None if product_ids is None else list(product_ids)
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH_WORDS, {"ids": ids, "most": BATCH})
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def index_changes() -> int:
    """Tell the index of what waits, `BATCH` changes at most; return how many.

    Raises `SearchUnavailable`, and nothing is forgotten.
    """
    index = search_index()
    if index is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [BATCH])
        taken = [row[0] for row in cursor.fetchall()]
    if taken:
        send(index, sorted(set(taken)))
    return len(taken)


def send(index: SearchIndex, product_ids: Sequence[UUID]) -> None:
    """Copy the present state of these products to the index; what is gone or hidden leaves it."""
    version = draw_version()  # before the products are read: see `search_index`
    found = documents(product_ids)
    index.write({product_id: found.get(product_id) for product_id in product_ids}, version=version)


def draw_version() -> int:
    """The next version of copies; drawn once, whatever becomes of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('products_search_version')")
        return int(cursor.fetchone()[0])


def documents(product_ids: Sequence[UUID]) -> dict[UUID, Document]:
    """What the index should hold of these products; those that the public may not see are missing."""
    with connection.cursor() as cursor:
        cursor.execute(_DOCUMENTS, [list(product_ids)])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["id"]: _document(row) for row in rows}


def _document(row: Mapping[str, Any]) -> Document:
    texts = {name: unicodedata.normalize("NFKC", row[name]) for name in ("name", "sku", "description", "category")}
    plain = {name: row[name] for name in ("category_slug", "price", "is_on_sale", "is_in_stock", "tags")}
    document = {
        **texts,
        **plain,
        "product_id": str(row["id"]),
        "category_id": str(row["category_id"]),
        "category_name": row["category"],
    }
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
    return {**document, "digest": digest}
