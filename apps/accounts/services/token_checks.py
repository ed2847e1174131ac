"""What a token still opens, and for how long."""

from contextlib import suppress

from apps.accounts.callers import Caller
from apps.accounts.errors import TokenRejected
from apps.accounts.models import Session
from apps.accounts.queries import owner_of_living_session
from apps.accounts.services.sessions import end_session, idle_since, prove_refresh
from apps.accounts.tokens import session_id_of
from core.clock import now
from core.redaction import conceal

_REFRESH = "hr1."


def require_living_token(*, token: str) -> None:
    """Raise `TokenRejected` unless this access or refresh token would still be accepted; nothing is ended by asking."""
    if token.startswith(_REFRESH):
        shown = prove_refresh(token)
        session = shown.session
        # The session's counter is that of the current token: its own, or its parent's and one more.
        is_current = Session.objects.filter(pk=session, counter__lte=shown.counter + 1).exists()
    else:
        session, is_current = session_id_of(conceal(token)), True
    if not is_current or owner_of_living_session(session, at=now(), idle_since=idle_since()) is None:
        raise TokenRejected


def seconds_left(*, token: str) -> int:
    """How long the session of this refresh token can live at most."""
    expires_at = Session.objects.values_list("expires_at", flat=True).get(pk=prove_refresh(token).session)
    return max(0, int((expires_at - now()).total_seconds()))


def end_session_of_token(*, token: str, caller: Caller) -> None:
    """End the session this refresh token belongs to; a token that belongs to none ends nothing."""
    with suppress(TokenRejected):
        end_session(session=prove_refresh(token).session, caller=caller)
