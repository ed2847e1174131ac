"""Payments, refunds and the ledger of both. Amounts are minor units of the payment's currency."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, Sum, UniqueConstraint

from apps.accounts.models import User
from apps.orders.models import Order


class PaymentQuerySet(models.QuerySet["Payment"]):
    def open(self) -> "PaymentQuerySet":
        """Not charged yet, and it still could be."""
        return self.filter(charged_at=None, status__in=Payment.OPEN)

    def visible_to(self, user: User) -> "PaymentQuerySet":
        """A customer's own; staff who may in the console see all (S2)."""
        return self.all() if user.may("payments.view_payment") else self.filter(user=user)


class Payment(models.Model):
    """One attempt to be paid for an order, and what became of it at the gateway."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    class Method(models.TextChoices):
        CARD = "card"
        PAYPAL = "paypal"
        BANK_TRANSFER = "bank_transfer"
        WALLET = "wallet"

    class Dispute(models.TextChoices):
        NONE = ""
        OPEN = "open"
        WON = "won"
        LOST = "lost"

    # A card that was declined may be followed by another one: a failed payment is still open.
    OPEN = (Status.PENDING, Status.PROCESSING, Status.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="payments")
    attempt = models.PositiveSmallIntegerField(help_text="1 for the first payment of its order.")
    gateway = models.CharField(max_length=40)
    intent = models.CharField(max_length=255, help_text="The gateway's name for it; empty until it has one.")
    charge = models.CharField(max_length=255, blank=True, help_text="The gateway's name for the money that moved.")
    amount = models.PositiveBigIntegerField()
    amount_refunded = models.PositiveBigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    method = models.CharField(max_length=13, choices=Method, default=Method.CARD)
    card = models.CharField(max_length=40, blank=True, help_text="Brand and last four digits.")
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.CharField(max_length=300, blank=True)
    wanted_card = models.CharField(max_length=255, blank=True, help_text="The saved card it is to be paid with.")
    keeps_card = models.BooleanField(default=False, help_text="The card is to be kept for the next time.")
    amount_disputed = models.PositiveBigIntegerField(default=0, help_text="Of an open dispute, or a lost one.")
    dispute = models.CharField(max_length=4, choices=Dispute, blank=True, default=Dispute.NONE)
    pays_order = models.BooleanField(default=False, help_text="The order counts as paid by this one.")
    charged_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(help_text="When the gateway was last asked.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [Index(F("checked_at"), condition=Q(charged_at=None), name="payment_to_check")]
        constraints = [
            UniqueConstraint(fields=["order", "attempt"], name="payment_attempt_once"),
            UniqueConstraint(fields=["gateway", "intent"], condition=~Q(intent=""), name="payment_intent_once"),
            UniqueConstraint(
                fields=["order", "gateway"],
                condition=Q(charged_at=None, status__in=["pending", "processing", "failed"]),
                name="payment_one_open_an_order",
            ),
            CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            CheckConstraint(condition=Q(amount_refunded__lte=F("amount")), name="payment_not_over_refunded"),
            CheckConstraint(
                condition=~Q(status__in=["succeeded", "refunded"], charged_at=None), name="payment_charged_has_instant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} · {self.status}"

    @property
    def is_charged(self) -> bool:
        return self.charged_at is not None

    @property
    def held_back(self) -> int:
        """What a dispute took, or may take yet."""
        return self.amount_disputed if self.dispute in {self.Dispute.OPEN, self.Dispute.LOST} else 0

    def refundable(self) -> int:
        """What neither went back, nor is on its way back, nor is in dispute."""
        promised = self.refunds.exclude(status__in=Refund.VOID).aggregate(sum=Sum("amount", default=0))["sum"]
        return max(0, self.amount - int(promised) - self.held_back) if self.is_charged else 0


class Refund(models.Model):
    """Money that goes back; requested by somebody or by the shop's own rules."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Reason(models.TextChoices):
        DUPLICATE = "duplicate"
        FRAUDULENT = "fraudulent"
        REQUESTED = "requested_by_customer"
        PRODUCT_ISSUE = "product_issue"
        OTHER = "other"

    VOID = (Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=21, choices=Reason)
    description = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reference = models.CharField(max_length=255, blank=True, help_text="The gateway's name for it.")
    failure = models.CharField(max_length=300, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Empty: the shop."
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "pk"]
        constraints = [
            CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
            UniqueConstraint(fields=["payment", "reference"], condition=~Q(reference=""), name="refund_reference_once"),
            UniqueConstraint(fields=["payment"], condition=Q(status="pending"), name="refund_one_request"),
        ]

    def __str__(self) -> str:
        return f"{self.payment} · {self.amount}"


class Transaction(models.Model):
    """One movement of money, written once."""

    class Kind(models.TextChoices):
        CHARGE = "charge"
        REFUND = "refund"
        CAPTURE = "capture"
        VOID = "void"

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="transactions")
    kind = models.CharField(max_length=7, choices=Kind)
    amount = models.PositiveBigIntegerField()
    reference = models.CharField(max_length=255, help_text="The gateway's name for the movement.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [UniqueConstraint(fields=["payment", "kind", "reference"], name="transaction_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class GatewayCustomer(models.Model):
    """A person as a gateway knows them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="gateway_customers")
    gateway = models.CharField(max_length=40)
    reference = models.CharField(max_length=255)

    class Meta:
        constraints = [UniqueConstraint(fields=["user", "gateway"], name="gateway_customer_once")]

    def __str__(self) -> str:
        return self.reference


class SavedMethod(models.Model):
    """A card a person may pay with again; its number is the gateway's alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_methods")
    gateway = models.CharField(max_length=40)
    reference = models.CharField(max_length=255)
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-is_default", "-created_at", "pk"]
        constraints = [
            UniqueConstraint(fields=["user", "gateway", "reference"], name="saved_method_once"),
            UniqueConstraint(fields=["user"], condition=Q(is_default=True), name="saved_method_one_default"),
        ]

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}"
