"""What proves a person besides a code: links sent by mail, counted tries, networks they were seen in."""

import uuid

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.db.models.functions import Now

from apps.accounts.models.people import User
from core.clock import now


class Link(models.Model):
    """A single-use link sent by mail; its token is this id, signed, so that the row holds no secret."""

    class Purpose(models.TextChoices):
        VERIFY_EMAIL = "verify_email"
        RESET_PASSWORD = "reset_password"  # noqa: S105  # a name
        INVITATION = "invitation"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=14, choices=Purpose)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="links")
    email = models.EmailField(help_text="Where it was sent; it proves this address and no later one.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            Index(F("email"), F("purpose"), F("created_at"), name="link_email"),
            Index(F("expires_at"), name="link_expiry"),
        ]
        constraints = [CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="link_expires_later")]

    def __str__(self) -> str:
        return f"Link #{self.pk}"

    def is_open(self) -> bool:
        """Neither used nor expired."""
        return self.used_at is None and self.expires_at > now()


class Lockout(models.Model):
    """Wrong tries at one secret of one person, counted before each comparison."""

    class Kind(models.TextChoices):
        PASSWORD = "password"  # noqa: S105  # a name
        PASSCODE = "passcode"
        PIN = "pin"
        TOTP = "totp", "second factor"

    subject = models.CharField(max_length=64, help_text="The person, or the hash of a login nobody has.")
    kind = models.CharField(max_length=8, choices=Kind)
    is_familiar = models.BooleanField(help_text="Tries from networks the person was seen in are counted apart.")
    tries = models.PositiveSmallIntegerField()
    expires_at = models.DateTimeField()
    day_tries = models.PositiveIntegerField(db_default=0, help_text="Without a day's rest; strangers have a budget.")
    day_expires_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [Index(F("expires_at"), name="lockout_expiry")]
        constraints = [
            models.UniqueConstraint(fields=["subject", "kind", "is_familiar"], name="lockout_one_per_secret"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"


class KnownNetwork(models.Model):
    """A network a person signed in from: its tries have a budget that strangers cannot spend."""

    user = models.ForeignKey(User, models.CASCADE, related_name="known_networks")
    network = models.CharField(max_length=43, help_text="IPv4 /24 or IPv6 /48.")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "network"], name="known_network_once")]

    def __str__(self) -> str:
        return f"{self.network} of {self.user_id}"
