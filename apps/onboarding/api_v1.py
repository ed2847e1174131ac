"""V1, frozen: web onboarding under /api/v1/onboarding/, without final slashes."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Router

from apps.accounts import limits
from apps.accounts import services as accounts
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import Caller, caller
from apps.accounts.google import google_identity
from apps.accounts.models import Code
from apps.accounts.phones import canonical_phone
from apps.onboarding import schemas, services
from core.envelope import Envelope, answer
from core.idempotency import idempotent

router = Router(tags=["Web onboarding (V1, frozen)"])


@router.post("register/initiate", response=schemas.InitiatedOut, auth=None, summary="Begin: name, email, phone")
def initiate(request: HttpRequest, body: schemas.InitiateIn) -> dict[str, Any]:
    """Mails a six-digit code. `oauth_provider=google` with Google's ID token as `auth_id` needs none."""
    limits.limit_by_address(request, "register", limits.REGISTRATIONS)
    registration, expires_at = services.initiate_registration(applicant=_applicant(body), caller=caller(request))
    message = "Registration Initialized" if body.is_google else "OTP sent to your email address"
    return answer(message, {"session_id": registration.pk, "otp_expires_at": expires_at})


@router.post("register/verify-otp", response=schemas.SessionOut, auth=None, summary="Prove the email by its code")
def verify_registration(request: HttpRequest, body: schemas.VerifyOtpIn) -> dict[str, Any]:
    """Mails the activation link too."""
    limits.limit_by_address(request, "register-verify", limits.CODE_CHECKS)
    services.prove_email(session=body.session_id, code=body.otp, caller=caller(request))
    return answer("OTP verified", {"session_id": body.session_id})


@router.post("register/complete", response=schemas.SignedInOut, auth=None, summary="Finish: password and address")
def complete(request: HttpRequest, body: schemas.CompleteIn) -> Any:
    """May be sent again, with or without an Idempotency-Key: it makes one account and signs in to it."""
    limits.limit_by_address(request, "register-complete", limits.COMPLETIONS)
    try:
        return _complete(request, body)
    except services.CompletedBefore:
        # Here, because a refusal inside would take the count of the try back with it.
        services.require_same(session=body.session_id, password=body.password, caller=_caller(request, body))
    return _complete(request, body, is_same=True)


@idempotent(schemas.SignedInOut)
def _complete(request: HttpRequest, body: schemas.CompleteIn, *, is_same: bool = False) -> dict[str, Any]:
    signed_in = services.complete_registration(
        session=body.session_id,
        password=body.password,
        particulars=services.Particulars(
            country=body.country,
            state=body.state,
            address=body.address,
            date_of_birth=body.dob,
            device=services.DeviceFacts(os=body.device_os, info=body.device_info),
        ),
        caller=_caller(request, body),
        is_same=is_same,
    )
    return _signed_in("Registration successful", signed_in)


@router.post("register/email/activation", response=Envelope, auth=None, summary="Follow the activation link")
def activate(request: HttpRequest, body: schemas.ActivationIn) -> dict[str, Any]:
    """Once per link; `session_id` is read as the token's older name."""
    limits.limit_by_address(request, "activate", limits.CODE_CHECKS)
    services.activate_email(token=body.token, caller=caller(request))
    return answer("Email activated")


@router.post("login", response=schemas.SignedInOut, auth=None, summary="Sign in by email or phone and password")
def log_in(request: HttpRequest, body: schemas.LoginIn) -> dict[str, Any]:
    """`login_with` says which of the two keys counts: `email`, or anything else for the phone."""
    limits.limit_by_address(request, "login", limits.SIGN_INS)
    by_email = body.login_with == "email" or not body.phone
    signed_in = services.log_in(
        email=body.email if by_email else "",
        phone="" if by_email else canonical_phone(body.phone),
        password=body.password,
        device=services.DeviceFacts(os=body.device_os, info=body.device_info),
        caller=_caller(request, body),
    )
    return _signed_in("Login successful", signed_in)


@router.post("request-otp", response=Envelope, auth=None, summary="Mail a code for a forgotten password")
def request_code(request: HttpRequest, body: schemas.EmailIn) -> dict[str, Any]:
    """The answer is the same for an email nobody has."""
    limits.limit_by_address(request, "reset-request", limits.RESET_REQUESTS)
    accounts.send_code(recipient=body.email, purpose=Code.Purpose.RESET, caller=caller(request))
    return answer("OTP sent to your email address")


@router.post("verify-otp", response=Envelope, auth=None, summary="Ask whether the code is right")
def check_code(request: HttpRequest, body: schemas.CheckOtpIn) -> dict[str, Any]:
    """Costs an attempt and does not spend the code."""
    limits.limit_by_address(request, "reset-check", limits.CODE_CHECKS)
    accounts.verify_code(
        recipient=body.email, purpose=Code.Purpose.RESET, guess=body.otp, caller=caller(request), spend_it=False
    )
    return answer("OTP is valid.")


@router.post("reset-password", response=Envelope, auth=None, summary="Set a new password with the code")
def reset_password(request: HttpRequest, body: schemas.ResetIn) -> dict[str, Any]:
    """Ends every session of the person."""
    limits.limit_by_address(request, "reset", limits.RESETS)
    accounts.reset_password_with_code(
        email=body.email, guess=body.otp, password=body.new_password, caller=caller(request)
    )
    return answer("Password reset successful")


@router.post("device-fcm-token", response=Envelope, auth=bearer, summary="Where to push to")
def keep_device_token(request: UserRequest, body: schemas.DeviceTokenIn) -> dict[str, Any]:
    accounts.note_device(
        user=request.auth, caller=replace(caller(request), device_id=body.device_id), push_token=body.token
    )
    return answer("Device token saved")


def _applicant(body: schemas.InitiateIn) -> services.Applicant:
    identity = google_identity(body.auth_id) if body.is_google else None
    return services.Applicant(
        email=identity.email if identity else body.email,
        phone=canonical_phone(body.phone) if body.phone else "",
        first_name=body.first_name,
        last_name=body.last_name,
        google_uid=identity.uid if identity else "",
    )


def _caller(request: HttpRequest, body: schemas.DeviceIn) -> Caller:
    return replace(caller(request), device_id=body.device_id, device_type="web")


def _signed_in(message: str, signed_in: accounts.SignedIn) -> dict[str, Any]:
    return answer(message, {"user": schemas.ProfileOut.of(signed_in.user), "token": signed_in})
