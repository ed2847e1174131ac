"""S2's catalogue, under /api/products/. Public: prices and stock, never cost or hidden rows."""

from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from apps.products import queries, schemas
from apps.products.errors import CategoryNotFound, ProductNotFound
from apps.products.models import Category
from apps.products.presentation import product_page, product_row
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
    chosen = queries.public_products().filter(is_featured=True).order_by("-created_at", "pk")
    return [product_row(request, row) for row in queries.list_rows(chosen)[:FEATURED]]


@router.get("search/", response=schemas.SearchOut, summary="Search products")
def search(request: HttpRequest, query: Query[schemas.SearchQuery]) -> dict[str, Any]:
    """The twenty best matches."""
    found = queries.ordered(queries.matching(queries.public_products(), query.q), None, searched=True)
    return {"results": [product_row(request, row) for row in queries.list_rows(found)[:SEARCH_RESULTS]]}


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
    return product_page(request, product)


def _category(slug: str) -> Category:
    category = queries.public_categories().filter(slug=slug).first()
    if category is None:
        raise CategoryNotFound
    return category


def _list(request: HttpRequest, query: schemas.ProductQuery, *, within: Category | None = None) -> HttpResponse:
    products = queries.public_products()
    if within:
        products = products.filter(category=within)
    products = queries.filtered(products, _in_minor_units(query))
    if query.search:
        products = queries.matching(products, query.search)
    products = queries.ordered(products, query.ordering, searched=bool(query.search))
    page = paginate(queries.list_rows(products), query)
    body = envelope(request, page, [product_row(request, row) for row in page.rows])
    # Straight to bytes: validating rows we just built costs more than building them.
    return HttpResponse(orjson.dumps(body), content_type="application/json")


def _in_minor_units(query: schemas.ProductQuery) -> dict[str, Any]:
    filters = query.model_dump()
    for name in ("min_price", "max_price"):
        if filters[name] is not None:
            filters[name] = minor(filters[name], settings.SHOP_CURRENCY)
    return filters
