"""People: who they are, where they live, what they sign in with."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import CheckConstraint, Q
from django.db.models.functions import Lower


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
    claimed_phone = models.CharField(
        max_length=16,
        unique=True,
        null=True,
        blank=True,
        help_text="Given while registering, proved by nobody: signs nobody in by code, yields to who proves it.",
    )
    email = models.EmailField(unique=True, null=True, blank=True)
    pending_email = models.EmailField(
        blank=True, db_default="", help_text="Where the email shall move to once the link mailed there was followed."
    )
    username = models.CharField(max_length=50, unique=True, null=True, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    role_state = models.CharField(max_length=10, choices=RoleState, default=RoleState.VISITOR)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may use the console", default=False)
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    terms_accepted_at = models.DateTimeField(null=True, blank=True)
    google_uid = models.CharField(max_length=64, unique=True, null=True, blank=True)
    passcode = models.CharField(max_length=128, blank=True, db_default="", help_text="Hashed; six digits (S1, V2).")
    pin = models.CharField(max_length=128, blank=True, db_default="", help_text="Hashed; four to six digits (S1, V2).")
    limits_restricted_until = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    # Whether this request came through the second door, by the console's session or a token's; never kept.
    gave_second_factor = False
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
            models.UniqueConstraint(Lower("username"), name="user_username_unique_any_case"),
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
    def acts_as_staff(self) -> bool:
        """Staff, through the second door wherever there is one."""
        return self.is_staff and (self.gave_second_factor or not settings.CONSOLE_SECOND_FACTOR)

    def may(self, permission: str) -> bool:
        """Whether this request may use a permission of staff, over the API as in the console."""
        return self.acts_as_staff and self.has_perm(permission)

    @property
    def any_email(self) -> str | None:
        """The email to show: the one that was asked for last, proved or not."""
        return self.pending_email or self.email

    @property
    def any_phone(self) -> str | None:
        """The phone to show: the proved one, else the one that was claimed."""
        return self.phone or self.claimed_phone

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def needs_completion(self) -> bool:
        """Whether the person has yet to become a client by completing the profile (S0)."""
        return self.role_state in {self.RoleState.VISITOR, self.RoleState.PHONE_ONLY}


class Profile(models.Model):
    """What only some of the shop's front ends ask for; a person has none until one of them does."""

    user = models.OneToOneField(User, models.CASCADE, related_name="profile", primary_key=True)
    date_of_birth = models.DateField(null=True, blank=True)
    bio = models.CharField(max_length=1000, blank=True)
    avatar = models.ImageField(upload_to="avatars/", blank=True)
    address = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=100, blank=True)
    newsletter_subscribed = models.BooleanField(default=False)
    sms_notifications = models.BooleanField(default=False)
    preferred_language = models.CharField(max_length=10, default="en")
    preferred_currency = models.CharField(max_length=3, default="USD")

    def __str__(self) -> str:
        return f"Profile of {self.user_id}"


class Address(models.Model):
    """Where a person's orders and bills may go."""

    class Kind(models.TextChoices):
        SHIPPING = "shipping"
        BILLING = "billing"
        BOTH = "both"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="addresses")
    address_type = models.CharField(max_length=8, choices=Kind, default=Kind.BOTH)
    full_name = models.CharField(max_length=150)
    phone = models.CharField(max_length=20)
    address_line1 = models.CharField(max_length=255)
    address_line2 = models.CharField(max_length=255, blank=True)
    city = models.CharField(max_length=100)
    state = models.CharField(max_length=100)
    country = models.CharField(max_length=100)
    postal_code = models.CharField(max_length=20)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-is_default", "-created_at"]
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(is_default=True), name="address_one_default"),
            CheckConstraint(condition=Q(address_type__in=["shipping", "billing", "both"]), name="address_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.full_name}, {self.city}"


class Device(models.Model):
    """A phone or browser somebody signed in with, and how to push to it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="devices")
    device_id = models.CharField(max_length=100)
    os = models.CharField(max_length=50, blank=True)
    info = models.CharField(max_length=255, blank=True)
    push_token = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "device_id"], name="device_once")]

    def __str__(self) -> str:
        return f"{self.device_id} of {self.user_id}"
