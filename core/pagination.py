"""Pages by number, as S2's clients ask for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Schema
from pydantic import Field

from core.errors import NotFound

MAX_PAGE = 10_000


class PageQuery(Schema):
    page: int = Field(1, ge=1, le=MAX_PAGE, description="Page number, from 1.")
    page_size: int = Field(20, ge=1, le=100, description="Rows per page.")


class PageOut(Schema):
    """S2's list body; each list adds its `results`."""

    count: int
    next: str | None
    previous: str | None


@dataclass(frozen=True)
class Page:
    count: int
    rows: Sequence[Any]
    number: int
    size: int


class Countable(Protocol):
    """An ordered queryset, or what slices and counts like one."""

    def count(self) -> int: ...

    def __getitem__(self, wanted: slice, /) -> Iterable[Any]: ...


def paginate(rows: "QuerySet[Any, Any] | Countable", query: PageQuery) -> Page:
    """One page of ordered rows; `NotFound` past the last page, as DRF has it."""
    count = rows.count()
    start = (query.page - 1) * query.page_size
    if start >= count and query.page > 1:
        raise NotFound("There is no such page.")
    return Page(count, list(rows[start : start + query.page_size]), query.page, query.page_size)


def envelope(request: HttpRequest, page: Page, results: Sequence[Any]) -> dict[str, Any]:
    """S2's list body: count, next, previous, results."""
    last = page.number * page.size >= page.count
    return {
        "count": page.count,
        "next": None if last else _link(request, page.number + 1),
        "previous": _link(request, page.number - 1) if page.number > 1 else None,
        "results": results,
    }


def _link(request: HttpRequest, number: int) -> str:
    query = {**{key: request.GET[key] for key in request.GET}, "page": number}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
