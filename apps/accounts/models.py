"""People, their codes, sessions and the keys that sign their tokens."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.db.models.functions import Lower
from django.db.models.lookups import IsNull

from core.clock import now


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str | None = None, password: str | None = None, **fields: Any) -> "User":
        """A person; without a password they can only sign in by code."""
        user = self.model(email=self.normalize_email(email).lower() if email else None, **fields)
        if password is None:
            user.set_unusable_password()
        else:
            user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """By email, in whatever letter case it was typed."""
        return self.get(email=(username or "").strip().lower())

    def create_superuser(self, *, email: str, password: str | None = None, **fields: Any) -> "User":
        """Someone who may do everything in the console."""
        return self.create_user(email=email, password=password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A customer or an operator; known by a phone, an email, or both."""

    class RoleState(models.TextChoices):
        """How far a person has come; each step includes the ones before (S0)."""

        VISITOR = "visitor"
        PHONE_ONLY = "phone_only"
        CLIENT = "client"
        PROVIDER = "provider"
        STAFF = "staff"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    phone = models.CharField(
        max_length=16, unique=True, null=True, blank=True, help_text="E.164, such as +966512345678."
    )
    email = models.EmailField(unique=True, null=True, blank=True)
    username = models.CharField(max_length=50, unique=True, null=True, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    role_state = models.CharField(max_length=10, choices=RoleState, default=RoleState.VISITOR)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may use the console", default=False)
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
            CheckConstraint(
                condition=Q(phone=None) | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"), name="user_phone_is_e164"
            ),
            CheckConstraint(
                condition=Q(role_state__in=["visitor", "phone_only", "client", "provider", "staff"]),
                name="user_role_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.email or self.phone or f"User {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Emails are kept in small letters, wherever they were typed: sign-in looks for them so."""
        self.email = self.email.strip().lower() if self.email else None
        super().save(*args, **kwargs)

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def needs_completion(self) -> bool:
        """Whether the person has yet to become a client by completing the profile (S0)."""
        return self.role_state in {self.RoleState.VISITOR, self.RoleState.PHONE_ONLY}


class CodeQuerySet(models.QuerySet["Code"]):
    def for_identity(self, *, phone: str, purpose: str) -> "CodeQuerySet":
        return self.filter(phone=phone, purpose=purpose)

    def sent(self) -> "CodeQuerySet":
        """Codes that count against the limits: a text that failed to leave does not."""
        return self.filter(failed_at=None)


class Code(models.Model):
    """A texted code; only its keyed hash is kept (OWASP ASVS 5.0, 6.5.2)."""

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in"

    phone = models.CharField(max_length=16)
    purpose = models.CharField(max_length=10, choices=Purpose)
    digest = models.BinaryField(max_length=32)
    address = models.GenericIPAddressField(null=True, help_text="IPv6: the first address of its /64.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True, help_text="When sending it failed.")

    objects = CodeQuerySet.as_manager()

    class Meta:
        indexes = [
            Index(F("phone"), F("purpose"), F("created_at"), name="code_identity"),
            Index(F("address"), F("created_at"), name="code_address"),
        ]
        constraints = [CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="code_expires_later")]

    def __str__(self) -> str:
        return f"Code #{self.pk}"

    def is_open(self) -> bool:
        """Sent, not used yet and not expired."""
        return self.used_at is None and self.failed_at is None and self.expires_at > now()


class Guess(models.Model):
    """One comparison, so that an identity's budget spans all its codes."""

    phone = models.CharField(max_length=16)
    purpose = models.CharField(max_length=10, choices=Code.Purpose)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "guesses"
        indexes = [Index(F("phone"), F("purpose"), F("created_at"), name="guess_identity")]

    def __str__(self) -> str:
        return f"Guess #{self.pk}"


class SessionQuerySet(models.QuerySet["Session"]):
    def alive(self, *, idle_since: datetime) -> "SessionQuerySet":
        """Neither ended nor past its absolute or idle limit."""
        return self.filter(ended_at=None, expires_at__gt=now(), refreshed_at__gt=idle_since)


class Session(models.Model):
    """One sign-in on one device; every token names it, so ending it ends them all."""

    class EndReason(models.TextChoices):
        SIGNED_OUT = "signed_out"
        REUSED_TOKEN = "reused_token", "an old refresh token was used"
        PASSWORD_CHANGED = "password_changed", "the password was changed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    key = models.BinaryField(max_length=32)
    counter = models.PositiveIntegerField(default=0, help_text="Refreshes so far; the current token carries it.")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=16, choices=EndReason, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
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


class DevelopmentText(models.Model):
    """A text that would have been sent; read at /inbox/ in development, never written in production."""

    phone = models.CharField(max_length=16)
    body = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Text to {self.phone}"
