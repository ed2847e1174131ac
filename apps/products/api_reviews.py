"""S2's reviews, under /api/products/reviews/: everybody reads them, and changes their own."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from apps.accounts.auth import UserRequest, bearer
from apps.products import queries, services
from apps.products import schemas_reviews as schemas
from apps.products.errors import ReviewNotFound
from apps.products.models import ProductReview
from core.ids import uuid_or_not_found
from core.pagination import envelope, paginate

router = Router(tags=["Reviews"], auth=bearer)


@router.get("", response=schemas.ReviewPage, auth=None, summary="Reviews")
def list_reviews(request: HttpRequest, query: Query[schemas.ReviewQuery]) -> dict[str, Any]:
    """Newest first."""
    page = paginate(queries.public_reviews().filter(**query.wanted()), query)
    return envelope(request, page, page.rows)


@router.post("", response={201: schemas.ReviewOut}, summary="Review a product")
def write_review(request: UserRequest, body: schemas.ReviewIn) -> Status[ProductReview]:
    """One a person and product. Verified when the product was delivered to them, now or later."""
    words = body.model_dump(exclude={"product_id"})
    review = services.write_review(user=request.auth, product_id=body.product_id, words=words)
    return Status(201, _review(str(review.pk)))


@router.get("{review_id}/", response=schemas.ReviewOut, auth=None, summary="One review")
def get_review(request: HttpRequest, review_id: str) -> ProductReview:
    return _review(review_id)


@router.put("{review_id}/", response=schemas.ReviewOut, summary="Write mine anew")
def replace_review(request: UserRequest, review_id: str, body: schemas.ReviewReplaceIn) -> ProductReview:
    services.change_review(user=request.auth, review_id=uuid_or_not_found(review_id), changes=body.model_dump())
    return _review(review_id)


@router.patch("{review_id}/", response=schemas.ReviewOut, summary="Change mine")
def change_review(request: UserRequest, review_id: str, body: schemas.ReviewPatch) -> ProductReview:
    changes = body.model_dump(exclude_unset=True)
    services.change_review(user=request.auth, review_id=uuid_or_not_found(review_id), changes=changes)
    return _review(review_id)


@router.delete("{review_id}/", response={204: None}, summary="Take mine back")
def delete_review(request: UserRequest, review_id: str) -> Status[None]:
    services.delete_review(user=request.auth, review_id=uuid_or_not_found(review_id))
    return Status(204, None)


@router.post("{review_id}/mark_helpful/", response=schemas.HelpfulOut, summary="It helped me")
def mark_helpful(request: UserRequest, review_id: str) -> ProductReview:
    """Counts once a person, however often it is sent."""
    services.mark_helpful(user=request.auth, review_id=uuid_or_not_found(review_id))
    return _review(review_id)


def _review(review_id: str) -> ProductReview:
    review: ProductReview | None = queries.public_reviews().filter(pk=uuid_or_not_found(review_id)).first()
    if review is None:
        raise ReviewNotFound
    return review
