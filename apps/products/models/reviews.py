"""What customers say about products, what they bought, and what they mean to buy one day."""

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, Count, Exists, Index, OuterRef, Q, UniqueConstraint

from apps.accounts.models import User
from apps.products.models.catalogue import Product

LEAST_RATING, MOST_RATING = 1, 5
MAX_COMMENT = 5_000
MAX_WISHLISTS = 20
MAX_WISHES = 200


class Purchase(models.Model):
    """Who has received what; orders say so by a job once they are delivered."""

    user = models.ForeignKey(User, models.CASCADE, related_name="purchases")
    product = models.ForeignKey(Product, models.CASCADE, related_name="purchases")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["user", "product"], name="purchase_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.product_id}"


class ReviewQuerySet(models.QuerySet["ProductReview"]):
    def as_shown(self) -> models.QuerySet[Any, Any]:
        """With author, product, and the two facts that are looked up and never stored twice."""
        bought = Purchase.objects.filter(user=OuterRef("user"), product=OuterRef("product"))
        counted = self.select_related("user", "product").annotate(
            is_verified_purchase=Exists(bought), helpful_count=Count("helpful")
        )
        return counted.order_by("-created_at", "pk")

    def public(self) -> "ReviewQuerySet":
        """Reviews of what a customer may see."""
        return self.filter(product__is_active=True, product__category__is_active=True)


class ProductReview(models.Model):
    """One person's opinion of one product; plain text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    user = models.ForeignKey(User, models.CASCADE, related_name="reviews")
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(LEAST_RATING), MaxValueValidator(MOST_RATING)]
    )
    title = models.CharField(max_length=200, blank=True)
    comment = models.TextField(max_length=MAX_COMMENT, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [Index(fields=["product", "-created_at", "id"], name="review_of_product")]
        constraints = [
            UniqueConstraint(fields=["product", "user"], name="review_once"),
            CheckConstraint(
                condition=Q(rating__gte=LEAST_RATING, rating__lte=MOST_RATING), name="review_rating_in_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.rating}"

    @property
    def author_name(self) -> str:
        """How others know the author: a first name and an initial, never what signs them in."""
        initial = f" {self.user.last_name[0]}." if self.user.last_name else ""
        return f"{self.user.first_name}{initial}".strip() or "Customer"


class ReviewHelpful(models.Model):
    """Somebody found a review helpful."""

    review = models.ForeignKey(ProductReview, models.CASCADE, related_name="helpful")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        constraints = [UniqueConstraint(fields=["review", "user"], name="review_helpful_once")]

    def __str__(self) -> str:
        return f"{self.review_id} {self.user_id}"


class Wishlist(models.Model):
    """What a customer means to buy one day; nobody else sees it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="wishlists")
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.name


class WishlistItem(models.Model):
    wishlist = models.ForeignKey(Wishlist, models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, models.CASCADE, related_name="wishes")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-added_at", "-pk"]
        constraints = [UniqueConstraint(fields=["wishlist", "product"], name="wishlist_item_once")]

    def __str__(self) -> str:
        return str(self.product)
