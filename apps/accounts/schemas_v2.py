"""V2's shapes: every key of both generations of mobile clients."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from django.conf import settings
from ninja import Schema
from pydantic import AliasChoices, Field, StringConstraints, model_validator

from apps.accounts.models import Session, User
from apps.accounts.schemas import Email, Password, Phone, Token, same_as
from apps.accounts.services import Pair, SignedIn, idle_since, spending_limits
from core.clock import now
from core.envelope import Envelope

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Remark = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=20)]


class OAuthProvider(StrEnum):
    GOOGLE = "google"
    APPLE = "apple"


class DeviceIn(Schema):
    """What the app says about the phone it runs on; the address it claims is not believed."""

    device_id: Remark = ""
    device_name: Remark = ""
    device_type: Annotated[str, StringConstraints(pattern="^(ios|android|web|unknown)?$")] = ""


class SignUpIn(DeviceIn):
    email: Email
    password: Password
    password_confirmation: Annotated[Password, same_as("password")]
    first_name: Words
    last_name: Words
    phone: Phone
    referral_code: Remark | None = None


class SignInIn(DeviceIn):
    email: Email
    password: Password | None = None
    passcode: Secret | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.password is None) == (self.passcode is None):
            raise ValueError("Send either password or passcode.")
        return self


class RefreshIn(Schema):
    refresh: Token = Field(validation_alias=AliasChoices("refresh", "refresh_token"))


class LogOutIn(Schema):
    refresh_token: Annotated[str, StringConstraints(max_length=2000)] | None = None
    device_id: Remark | None = None


class PasscodeIn(Schema):
    passcode: Secret


class PasscodeSetUpIn(PasscodeIn):
    passcode_confirmation: Annotated[Secret, same_as("passcode")]


class PasscodeChangeIn(Schema):
    current_passcode: Secret = Field(validation_alias=AliasChoices("current_passcode", "old_passcode"))
    new_passcode: Secret
    new_passcode_confirmation: Annotated[Secret, same_as("new_passcode")]


class PinIn(Schema):
    pin: Secret


class PinSetUpIn(PinIn):
    pin_confirmation: Annotated[Secret, same_as("pin")]


class PinChangeIn(Schema):
    current_pin: Secret = Field(validation_alias=AliasChoices("current_pin", "old_pin"))
    new_pin: Secret
    new_pin_confirmation: Annotated[Secret, same_as("new_pin")]


class TokensOut(Schema):
    """All five names mobile clients look for."""

    access: str
    refresh: str
    access_token: str
    refresh_token: str
    expires_in: int

    @classmethod
    def of(cls, pair: Pair) -> Self:
        return cls(
            access=pair.access,
            refresh=pair.refresh,
            access_token=pair.access,
            refresh_token=pair.refresh,
            expires_in=settings.JWT_ACCESS_SECONDS,
        )


class UserOut(Schema):
    id: UUID
    email: str | None
    first_name: str
    last_name: str
    phone: str | None
    is_verified: bool
    has_passcode: bool
    has_pin: bool
    biometric_enabled: bool = False
    verification_status: str
    is_restricted: bool
    effective_per_transaction_limit: int = Field(description="Minor units of the shop's currency.")
    effective_daily_limit: int = Field(description="Minor units of the shop's currency.")
    account_tier: int = 0
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        limits, is_verified = spending_limits(user), bool(user.email_verified_at or user.phone_verified_at)
        return cls(
            id=user.public_id,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            phone=user.any_phone,
            is_verified=is_verified,
            has_passcode=bool(user.passcode),
            has_pin=bool(user.pin),
            verification_status="verified" if is_verified else "pending",
            is_restricted=limits.restricted_until is not None,
            effective_per_transaction_limit=limits.per_transaction,
            effective_daily_limit=limits.daily,
            created_at=user.created_at,
        )


class SignedInData(Schema):
    user: UserOut
    tokens: TokensOut

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        return cls(user=UserOut.of(signed_in.user), tokens=TokensOut.of(signed_in))


class SignedInOut(Envelope):
    data: SignedInData


class PinStatusOut(Envelope):
    transaction_pin_set: bool


class SessionOut(Schema):
    id: UUID
    device_id: str
    device_name: str
    device_type: str
    ip_address: str | None
    user_agent: str
    is_active: bool
    is_current: bool
    created_at: datetime
    last_active_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, session: Session, *, current: UUID) -> Self:
        is_alive = session.ended_at is None and session.expires_at > now() and session.refreshed_at > idle_since()
        return cls(
            id=session.pk,
            device_id=session.device_id,
            device_name=session.device_name,
            device_type=session.device_type or "unknown",
            ip_address=session.address,
            user_agent=session.user_agent,
            is_active=is_alive,
            is_current=session.pk == current,
            created_at=session.created_at,
            last_active_at=session.refreshed_at,
            expires_at=session.expires_at,
        )


class SessionsData(Schema):
    sessions: list[SessionOut]
    total_sessions: int
    active_sessions: int


class SessionsOut(Envelope):
    data: SessionsData


class SessionsEndedData(Schema):
    sessions_terminated: int
    remaining_sessions: int


class SessionsEndedOut(Envelope):
    data: SessionsEndedData
