"""What the shop sells, how much of it there is, and what customers say about it."""

from apps.products.models.catalogue import (
    MAX_PRICE,
    Category,
    Product,
    ProductImage,
    ProductQuerySet,
    ProductVariant,
    Tag,
)
from apps.products.models.reviews import (
    LEAST_RATING,
    MAX_COMMENT,
    MAX_WISHES,
    MAX_WISHLISTS,
    MOST_RATING,
    ProductReview,
    Purchase,
    ReviewHelpful,
    ReviewQuerySet,
    Wishlist,
    WishlistItem,
)
from apps.products.models.search import SearchChange
from apps.products.models.stock import MAX_ON_HAND, StockItem, StockMovement

__all__ = [
    "LEAST_RATING",
    "MAX_COMMENT",
    "MAX_ON_HAND",
    "MAX_PRICE",
    "MAX_WISHES",
    "MAX_WISHLISTS",
    "MOST_RATING",
    "Category",
    "Product",
    "ProductImage",
    "ProductQuerySet",
    "ProductReview",
    "ProductVariant",
    "Purchase",
    "ReviewHelpful",
    "ReviewQuerySet",
    "SearchChange",
    "StockItem",
    "StockMovement",
    "Tag",
    "Wishlist",
    "WishlistItem",
]
