"""Secrets that must be read again: encrypted under SECRET_KEY, each kind with a key of its own."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

__all__ = ["InvalidToken", "seal", "unseal"]


def seal(secret: bytes, *, kind: str) -> bytes:
    """Encrypt and sign (Fernet); `kind`, at most 16 characters, keeps what is sealed apart from other uses."""
    return _vault(settings.SECRET_KEY, kind).encrypt(secret)


def unseal(sealed: bytes, *, kind: str) -> bytes:
    """The secret again; raises `InvalidToken` when SECRET_KEY has changed since, or the bytes have."""
    return _vault(settings.SECRET_KEY, kind).decrypt(sealed)


@lru_cache(maxsize=16)
def _vault(secret_key: str, kind: str) -> Fernet:
    derived = hashlib.blake2b(secret_key.encode(), person=kind.encode(), digest_size=32).digest()
    return Fernet(base64.urlsafe_b64encode(derived))
