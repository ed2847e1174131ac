"""What gateways told us: kept as it came, applied once."""

from django.db import models
from django.db.models import F, Index, Q, UniqueConstraint


class WebhookEvent(models.Model):
    """One event; its row and the job that applies it are written in one transaction."""

    class State(models.TextChoices):
        RECEIVED = "received"
        APPLIED = "applied"
        IGNORED = "ignored"  # of a kind, or about a payment, that is not ours: kept to be looked at

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=100)
    intent = models.CharField(max_length=255, blank=True, help_text="The payment it is about.")
    body = models.TextField(help_text="What was signed, without the secrets in it.")
    state = models.CharField(max_length=8, choices=State, default=State.RECEIVED)
    note = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [UniqueConstraint(fields=["provider", "event_id"], name="webhook_event_once")]
        indexes = [Index(F("received_at"), condition=Q(state="received"), name="webhook_event_waiting")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
