"""Prices and orders."""

from decimal import Decimal

from config.variables.naming import Variables, named


class ShopVariables(Variables):
    shop_currency: str = named("USD", "SHOP_CURRENCY", help="ISO 4217 code of all prices.", pattern="^[A-Z]{3}$")
    tax_percent: int = named(10, "SHOP_TAX_PERCENT", help="Tax on the subtotal.", ge=0, le=100)
    shipping_fee: Decimal = named(
        Decimal(10), "SHOP_SHIPPING_FEE", help="Shipping of a small order, in major units.", ge=0, le=100_000
    )
    free_shipping_from: Decimal = named(
        Decimal(50), "SHOP_FREE_SHIPPING_FROM", help="Subtotal from which shipping is free, in major units.", ge=0
    )
    reservation_minutes: int = named(
        30, "RESERVATION_MINUTES", help="How long an unpaid order keeps its goods.", ge=1, le=10080
    )
