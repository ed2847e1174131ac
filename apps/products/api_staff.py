"""S2's catalogue for staff: writing, on the addresses everybody reads.

A path answers by one router only, so these operations hang on the public router.
"""

from typing import Any
from uuid import UUID

from ninja import File, Form, Status
from ninja.files import UploadedFile

from apps.accounts.auth import UserRequest
from apps.accounts.services import require_permission
from apps.accounts.staff import StaffAuth
from apps.products import queries, schemas, services
from apps.products import schemas_staff as staff_schemas
from apps.products.api import router
from apps.products.errors import ImageNotFound
from apps.products.models import Category, ProductVariant, StockMovement
from apps.products.presentation import image_row, origin_of, staff_page, variant_row
from core.idempotency import idempotent
from core.ids import uuid_or_not_found

__all__ = ["router"]

CHANGED = {200: staff_schemas.ProductStaffOut}
DELIVERIES = "products.add_stockmovement"
MOST_IMAGE_ID = 2**63 - 1


@router.post(
    "", response={201: staff_schemas.ProductStaffOut}, auth=StaffAuth("products.add_product"), summary="Add a product"
)
@idempotent(staff_schemas.ProductStaffOut, status=201)
def create_product(request: UserRequest, body: staff_schemas.ProductIn) -> Status[dict[str, Any]]:
    """Staff. Prices in major units; opening stock becomes a line of the ledger, for who may receive deliveries."""
    if body.stock_quantity:
        require_permission(request.auth, DELIVERIES)
    product = services.create_product(particulars=body.given(), stock=body.stock_quantity, actor=request.auth)
    return Status(201, _shown(request, product.pk))


@router.put("{product_id}/", response=CHANGED, auth=StaffAuth("products.change_product"), summary="Change a product")
def replace_product(request: UserRequest, product_id: str, body: staff_schemas.ProductReplaceIn) -> dict[str, Any]:
    """Staff. What may be left out and is absent stays."""
    product = services.update_product(product_id=uuid_or_not_found(product_id), changes=body.given())
    return _shown(request, product.pk)


@router.patch(
    "{product_id}/", response=CHANGED, auth=StaffAuth("products.change_product"), summary="Change some of a product"
)
def change_product(request: UserRequest, product_id: str, body: staff_schemas.ProductPatch) -> dict[str, Any]:
    """Staff."""
    product = services.update_product(product_id=uuid_or_not_found(product_id), changes=body.given())
    return _shown(request, product.pk)


@router.delete(
    "{product_id}/", response={204: None}, auth=StaffAuth("products.delete_product"), summary="Remove a product"
)
def remove_product(request: UserRequest, product_id: str) -> Status[None]:
    """Staff. One that was ever stocked or ordered stays in the books and leaves the shelf."""
    services.remove_product(product_id=uuid_or_not_found(product_id))
    return Status(204, None)


@router.post(
    "{product_id}/upload_image/",
    response={201: schemas.ImageOut},
    auth=StaffAuth("products.add_productimage"),
    summary="Add a picture",
)
def upload_image(
    request: UserRequest, product_id: str, image: File[UploadedFile], about: Form[staff_schemas.ImageIn]
) -> Status[dict[str, Any]]:
    """Staff. JPEG, PNG, GIF or WebP of at most 5 MB; kept as WebP, without whatever else was in the file."""
    kept = services.add_image(
        product_id=uuid_or_not_found(product_id), picture=image, alt_text=about.alt_text, is_primary=about.is_primary
    )
    return Status(201, image_row(origin_of(request), kept, is_primary=kept.position == 0))


@router.delete(
    "{product_id}/images/{image_id}/",
    response={204: None},
    auth=StaffAuth("products.delete_productimage"),
    summary="Delete a picture",
)
def delete_image(request: UserRequest, product_id: str, image_id: str) -> Status[None]:
    """Staff. The file goes as well."""
    number = int(image_id) if image_id.isascii() and image_id.isdecimal() else 0
    if not 0 < number <= MOST_IMAGE_ID:
        raise ImageNotFound
    services.delete_image(product_id=uuid_or_not_found(product_id), image_id=number)
    return Status(204, None)


@router.post(
    "{product_id}/variants/",
    response={201: staff_schemas.VariantStaffOut},
    auth=StaffAuth("products.add_productvariant"),
    summary="Add a variant",
)
def add_variant(request: UserRequest, product_id: str, body: staff_schemas.VariantIn) -> Status[dict[str, Any]]:
    """Staff. A product with variants is stocked by variant; opening stock is for who may receive deliveries."""
    if body.stock_quantity:
        require_permission(request.auth, DELIVERIES)
    variant = services.add_variant(
        product_id=uuid_or_not_found(product_id),
        particulars=body.given(),
        stock=body.stock_quantity,
        actor=request.auth,
    )
    return Status(201, _shown_variant(variant))


@router.put(
    "{product_id}/variants/{variant_id}/",
    response=staff_schemas.VariantStaffOut,
    auth=StaffAuth("products.change_productvariant"),
    summary="Change a variant",
)
def replace_variant(
    request: UserRequest, product_id: str, variant_id: str, body: staff_schemas.VariantReplaceIn
) -> dict[str, Any]:
    """Staff. What may be left out and is absent stays."""
    return _changed_variant(product_id, variant_id, body.given())


@router.patch(
    "{product_id}/variants/{variant_id}/",
    response=staff_schemas.VariantStaffOut,
    auth=StaffAuth("products.change_productvariant"),
    summary="Change some of a variant",
)
def change_variant(
    request: UserRequest, product_id: str, variant_id: str, body: staff_schemas.VariantPatch
) -> dict[str, Any]:
    """Staff."""
    return _changed_variant(product_id, variant_id, body.given())


@router.delete(
    "{product_id}/variants/{variant_id}/",
    response={204: None},
    auth=StaffAuth("products.delete_productvariant"),
    summary="Remove a variant",
)
def remove_variant(request: UserRequest, product_id: str, variant_id: str) -> Status[None]:
    """Staff. One that was ever stocked or ordered is switched off."""
    services.remove_variant(product_id=uuid_or_not_found(product_id), variant_id=uuid_or_not_found(variant_id))
    return Status(204, None)


@router.post(
    "{product_id}/receive_stock/",
    response=staff_schemas.StockOut,
    auth=StaffAuth(DELIVERIES),
    summary="A delivery has arrived",
)
@idempotent(staff_schemas.StockOut)
def receive_stock(request: UserRequest, product_id: str, body: staff_schemas.DeliveryIn) -> StockMovement:
    """Staff."""
    line = services.StockLine(uuid_or_not_found(product_id), body.variant_id, body.quantity)
    return services.deliver_stock(line=line, reference=body.reference, actor=request.auth)


@router.post(
    "{product_id}/adjust_stock/",
    response=staff_schemas.StockOut,
    auth=StaffAuth("products.change_stockitem"),
    summary="The shelf was counted",
)
@idempotent(staff_schemas.StockOut)
def adjust_stock(request: UserRequest, product_id: str, body: staff_schemas.CountIn) -> StockMovement:
    """Staff. Never below what is promised to customers.

    Without a variant, what a product was stocked with before it had variants: it is counted down, never up.
    """
    return services.count_stock(
        product_id=uuid_or_not_found(product_id),
        variant_id=body.variant_id,
        counted=body.counted,
        reason=body.reason,
        actor=request.auth,
    )


@router.post(
    "categories/",
    response={201: staff_schemas.CategoryStaffOut},
    auth=StaffAuth("products.add_category"),
    summary="Add a category",
)
def create_category(request: UserRequest, body: staff_schemas.CategoryIn) -> Status[Category]:
    """Staff."""
    return Status(201, services.create_category(particulars=body.given()))


@router.put(
    "categories/{slug}/",
    response=staff_schemas.CategoryStaffOut,
    auth=StaffAuth("products.change_category"),
    summary="Change a category",
)
def replace_category(request: UserRequest, slug: str, body: staff_schemas.CategoryIn) -> Category:
    """Staff. What may be left out and is absent stays."""
    return services.update_category(slug=slug, changes=body.given())


@router.patch(
    "categories/{slug}/",
    response=staff_schemas.CategoryStaffOut,
    auth=StaffAuth("products.change_category"),
    summary="Change some of a category",
)
def change_category(request: UserRequest, slug: str, body: staff_schemas.CategoryPatch) -> Category:
    """Staff."""
    return services.update_category(slug=slug, changes=body.given())


@router.delete(
    "categories/{slug}/",
    response={204: None},
    auth=StaffAuth("products.delete_category"),
    summary="Delete an empty category",
)
def delete_category(request: UserRequest, slug: str) -> Status[None]:
    """Staff."""
    services.delete_category(slug=slug)
    return Status(204, None)


def _shown(request: UserRequest, product_id: UUID) -> dict[str, Any]:
    return staff_page(origin_of(request), queries.any_product(product_id))


def _changed_variant(product_id: str, variant_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    variant = services.update_variant(
        product_id=uuid_or_not_found(product_id), variant_id=uuid_or_not_found(variant_id), changes=changes
    )
    return _shown_variant(variant)


def _shown_variant(variant: ProductVariant) -> dict[str, Any]:
    stock = queries.variant_stock(variant.product)
    return variant_row(variant, product=variant.product, available=stock.get(variant.pk, 0))
