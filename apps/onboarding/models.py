"""Registrations under way."""

import uuid

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q

from apps.accounts.models import User
from core.clock import now


class Registration(models.Model):
    """From the first form to the account; its id is V1's `session_id`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField()
    phone = models.CharField(max_length=16, blank=True, help_text="E.164; only Google's way leaves it out.")
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)
    google_uid = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    proved_at = models.DateTimeField(null=True, help_text="When the email was proved: by its code, or by Google.")
    activated_at = models.DateTimeField(null=True, help_text="When the activation link was followed.")
    completed_at = models.DateTimeField(null=True)
    user = models.OneToOneField(User, models.SET_NULL, null=True, related_name="registration")

    class Meta:
        indexes = [
            Index(F("email"), F("created_at"), name="registration_email"),
            Index(F("expires_at"), name="registration_expiry"),
        ]
        constraints = [
            CheckConstraint(
                condition=Q(completed_at=None) | Q(proved_at__isnull=False), name="registration_proved_first"
            ),
        ]

    def __str__(self) -> str:
        return f"Registration of {self.email}"

    def is_open(self) -> bool:
        """It can still be gone on with, or repeated."""
        return self.expires_at > now()
