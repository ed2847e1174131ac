"""Sessions and their refresh tokens.

A refresh token is a signed (session, counter). One UPDATE moves the counter; the parent of the current token is
always accepted and yields the same successor, so a lost answer or a parallel refresh logs nobody out; anything older
means a copy is in use and ends the session (RFC 9700, 4.14).
"""

import base64
import hmac
import secrets
import uuid
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import F
from prometheus_client import Counter

from apps.accounts.errors import TokenRejected
from apps.accounts.models import Session, User
from apps.accounts.tokens import access_token
from core.clock import now
from core.redaction import conceal

log = structlog.get_logger(__name__)
REFRESHES = Counter("hanout_refreshes_total", "Refresh tokens presented, by outcome.", ["outcome"])

_PREFIX = "hr1"
_SESSION_BYTES, _COUNTER_BYTES = 16, 4


@dataclass(frozen=True)
class SignedIn:
    """A session with the pair of tokens its client gets."""

    user: User
    session: Session
    access: str
    refresh: str


def start_session(*, user: User, address: str, user_agent: str) -> SignedIn:
    """Open a session and issue its first pair of tokens."""
    session = Session.objects.create(
        user=user,
        key=secrets.token_bytes(32),
        address=address or None,
        user_agent=user_agent[:255],
        created_at=now(),
        refreshed_at=now(),
        expires_at=now() + timedelta(days=settings.SESSION_ABSOLUTE_DAYS),
    )
    User.objects.filter(pk=user.pk).update(last_login=now())
    return _signed_in(session, counter=0)


def refresh_session(*, token: str) -> SignedIn:
    """A new pair for this refresh token; raises `TokenRejected`, and ends the session if the token is a stale copy."""
    conceal(token)
    session, counter = _read(token)
    moved = Session.objects.alive(idle_since=idle_since()).filter(pk=session.pk, counter=counter)
    if moved.update(counter=F("counter") + 1, refreshed_at=now()):
        REFRESHES.labels(outcome="moved").inc()
        return _signed_in(session, counter=counter + 1)
    session.refresh_from_db()
    if not is_alive(session):
        raise TokenRejected
    if counter == session.counter - 1:
        # Clients that never store the new token (S0's) live on this path, so it counts as use too.
        Session.objects.filter(pk=session.pk).update(refreshed_at=now())
        REFRESHES.labels(outcome="parent").inc()
        return _signed_in(session, counter=session.counter)
    REFRESHES.labels(outcome="reused").inc()
    end_session(session=session, reason=Session.EndReason.REUSED_TOKEN)
    log.warning("refresh_token_reused", session=str(session.pk), behind=session.counter - counter)
    raise TokenRejected


def end_session(*, session: Session, reason: str = Session.EndReason.SIGNED_OUT) -> None:
    """End a session and with it every token that names it, at once. Ending twice changes nothing."""
    Session.objects.filter(pk=session.pk, ended_at=None).update(ended_at=now(), end_reason=reason)


def end_sessions_of(*, user: User, reason: str) -> None:
    """End all of a person's sessions at once."""
    Session.objects.filter(user=user, ended_at=None).update(ended_at=now(), end_reason=reason)


def is_alive(session: Session) -> bool:
    """Neither ended nor past its absolute or idle limit."""
    return session.ended_at is None and session.expires_at > now() and session.refreshed_at > idle_since()


def idle_since() -> datetime:
    """Sessions not refreshed since then have gone idle."""
    return now() - timedelta(days=settings.SESSION_IDLE_DAYS)


def _signed_in(session: Session, *, counter: int) -> SignedIn:
    body = base64.urlsafe_b64encode(session.pk.bytes + counter.to_bytes(_COUNTER_BYTES)).rstrip(b"=").decode()
    refresh = conceal(f"{_PREFIX}.{body}.{_signature(session, body)}")
    return SignedIn(session.user, session, access_token(user=session.user, session=session), refresh)


def _signature(session: Session, body: str) -> str:
    mac = hmac.digest(bytes(session.key), f"{_PREFIX}.{body}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _read(token: str) -> tuple[Session, int]:
    """The session and counter a token names, once its signature is proved."""
    prefix, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (Base64Error, ValueError):
        raise TokenRejected from None
    if prefix != _PREFIX or len(raw) != _SESSION_BYTES + _COUNTER_BYTES:
        raise TokenRejected
    named = uuid.UUID(bytes=raw[:_SESSION_BYTES])
    session = Session.objects.select_related("user").filter(pk=named, user__is_active=True).first()
    if session is None:
        raise TokenRejected
    if not hmac.compare_digest(_signature(session, body).encode(), signature.encode()):
        raise TokenRejected
    return session, int.from_bytes(raw[_SESSION_BYTES:])
