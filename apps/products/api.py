"""S2's catalogue, under /api/products/. Public: prices and stock, never cost or hidden rows."""

from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from apps.products import queries, schemas
from apps.products.errors import CategoryNotFound, ProductNotFound
from apps.products.listing import Shelf
from apps.products.models import Category
from apps.products.presentation import origin_of, product_page, product_row
from core.ids import uuid_or_not_found
from core.money import minor
from core.pagination import PageQuery, envelope, paginate

router = Router(tags=["Catalogue"], auth=None)
SEARCH_RESULTS = 20
FEATURED = 10


@router.get("", response=schemas.ProductPage, summary="Browse products")
def list_products(request: HttpRequest, query: Query[schemas.ProductQuery]) -> HttpResponse:
    """Filters combine; pages are stable. Without `ordering`: newest first, or best match when searching."""
    return _list(request, query)


@router.get("featured/", response=list[schemas.ProductRow], summary="Ten featured products")
def featured(request: HttpRequest) -> list[dict[str, Any]]:
    origin = origin_of(request)
    return [product_row(origin, row) for row in Shelf(filters={"is_featured": True})[:FEATURED]]


@router.get("search/", response=schemas.SearchOut, summary="Search products")
def search(request: HttpRequest, query: Query[schemas.SearchQuery]) -> dict[str, Any]:
    """The twenty best matches."""
    origin = origin_of(request)
    return {"results": [product_row(origin, row) for row in Shelf(search=query.q)[:SEARCH_RESULTS]]}


@router.get("categories/", response=schemas.CategoryPage, summary="Browse categories")
def list_categories(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    page = paginate(queries.public_categories(), query)
    return envelope(request, page, page.rows)


@router.get("categories/{slug}/", response=schemas.CategoryOut, summary="One category")
def get_category(request: HttpRequest, slug: str) -> Category:
    return _category(slug)


@router.get("categories/{slug}/products/", response=schemas.ProductPage, summary="Products of a category")
def list_category_products(request: HttpRequest, slug: str, query: Query[schemas.ProductQuery]) -> HttpResponse:
    return _list(request, query, within=_category(slug))


@router.get("{product_id}/", response=schemas.ProductOut, summary="One product")
def get_product(request: HttpRequest, product_id: str) -> dict[str, Any]:
    product = queries.product_detail(uuid_or_not_found(product_id))
    if product is None:
        raise ProductNotFound
    return product_page(origin_of(request), product)


def _category(slug: str) -> Category:
    category = queries.public_categories().filter(slug=slug).first()
    if category is None:
        raise CategoryNotFound
    return category


def _list(request: HttpRequest, query: schemas.ProductQuery, *, within: Category | None = None) -> HttpResponse:
    filters = _in_minor_units(query) | ({"category_id": within.pk} if within else {})
    page = paginate(Shelf(filters=filters, search=query.search, ordering=query.ordering), query)
    origin = origin_of(request)
    body = envelope(request, page, [product_row(origin, row) for row in page.rows])
    # Straight to bytes: validating rows we just built costs more than building them.
    return HttpResponse(orjson.dumps(body), content_type="application/json")


def _in_minor_units(query: schemas.ProductQuery) -> dict[str, Any]:
    filters = query.model_dump()
    for name in ("min_price", "max_price"):
        if filters[name] is not None:
            filters[name] = minor(filters[name], settings.SHOP_CURRENCY)
    return filters
