"""What the sandbox gateway remembers. No money moves here; the table is empty where a real gateway is used."""

from django.db import models
from django.db.models import CheckConstraint, F, Q


class SandboxIntent(models.Model):
    """A payment as the sandbox sees it, in the words of a real gateway."""

    id = models.CharField(primary_key=True, max_length=64)
    key = models.CharField(max_length=255, unique=True, help_text="The idempotency key it was asked for with.")
    client_secret = models.CharField(max_length=128)
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=30, default="requires_payment_method")
    charge = models.CharField(max_length=64, blank=True)
    card = models.CharField(max_length=20, blank=True, help_text="The test number that was used.")
    customer = models.CharField(max_length=64, blank=True)
    keeps_card = models.BooleanField(default=False)
    failure_code = models.CharField(max_length=50, blank=True)
    refunds = models.JSONField(default=list)
    refunded = models.PositiveBigIntegerField(default=0)
    dispute = models.CharField(max_length=30, blank=True)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "pk"]
        constraints = [CheckConstraint(condition=Q(refunded__lte=F("amount")), name="sandbox_not_over_refunded")]

    def __str__(self) -> str:
        return self.id
