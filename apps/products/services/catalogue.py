"""What staff write: products and their variants. Stock comes through the ledger, never as a number in a row."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.text import slugify

from apps.accounts.models import User
from apps.products.errors import (
    CategoryNotFound,
    ProductNotFound,
    StockNotTracked,
    TooManyVariants,
    VariantNotFound,
)
from apps.products.models import Category, Product, ProductVariant, Tag
from apps.products.services.indexing import note_changed, note_described
from apps.products.services.names import names_kept_unique, require_free_sku
from apps.products.services.pictures import forget_files
from apps.products.services.stock import StockLine, receive_stock
from core.locks import lock

MOST_VARIANTS = 100
OPENING_STOCK = "Opening stock"


@transaction.atomic
def create_product(*, particulars: Mapping[str, Any], stock: int, actor: User) -> Product:
    """Add a product, with its opening stock as a delivery; without a slug it gets one of its name.

    Raises `CategoryNotFound`, `SlugTaken`, `SkuTaken` or `StockNotTracked`.
    """
    given = dict(particulars)
    tags = given.pop("tags", ())
    product = Product(**given)
    product.slug = product.slug or _slug(product.name)
    _require_category(product.category_id)
    require_free_sku(product.sku)
    with names_kept_unique():
        product.save(force_insert=True)
    product.tags.set(_tags(tags))
    note_described([product.pk])
    _open(StockLine(product.pk, None, stock), product=product, actor=actor)
    return product


@transaction.atomic
def update_product(*, product_id: UUID, changes: Mapping[str, Any]) -> Product:
    """Change what is given; raises `ProductNotFound`, `CategoryNotFound`, `SlugTaken` or `SkuTaken`."""
    product = locked_product(product_id)
    given = dict(changes)
    tags = given.pop("tags", None)
    if "category_id" in given:
        _require_category(given["category_id"])
    if given.get("sku", product.sku) != product.sku:
        require_free_sku(given["sku"])
    for name, value in given.items():
        setattr(product, name, value)
    with names_kept_unique():
        product.save()
    if tags is not None:
        product.tags.set(_tags(tags))
    note_described([product.pk])
    return product


@transaction.atomic
def remove_product(*, product_id: UUID) -> bool:
    """Delete a product nobody ever ordered or stocked; any other is taken off the shelf, for the books. True if gone.

    Raises `ProductNotFound`.
    """
    product = locked_product(product_id)
    files = [image.image.name for image in product.images.all()]
    note_changed([product_id])
    try:
        product.delete()
    except ProtectedError:
        product.is_active = False
        product.save(update_fields=["is_active", "updated_at"])
        return False
    forget_files(files)
    return True


@transaction.atomic
def add_variant(*, product_id: UUID, particulars: Mapping[str, Any], stock: int, actor: User) -> ProductVariant:
    """Add a size or colour; raises `ProductNotFound`, `TooManyVariants`, `SkuTaken` or `StockNotTracked`."""
    product = locked_product(product_id)
    if product.variants.count() >= MOST_VARIANTS:
        raise TooManyVariants(most=MOST_VARIANTS)
    require_free_sku(particulars["sku"])
    with names_kept_unique():
        variant = product.variants.create(**particulars)
    note_changed([product_id])
    _open(StockLine(product.pk, variant.pk, stock), product=product, actor=actor)
    return variant


@transaction.atomic
def update_variant(*, product_id: UUID, variant_id: UUID, changes: Mapping[str, Any]) -> ProductVariant:
    """Change what is given; raises `VariantNotFound` or `SkuTaken`."""
    variant = _locked_variant(product_id, variant_id)
    if changes.get("sku", variant.sku) != variant.sku:
        require_free_sku(changes["sku"])
    for name, value in changes.items():
        setattr(variant, name, value)
    with names_kept_unique():
        variant.save()
    note_changed([product_id])
    return variant


@transaction.atomic
def remove_variant(*, product_id: UUID, variant_id: UUID) -> bool:
    """Delete a variant nobody ever ordered or stocked, switch off any other; raises `VariantNotFound`."""
    variant = _locked_variant(product_id, variant_id)
    note_changed([product_id])
    try:
        variant.delete()
    except ProtectedError:
        variant.is_active = False
        variant.save(update_fields=["is_active"])
        return False
    return True


def locked_product(product_id: UUID) -> Product:
    """The product, locked against other writers but not against being ordered; raises `ProductNotFound`."""
    product = Product.objects.select_for_update(no_key=True).filter(pk=product_id).first()
    if product is None:
        raise ProductNotFound
    return product


def _locked_variant(product_id: UUID, variant_id: UUID) -> ProductVariant:
    rows = ProductVariant.objects.select_for_update(no_key=True)
    variant = rows.filter(pk=variant_id, product_id=product_id).first()
    if variant is None:
        raise VariantNotFound
    return variant


def _require_category(category_id: UUID) -> None:
    if not Category.objects.filter(pk=category_id).exists():
        raise CategoryNotFound(param="category_id")


def _open(line: StockLine, *, product: Product, actor: User) -> None:
    if line.quantity and not product.track_inventory:
        raise StockNotTracked(param="stock_quantity")
    if line.quantity:
        receive_stock(lines=[line], reference=OPENING_STOCK, actor=actor)


def _slug(name: str) -> str:
    """Of the name, and not somebody else's; names without Latin letters have a random one."""
    plain = slugify(name)[:200].strip("-")
    if plain and not Product.objects.filter(slug=plain).exists():
        return plain
    return f"{plain or 'product'}-{secrets.token_hex(4)}"


def _tags(names: Sequence[str]) -> list[Tag]:
    """Known tags by slug or name; a new word becomes one."""
    lock("product-tags")
    return [
        Tag.objects.filter(slug=name).first()
        or Tag.objects.filter(name__iexact=name).first()
        or Tag.objects.create(name=name, slug=_tag_slug(name))
        for name in names
    ]


def _tag_slug(name: str) -> str:
    plain = slugify(name)[:50].strip("-")
    taken = not plain or Tag.objects.filter(slug=plain).exists()
    return f"{plain or 'tag'}-{secrets.token_hex(4)}" if taken else plain
