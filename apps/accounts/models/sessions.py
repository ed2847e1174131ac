"""Sessions, and the keys that sign the tokens naming them."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.db.models.lookups import IsNull

from apps.accounts.models.people import User
from core.clock import now


class SessionQuerySet(models.QuerySet["Session"]):
    def alive(self, *, idle_since: datetime) -> "SessionQuerySet":
        """Neither ended nor past its absolute or idle limit."""
        return self.filter(ended_at=None, expires_at__gt=now(), refreshed_at__gt=idle_since)


class Session(models.Model):
    """One sign-in on one device; every token names it, so ending it ends them all."""

    class EndReason(models.TextChoices):
        SIGNED_OUT = "signed_out"
        REUSED_TOKEN = "reused_token", "an old refresh token was used"
        REVOKED = "revoked", "ended from another session"
        PASSWORD_CHANGED = "password_changed", "the password was changed"
        SECRET_CHANGED = "secret_changed", "the passcode or PIN was changed"
        PHONE_CHANGED = "phone_changed", "the phone was changed"
        ACCOUNT_DELETED = "account_deleted", "the account was deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    key = models.BinaryField(max_length=32)
    counter = models.PositiveIntegerField(default=0, help_text="Refreshes so far; the current token carries it.")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    device_id = models.CharField(max_length=100, blank=True, db_default="")
    device_name = models.CharField(max_length=100, blank=True, db_default="")
    device_type = models.CharField(max_length=10, blank=True, db_default="")
    created_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    factor_at = models.DateTimeField(
        null=True, blank=True, help_text="When its owner, of staff, last gave the second factor in it."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, choices=EndReason, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        # None on refreshed_at: every refresh would have to write it (PostgreSQL's HOT updates stay possible).
        indexes = [
            Index(F("ended_at"), condition=Q(ended_at__isnull=False), name="session_ended"),
            Index(F("expires_at"), condition=Q(ended_at=None), name="session_expires"),
        ]
        constraints = [
            CheckConstraint(condition=Q(ended_at=None) | ~Q(end_reason=""), name="session_end_has_reason"),
        ]

    def __str__(self) -> str:
        return f"Session of {self.user_id} since {self.created_at:%Y-%m-%d}"


class SigningKey(models.Model):
    """An Ed25519 key for access tokens, its private half encrypted under SECRET_KEY."""

    kid = models.CharField(max_length=16, primary_key=True)
    private_key = models.BinaryField()
    public_key = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                IsNull(F("retired_at"), True),  # noqa: FBT003  # Django's signature
                condition=Q(retired_at=None),
                name="signing_key_one_active",
            ),
        ]

    def __str__(self) -> str:
        return self.kid
