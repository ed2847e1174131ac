"""What customers say: one review a person and product, changed by its author alone."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.products.errors import AlreadyReviewed, OwnReview, ProductNotFound, ReviewNotFound
from apps.products.models import Product, ProductReview, Purchase, ReviewHelpful, ReviewQuerySet
from core.errors import NotAllowed


def write_review(*, user: User, product_id: UUID, words: Mapping[str, Any]) -> ProductReview:
    """Keep somebody's opinion; raises `ProductNotFound` for what is not on the shelf, or `AlreadyReviewed`."""
    if not Product.objects.on_sale_to_public().filter(pk=product_id).exists():
        raise ProductNotFound(param="product_id")
    try:
        with transaction.atomic():
            return ProductReview.objects.create(user=user, product_id=product_id, **words)
    except IntegrityError:
        raise AlreadyReviewed from None


@transaction.atomic
def change_review(*, user: User, review_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change what is given; raises `ReviewNotFound`, or `NotAllowed` for somebody else's."""
    review = _own(user, review_id, among=ProductReview.objects.public())
    for name, value in changes.items():
        setattr(review, name, value)
    review.save(update_fields=[*changes, "updated_at"])


@transaction.atomic
def delete_review(*, user: User, review_id: UUID) -> None:
    """Take it back, also when the product left the shelf; raises `ReviewNotFound` or `NotAllowed`."""
    _own(user, review_id, among=ProductReview.objects.all()).delete()


def mark_helpful(*, user: User, review_id: UUID) -> None:
    """Count this person's thanks, once however often they give them; raises `ReviewNotFound` or `OwnReview`."""
    review = ProductReview.objects.public().filter(pk=review_id).first()
    if review is None:
        raise ReviewNotFound
    if review.user_id == user.pk:
        raise OwnReview
    ReviewHelpful.objects.get_or_create(review=review, user=user)


def mark_verified_buyer(*, user_id: int, product_ids: Iterable[UUID]) -> None:
    """Write down that these products were delivered to this person; what is unknown is passed over."""
    if not User.objects.filter(pk=user_id).exists():
        return
    known = Product.objects.filter(pk__in=list(product_ids)).values_list("pk", flat=True)
    Purchase.objects.bulk_create(
        [Purchase(user_id=user_id, product_id=product_id) for product_id in known], ignore_conflicts=True
    )


def _own(user: User, review_id: UUID, *, among: ReviewQuerySet) -> ProductReview:
    review = among.select_for_update(of=("self",)).filter(pk=review_id).first()
    if review is None:
        raise ReviewNotFound
    if review.user_id != user.pk:
        raise NotAllowed("Only its author changes a review.")
    return review
