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
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from prometheus_client import Counter

from apps.accounts.callers import Caller
from apps.accounts.errors import InvalidCredentials, TokenRejected
from apps.accounts.models import Session, User
from apps.accounts.services.audit import NOBODY, Action, note, note_each
from apps.accounts.services.networks import remember_network
from apps.accounts.tokens import access_token, rotate_signing_key
from core.clock import now
from core.errors import NotFound
from core.redaction import conceal

log = structlog.get_logger(__name__)
REFRESHES = Counter("hanout_refreshes_total", "Refresh tokens presented, by outcome.", ["outcome"])
SESSIONS_ENDED = Counter("hanout_sessions_ended_total", "Sessions ended, by reason.", ["reason"])

REVOKED = Session.EndReason.REVOKED
MOST_SHOWN = 100
_PREFIX = "hr1"
_SESSION_BYTES, _COUNTER_BYTES = 16, 4
_READ = """
    SELECT s.key, u.public_id FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id
    WHERE s.id = %s AND u.is_active
"""
# The current token moves the counter; its parent leaves it, and counts as use too: clients that never store the new
# token (S0's) live on that path. Whichever it was, the counter returned is the successor's.
_MOVE = """
    UPDATE accounts_session SET refreshed_at = %(now)s, counter = %(counter)s + 1
    WHERE id = %(session)s AND counter IN (%(counter)s, %(counter)s + 1)
      AND ended_at IS NULL AND expires_at > %(now)s AND refreshed_at > %(idle)s
"""


@dataclass(frozen=True)
class ProvedRefresh:
    """What a refresh token says, once its signature is proved, and whose session it is of."""

    session: uuid.UUID
    counter: int
    key: bytes
    subject: uuid.UUID


@dataclass(frozen=True)
class Pair:
    """An access token and the refresh token for the next."""

    access: str
    refresh: str


@dataclass(frozen=True)
class SignedIn(Pair):
    """A new session with its first pair of tokens."""

    user: User
    session: Session


@transaction.atomic
def start_session(*, user: User, caller: Caller) -> SignedIn:
    """Open a session and issue its first pair of tokens.

    Raises `InvalidCredentials` if the password, the passcode or the person's standing has changed since they were
    looked at: a session opened then would outlive the end of all sessions.
    """
    now_kept = (
        User.objects.select_for_update(no_key=True).values_list("password", "passcode", "is_active").get(pk=user.pk)
    )
    if now_kept != (user.password, user.passcode, True):
        raise InvalidCredentials
    session = Session.objects.create(
        user=user,
        key=secrets.token_bytes(32),
        address=caller.address or None,
        user_agent=caller.user_agent[:255],
        device_id=caller.device_id[:100],
        device_name=caller.device_name[:100],
        device_type=caller.device_type[:10],
        created_at=now(),
        refreshed_at=now(),
        expires_at=now() + timedelta(days=settings.SESSION_ABSOLUTE_DAYS),
    )
    user.last_login = now()
    user.save(update_fields=["last_login"])
    remember_network(user=user, caller=caller)
    note(Action.SIGNED_IN, caller=caller, user=user, session=str(session.pk))
    pair = _pair(session.pk, bytes(session.key), user.public_id, counter=0)
    return SignedIn(pair.access, pair.refresh, user, session)


def refresh_session(*, token: str, caller: Caller = NOBODY) -> Pair:
    """A new pair for this refresh token; raises `TokenRejected`, and ends the session if the token is a stale copy."""
    shown = prove_refresh(token)
    values: dict[str, Any] = {"session": shown.session, "counter": shown.counter, "now": now(), "idle": idle_since()}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, values)
        moved = cursor.rowcount
    if not moved:
        _refuse(shown.session, shown.counter, caller)
    REFRESHES.labels(outcome="accepted").inc()
    return _pair(shown.session, shown.key, shown.subject, counter=shown.counter + 1)


def end_session(*, session: uuid.UUID, reason: str = Session.EndReason.SIGNED_OUT, caller: Caller = NOBODY) -> None:
    """End a session and with it every token that names it, at once. Ending twice changes nothing."""
    _end(Q(pk=session), reason, caller)


def end_sessions_of(
    *, user: User, reason: str, caller: Caller = NOBODY, keep: uuid.UUID | None = None, device_id: str = ""
) -> int:
    """End a person's sessions at once, but one to `keep`, or only those of a device; return how many."""
    which = Q(user=user) & (Q(device_id=device_id) if device_id else Q())
    return _end(which & ~Q(pk=keep) if keep else which, reason, caller)


def end_own_session(*, user: User, session: uuid.UUID, caller: Caller) -> None:
    """End one of a person's sessions; raises `NotFound` for one that is not theirs."""
    if not Session.objects.filter(pk=session, user=user).exists():
        raise NotFound
    _end(Q(pk=session), Session.EndReason.REVOKED, caller)


def log_out(*, user: User, refresh_token: str, device_id: str, caller: Caller) -> None:
    """End the session of a refresh token, else those of a device, else all of the person (V2).

    Raises `TokenRejected` for a token that is none, `NotFound` for one of somebody else's session.
    """
    if refresh_token:
        end_own_session(user=user, session=prove_refresh(refresh_token).session, caller=caller)
        return
    end_sessions_of(user=user, reason=Session.EndReason.SIGNED_OUT, caller=caller, device_id=device_id)


def sessions_of(user: User) -> QuerySet[Session]:
    """A person's newest sessions, ended ones included."""
    return Session.objects.filter(user=user)[:MOST_SHOWN]


def prove_refresh(token: str) -> ProvedRefresh:
    """What this refresh token says, whether or not its session still lives; raises `TokenRejected` for a forged one."""
    prefix, _, rest = conceal(token).partition(".")
    body, _, signature = rest.partition(".")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (Base64Error, ValueError):
        raise TokenRejected from None
    if prefix != _PREFIX or len(raw) != _SESSION_BYTES + _COUNTER_BYTES:
        raise TokenRejected
    session = uuid.UUID(bytes=raw[:_SESSION_BYTES])
    with connection.cursor() as cursor:
        cursor.execute(_READ, [session])
        row = cursor.fetchone()
    if row is None or not hmac.compare_digest(_signature(bytes(row[0]), body).encode(), signature.encode()):
        raise TokenRejected
    return ProvedRefresh(session, int.from_bytes(raw[_SESSION_BYTES:]), bytes(row[0]), row[1])


@transaction.atomic
def rotate_key(*, compromised: bool = False) -> str:
    """Sign access tokens with a new key from now on, and return its name; see `tokens.rotate_signing_key`."""
    kid = rotate_signing_key(compromised=compromised)
    note(Action.KEY_ROTATED, kid=kid, compromised=compromised)
    return kid


def idle_since() -> datetime:
    """Sessions not refreshed since then have gone idle."""
    return now() - timedelta(days=settings.SESSION_IDLE_DAYS)


def _end(which: Q, reason: str, caller: Caller) -> int:
    ended = list(Session.objects.filter(which, ended_at=None).select_related("user"))
    count = Session.objects.filter(pk__in=[session.pk for session in ended], ended_at=None).update(
        ended_at=now(), end_reason=reason
    )
    SESSIONS_ENDED.labels(reason=reason).inc(count)
    note_each(
        Action.SESSION_ENDED,
        caller=caller,
        about=[(session.user, {"session": str(session.pk), "reason": reason}) for session in ended],
    )
    return count


def _refuse(session: uuid.UUID, counter: int, caller: Caller) -> None:
    """Raise for a token that moved nothing; if it is older than the parent of the current one, a copy is in use."""
    found = Session.objects.alive(idle_since=idle_since()).filter(pk=session, counter__gt=counter + 1).first()
    if found is None:
        REFRESHES.labels(outcome="refused").inc()
        raise TokenRejected
    REFRESHES.labels(outcome="reused").inc()
    behind = found.counter - counter
    note(Action.TOKEN_REUSED, caller=caller, user=found.user, session=str(session), behind=behind)
    end_session(session=session, reason=Session.EndReason.REUSED_TOKEN, caller=caller)
    log.warning("refresh_token_reused", session=str(session), behind=behind)
    raise TokenRejected


def _pair(session: uuid.UUID, key: bytes, subject: uuid.UUID, *, counter: int) -> Pair:
    body = base64.urlsafe_b64encode(session.bytes + counter.to_bytes(_COUNTER_BYTES)).rstrip(b"=").decode()
    refresh = conceal(f"{_PREFIX}.{body}.{_signature(key, body)}")
    return Pair(access_token(subject=subject, session=session), refresh)


def _signature(key: bytes, body: str) -> str:
    mac = hmac.digest(key, f"{_PREFIX}.{body}".encode(), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
