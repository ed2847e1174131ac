"""S2's catalogue, under /api/products/. Public: prices and stock, never cost or hidden rows."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.decorators import decorate_view

from apps.products import queries, schemas, schemas_reviews
from apps.products.errors import CategoryNotFound, ProductNotFound
from apps.products.listing import Shelf, in_minor_units
from apps.products.models import Category
from apps.products.presentation import origin_of, product_page, product_row
from apps.products.revalidation import revalidated
from core.ids import uuid_or_not_found
from core.pagination import PageQuery, envelope, paginate

router = Router(tags=["Catalogue"], auth=None)
FEATURED = 10


@router.get("", response=schemas.ProductPage, summary="Browse products")
@decorate_view(revalidated)
def list_products(request: HttpRequest, query: Query[schemas.ProductQuery]) -> HttpResponse:
    """Filters combine; pages are stable. Without `ordering`: newest first, or best match when searching."""
    return _list(request, query)


@router.get("featured/", response=list[schemas.ProductRow], summary="Ten featured products")
@decorate_view(revalidated)
def featured(request: HttpRequest) -> list[dict[str, Any]]:
    origin = origin_of(request)
    return [product_row(origin, row) for row in Shelf(filters={"is_featured": True})[:FEATURED]]


@router.get("categories/", response=schemas.CategoryPage, summary="Browse categories")
@decorate_view(revalidated)
def list_categories(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    page = paginate(queries.public_categories(), query)
    return envelope(request, page, page.rows)


@router.get("categories/{slug}/", response=schemas.CategoryOut, summary="One category")
@decorate_view(revalidated)
def get_category(request: HttpRequest, slug: str) -> Category:
    return _category(slug)


@router.get("categories/{slug}/products/", response=schemas.ProductPage, summary="Products of a category")
@decorate_view(revalidated)
def list_category_products(request: HttpRequest, slug: str, query: Query[schemas.ProductQuery]) -> HttpResponse:
    return _list(request, query, within=_category(slug))


@router.get("{product_id}/", response=schemas.ProductOut, summary="One product")
@decorate_view(revalidated)
def get_product(request: HttpRequest, product_id: str) -> dict[str, Any]:
    product = queries.product_detail(uuid_or_not_found(product_id))
    if product is None:
        raise ProductNotFound
    return product_page(origin_of(request), product)


@router.get("{product_id}/reviews/", response=schemas_reviews.ReviewPage, summary="Reviews of a product")
@decorate_view(revalidated)
def list_reviews(request: HttpRequest, product_id: str, query: Query[PageQuery]) -> dict[str, Any]:
    """Newest first."""
    product = queries.public_products().filter(pk=uuid_or_not_found(product_id)).first()
    if product is None:
        raise ProductNotFound
    page = paginate(queries.public_reviews().filter(product=product), query)
    return envelope(request, page, page.rows)


def _category(slug: str) -> Category:
    category = queries.public_categories().filter(slug=slug).first()
    if category is None:
        raise CategoryNotFound
    return category


def _list(request: HttpRequest, query: schemas.ProductQuery, *, within: Category | None = None) -> HttpResponse:
    filters = in_minor_units(query.model_dump()) | ({"category_id": within.pk} if within else {})
    page = paginate(Shelf(filters=filters, search=query.search, ordering=query.ordering), query)
    origin = origin_of(request)
    body = envelope(request, page, [product_row(origin, row) for row in page.rows])
    # Straight to bytes: validating rows we just built costs more than building them.
    return HttpResponse(orjson.dumps(body), content_type="application/json")
