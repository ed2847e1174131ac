"""Pictures of products. A file is written before its row and deleted after it, so that no row points at nothing."""

import uuid
from collections.abc import Iterable
from typing import IO
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction

from apps.products.errors import ImageNotFound, ProductNotFound, TooManyImages
from apps.products.models import Product, ProductImage
from core.errors import DomainError
from core.outbox import enqueue
from core.pictures import redraw

MOST_BYTES = 5 * 1024 * 1024
SIDE = 1600
MOST_IMAGES = 20


def add_image(*, product_id: UUID, picture: IO[bytes], alt_text: str, is_primary: bool) -> ProductImage:
    """Keep a picture, as WebP under a random name; the primary one comes first.

    Raises `ProductNotFound`, `TooManyImages`, `PictureRejected` or `PicturesUnavailable`; then nothing is kept.
    """
    _require_room(product_id)
    file = redrawn(picture)
    name = default_storage.save(f"products/{file.name}", file)
    try:
        return _hang(product_id, name, alt_text, is_primary=is_primary)
    except (DomainError, DatabaseError):
        default_storage.delete(name)
        raise


def redrawn(picture: IO[bytes]) -> "ContentFile[bytes]":
    """The picture as it is kept, with the random name it is kept under; raises `PictureRejected`."""
    content = redraw(picture, most_bytes=MOST_BYTES, longest_side=SIDE, param="image")
    return ContentFile(content, name=f"{uuid.uuid4().hex}.webp")


@transaction.atomic
def delete_image(*, product_id: UUID, image_id: int) -> None:
    """Take a picture off; its file goes once that is certain. Raises `ImageNotFound`."""
    image = ProductImage.objects.select_for_update().filter(pk=image_id, product_id=product_id).first()
    if image is None:
        raise ImageNotFound
    image.delete()
    forget_files([image.image.name])


def forget_files(names: Iterable[str | None]) -> None:
    """Delete these files if and after the caller's transaction commits, however often the storage is away."""
    for name in names:
        if name:
            enqueue("products.delete_file", file=name)


def delete_file(*, name: str) -> None:
    """Delete a picture that no product shows any more."""
    if not ProductImage.objects.filter(image=name).exists():
        default_storage.delete(name)


def _require_room(product_id: UUID) -> None:
    if not Product.objects.filter(pk=product_id).exists():
        raise ProductNotFound
    if ProductImage.objects.filter(product_id=product_id).count() >= MOST_IMAGES:
        raise TooManyImages(most=MOST_IMAGES)


@transaction.atomic
def _hang(product_id: UUID, name: str, alt_text: str, *, is_primary: bool) -> ProductImage:
    Product.objects.select_for_update(no_key=True).filter(pk=product_id).first()
    _require_room(product_id)
    others = list(ProductImage.objects.filter(product_id=product_id))
    image = ProductImage(product_id=product_id, image=name, alt_text=alt_text)
    image.position = 0 if is_primary else len(others)
    for position, other in enumerate(others, start=1 if is_primary else 0):
        other.position = position
    ProductImage.objects.bulk_update(others, ["position"])
    image.save()
    return image
