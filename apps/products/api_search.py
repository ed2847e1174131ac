"""S2's search, under /api/products/search/: twenty best matches a page, with counts beside the filters."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from apps.products.listing import in_minor_units
from apps.products.presentation import origin_of, product_row
from apps.products.schemas_search import SearchOut, SearchQuery
from apps.products.searching import find_products
from core.money import major_or_none
from core.pagination import envelope, paginate

router = Router(tags=["Catalogue"], auth=None)


@router.get("search/", response=SearchOut, summary="Search products")
def search(request: HttpRequest, query: Query[SearchQuery]) -> HttpResponse:
    """Best matches first. All words must fit, in Arabic, Spanish or English, with or without accents."""
    filters = in_minor_units(query.model_dump())
    found = find_products(text=query.q, filters=filters, ordering=query.ordering)
    page = paginate(found, query)
    origin = origin_of(request)
    body = envelope(request, page, [product_row(origin, row) for row in page.rows])
    body["facets"] = _shown(found.facets)
    return HttpResponse(orjson.dumps(body), content_type="application/json")


def _shown(facets: Mapping[str, Any]) -> dict[str, Any]:
    edges = {edge: major_or_none(facets[f"{edge}_price"], settings.SHOP_CURRENCY) for edge in ("min", "max")}
    return {
        "categories": facets["categories"],
        "price": edges,
        "in_stock": facets["in_stock"],
        "on_sale": facets["on_sale"],
    }
