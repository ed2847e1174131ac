"""What the counter refuses."""

from core.errors import DomainError, NotFound, TooManyRequests


class OrderNotFound(NotFound):
    code = "order_not_found"
    message = "You have no such order."


class CartItemNotFound(NotFound):
    code = "cart_item_not_found"
    message = "Your cart has no such item."


class CartEmpty(DomainError):
    code = "cart_empty"
    message = "Your cart is empty."


class CartFull(DomainError):
    code = "cart_full"
    message = "A cart holds at most 100 different items."


class OrderTooLarge(DomainError):
    code = "order_too_large"
    message = "That is more than one order can hold. Ask the shop about larger quantities."


class TooManyUnpaidOrders(TooManyRequests):
    code = "too_many_unpaid_orders"
    message = "Several of your orders wait for payment. Pay or cancel one of them first."


class ProductUnavailable(DomainError):
    """`details.items` lists the product and variant ids that cannot be ordered."""

    code = "product_unavailable"
    message = "Some of these products cannot be ordered."


class WrongOrderState(DomainError):
    """`details.status` says where the order stands."""

    code = "wrong_order_state"
    message = "The order is past the point where that is possible."
