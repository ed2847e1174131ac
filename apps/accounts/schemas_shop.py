"""S2's shapes of people and addresses; what a customer writes about themselves is plain text, without HTML."""

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import HttpRequest
from django.utils.html import strip_tags
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from apps.accounts.currencies import CURRENCIES
from apps.accounts.models import Address, Profile, User
from apps.accounts.schemas import Email, Password, Phone, Token, same_as
from core.clock import Day, now
from core.pagination import PageOut

_LANGUAGE = re.compile(r"([a-z]{2,3})(-[a-z]{4})?(-(?:[a-z]{2}|[0-9]{3}))?", re.IGNORECASE)
_EARLIEST_BIRTH = date(1900, 1, 1)


def _blank_if_none(value: Any) -> Any:
    return "" if value is None else value


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _one_line(value: str) -> str:
    return " ".join(strip_tags(value).split())


def _without_tags(value: str) -> str:
    return strip_tags(value).strip()


def _birth(value: date | None) -> date | None:
    if value and not _EARLIEST_BIRTH <= value <= now().date():
        raise ValueError("Enter the day somebody living was born.")
    return value


def _language(value: str) -> str:
    """The tag as BCP 47 writes it: ar, en-GB, zh-Hant-TW."""
    found = _LANGUAGE.fullmatch(value)
    if found is None:
        raise ValueError("Enter a language such as ar, en or en-GB.")
    language, script, region = (part or "" for part in found.groups())
    return f"{language.lower()}{script.title()}{region.upper()}"


def _currency(value: str) -> str:
    if value.upper() not in CURRENCIES:
        raise ValueError("Enter a currency's code (ISO 4217), such as SAR.")
    return value.upper()


PlainName = Annotated[
    str, BeforeValidator(_blank_if_none), StringConstraints(max_length=150), AfterValidator(_one_line)
]
PlainText = Annotated[
    str, BeforeValidator(_blank_if_none), StringConstraints(max_length=1000), AfterValidator(_without_tags)
]
OptionalPhone = Annotated[Phone | None, BeforeValidator(_none_if_blank)]
Birth = Annotated[Day | None, BeforeValidator(_none_if_blank), AfterValidator(_birth)]
ShopUsername = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_.@+-]+$")
]


class RegisterIn(Schema):
    email: Email
    username: ShopUsername
    password: Password
    password2: Annotated[Password, same_as("password")]
    first_name: PlainName = ""
    last_name: PlainName = ""
    phone: OptionalPhone = None


class TokenIn(Schema):
    token: Token


class EmailIn(Schema):
    email: Email


class ResetIn(Schema):
    token: Token
    new_password: Password
    new_password2: Annotated[Password, same_as("new_password")]


class ChangePasswordIn(Schema):
    old_password: Password
    new_password: Password
    new_password2: Annotated[Password, same_as("new_password")]


class RegisteredOut(Schema):
    """S2's account; `phone` is the proved one, else the one that was claimed."""

    id: UUID
    email: str | None
    username: str | None
    first_name: str
    last_name: str
    phone: str | None

    @staticmethod
    def resolve_id(user: User) -> UUID:
        return user.public_id

    @staticmethod
    def resolve_phone(user: User) -> str | None:
        return user.any_phone


class PreferencesOut(Schema):
    newsletter_subscribed: bool
    sms_notifications: bool
    preferred_language: str
    preferred_currency: str


class PersonOut(RegisteredOut):
    date_of_birth: date | None
    bio: str
    avatar_url: str | None
    email_verified: bool
    created_at: datetime
    profile: PreferencesOut

    @staticmethod
    def resolve_date_of_birth(user: User) -> date | None:
        return _profile(user).date_of_birth

    @staticmethod
    def resolve_bio(user: User) -> str:
        return _profile(user).bio

    @staticmethod
    def resolve_avatar_url(user: User, context: dict[str, Any]) -> str | None:
        name = _profile(user).avatar.name
        return picture_url(context["request"], name) if name else None

    @staticmethod
    def resolve_email_verified(user: User) -> bool:
        return user.email_verified_at is not None

    @staticmethod
    def resolve_profile(user: User) -> Profile:
        return _profile(user)


class PersonPage(PageOut):
    results: list[PersonOut]


class PersonIn(Schema):
    """What is absent stays as it is."""

    first_name: PlainName = ""
    last_name: PlainName = ""
    phone: OptionalPhone = None
    date_of_birth: Birth = None
    bio: PlainText = ""


class PreferencesIn(Schema):
    """What is absent stays as it is."""

    newsletter_subscribed: bool = False
    sms_notifications: bool = False
    preferred_language: Annotated[str, StringConstraints(max_length=10), AfterValidator(_language)] = "en"
    preferred_currency: Annotated[str, StringConstraints(max_length=3), AfterValidator(_currency)] = "USD"


class MessageOut(Schema):
    message: str


class AvatarOut(MessageOut):
    avatar_url: str


def _line(most: int, least: int = 1) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


class AddressIn(Schema):
    """An address in full; `is_default` false never leaves a person without a default."""

    address_type: Address.Kind = Address.Kind.BOTH
    full_name: Annotated[str, _line(150)]
    phone: Annotated[str, _line(20)]
    address_line1: Annotated[str, _line(255)]
    address_line2: Annotated[str, _line(255, 0)] = ""
    city: Annotated[str, _line(100)]
    state: Annotated[str, _line(100, 0)] = ""
    country: Annotated[str, _line(100)]
    postal_code: Annotated[str, _line(20, 0)] = ""
    is_default: bool = False


class AddressPatch(AddressIn):
    """What is absent stays as it is."""

    full_name: Annotated[str, _line(150)] = ""
    phone: Annotated[str, _line(20)] = ""
    address_line1: Annotated[str, _line(255)] = ""
    city: Annotated[str, _line(100)] = ""
    country: Annotated[str, _line(100)] = ""


class AddressOut(Schema):
    id: UUID
    address_type: str
    full_name: str
    phone: str
    address_line1: str
    address_line2: str
    city: str
    state: str
    country: str
    postal_code: str
    is_default: bool
    created_at: datetime = Field(description="Newest first, after the default.")


class AddressPage(PageOut):
    results: list[AddressOut]


def picture_url(request: HttpRequest, name: str) -> str:
    """Where a picture is; a storage of our own answers with a path, an object store with a whole address."""
    return request.build_absolute_uri(default_storage.url(name))


def _profile(user: User) -> Profile:
    """The person's profile, or how one begins."""
    return getattr(user, "profile", None) or Profile(user=user)
