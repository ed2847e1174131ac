"""S2's cart and order shapes."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import Discriminator, Field, RootModel, StringConstraints, Tag, model_validator

from apps.orders.models import MAX_LINES, MAX_QUANTITY, Order, OrderLine
from apps.orders.services import Addresses
from core.money import major
from core.pagination import PageOut

# Strict: "2" and 1.5 are mistakes of the caller, not quantities.
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]


def _line(most: int, least: int = 1) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


class AddItemIn(Schema):
    product_id: UUID
    variant_id: UUID | None = None
    quantity: Quantity = 1


class UpdateItemIn(Schema):
    item_id: UUID
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY, strict=True)]


class RemoveItemQuery(Schema):
    item_id: UUID


class CartItemOut(Schema):
    id: UUID
    product_id: UUID
    product_name: str
    variant_id: UUID | None
    variant_name: str | None
    quantity: int
    unit_price: str
    total_price: str


class CartOut(Schema):
    id: UUID | None
    token: str | None = Field(None, description="A guest's, once: send it as X-Cart-Token from now on.")
    items: list[CartItemOut]
    total: str
    currency: str
    updated_at: datetime


class CheckoutAddressIn(Schema):
    full_name: Annotated[str, _line(150)]
    email: Annotated[str, _line(254, 0)] = ""
    phone: Annotated[str, _line(40, 0)] = ""
    address_line1: Annotated[str, _line(200)]
    address_line2: Annotated[str, _line(200, 0)] = ""
    city: Annotated[str, _line(100)]
    state: Annotated[str, _line(100, 0)] = ""
    country: Annotated[str, _line(100)]
    postal_code: Annotated[str, _line(20, 0)] = ""


class CheckoutIn(Schema):
    shipping_address: CheckoutAddressIn
    billing_address: CheckoutAddressIn | None = Field(None, description="Without it, the shipping address.")
    customer_notes: Annotated[str, _line(1000, 0)] = ""

    def addresses(self) -> Addresses:
        shipping = self.shipping_address.dict()
        return Addresses(shipping, self.billing_address.dict() if self.billing_address else shipping)


class FromBookIn(Schema):
    """The cart, sent to an address of one's address book."""

    shipping_address_id: UUID
    billing_address_id: UUID | None = None
    billing_same_as_shipping: bool = Field(default=True, description="Without billing_address_id it is.")
    payment_method: Literal["card"] = "card"
    customer_notes: Annotated[str, _line(1000, 0)] = ""

    @model_validator(mode="after")
    def _say_where_the_bill_goes(self) -> Self:
        if not (self.billing_same_as_shipping or self.billing_address_id):
            raise ValueError("billing_address_id is needed where the bill goes elsewhere.")
        return self

    @property
    def billing(self) -> UUID | None:
        return None if self.billing_same_as_shipping else self.billing_address_id


class OrderLineIn(Schema):
    product_id: UUID
    variant_id: UUID | None = None
    quantity: Quantity


class OrderIn(CheckoutIn):
    items: list[OrderLineIn] = Field(min_length=1, max_length=MAX_LINES)


def _shape(body: Any) -> str:
    names_an_address = isinstance(body, dict) and "shipping_address_id" in body and "items" not in body
    return "shape:book" if names_an_address or isinstance(body, FromBookIn) else "shape:written"


# Told apart before they are read, so that an error names the fields of the one that was meant.
_FromBook = Annotated[FromBookIn, Tag("shape:book")]


class AnyOrderIn(RootModel[Annotated[Annotated[OrderIn, Tag("shape:written")] | _FromBook, Discriminator(_shape)]]):
    """S2's two shapes of an order: what and whereto, or the cart to an address of the address book."""


class AnyCheckoutIn(
    RootModel[Annotated[Annotated[CheckoutIn, Tag("shape:written")] | _FromBook, Discriminator(_shape)]]
):
    """Where the cart goes: an address, or one of the address book."""


class OrderLineOut(Schema):
    id: int
    product_id: UUID
    variant_id: UUID | None
    product_name: str
    product_sku: str
    quantity: int
    unit_price: str
    total_price: str

    @staticmethod
    def resolve_unit_price(line: OrderLine) -> str:
        return major(line.unit_price, line.order.currency)

    @staticmethod
    def resolve_total_price(line: OrderLine) -> str:
        return major(line.total_price, line.order.currency)


class OrderOut(Schema):
    id: UUID
    order_number: str = Field(validation_alias="number")
    status: str
    payment_status: str
    currency: str
    subtotal: str
    tax_amount: str
    shipping_cost: str
    total: str
    items: list[OrderLineOut]
    shipping_address: dict[str, Any]
    billing_address: dict[str, Any]
    customer_notes: str
    reserved_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def resolve_items(order: Order) -> list[OrderLine]:
        return list(order.items.all())

    @staticmethod
    def resolve_subtotal(order: Order) -> str:
        return major(order.subtotal, order.currency)

    @staticmethod
    def resolve_tax_amount(order: Order) -> str:
        return major(order.tax_amount, order.currency)

    @staticmethod
    def resolve_shipping_cost(order: Order) -> str:
        return major(order.shipping_cost, order.currency)

    @staticmethod
    def resolve_total(order: Order) -> str:
        return major(order.total, order.currency)


class OrderPage(PageOut):
    results: list[OrderOut]
