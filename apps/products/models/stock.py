"""How much of each thing there is, and the ledger that says why."""

from django.db import models
from django.db.models import CheckConstraint, F, Q

from apps.accounts.models import User
from apps.products.models.catalogue import Product, ProductVariant

# More of one thing than the shop has room for; a hundred variants of it still add up to a database integer.
MAX_ON_HAND = 20_000_000


class StockItem(models.Model):
    """How much of one sellable thing there is; the database refuses to promise more than stands on the shelf."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="stock")
    variant = models.ForeignKey(ProductVariant, models.PROTECT, null=True, blank=True, related_name="stock")
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0, help_text="Promised to orders that are not paid yet.")
    allocated = models.PositiveIntegerField(default=0, help_text="Paid for and waiting to be shipped.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "variant"], nulls_distinct=False, name="stock_item_one_per_thing"
            ),
            CheckConstraint(condition=Q(on_hand__gte=F("reserved") + F("allocated")), name="stock_item_never_oversold"),
        ]

    def __str__(self) -> str:
        return f"{self.variant or self.product}: {self.available}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.allocated


class StockMovement(models.Model):
    """One line of the ledger: by how much each balance of an item changed, and why."""

    class Kind(models.TextChoices):
        RECEIVE = "receive"
        RESERVE = "reserve"
        RELEASE = "release"
        ALLOCATE = "allocate"
        DEALLOCATE = "deallocate"
        SHIP = "ship"
        RETURN = "return"
        ADJUST = "adjust"

    item = models.ForeignKey(StockItem, models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=Kind)
    on_hand_change = models.IntegerField(default=0)
    reserved_change = models.IntegerField(default=0)
    allocated_change = models.IntegerField(default=0)
    reference = models.CharField(max_length=64, help_text="The order, delivery or count that caused it.")
    reason = models.CharField(max_length=200, blank=True, db_default="", help_text="What a person said about it.")
    actor = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Who did it; empty: the shop itself."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            CheckConstraint(
                condition=Q(
                    kind__in=["receive", "reserve", "release", "allocate", "deallocate", "ship", "return", "adjust"]
                ),
                name="stock_movement_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
