"""The only writers of stock."""

from apps.products.services.stock import (
    StockLine,
    allocate_stock,
    deallocate_stock,
    receive_stock,
    release_stock,
    reserve_stock,
)

__all__ = ["StockLine", "allocate_stock", "deallocate_stock", "receive_stock", "release_stock", "reserve_stock"]
