"""Access tokens: EdDSA-signed, naming their session; the keys live in the database, encrypted."""

import re
import secrets
import time
import uuid
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.db import transaction

from apps.accounts.errors import TokenExpired, TokenRejected
from apps.accounts.models import SigningKey
from core.clock import now
from core.locks import lock
from core.redaction import conceal
from core.sealing import InvalidToken, seal, unseal

log = structlog.get_logger(__name__)

ALGORITHM = "EdDSA"
_KID = re.compile(r"[0-9a-f]{16}")
ISSUER = AUDIENCE = "hanout"
ACCESS = "access"
KEY_CACHE_SECONDS = 30
_SEAL = "hanout.sign.key"


class _Proved(NamedTuple):
    session: uuid.UUID
    subject: uuid.UUID
    expires: int


def access_token(*, subject: uuid.UUID, session: uuid.UUID) -> str:
    """A token for this person's session, good for JWT_ACCESS_MIN minutes (RFC 9068's claims)."""
    kid, key = _signing_key(int(time.time() // KEY_CACHE_SECONDS))
    issued = int(now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject),
        "sid": str(session),
        "typ": ACCESS,
        "jti": secrets.token_urlsafe(12),
        "iat": issued,
        "exp": issued + settings.JWT_ACCESS_SECONDS,
    }
    return conceal(jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}))


def session_id_of(token: str) -> uuid.UUID:
    """The session an access token names; raises `TokenRejected` unless every claim and the signature hold.

    A signature is worked out once in KEY_CACHE_SECONDS per process; whether the session lives is asked every time.
    """
    return _claims(token).session


def subject_of(token: str) -> uuid.UUID:
    """Whose access token this is; raises `TokenRejected` as above, and costs nothing more before or after it."""
    return _claims(token).subject


def _claims(token: str) -> _Proved:
    moment = time.time()
    proved = _proved(token, int(moment // KEY_CACHE_SECONDS))
    if proved.expires <= moment:
        raise TokenExpired
    return proved


@lru_cache(maxsize=4096)
def _proved(token: str, period: int) -> _Proved:
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        claims = jwt.decode(
            token,
            _public_key(kid if isinstance(kid, str) else "", period),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "sid", "typ"]},
        )
        if claims["typ"] != ACCESS:
            raise TokenRejected
        return _Proved(uuid.UUID(str(claims["sid"])), uuid.UUID(str(claims["sub"])), int(claims["exp"]))
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, ValueError):
        raise TokenRejected from None


def rotate_signing_key(*, compromised: bool = False) -> str:
    """Sign with a new key from now on, and return its kid.

    Tokens of the old one are good until they expire, so no request fails; `compromised` refuses them within
    KEY_CACHE_SECONDS instead, and their clients refresh. Keys that can prove nothing any more are deleted.
    """
    with transaction.atomic():
        lock("signing-key")
        active = SigningKey.objects.filter(retired_at=None)
        if compromised:
            SigningKey.objects.all().delete()
        else:
            active.update(retired_at=now())
            SigningKey.objects.filter(retired_at__lt=_out_of_use()).delete()
        row = _make_key()
    forget_keys()
    log.warning("signing_key_rotated", kid=row.kid, compromised=compromised)
    return row.kid


def forget_keys() -> None:
    """Look all keys up anew; other processes do within KEY_CACHE_SECONDS."""
    for cached in (_signing_key, _public_key, _proved):
        cached.cache_clear()


def _out_of_use() -> datetime:
    """Keys retired before then have no token left that could still be valid.

    Other processes sign with a retired key for up to KEY_CACHE_SECONDS more.
    """
    return now() - timedelta(seconds=settings.JWT_ACCESS_SECONDS + KEY_CACHE_SECONDS)


@lru_cache(maxsize=2)
def _signing_key(period: int) -> tuple[str, Ed25519PrivateKey]:
    row = SigningKey.objects.filter(retired_at=None).first() or _make_key()
    try:
        return row.kid, _private_key(bytes(row.private_key))
    except InvalidToken:
        # SECRET_KEY changed: the old key still verifies, but can no longer sign.
        log.warning("signing_key_replaced", kid=row.kid)
        row = _make_key(replaces=row)
        return row.kid, _private_key(bytes(row.private_key))


def _make_key(*, replaces: SigningKey | None = None) -> SigningKey:
    """A new active key; of several processes that need one at once, one makes it."""
    with transaction.atomic():
        lock("signing-key")
        if replaces is not None:
            SigningKey.objects.filter(pk=replaces.pk, retired_at=None).update(retired_at=now())
        if row := SigningKey.objects.filter(retired_at=None).first():
            return row
        key = Ed25519PrivateKey.generate()
        secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return SigningKey.objects.create(
            kid=secrets.token_hex(8),
            private_key=seal(secret, kind=_SEAL),
            public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        )


def _private_key(encrypted: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(unseal(encrypted, kind=_SEAL))


@lru_cache(maxsize=64)
def _public_key(kid: str, period: int) -> Ed25519PublicKey:
    if not _KID.fullmatch(kid):  # what a stranger wrote does not reach the database
        raise TokenRejected
    row = SigningKey.objects.filter(kid=kid).first()
    if row is None or (row.retired_at and row.retired_at < _out_of_use()):
        raise TokenRejected
    return Ed25519PublicKey.from_public_bytes(bytes(row.public_key))
