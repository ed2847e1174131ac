"""Codes by text or mail: what was made, what left, what was tried."""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q

from core.clock import now


class CodeQuerySet(models.QuerySet["Code"]):
    def for_identity(self, *, recipient: str, purpose: str) -> "CodeQuerySet":
        return self.filter(recipient=recipient, purpose=purpose)


class Code(models.Model):
    """A code somebody must type; compared by its keyed hash (OWASP ASVS 5.0, 6.5.2)."""

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in"
        REGISTER = "register"
        RESET = "reset"
        PHONE_CHANGE = "phone_change"

    class Channel(models.TextChoices):
        TEXT = "text"
        MAIL = "mail"

    recipient = models.CharField(max_length=254, help_text="A phone (E.164) or an email address.")
    purpose = models.CharField(max_length=12, choices=Purpose)
    channel = models.CharField(max_length=4, choices=Channel, db_default=Channel.TEXT)
    digest = models.BinaryField(max_length=32)
    sealed = models.BinaryField(null=True, help_text="The digits, encrypted: sent again while valid, erased once used.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = CodeQuerySet.as_manager()

    class Meta:
        indexes = [
            Index(F("recipient"), F("purpose"), F("created_at"), name="code_identity"),
            Index(F("created_at"), name="code_time"),
        ]
        constraints = [CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="code_expires_later")]

    def __str__(self) -> str:
        return f"Code #{self.pk}"

    def is_open(self) -> bool:
        """Neither used nor expired."""
        return self.used_at is None and self.expires_at > now()


class CodeSend(models.Model):
    """One time a code left, or failed to; the limits count these."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent", "taken by the provider"
        DELIVERED = "delivered"
        UNDELIVERED = "undelivered"
        FAILED = "failed", "never left"

    code = models.ForeignKey(Code, models.CASCADE, related_name="sends")
    recipient = models.CharField(max_length=254)
    purpose = models.CharField(max_length=12, choices=Code.Purpose)
    is_familiar = models.BooleanField(help_text="Asked for from a network its person was seen in.")
    address = models.GenericIPAddressField(null=True, help_text="IPv6: the first address of its /64.")
    number_range = models.CharField(max_length=12, blank=True, help_text="Calling code and the three digits after it.")
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166 code of a phone's country.")
    state = models.CharField(max_length=11, choices=State, default=State.QUEUED)
    provider = models.CharField(max_length=20, blank=True)
    reference = models.CharField(max_length=64, blank=True, help_text="The provider's name for it.")
    error = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, help_text="When the provider last said what became of it.")

    class Meta:
        indexes = [
            Index(F("recipient"), F("purpose"), F("created_at"), name="code_send_identity"),
            Index(F("address"), F("created_at"), name="code_send_address"),
            Index(F("number_range"), F("created_at"), name="code_send_range"),
            Index(F("created_at"), name="code_send_time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "reference"], condition=~Q(reference=""), name="code_send_reference_once"
            ),
            CheckConstraint(
                condition=Q(state__in=["queued", "sent", "delivered", "undelivered", "failed"]),
                name="code_send_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"Send #{self.pk}"


class Guess(models.Model):
    """One comparison, so that an identity's budget spans all its codes."""

    code = models.ForeignKey(Code, models.CASCADE, null=True, related_name="guesses")
    recipient = models.CharField(max_length=254)
    purpose = models.CharField(max_length=12, choices=Code.Purpose)
    is_familiar = models.BooleanField(db_default=False)
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "guesses"
        indexes = [
            Index(F("recipient"), F("purpose"), F("created_at"), name="guess_identity"),
            Index(F("created_at"), name="guess_time"),
        ]

    def __str__(self) -> str:
        return f"Guess #{self.pk}"
