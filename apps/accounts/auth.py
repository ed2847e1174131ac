"""The bearer token of an endpoint."""

from uuid import UUID

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.accounts.errors import TokenRejected
from apps.accounts.models import User
from apps.accounts.queries import owner_of_living_session
from apps.accounts.services.sessions import idle_since
from apps.accounts.tokens import session_id_of
from core.clock import now
from core.redaction import conceal


class UserRequest(HttpRequest):
    """A request that passed `bearer`."""

    auth: User
    session_id: UUID


class BearerAuth(HttpBearer):
    """`Authorization: Bearer <access token>` of a session that is still alive."""

    openapi_bearerFormat = "JWT"  # noqa: N815  # ninja's name

    def authenticate(self, request: HttpRequest, token: str) -> User:
        session = session_id_of(conceal(token))
        user = owner_of_living_session(session, at=now(), idle_since=idle_since())
        if user is None:
            raise TokenRejected
        request.session_id = session  # type: ignore[attr-defined]  # see UserRequest
        return user


bearer = BearerAuth()
