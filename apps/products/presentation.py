"""Catalogue rows as S2's clients read them: decimal strings, absolute picture addresses."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest

from apps.products.models import Product, ProductImage, ProductVariant
from apps.products.queries import variant_stock
from core.money import major, major_or_none


def product_row(origin: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """One product of a list."""
    price, before, available = row["price"], row["compare_at_price"], row["available"]
    is_reduced = before is not None and before > price
    tracked = row["track_inventory"]
    return {
        "id": row["id"],
        "name": row["name"],
        "slug": row["slug"],
        "price": major(price, settings.SHOP_CURRENCY),
        "currency": settings.SHOP_CURRENCY,
        "compare_at_price": major_or_none(before, settings.SHOP_CURRENCY),
        "is_on_sale": is_reduced,
        "discount_percentage": (before - price) * 100 // before if is_reduced else 0,
        "primary_image": picture_url(origin, row["picture"]),
        "category_name": row["category_name"],
        "stock_quantity": available,
        "is_low_stock": tracked and available <= row["low_stock_threshold"],
        "is_active": row["is_active"],
        "is_featured": row["is_featured"],
    }


def product_page(origin: str, product: Product) -> dict[str, Any]:
    """One product with everything its page shows; never what it cost us."""
    row = {**vars(product), "category_name": product.category.name}
    stock = variant_stock(product)
    return product_row(origin, row) | {
        "description": product.description,
        "sku": product.sku,
        "low_stock_threshold": product.low_stock_threshold,
        "track_inventory": product.track_inventory,
        "category": product.category,
        "tags": list(product.tags.all()),
        "meta_title": product.meta_title or product.name,
        "meta_description": product.meta_description or product.description[:300],
        "images": [
            image_row(origin, image, is_primary=number == 0) for number, image in enumerate(product.images.all())
        ],
        "variants": [
            variant_row(variant, product=product, available=stock.get(variant.pk, 0))
            for variant in product.variants.all()
            if variant.is_active
        ],
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def staff_page(origin: str, product: Product) -> dict[str, Any]:
    """The same for staff, who may know what it costs us."""
    return product_page(origin, product) | {
        "cost_per_item": major_or_none(product.cost_per_item, settings.SHOP_CURRENCY)
    }


def image_row(origin: str, image: ProductImage, *, is_primary: bool) -> dict[str, Any]:
    """One picture of a product; the first one is the primary one."""
    return {
        "id": image.pk,
        "image": picture_url(origin, image.image.name),
        "alt_text": image.alt_text,
        "is_primary": is_primary,
    }


def variant_row(variant: ProductVariant, *, product: Product, available: int) -> dict[str, Any]:
    """One size or colour, at its own price or the product's."""
    return {
        "id": variant.pk,
        "name": variant.name,
        "sku": variant.sku,
        "price": major(product.price_of(variant), settings.SHOP_CURRENCY),
        "attributes": variant.attributes,
        "stock_quantity": available,
        "is_active": variant.is_active,
        "position": variant.position,
    }


def origin_of(request: HttpRequest) -> str:
    """Scheme and host the client asked, for addresses in the answer; worked out once for all of them."""
    return f"{request.scheme}://{request.get_host()}"


def picture_url(origin: str, name: str | None) -> str | None:
    """Where a picture is; a storage of our own answers with a path, an object store with a whole address."""
    if not name:
        return None
    url = default_storage.url(name)
    return f"{origin}{url}" if url.startswith("/") else url
