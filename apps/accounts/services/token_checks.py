"""What a token still opens, and for how long."""

import base64
from contextlib import suppress

from apps.accounts.callers import Caller
from apps.accounts.errors import TokenRejected
from apps.accounts.models import Session
from apps.accounts.queries import owner_of_living_session
from apps.accounts.services.sessions import end_session, idle_since, session_of
from apps.accounts.tokens import session_id_of
from core.clock import now
from core.redaction import conceal

_REFRESH = "hr1."
_SESSION_BYTES = 16


def require_living_token(*, token: str) -> None:
    """Raise `TokenRejected` unless this access or refresh token would still be accepted; nothing is ended by asking."""
    is_refresh = token.startswith(_REFRESH)
    session = session_of(token) if is_refresh else session_id_of(conceal(token))
    if is_refresh and not Session.objects.filter(pk=session, counter__lte=_counter_of(token) + 1).exists():
        raise TokenRejected
    if owner_of_living_session(session, at=now(), idle_since=idle_since()) is None:
        raise TokenRejected


def seconds_left(*, token: str) -> int:
    """How long the session of this refresh token can live at most."""
    expires_at = Session.objects.values_list("expires_at", flat=True).get(pk=session_of(token))
    return max(0, int((expires_at - now()).total_seconds()))


def end_session_of_token(*, token: str, caller: Caller) -> None:
    """End the session this refresh token belongs to; a token that belongs to none ends nothing."""
    with suppress(TokenRejected):
        end_session(session=session_of(token), caller=caller)


def _counter_of(token: str) -> int:
    """Of a token whose signature is proved: one more than its own is its successor's, and its session's at most."""
    body = token.split(".")[1]
    return int.from_bytes(base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_")[_SESSION_BYTES:])
