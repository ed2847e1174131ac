"""What opens the console besides a password: an authenticator app, and recovery codes for the day it is lost."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import UniqueConstraint
from django_otp.models import Device as FactorDevice

from apps.accounts.models.people import User
from core.sealing import InvalidToken, seal, unseal

FACTOR_LASTS = timedelta(seconds=settings.SESSION_COOKIE_AGE)  # over the API as long as in the console
_SEAL = "hanout.totp"


class SecondFactor(FactorDevice):  # type: ignore[misc]  # django-otp is untyped
    """An app that shows a new code every half minute (RFC 6238).

    django-otp's own device keeps the secret in the clear; whoever read that table would have everybody's codes.
    """

    name = None
    confirmed = True  # a row is written only once the app has proved that it has the secret
    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor")
    sealed_secret = models.BinaryField(max_length=200, help_text="Encrypted under SECRET_KEY.")
    last_step = models.BigIntegerField(help_text="The half minute of the last accepted code: none is taken twice.")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField()

    objects: ClassVar[models.Manager["SecondFactor"]] = models.Manager()

    def __str__(self) -> str:
        return f"Second factor of {self.user_id}"

    @property
    def secret(self) -> bytes:
        """Raises `InvalidToken` when SECRET_KEY has changed since."""
        return unseal(bytes(self.sealed_secret), kind=_SEAL)

    @secret.setter
    def secret(self, secret: bytes) -> None:
        self.sealed_secret = seal(secret, kind=_SEAL)

    @property
    def is_readable(self) -> bool:
        """Whether the secret can still be decrypted."""
        try:
            return bool(self.secret)
        except InvalidToken:
            return False


class RecoveryCode(models.Model):
    """Opens the console once, in the app's place; the row goes when it does."""

    factor = models.ForeignKey(SecondFactor, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of 80 random bits, so that it outlives a SECRET_KEY.")

    class Meta:
        constraints = [UniqueConstraint(fields=["factor", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"Recovery code #{self.pk}"
