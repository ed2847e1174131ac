"""Links sent by mail: single use, expiring, good for the address they were sent to and one purpose.

The token is the row's random id and a signature over it, so the database holds nothing that opens anything, and the
job which sends the mail makes the token when it needs it.
"""

import base64
import hmac
import uuid
from binascii import Error as Base64Error
from datetime import timedelta

from django.db import transaction
from django.utils.crypto import salted_hmac

from apps.accounts.errors import LinkRejected
from apps.accounts.models import Link, User
from core.clock import now
from core.redaction import conceal

VALID = {
    Link.Purpose.VERIFY_EMAIL: timedelta(days=3),
    Link.Purpose.RESET_PASSWORD: timedelta(hours=1),
    Link.Purpose.INVITATION: timedelta(days=7),
}
_ID_BYTES = 16


def make_link(*, purpose: Link.Purpose, email: str, user: User | None = None) -> Link:
    """A new link; its token is `token_of` it."""
    return Link.objects.create(
        purpose=purpose, email=email, user=user, created_at=now(), expires_at=now() + VALID[purpose]
    )


def token_of(link: Link) -> str:
    """64 characters that prove the link was received."""
    signed = link.pk.bytes + _signature(link.pk, link.purpose)
    return conceal(base64.urlsafe_b64encode(signed).decode())


@transaction.atomic
def use_link(*, token: str, purpose: Link.Purpose) -> Link:
    """Spend the link this token belongs to; raises `LinkRejected` if it is forged, spent, expired or for another use.

    In the caller's transaction: what follows and fails leaves the link unspent.
    """
    pk = _proved_id(conceal(token.strip()), purpose)
    link = Link.objects.select_for_update().filter(pk=pk, purpose=purpose).first()
    if link is None or not link.is_open():
        raise LinkRejected(param="token")
    link.used_at = now()
    link.save(update_fields=["used_at"])
    return link


def _proved_id(token: str, purpose: str) -> uuid.UUID:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (Base64Error, ValueError):
        raise LinkRejected(param="token") from None
    pk = uuid.UUID(bytes=raw[:_ID_BYTES].ljust(_ID_BYTES, b"\0"))
    if not hmac.compare_digest(raw[_ID_BYTES:], _signature(pk, purpose)):
        raise LinkRejected(param="token")
    return pk


def _signature(pk: uuid.UUID, purpose: str) -> bytes:
    return salted_hmac("hanout.link", f"{purpose}:{pk.hex}", algorithm="sha256").digest()
