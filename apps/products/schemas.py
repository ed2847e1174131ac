"""S2's catalogue shapes."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from core.pagination import PageOut, PageQuery

Price = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=3)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class ProductQuery(PageQuery):
    search: Text | None = Field(None, description="Words in name, SKU or description; each may be a beginning.")
    min_price: Price | None = None
    max_price: Price | None = None
    category: Text | None = Field(None, description="Slug or name.")
    category_id: UUID | None = None
    in_stock: bool | None = None
    is_active: bool | None = None
    is_featured: bool | None = None
    is_on_sale: bool | None = None
    ordering: Literal["price", "-price", "created_at", "-created_at", "name", "-name"] | None = None


class ProductRow(Schema):
    id: UUID
    name: str
    slug: str
    price: str = Field(examples=["19.99"])
    currency: str = Field(examples=["USD"])
    compare_at_price: str | None
    is_on_sale: bool
    discount_percentage: int
    primary_image: str | None
    category_name: str
    stock_quantity: int
    is_low_stock: bool
    is_active: bool
    is_featured: bool


class CategoryOut(Schema):
    id: UUID
    name: str
    slug: str
    description: str
    parent: UUID | None = Field(validation_alias="parent_id")


class TagOut(Schema):
    id: int
    name: str
    slug: str


class ImageOut(Schema):
    id: int
    image: str
    alt_text: str
    is_primary: bool


class VariantOut(Schema):
    id: UUID
    name: str
    sku: str
    price: str
    attributes: dict[str, Any]
    stock_quantity: int


class ProductOut(ProductRow):
    description: str
    sku: str
    low_stock_threshold: int
    track_inventory: bool
    category: CategoryOut
    tags: list[TagOut]
    meta_title: str
    meta_description: str
    images: list[ImageOut]
    variants: list[VariantOut]
    created_at: datetime
    updated_at: datetime


class ProductPage(PageOut):
    results: list[ProductRow]


class CategoryPage(PageOut):
    results: list[CategoryOut]
