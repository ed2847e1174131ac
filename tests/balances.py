"""Stock, as three numbers."""

from apps.products.models import StockItem


def stock(product):
    """On hand, reserved, allocated."""
    return StockItem.objects.values_list("on_hand", "reserved", "allocated").get(product=product)
