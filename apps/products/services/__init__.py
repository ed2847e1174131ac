"""The only writers of the catalogue and its stock."""

from apps.products.services.catalogue import (
    add_variant,
    create_product,
    remove_product,
    remove_variant,
    update_product,
    update_variant,
)
from apps.products.services.categories import create_category, delete_category, require_no_circle, update_category
from apps.products.services.counting import count_stock, deliver_stock
from apps.products.services.pictures import add_image, delete_file, delete_image, forget_files, redrawn
from apps.products.services.reviews import change_review, delete_review, mark_helpful, mark_verified_buyer, write_review
from apps.products.services.stock import (
    StockLine,
    adjust_stock,
    allocate_stock,
    deallocate_stock,
    receive_stock,
    release_stock,
    reserve_stock,
    return_stock,
    ship_stock,
)
from apps.products.services.wishlists import (
    add_wish,
    clear_wishlist,
    create_wishlist,
    delete_wishlist,
    remove_wish,
    rename_wishlist,
)

__all__ = [
    "StockLine",
    "add_image",
    "add_variant",
    "add_wish",
    "adjust_stock",
    "allocate_stock",
    "change_review",
    "clear_wishlist",
    "count_stock",
    "create_category",
    "create_product",
    "create_wishlist",
    "deallocate_stock",
    "delete_category",
    "delete_file",
    "delete_image",
    "delete_review",
    "delete_wishlist",
    "deliver_stock",
    "forget_files",
    "mark_helpful",
    "mark_verified_buyer",
    "receive_stock",
    "redrawn",
    "release_stock",
    "remove_product",
    "remove_variant",
    "remove_wish",
    "rename_wishlist",
    "require_no_circle",
    "reserve_stock",
    "return_stock",
    "ship_stock",
    "update_category",
    "update_product",
    "update_variant",
    "write_review",
]
