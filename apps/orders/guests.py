"""Carts of people who have not signed in: whoever shows the cart's token holds it."""

import hashlib
import secrets
from dataclasses import dataclass, field

from django.http import HttpRequest
from ninja.security import APIKeyHeader

from apps.accounts.models import User
from core.redaction import conceal

HEADER = "X-Cart-Token"
_MOST_CHARACTERS = 100


@dataclass(frozen=True)
class Guest:
    """Nobody we know; `token` is empty before something was put into a cart."""

    token: str = field(default="", repr=False)
    is_new: bool = field(default=False, compare=False)

    @property
    def digest(self) -> bytes:
        """What the database knows the cart by; it opens none."""
        return hashlib.sha256(self.token.encode()).digest()

    @classmethod
    def new(cls) -> "Guest":
        """The only one a cart is made for: tokens are ours to choose, or two people could choose the same."""
        return cls(conceal(secrets.token_urlsafe(32)), is_new=True)

    @classmethod
    def by_token(cls, shown: str) -> "Guest":
        """Whoever shows this token, whether or not it opens a cart."""
        return cls(conceal(shown[:_MOST_CHARACTERS]))


Holder = User | Guest


class GuestAuth(APIKeyHeader):
    """`X-Cart-Token`, as the first answer gave it; a request without one is a guest's first."""

    param_name = HEADER

    def authenticate(self, request: HttpRequest, key: str | None) -> Guest:
        return Guest.by_token(key or "")


guest = GuestAuth()
