"""S4's shapes of accounts, companies and invitations."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from apps.accounts.models import Invitation
from apps.accounts.schemas import Email, Password, Token

MAX_ID = 2**63 - 1


def _without_nul(value: str) -> str:
    """JSON with NUL characters is refused at the door; a form is read here."""
    if "\0" in value:
        raise ValueError("NUL is not a character of text.")
    return value


def _viewer_unless_admin(value: Any) -> Any:
    return "admin" if value == "admin" else "viewer"


Invitable = Literal["viewer", "admin"]


class RegisterIn(Schema):
    email: Email
    password: Password
    company_name: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="A new one becomes yours; of one that exists you learn and get nothing."
    )


class TokenForm(Schema):
    """The form of OAuth 2's password grant (RFC 6749, 4.3.2); its other fields change nothing."""

    username: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254), AfterValidator(_without_nul)
    ] = Field(description="The email address.")
    password: Annotated[Password, AfterValidator(_without_nul)]


class AccessOut(Schema):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # a kind


class OkOut(Schema):
    ok: bool = True


class AccountOut(Schema):
    id: int
    email: str | None
    is_active: bool
    company_id: int | None
    role: str


class CreateUserIn(Schema):
    email: Email
    password: Password
    role: Annotated[Invitable, BeforeValidator(_viewer_unless_admin)] = Field(
        "viewer", description="admin; anything else is a viewer."
    )


class RoleIn(Schema):
    role: Literal["viewer", "admin", "owner"]


class InvitationIn(Schema):
    email: Email
    role: Invitable = "viewer"


class InvitationOut(Schema):
    id: int
    email: str
    role: str
    company_id: int
    created_at: datetime
    expires_at: datetime

    @staticmethod
    def resolve_expires_at(invitation: Invitation) -> datetime:
        return invitation.link.expires_at


class AcceptIn(Schema):
    token: Token
