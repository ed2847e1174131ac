"""Whether a token still opens anything."""

from apps.accounts.errors import TokenRejected
from apps.accounts.queries import owner_of_living_session
from apps.accounts.services.sessions import idle_since, session_of
from apps.accounts.tokens import session_id_of
from core.clock import now
from core.redaction import conceal

_REFRESH = "hr1."


def require_living_token(*, token: str) -> None:
    """Raise `TokenRejected` unless this access or refresh token is of a session that is still alive."""
    session = session_of(token) if token.startswith(_REFRESH) else session_id_of(conceal(token))
    if owner_of_living_session(session, at=now(), idle_since=idle_since()) is None:
        raise TokenRejected
