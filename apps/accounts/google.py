"""Google sign-in: an ID token counts, what a client says about itself does not (OpenID Connect Core, 3.1.3.7)."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import jwt
import structlog
from django.conf import settings

from apps.accounts.emails import canonical_email
from apps.accounts.errors import GoogleTokenRejected, GoogleUnavailable
from core.redaction import conceal

log = structlog.get_logger(__name__)

CERTIFICATES = "https://www.googleapis.com/oauth2/v3/certs"
ISSUERS = ["https://accounts.google.com", "accounts.google.com"]
MOST_CHARACTERS = 4000


@dataclass(frozen=True)
class GoogleIdentity:
    """Whom Google vouches for. `is_authority`: Google runs the mailbox, so that its word on who owns it is final."""

    uid: str
    email: str
    first_name: str
    last_name: str
    is_authority: bool


class GoogleKeys(Protocol):
    """Where the key that signed a token is found; raises `jwt.PyJWKClientError` for none, or no connection."""

    def get_signing_key_from_jwt(self, token: str) -> Any: ...


def google_identity(token: str) -> GoogleIdentity:
    """Who this ID token was made out to, for our client and by Google.

    Raises `GoogleUnavailable` when Google sign-in is not set up or Google cannot be asked, `GoogleTokenRejected` for
    anything but a fresh token with a verified email.
    """
    if not settings.GOOGLE_OAUTH_CLIENT_ID:
        raise GoogleUnavailable
    if len(conceal(token)) > MOST_CHARACTERS:
        raise GoogleTokenRejected
    try:
        claims = jwt.decode(
            token,
            google_keys().get_signing_key_from_jwt(token).key,
            algorithms=["RS256"],
            audience=settings.GOOGLE_OAUTH_CLIENT_ID,
            issuer=ISSUERS,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        log.warning("google_unreachable", error=type(error).__name__)
        raise GoogleUnavailable from None
    except jwt.PyJWTError:
        raise GoogleTokenRejected from None
    if claims.get("email_verified") not in (True, "true"):
        raise GoogleTokenRejected
    try:
        email = canonical_email(str(claims.get("email", "")))
    except ValueError:
        raise GoogleTokenRejected from None
    return GoogleIdentity(
        uid=str(claims["sub"])[:64],
        email=email,
        first_name=str(claims.get("given_name", ""))[:150],
        last_name=str(claims.get("family_name", ""))[:150],
        is_authority=email.endswith(("@gmail.com", "@googlemail.com")) or bool(claims.get("hd")),
    )


@cache
def google_keys() -> GoogleKeys:
    """Google's published keys, fetched when first needed and kept for five minutes."""
    return jwt.PyJWKClient(CERTIFICATES, timeout=5)
