"""What staff send about the catalogue, and what they read back."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from ninja import Schema
from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, StringConstraints

from apps.products.models import MAX_ON_HAND
from apps.products.schemas import CategoryOut, ProductOut, VariantOut
from core.money import decimals, is_exact, minor

MOST_UNITS = 1_000_000
# Columns of this size: what does not fit is the client's mistake, not the database's.
SMALL = 32_767
INTEGER = 2_147_483_647


def _exact(amount: Decimal) -> Decimal:
    """More decimals than the currency has are refused, not rounded."""
    if not is_exact(amount, settings.SHOP_CURRENCY):
        raise ValueError(f"Write it with at most {decimals(settings.SHOP_CURRENCY)} decimals.")
    return amount


def _readable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("It contains a NUL character.")
    return value


def _line(most: int, least: int = 0) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


# The dearest thing in a currency with three decimals is MAX_PRICE.
OldPrice = Annotated[Decimal, Field(ge=0, le=10**9, examples=["19.99"]), AfterValidator(_exact)]
Price = Annotated[Decimal, Field(gt=0, le=10**9, examples=["19.99"]), AfterValidator(_exact)]
Name = Annotated[str, _line(200, 1)]
Sku = Annotated[str, _line(64, 1)]
Slug = Annotated[str, StringConstraints(max_length=220, pattern=r"^[-a-zA-Z0-9_]+$")]
CategorySlug = Annotated[str, StringConstraints(max_length=120, pattern=r"^[-a-zA-Z0-9_]+$")]
TagName = Annotated[str, _line(50, 1)]
AltText = Annotated[str, _line(200), AfterValidator(_readable)]
Units = Annotated[int, Field(ge=0, le=MOST_UNITS)]
CategoryId = Field(validation_alias=AliasChoices("category_id", "category"))


def _few_and_short(value: dict[str, str]) -> dict[str, str]:
    if any(len(name) > 50 for name in value):  # noqa: PLR2004
        raise ValueError("The name of an attribute has at most 50 characters.")
    return value


Attributes = Annotated[dict[str, Annotated[str, _line(200)]], Field(max_length=20), AfterValidator(_few_and_short)]


def _counted_elsewhere(value: Any) -> Any:
    raise ValueError("Stock is not written: send a delivery to receive_stock/ or a count to adjust_stock/.")


def _in_minor_units(sent: dict[str, Any]) -> dict[str, Any]:
    currency = settings.SHOP_CURRENCY
    return {name: minor(value, currency) if isinstance(value, Decimal) else value for name, value in sent.items()}


# The default of what may be left out, but may not be null.
ABSENT: Any = None
NotWritten = Annotated[Any, AfterValidator(_counted_elsewhere), Field(exclude=True, description="Refused.")]


class ProductFields(Schema):
    """What may be left out of a product, and what a new one has then."""

    model_config = ConfigDict(populate_by_name=True)

    slug: Slug = ABSENT
    description: Annotated[str, _line(10_000)] = ""
    compare_at_price: OldPrice | None = None
    cost_per_item: OldPrice | None = None
    track_inventory: bool = True
    low_stock_threshold: Annotated[int, Field(ge=0, le=INTEGER)] = 10
    is_active: bool = True
    is_featured: bool = False
    tags: Annotated[list[TagName], Field(max_length=20)] = []
    meta_title: Annotated[str, _line(200)] = ""
    meta_description: Annotated[str, _line(300)] = ""

    def given(self) -> dict[str, Any]:
        """What the client sent, under the names of the model; prices in minor units."""
        return _in_minor_units(self.model_dump(exclude_unset=True, exclude={"stock_quantity"}))


class ProductReplaceIn(ProductFields):
    name: Name
    sku: Sku
    category_id: UUID = CategoryId
    price: Price
    stock_quantity: NotWritten = None


class ProductIn(ProductReplaceIn):
    stock_quantity: Annotated[Units, Field(description="Opening stock; received through the ledger.")] = 0


class ProductPatch(ProductFields):
    name: Name = ABSENT
    sku: Sku = ABSENT
    category_id: UUID = Field(ABSENT, validation_alias=AliasChoices("category_id", "category"))
    price: Price = ABSENT
    stock_quantity: NotWritten = None


class ProductStaffOut(ProductOut):
    cost_per_item: str | None


class VariantFields(Schema):
    price: Annotated[Price | None, Field(description="Null: the product's price.")] = None
    attributes: Attributes = {}
    is_active: bool = True
    position: Annotated[int, Field(ge=0, le=SMALL)] = 0

    def given(self) -> dict[str, Any]:
        """What the client sent, under the names of the model; prices in minor units."""
        return _in_minor_units(self.model_dump(exclude_unset=True, exclude={"stock_quantity"}))


class VariantReplaceIn(VariantFields):
    name: Annotated[str, _line(100, 1)]
    sku: Sku
    stock_quantity: NotWritten = None


class VariantIn(VariantReplaceIn):
    stock_quantity: Annotated[Units, Field(description="Opening stock; received through the ledger.")] = 0


class VariantPatch(VariantFields):
    name: Annotated[str, _line(100, 1)] = ABSENT
    sku: Sku = ABSENT
    stock_quantity: NotWritten = None


class VariantStaffOut(VariantOut):
    is_active: bool
    position: int


class CategoryFields(Schema):
    slug: CategorySlug = ABSENT
    description: Annotated[str, _line(2_000)] = ""
    parent: UUID | None = None
    is_active: bool = True
    position: Annotated[int, Field(ge=0, le=SMALL)] = 0

    def given(self) -> dict[str, Any]:
        """What the client sent, under the names of the model."""
        sent = self.model_dump(exclude_unset=True)
        return {"parent_id" if name == "parent" else name: value for name, value in sent.items()}


class CategoryIn(CategoryFields):
    name: Annotated[str, _line(100, 1)]


class CategoryPatch(CategoryFields):
    name: Annotated[str, _line(100, 1)] = ABSENT


class CategoryStaffOut(CategoryOut):
    is_active: bool
    position: int


class ImageIn(Schema):
    alt_text: AltText = ""
    is_primary: bool = False


class DeliveryIn(Schema):
    quantity: Annotated[int, Field(ge=1, le=MOST_UNITS)]
    variant_id: UUID | None = None
    reference: Annotated[str, _line(64, 1)] = Field(description="Number of the delivery note, for example.")


class CountIn(Schema):
    counted: Annotated[int, Field(ge=0, le=MAX_ON_HAND)] = Field(description="What stands on the shelf now.")
    variant_id: UUID | None = None
    reason: Annotated[str, _line(200, 1)]


class StockOut(Schema):
    """The line of the ledger, and how the shelf stands after it."""

    kind: str
    on_hand_change: int
    on_hand: int = Field(validation_alias="item.on_hand")
    reserved: int = Field(validation_alias="item.reserved")
    allocated: int = Field(validation_alias="item.allocated")
