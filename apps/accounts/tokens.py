"""Access tokens: EdDSA-signed, naming their session; the keys live in the database, encrypted."""

import base64
import hashlib
import re
import secrets
from functools import lru_cache

import jwt
import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings
from django.db import transaction

from apps.accounts.errors import TokenRejected
from apps.accounts.models import Session, SigningKey, User
from core.clock import now
from core.locks import lock
from core.redaction import conceal

log = structlog.get_logger(__name__)

ALGORITHM = "EdDSA"
_KID = re.compile(r"[0-9a-f]{16}")
ISSUER = AUDIENCE = "hanout"
ACCESS = "access"


def access_token(*, user: User, session: Session) -> str:
    """A token for this session, good for JWT_ACCESS_MIN minutes (RFC 9068's claims)."""
    kid, key = _signing_key()
    issued = int(now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user.public_id),
        "sid": str(session.pk),
        "typ": ACCESS,
        "jti": secrets.token_urlsafe(12),
        "iat": issued,
        "exp": issued + settings.JWT_ACCESS_SECONDS,
    }
    return conceal(jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}))


def session_id_of(token: str) -> str:
    """The session an access token names; raises `TokenRejected` unless every claim and the signature hold."""
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        claims = jwt.decode(
            token,
            _public_key(kid if isinstance(kid, str) else ""),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "sid", "typ"]},
        )
    except jwt.PyJWTError:
        raise TokenRejected from None
    if claims["typ"] != ACCESS:
        raise TokenRejected
    return str(claims["sid"])


def _signing_key() -> tuple[str, Ed25519PrivateKey]:
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
            private_key=_vault().encrypt(secret),
            public_key=key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        )


@lru_cache(maxsize=16)
def _private_key(encrypted: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_vault().decrypt(encrypted))


@lru_cache(maxsize=16)
def _public_key(kid: str) -> Ed25519PublicKey:
    if not _KID.fullmatch(kid):  # what a stranger wrote does not reach the database
        raise TokenRejected
    if row := SigningKey.objects.filter(kid=kid).first():
        return Ed25519PublicKey.from_public_bytes(bytes(row.public_key))
    raise TokenRejected


def _vault() -> Fernet:
    derived = hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"hanout.sign.key", digest_size=32).digest()
    return Fernet(base64.urlsafe_b64encode(derived))
