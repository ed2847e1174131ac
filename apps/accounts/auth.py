"""Who is calling: the bearer token of an endpoint, and the address of any request."""

import uuid
from dataclasses import dataclass

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.accounts.errors import TokenRejected
from apps.accounts.models import Session, User
from apps.accounts.services.sessions import idle_since
from apps.accounts.tokens import session_id_of
from core.client_address import client_address
from core.redaction import conceal


class UserRequest(HttpRequest):
    """A request that passed `bearer`."""

    auth: User
    session_of_token: Session


class BearerAuth(HttpBearer):
    """`Authorization: Bearer <access token>` of a session that is still alive."""

    openapi_bearerFormat = "JWT"  # noqa: N815  # ninja's name

    def authenticate(self, request: HttpRequest, token: str) -> User:
        session = (
            Session.objects.alive(idle_since=idle_since())
            .select_related("user")
            .filter(pk=uuid.UUID(session_id_of(conceal(token))), user__is_active=True)
            .first()
        )
        if session is None:
            raise TokenRejected
        request.session_of_token = session  # type: ignore[attr-defined]  # see UserRequest
        return session.user


bearer = BearerAuth()


@dataclass(frozen=True)
class Caller:
    """Where a sign-in comes from."""

    address: str
    user_agent: str


def caller(request: HttpRequest) -> Caller:
    """The address and the client's own description of itself."""
    return Caller(client_address(request), request.headers.get("User-Agent", "")[:255])
