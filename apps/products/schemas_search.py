"""The shapes of a search: S2's results, and what is among them."""

from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from apps.products.schemas import Price, ProductRow, Text
from core.pagination import PageQuery


class SearchQuery(PageQuery):
    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = Field(
        description="Words in name, SKU, category, tags or description; each may be a beginning, or in plural."
    )
    min_price: Price | None = None
    max_price: Price | None = None
    category: Text | None = Field(None, description="Slug or name.")
    category_id: UUID | None = None
    in_stock: bool | None = None
    is_on_sale: bool | None = None
    ordering: Literal["price", "-price", "created_at", "-created_at", "name", "-name"] | None = Field(
        None, description="Best match first unless given."
    )


class CategoryFacet(Schema):
    slug: str
    name: str
    count: int


class PriceFacet(Schema):
    min: str | None = Field(examples=["9.90"])
    max: str | None = Field(examples=["129.00"])


class Facets(Schema):
    """What choosing a filter would show: each count obeys all other filters, but not its own."""

    categories: list[CategoryFacet]
    price: PriceFacet
    in_stock: int
    on_sale: int


class SearchOut(Schema):
    count: int
    next: str | None
    previous: str | None
    results: list[ProductRow]
    facets: Facets
