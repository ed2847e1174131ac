"""What the shelf refuses."""

from core.errors import DomainError, NotFound


class ProductNotFound(NotFound):
    code = "product_not_found"
    message = "There is no such product."


class CategoryNotFound(NotFound):
    code = "category_not_found"
    message = "There is no such category."


class OutOfStock(DomainError):
    """`details.items` lists what fell short: product_id, variant_id, wanted, available."""

    code = "out_of_stock"
    message = "Some items are no longer available in that quantity."
