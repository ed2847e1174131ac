"""S2's shapes of reviews and wishlists. What customers write is plain text, without HTML."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.utils.html import strip_tags
from ninja import Schema
from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field, StringConstraints

from apps.products.models import LEAST_RATING, MAX_COMMENT, MOST_RATING
from apps.products.schemas import ProductRow
from core.pagination import PageQuery

# Long enough for any comment with its markup; what is longer is no comment.
_MOST_SENT = 50_000


def _plain(value: str) -> str:
    return strip_tags(value).strip()[:MAX_COMMENT].rstrip()


def _one_line(value: str) -> str:
    return " ".join(strip_tags(value).split())


def _blank_if_none(value: Any) -> Any:
    return "" if value is None else value


def _named(value: str) -> str:
    if not value:
        raise ValueError("Give it a name.")
    return value


Rating = Annotated[int, Field(ge=LEAST_RATING, le=MOST_RATING)]
Title = Annotated[str, BeforeValidator(_blank_if_none), StringConstraints(max_length=200), AfterValidator(_one_line)]
Comment = Annotated[
    str,
    BeforeValidator(_blank_if_none),
    StringConstraints(max_length=_MOST_SENT),
    AfterValidator(_plain),
    Field(description=f"Plain text; markup is dropped, and what goes beyond {MAX_COMMENT} characters."),
]
ListName = Annotated[str, StringConstraints(max_length=100), AfterValidator(_one_line), AfterValidator(_named)]
ABSENT: Any = None


class ReviewQuery(PageQuery):
    # Two fields: ninja reads a query by one name a field, and leaves out what goes by another.
    product_id: UUID | None = None
    product: Annotated[UUID | None, Field(description="The same as `product_id`.")] = None
    rating: Rating | None = None

    def wanted(self) -> dict[str, Any]:
        """What reviews are looked for by."""
        given = {"product_id": self.product_id, "product": self.product, "rating": self.rating}
        return {name: value for name, value in given.items() if value is not None}


class ReviewIn(Schema):
    model_config = ConfigDict(populate_by_name=True)

    product_id: UUID = Field(validation_alias=AliasChoices("product_id", "product"))
    rating: Rating
    title: Title = ""
    comment: Comment = ""


class ReviewReplaceIn(Schema):
    rating: Rating
    title: Title = ""
    comment: Comment = ""


class ReviewPatch(Schema):
    rating: Rating = ABSENT
    title: Title = ""
    comment: Comment = ""


class ReviewOut(Schema):
    """Its author is a first name: no email, phone or id."""

    id: UUID
    product: UUID = Field(validation_alias="product_id")
    product_name: str = Field(validation_alias="product.name")
    user_name: str = Field(validation_alias="author_name")
    rating: int
    title: str
    comment: str
    is_verified_purchase: bool
    helpful_count: int
    created_at: datetime
    updated_at: datetime


class ReviewPage(Schema):
    count: int
    next: str | None
    previous: str | None
    results: list[ReviewOut]


class HelpfulOut(Schema):
    helpful_count: int


class WishlistIn(Schema):
    name: ListName = "My wishlist"


class WishlistPatch(Schema):
    name: ListName


class WishIn(Schema):
    model_config = ConfigDict(populate_by_name=True)

    product_id: UUID = Field(validation_alias=AliasChoices("product_id", "product"))


class WishlistRow(Schema):
    id: UUID
    name: str
    item_count: int
    created_at: datetime
    updated_at: datetime


class WishlistPage(Schema):
    count: int
    next: str | None
    previous: str | None
    results: list[WishlistRow]


class WishOut(Schema):
    product: ProductRow
    added_at: datetime


class WishlistOut(WishlistRow):
    items: list[WishOut]
