"""What the shelf refuses."""

from core.errors import DomainError, NotFound


class ProductNotFound(NotFound):
    code = "product_not_found"
    message = "There is no such product."


class CategoryNotFound(NotFound):
    code = "category_not_found"
    message = "There is no such category."


class ImageNotFound(NotFound):
    code = "image_not_found"
    message = "The product has no such picture."


class VariantNotFound(NotFound):
    code = "variant_not_found"
    message = "The product has no such variant."


class ReviewNotFound(NotFound):
    code = "review_not_found"
    message = "There is no such review."


class WishlistNotFound(NotFound):
    code = "wishlist_not_found"
    message = "You have no such wishlist."


class SlugTaken(DomainError):
    code = "slug_taken"
    message = "Another one has this slug."


class SkuTaken(DomainError):
    code = "sku_taken"
    message = "Another product or variant has this SKU."


class CategoryInCircle(DomainError):
    """A category would become its own ancestor."""

    code = "category_in_circle"
    message = "A category cannot stand below itself."


class CategoryInUse(DomainError):
    code = "category_in_use"
    message = "The category has products or categories below it. Move them, or set it inactive."


class TooManyImages(DomainError):
    code = "too_many_images"
    message = "A product has at most 20 pictures. Delete one first."


class TooManyVariants(DomainError):
    code = "too_many_variants"
    message = "A product has at most 100 variants."


class StockedByVariant(DomainError):
    code = "stocked_by_variant"
    message = "This product is stocked by variant: name one of its variants."


class StockNotTracked(DomainError):
    code = "stock_not_tracked"
    message = "The stock of this product is not tracked."


class AlreadyReviewed(DomainError):
    code = "already_reviewed"
    message = "You have reviewed this product. Change that review."


class OwnReview(DomainError):
    code = "own_review"
    message = "Your own review is for others to judge."


class TooManyWishlists(DomainError):
    code = "too_many_wishlists"
    message = "You have 20 wishlists. Delete one first."


class WishlistFull(DomainError):
    code = "wishlist_full"
    message = "A wishlist holds at most 200 products."


class OutOfStock(DomainError):
    """`details.items` lists what fell short: product_id, variant_id, wanted, available."""

    code = "out_of_stock"
    message = "Some items are no longer available in that quantity."


class StockItemNotFound(NotFound):
    code = "stock_item_not_found"
    message = "Nothing was ever stocked under that id."


class StockBelowPromised(DomainError):
    """`details` has counted, reserved and allocated."""

    code = "stock_below_promised"
    message = "More than that is promised to customers: release or cancel their orders first, or count again."


class TooMuchStock(DomainError):
    code = "too_much_stock"
    message = "That is more of one thing than the ledger can hold."
