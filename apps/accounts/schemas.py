"""Request and answer shapes of S0, S2 and S3, each as its document writes it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo
from pydantic.json_schema import SkipJsonSchema

from apps.accounts.emails import canonical_email
from apps.accounts.models import User


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def same_as(field: str) -> AfterValidator:
    """Ask that a confirmation repeats the field before it; an optional one may be left out."""
    kind = field.removeprefix("new_")

    def check(again: str | None, given: ValidationInfo) -> str | None:
        # A first one that was refused is not there: its own message says enough.
        if again not in (None, given.data.get(field, again)):
            raise ValueError(f"The two {kind}s differ.")
        return again

    return AfterValidator(check)


def _blank_if_none(value: Any) -> Any:
    return "" if value is None else value


Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Letters = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=150, pattern=r"^[\u0600-\u06FFA-Za-zÀ-ÖØ-öø-ÿ ]+$")
]
Username = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=50, pattern=r"^[A-Za-z0-9_.]+$")
]
Digits = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=150)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(canonical_email)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class SendCodeIn(Schema):
    phone: Phone = Field(examples=["+966512345678"])


class OkOut(Schema):
    ok: bool = True


class SentOut(OkOut):
    dev_code: str | SkipJsonSchema[None] = Field(None, description="Staging's testers only.")


class PhonePasswordIn(Schema):
    phone: Phone = Field(examples=["+966512345678"])
    password: Password


class CompleteIn(Schema):
    """S0's last form; names are Arabic or Latin letters."""

    first_name: Letters
    last_name: Letters
    username: Username
    email: Email
    password: Password
    password_confirm: Annotated[Password, same_as("password")]
    accept_terms: Literal[True]


class CompletedOut(OkOut):
    role_state: str


class AvailabilityOut(OkOut):
    available: bool
    detail: str


class ChangeMeIn(Schema):
    """What is absent stays; null or blank clears, but for the phone."""

    password: Annotated[str, StringConstraints(max_length=128)] = ""
    phone: Phone | None = None
    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = ""
    email: Annotated[Email | None, BeforeValidator(_none_if_blank)] = None
    username: Annotated[Username | None, BeforeValidator(_none_if_blank)] = None
    first_name: Annotated[Name, BeforeValidator(_blank_if_none)] = ""
    last_name: Annotated[Name, BeforeValidator(_blank_if_none)] = ""


class VerifyCodeIn(Schema):
    phone: Phone = Field(examples=["+966512345678"])
    code: Digits = Field(examples=["123456"])


class FactorIn(Schema):
    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)] = Field(
        examples=["123456"], description="Six digits, or a recovery code."
    )


class FactorOut(OkOut):
    expires_at: datetime


class SignedInOut(Schema):
    ok: bool = True
    user_id: int
    role_state: str
    is_new_user: bool
    needs_completion: bool
    refresh: str
    access: str


class RefreshIn(Schema):
    refresh: Token


class AccessOut(Schema):
    access: str
    refresh: str


class MeOut(Schema):
    """S0's profile; what belongs to its marketplace is always zero or empty here."""

    id: int
    phone: str | None
    email: str | None
    username: str | None
    first_name: str
    last_name: str
    role_state: str
    has_provider_profile: bool = False
    is_provider: bool = False
    following_count: int = 0
    likes_count: int = 0
    provider_profile_id: int | None = None
    provider_display_name: str | None = None
    provider_city: str | None = None
    provider_followers_count: int = 0
    provider_likes_received_count: int = 0
    provider_rating_avg: float | None = None
    provider_rating_count: int = 0

    @staticmethod
    def resolve_email(user: User) -> str | None:
        return user.any_email


class SendOtpOut(Schema):
    success: bool = True
    phone: str
    message: str
    otp: str | SkipJsonSchema[None] = Field(None, description="Development only; elsewhere the key is absent.")
    expires_in_seconds: int


class VerifyOtpIn(Schema):
    phone: Phone = Field(examples=["+801719159900"])
    otp: Digits = Field(examples=["123456"])
    first_name: Name = ""
    last_name: Name = ""
    email: Email | None = None


class UserOut(Schema):
    id: int
    phone: str | None
    google_uid: str | None = None
    is_verified: bool
    first_name: str
    last_name: str
    email: str | None
    profile_picture: str | None = None
    date_joined: datetime
    full_name: str

    @staticmethod
    def resolve_email(user: User) -> str | None:
        return user.any_email

    @staticmethod
    def resolve_is_verified(user: User) -> bool:
        return user.phone_verified_at is not None

    @staticmethod
    def resolve_date_joined(user: User) -> datetime:
        return user.created_at


class TokensOut(Schema):
    refresh: str
    access: str


class VerifiedOut(Schema):
    success: bool = True
    message: str
    created: bool
    user: UserOut
    tokens: TokensOut


class MessageOut(Schema):
    success: bool = True
    message: str


class ChangeProfileIn(Schema):
    password: Annotated[str, StringConstraints(max_length=128)] = ""
    first_name: Annotated[Name, BeforeValidator(_blank_if_none)] = ""
    last_name: Annotated[Name, BeforeValidator(_blank_if_none)] = ""
    email: Annotated[Email | None, BeforeValidator(_none_if_blank)] = None


class ProfileChangedOut(MessageOut):
    user: UserOut


class GoogleIn(Schema):
    """`uid` and the rest are accepted and not believed."""

    id_token: Annotated[str, StringConstraints(max_length=4000)] = ""
    uid: Name = ""
    email: Annotated[str, StringConstraints(max_length=254)] = ""


class LoginIn(Schema):
    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
    password: Password


class ShopUserOut(Schema):
    id: str
    email: str | None
    username: str | None
    first_name: str
    last_name: str
    phone: str | None

    @staticmethod
    def resolve_id(user: User) -> str:
        return str(user.public_id)


class LoginOut(Schema):
    access: str
    refresh: str
    user: ShopUserOut
