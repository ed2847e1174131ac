"""The pages that show what this server offers: start, API documentation, schemas."""

from typing import Any

import orjson
from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.static import serve

from apps.products.queries import public_products
from config.api import MOUNTED, contract_schema, merged_schema

_BY_NAME = {api.urls_namespace: api for _, api in MOUNTED}


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """A page for people; for clients that want JSON, S4's greeting."""
    if "text/html" not in request.headers.get("Accept", ""):
        return _json({"message": "Welcome to Campaign Analytics API"})
    featured = public_products().filter(is_featured=True, picture__isnull=False).order_by("-created_at", "pk")
    shelf = [
        {"id": row["id"], "name": row["name"], "picture_url": default_storage.url(row["picture"])}
        for row in featured.values("id", "name", "picture")[:6]
    ]
    page = {
        "shown": shelf,
        "development": settings.IS_DEVELOPMENT,
        "storefront": settings.PAYS_IN_SANDBOX,
        "contracts": _contracts(),
        "base": request.build_absolute_uri("/").rstrip("/"),
        "version": settings.VERSION,
    }
    return render(request, "start.html", page)


@require_safe
def storefront(request: HttpRequest) -> HttpResponse:
    """A small shop on the public API; only where no real money is taken."""
    if not settings.PAYS_IN_SANDBOX:
        raise Http404
    return render(request, "storefront.html")


@require_safe
def media(request: HttpRequest, path: str) -> FileResponse | HttpResponse:
    """A picture that is kept on this machine; a bucket shows its own."""
    try:
        return serve(request, path, document_root=str(settings.MEDIA_ROOT))
    except OSError:  # a name longer than any file's
        raise Http404 from None


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI over every contract, from our own files."""
    return render(request, "docs.html", {"contracts": _contracts()})


@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """S2's second address for the same documentation."""
    return docs(request)


@require_safe
def schema(request: HttpRequest, contract: str = "") -> HttpResponse:
    """The OpenAPI document of all contracts, or of one."""
    if not contract:
        return _json(merged_schema() | {"x-contracts": _contracts()})
    if contract not in _BY_NAME:
        raise Http404
    return _json(contract_schema(_BY_NAME[contract]))


def _contracts() -> list[dict[str, str]]:
    everything = {"name": "all", "title": "Everything", "url": "/api/schema/"}
    return [
        everything,
        *({"name": name or "", "title": api.title, "url": f"/api/schema/{name}/"} for name, api in _BY_NAME.items()),
    ]


def _json(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), content_type="application/json")
