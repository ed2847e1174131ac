"""Carts and orders. Amounts are minor units, frozen when the order is placed."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q

from apps.accounts.models import User
from apps.products.models import Product, ProductVariant
from apps.products.services import StockLine
from core.clock import now

MAX_LINES = 100
MAX_QUANTITY = 1_000
MAX_UNITS = 2_000
MAX_UNPAID_ORDERS = 5


class Cart(models.Model):
    """What a customer means to buy; promises nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(User, models.CASCADE, null=True, blank=True, related_name="cart")
    token_digest = models.BinaryField(max_length=32, null=True, blank=True, unique=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        constraints = [CheckConstraint(condition=Q(user=None) ^ Q(token_digest=None), name="cart_has_one_holder")]

    def __str__(self) -> str:
        return f"Cart of {self.user or 'a guest'}"


class CartItem(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, models.CASCADE)
    variant = models.ForeignKey(ProductVariant, models.CASCADE, null=True, blank=True)
    quantity = models.PositiveIntegerField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["added_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["cart", "product", "variant"], nulls_distinct=False, name="cart_item_one_per_thing"
            ),
            CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=MAX_QUANTITY), name="cart_item_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant or self.product}"


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, user: User) -> "OrderQuerySet":
        """A customer's own orders; the console has its own door."""
        return self.filter(user=user)

    def refund_due(self) -> "OrderQuerySet":
        """Paid for, and cancelled before they were shipped: the money is still with us."""
        return self.filter(status=Order.Status.CANCELLED, payment_status=Order.PaymentStatus.PAID)

    def to_ship(self) -> "OrderQuerySet":
        """Paid for and set aside."""
        paid = self.filter(status=Order.Status.PROCESSING, payment_status=Order.PaymentStatus.PAID)
        return paid.filter(is_backordered=False)

    def lapsed(self) -> "OrderQuerySet":
        """Unpaid orders whose goods are no longer kept for them."""
        return self.filter(status=Order.Status.PENDING, reserved_until__lte=now())


class Order(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    class PaymentStatus(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        FAILED = "failed"
        REFUNDED = "refunded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=24, unique=True)
    user = models.ForeignKey(User, models.PROTECT, related_name="orders")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    payment_status = models.CharField(max_length=8, choices=PaymentStatus, default=PaymentStatus.PENDING)
    currency = models.CharField(max_length=3)
    subtotal = models.PositiveBigIntegerField()
    tax_amount = models.PositiveBigIntegerField()
    shipping_cost = models.PositiveBigIntegerField()
    total = models.PositiveBigIntegerField()
    shipping_address = models.JSONField()
    billing_address = models.JSONField()
    customer_notes = models.CharField(max_length=1000, blank=True)
    reserved_until = models.DateTimeField(null=True, help_text="Until when the goods are kept for an unpaid order.")
    paid_at = models.DateTimeField(null=True, blank=True)
    lapsed_at = models.DateTimeField(null=True, blank=True, help_text="When its goods were let go, unpaid.")
    is_backordered = models.BooleanField(
        default=False, db_default=False, help_text="Paid for, and waiting for goods to come in."
    )
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(null=True, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True, db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [
            Index(F("user"), F("created_at").desc(), name="order_of_user"),
            Index(F("reserved_until"), condition=Q(status="pending"), name="order_unpaid"),
        ]
        constraints = [
            CheckConstraint(
                condition=Q(status__in=["pending", "processing", "shipped", "delivered", "cancelled", "refunded"]),
                name="order_status_known",
            ),
            CheckConstraint(
                condition=Q(payment_status__in=["pending", "paid", "failed", "refunded"]),
                name="order_payment_status_known",
            ),
            CheckConstraint(
                condition=Q(total=F("subtotal") + F("tax_amount") + F("shipping_cost")), name="order_total_adds_up"
            ),
            CheckConstraint(condition=~Q(payment_status="paid", paid_at=None), name="order_paid_has_instant"),
            CheckConstraint(condition=~Q(status="pending", reserved_until=None), name="order_unpaid_expires"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_cancellable(self) -> bool:
        return self.status in {self.Status.PENDING, self.Status.PROCESSING}

    def stock_lines(self) -> list[StockLine]:
        """What the order holds of the stock; lines of products that are not tracked hold nothing."""
        return [] if self.is_backordered else self.tracked_lines()

    def tracked_lines(self) -> list[StockLine]:
        """What the order takes from the stock, whether or not it holds it."""
        return [
            StockLine(line.product_id, line.variant_id, line.quantity) for line in self.items.all() if line.holds_stock
        ]


class OrderLine(models.Model):
    """What was bought, as it was called and priced that day."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="items")
    product = models.ForeignKey(Product, models.PROTECT)
    variant = models.ForeignKey(ProductVariant, models.PROTECT, null=True, blank=True)
    product_name = models.CharField(max_length=310)
    product_sku = models.CharField(max_length=64)
    unit_price = models.PositiveBigIntegerField()
    quantity = models.PositiveIntegerField()
    holds_stock = models.BooleanField(default=True)

    class Meta:
        ordering = ["pk"]
        constraints = [CheckConstraint(condition=Q(quantity__gte=1), name="order_line_quantity_positive")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_name}"

    @property
    def total_price(self) -> int:
        return self.unit_price * self.quantity


class OrderEvent(models.Model):
    """One step in an order's life: who moved it where, and why."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    status = models.CharField(max_length=10, choices=Order.Status)
    note = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.status}"
