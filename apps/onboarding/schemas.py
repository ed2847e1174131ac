"""V1's shapes. Frozen: a change here is a change for every web client there is."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from ninja import Schema
from pydantic import AliasChoices, Field, StringConstraints, ValidationInfo, field_validator

from apps.accounts.models import Profile, User
from apps.accounts.schemas import Digits, Email, Password, Phone, same_as
from core.envelope import Envelope

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Lines = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]


class DeviceIn(Schema):
    """What the web client knows about the browser it runs in."""

    device_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    device_os: Remark = ""
    device_info: Remark = ""


class InitiateIn(Schema):
    email: Email
    first_name: Words
    last_name: Words
    oauth_provider: Remark = ""
    phone: Annotated[Phone | None, Field(validate_default=True)] = None
    auth_id: Annotated[str, StringConstraints(max_length=4000)] = Field("", description="Google's ID token.")

    @property
    def is_google(self) -> bool:
        return self.oauth_provider == "google"

    @field_validator("phone")
    @classmethod
    def _needed_unless_google(cls, phone: str | None, given: ValidationInfo) -> str | None:
        if not phone and given.data.get("oauth_provider") != "google":
            raise ValueError("This field is required.")
        return phone


class VerifyOtpIn(Schema):
    session_id: UUID
    otp: Digits


class CompleteIn(DeviceIn):
    session_id: UUID
    password: Password
    password_confirmation: Annotated[Password | None, same_as("password")] = None
    country: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    state: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    address: Lines
    dob: date


class ActivationIn(Schema):
    """The mailed token; the web client sends it under the name it had before there was one."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        validation_alias=AliasChoices("token", "session_id")
    )


class LoginIn(DeviceIn):
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254)]
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
    password: Password
    login_type: Remark = ""
    login_with: Remark = ""
    oauth_type: Remark = ""


class EmailIn(Schema):
    email: Email


class CheckOtpIn(EmailIn):
    otp: Digits


class ResetIn(CheckOtpIn):
    new_password: Password


class DeviceTokenIn(Schema):
    device_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    token: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class InitiatedData(Schema):
    session_id: UUID
    otp_expires_at: datetime | None


class InitiatedOut(Envelope):
    data: InitiatedData


class SessionData(Schema):
    session_id: UUID


class SessionOut(Envelope):
    data: SessionData


class ProfileOut(Schema):
    """What belongs to a bank rather than a shop is always false or zero here."""

    username: str | None
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    dob: date | None
    address: str
    country: str
    state: str
    currency: str
    is_active: bool
    is_verified: bool
    is_admin: bool
    image: str | None
    last_login: datetime | None
    has_bvn: bool = False
    account_tier: int = 0
    email_verified: bool
    has_nin: bool = False
    has_virtual_wallet: bool = False

    @classmethod
    def of(cls, user: User) -> Self:
        """The person's profile; whoever came another way has an empty one."""
        profile = Profile.objects.filter(pk=user.pk).first() or Profile(user=user)
        return cls(
            username=user.username,
            first_name=user.first_name,
            last_name=user.last_name,
            email=user.email,
            phone=user.any_phone,
            dob=profile.date_of_birth,
            address=profile.address,
            country=profile.country,
            state=profile.state,
            currency=profile.preferred_currency,
            is_active=user.is_active,
            is_verified=user.email_verified_at is not None,
            is_admin=user.is_staff,
            image=profile.avatar.url if profile.avatar else None,
            last_login=user.last_login,
            email_verified=user.email_verified_at is not None,
        )


class TokensOut(Schema):
    refresh: str
    access: str


class SignedInData(Schema):
    user: ProfileOut
    token: TokensOut


class SignedInOut(Envelope):
    data: SignedInData
