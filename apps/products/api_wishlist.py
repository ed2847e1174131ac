"""S2's wishlists, under /api/products/wishlist/. Only one's own: anybody else's id answers 404."""

from typing import Any
from uuid import UUID

from ninja import Query, Router, Status

from apps.accounts.auth import UserRequest, bearer
from apps.products import queries, services
from apps.products import schemas_reviews as schemas
from apps.products.errors import WishlistNotFound
from apps.products.presentation import origin_of, product_row
from core.ids import uuid_or_not_found
from core.pagination import PageQuery, envelope, paginate

router = Router(tags=["Wishlists"], auth=bearer)
CHANGE = ["PUT", "PATCH"]


@router.get("", response=schemas.WishlistPage, summary="My wishlists")
def list_wishlists(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    page = paginate(queries.wishlists_of(request.auth), query)
    return envelope(request, page, page.rows)


@router.post("", response={201: schemas.WishlistOut}, summary="Start a wishlist")
def create_wishlist(request: UserRequest, body: schemas.WishlistIn) -> Status[dict[str, Any]]:
    """At most twenty."""
    wishlist = services.create_wishlist(user=request.auth, name=body.name)
    return Status(201, _shown(request, wishlist.pk))


@router.get("{wishlist_id}/", response=schemas.WishlistOut, summary="One wishlist")
def get_wishlist(request: UserRequest, wishlist_id: str) -> dict[str, Any]:
    """What left the shelf is not shown; it is there again when it comes back."""
    return _shown(request, uuid_or_not_found(wishlist_id))


@router.api_operation(CHANGE, "{wishlist_id}/", response=schemas.WishlistOut, summary="Rename it")
def rename_wishlist(request: UserRequest, wishlist_id: str, body: schemas.WishlistPatch) -> dict[str, Any]:
    wishlist = services.rename_wishlist(user=request.auth, wishlist_id=uuid_or_not_found(wishlist_id), name=body.name)
    return _shown(request, wishlist.pk)


@router.delete("{wishlist_id}/", response={204: None}, summary="Delete it")
def delete_wishlist(request: UserRequest, wishlist_id: str) -> Status[None]:
    services.delete_wishlist(user=request.auth, wishlist_id=uuid_or_not_found(wishlist_id))
    return Status(204, None)


@router.post("{wishlist_id}/add_item/", response=schemas.WishlistOut, summary="Put a product on it")
def add_item(request: UserRequest, wishlist_id: str, body: schemas.WishIn) -> dict[str, Any]:
    """Once; at most two hundred."""
    wishlist = services.add_wish(
        user=request.auth, wishlist_id=uuid_or_not_found(wishlist_id), product_id=body.product_id
    )
    return _shown(request, wishlist.pk)


@router.api_operation(
    ["POST", "DELETE"], "{wishlist_id}/remove_item/", response=schemas.WishlistOut, summary="Take a product off"
)
def remove_item(request: UserRequest, wishlist_id: str, body: schemas.WishIn) -> dict[str, Any]:
    wishlist = services.remove_wish(
        user=request.auth, wishlist_id=uuid_or_not_found(wishlist_id), product_id=body.product_id
    )
    return _shown(request, wishlist.pk)


@router.api_operation(
    ["POST", "DELETE"], "{wishlist_id}/clear/", response=schemas.WishlistOut, summary="Take everything off"
)
def clear(request: UserRequest, wishlist_id: str) -> dict[str, Any]:
    wishlist = services.clear_wishlist(user=request.auth, wishlist_id=uuid_or_not_found(wishlist_id))
    return _shown(request, wishlist.pk)


def _shown(request: UserRequest, wishlist_id: UUID) -> dict[str, Any]:
    wishlist = queries.wishlists_of(request.auth).filter(pk=wishlist_id).first()
    if wishlist is None:
        raise WishlistNotFound
    origin = origin_of(request)
    wishes = [
        {"product": product_row(origin, vars(product)), "added_at": product.added_at}
        for product in queries.wishes_of(wishlist)
    ]
    return {**vars(wishlist), "items": wishes}
