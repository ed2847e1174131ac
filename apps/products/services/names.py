"""Slugs and SKUs belong to one thing each."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from apps.products.errors import SkuTaken, SlugTaken
from apps.products.models import Product, ProductVariant
from core.locks import lock


def require_free_sku(sku: str) -> None:
    """Products and variants share one list of SKUs, which no constraint spans; raises `SkuTaken`."""
    lock("product-skus")
    if Product.objects.filter(sku=sku).exists() or ProductVariant.objects.filter(sku=sku).exists():
        raise SkuTaken(param="sku")


@contextmanager
def names_kept_unique() -> Iterator[None]:
    """Raises `SkuTaken` or `SlugTaken` when the database found that what was saved inside has another's."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
        if "_sku_" in constraint:
            raise SkuTaken(param="sku") from None
        if "_slug_" in constraint:
            raise SlugTaken(param="slug") from None
        raise
