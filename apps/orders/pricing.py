"""What an order costs: S2's rules, in integers."""

from dataclasses import dataclass

from django.conf import settings

from core.money import minor, share, smallest_payment


@dataclass(frozen=True)
class Totals:
    """Minor units of the shop's currency."""

    subtotal: int
    tax_amount: int
    shipping_cost: int

    @property
    def total(self) -> int:
        return self.subtotal + self.tax_amount + self.shipping_cost


def totals(subtotal: int) -> Totals:
    """Tax on the subtotal; shipping below the free-shipping line (S2: 10 % and 10 under 50)."""
    currency = settings.SHOP_CURRENCY
    free = subtotal >= minor(settings.SHOP_FREE_SHIPPING_FROM, currency)
    shipping = 0 if free else minor(settings.SHOP_SHIPPING_FEE, currency)
    tax = share(subtotal, settings.SHOP_TAX_PERCENT)
    # No gateway takes a total that is no multiple of this; what is missing, less than a coin, goes to the tax.
    return Totals(subtotal, tax + -(subtotal + tax + shipping) % smallest_payment(currency), shipping)
