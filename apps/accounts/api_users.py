"""S3: one-time passwords, under /api/users/."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router

from apps.accounts import limits, schemas, services
from apps.accounts.auth import UserRequest, bearer, caller
from apps.accounts.models import Code, User
from apps.accounts.phones import canonical_phone
from apps.accounts.services.sign_in import Profile

router = Router(tags=["One-time passwords"])


@router.post("send-otp/", response=schemas.SendOtpOut, auth=None, exclude_none=True, summary="Text a one-time password")
def send_otp(request: HttpRequest, body: schemas.SendCodeIn) -> dict[str, Any]:
    """In development the answer carries the code as `otp`; elsewhere that key does not exist."""
    limits.limit_by_address(request, "otp", limits.CODES)
    phone = canonical_phone(body.phone)
    code = services.send_code(phone=phone, purpose=Code.Purpose.SIGN_IN, address=caller(request).address)
    answer = {"phone": phone, "expires_in_seconds": settings.OTP_TTL_SECONDS}
    if settings.IS_DEVELOPMENT and settings.DEBUG:
        return answer | {"message": "OTP sent successfully", "otp": code}
    return answer | {"message": "OTP sent to your phone number"}


@router.post("verify-otp/", response=schemas.VerifiedOut, auth=None, summary="Exchange it for tokens")
def verify_otp(request: HttpRequest, body: schemas.VerifyOtpIn) -> dict[str, Any]:
    """Signs in, or registers with the given name the first time."""
    limits.limit_by_address(request, "otp", limits.CODES)
    origin = caller(request)
    signed_in, is_new = services.sign_in_with_code(
        phone=canonical_phone(body.phone),
        guess=body.otp,
        address=origin.address,
        user_agent=origin.user_agent,
        profile=Profile(body.first_name, body.last_name),
    )
    message = "Registration successful" if is_new else "Login successful"
    return {"message": message, "created": is_new, "user": signed_in.user, "tokens": signed_in}


@router.post("token/refresh/", response=schemas.AccessOut, auth=None, summary="A new pair of tokens")
def refresh(request: HttpRequest, body: schemas.RefreshIn) -> services.SignedIn:
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    return services.refresh_session(token=body.refresh)


@router.post("logout/", response=schemas.MessageOut, auth=bearer, summary="End this session")
def log_out(request: UserRequest) -> dict[str, Any]:
    services.end_session(session=request.session_of_token)
    return {"message": "Logout successful"}


@router.get("profile/", response=schemas.UserOut, auth=bearer, summary="My profile")
def profile(request: UserRequest) -> User:
    return request.auth
