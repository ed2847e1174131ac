"""S3: one-time passwords, under /api/users/."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Router

from apps.accounts import limits, schemas, services
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import caller
from apps.accounts.google import google_identity
from apps.accounts.models import Code, User
from apps.accounts.phones import canonical_phone

router = Router(tags=["One-time passwords"])


@router.post("send-otp/", response=schemas.SendOtpOut, auth=None, exclude_none=True, summary="Text a one-time password")
def send_otp(request: HttpRequest, body: schemas.SendCodeIn) -> dict[str, Any]:
    """In development the answer carries the code as `otp`; elsewhere that key does not exist."""
    limits.limit_by_address(request, "otp", limits.CODES)
    phone = canonical_phone(body.phone)
    sent = services.send_code(recipient=phone, purpose=Code.Purpose.SIGN_IN, caller=caller(request))
    answer = {"phone": phone, "expires_in_seconds": sent.expires_in_seconds}
    if settings.IS_DEVELOPMENT and settings.DEBUG:
        return answer | {"message": "OTP sent successfully", "otp": sent.digits}
    return answer | {"message": "OTP sent to your phone number"}


@router.post("verify-otp/", response=schemas.VerifiedOut, auth=None, summary="Exchange it for tokens")
def verify_otp(request: HttpRequest, body: schemas.VerifyOtpIn) -> dict[str, Any]:
    """Signs in, or registers with the given name the first time."""
    limits.limit_by_address(request, "otp", limits.CODES)
    signed_in, is_new = services.sign_in_with_code(
        phone=canonical_phone(body.phone),
        guess=body.otp,
        caller=caller(request),
        person=services.Person(body.first_name, body.last_name, body.email or ""),
    )
    message = "Registration successful" if is_new else "Login successful"
    return {"message": message, "created": is_new, "user": signed_in.user, "tokens": signed_in}


@router.post("token/refresh/", response=schemas.AccessOut, auth=None, summary="A new pair of tokens")
def refresh(request: HttpRequest, body: schemas.RefreshIn) -> services.Pair:
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    return services.refresh_session(token=body.refresh, caller=caller(request))


@router.post("logout/", response=schemas.MessageOut, auth=bearer, summary="End this session")
def log_out(request: UserRequest) -> dict[str, Any]:
    services.end_session(session=request.session_id, caller=caller(request))
    return {"message": "Logout successful"}


@router.get("profile/", response=schemas.UserOut, auth=bearer, summary="My profile")
def profile(request: UserRequest) -> User:
    return request.auth


@router.api_operation(
    ["PUT", "PATCH"], "profile/", response=schemas.ProfileChangedOut, auth=bearer, summary="Change it"
)
def change_profile(request: UserRequest, body: schemas.ChangeProfileIn) -> dict[str, Any]:
    """What is absent stays. A new email is unproved until the link mailed to it was followed."""
    limits.limit_by_address(request, "profile", limits.PROFILE_CHANGES)
    changes = services.Changes(fields=body.model_dump(exclude_unset=True, exclude={"password"}), password=body.password)
    services.change_person(user=request.auth, changes=changes, caller=caller(request), session=request.session_id)
    return {"message": "Profile updated successfully", "user": request.auth}


@router.post("google/", response=schemas.VerifiedOut, auth=None, summary="Sign in with Google")
def sign_in_with_google(request: HttpRequest, body: schemas.GoogleIn) -> dict[str, Any]:
    """Google's `id_token` says who it is; the other fields are what older clients send, and prove nothing."""
    limits.limit_by_address(request, "login", limits.SIGN_INS)
    identity = google_identity(body.id_token)
    signed_in, is_new = services.sign_in_with_google(identity=identity, caller=caller(request))
    message = "Registration successful" if is_new else "Login successful"
    return {"message": message, "created": is_new, "user": signed_in.user, "tokens": signed_in}
