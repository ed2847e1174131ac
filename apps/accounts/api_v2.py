"""V2: mobile sign-in under /api/v2/, without final slashes."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Body, Router, Status

from apps.accounts import limits, services
from apps.accounts import schemas_v2 as schemas
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import Caller, caller
from apps.accounts.phones import canonical_phone
from core.envelope import Envelope, answer

router = Router(tags=["Mobile sign-in (V2)"])
sessions = Router(tags=["Sessions (V2)"])
BOTH = ["POST", "PUT"]


@router.post("signup", response=schemas.SignedInOut, auth=None, summary="Make an account and sign in")
def sign_up(request: HttpRequest, body: schemas.SignUpIn) -> dict[str, Any]:
    limits.limit_by_address(request, "register", limits.REGISTRATIONS)
    person = services.NewPerson(
        email=body.email, first_name=body.first_name, last_name=body.last_name, phone=canonical_phone(body.phone)
    )
    signed_in = services.sign_up(person=person, password=body.password, caller=_caller(request, body))
    return answer("Registration successful", schemas.SignedInData.of(signed_in))


@router.post("signin", response=schemas.SignedInOut, auth=None, summary="Sign in by password or passcode")
def sign_in(request: HttpRequest, body: schemas.SignInIn) -> dict[str, Any]:
    limits.limit_by_address(request, "login", limits.SIGN_INS)
    origin = _caller(request, body)
    if body.passcode is not None:
        signed_in = services.sign_in_with_passcode(email=body.email, passcode=body.passcode, caller=origin)
    else:
        signed_in = services.sign_in_with_password(email=body.email, password=body.password or "", caller=origin)
    return answer("Login successful", schemas.SignedInData.of(signed_in))


@router.post("oauth/{provider}", response={501: dict[str, Any]}, auth=None, summary="Google or Apple: not yet")
def oauth(request: HttpRequest, provider: schemas.OAuthProvider) -> Status[dict[str, Any]]:
    return Status(501, {"success": False, "message": "OAuth endpoints coming soon", "endpoint": request.path})


@router.post("refresh", response=schemas.TokensOut, auth=None, summary="A new pair of tokens")
def refresh(request: HttpRequest, body: schemas.RefreshIn) -> schemas.TokensOut:
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    return schemas.TokensOut.of(services.refresh_session(token=body.refresh, caller=caller(request)))


@router.post("logout", response=Envelope, auth=bearer, summary="End one session, a device's, or all")
def log_out(request: UserRequest, body: Body[schemas.LogOutIn | None] = None) -> dict[str, Any]:
    """By `refresh_token`, else by `device_id`, else every session of the person."""
    wanted = body or schemas.LogOutIn()
    services.log_out(
        user=request.auth,
        refresh_token=wanted.refresh_token or "",
        device_id=wanted.device_id or "",
        caller=caller(request),
    )
    return answer("Logout successful")


@router.post("passcode/setup", response=Envelope, auth=bearer, summary="Set the passcode, once")
def set_up_passcode(request: UserRequest, body: schemas.PasscodeSetUpIn) -> dict[str, Any]:
    services.set_up_secret(user=request.auth, kind=services.PASSCODE, value=body.passcode, caller=caller(request))
    return answer("Passcode set", {"has_passcode": True})


@router.post("passcode/verify", response=Envelope, auth=bearer, summary="Is this the passcode?")
def verify_passcode(request: UserRequest, body: schemas.PasscodeIn) -> dict[str, Any]:
    services.check_secret(user=request.auth, kind=services.PASSCODE, value=body.passcode, caller=caller(request))
    return answer("Passcode verified", {"verified": True, "has_passcode": True})


@router.api_operation(BOTH, "passcode/change", response=Envelope, auth=bearer, summary="Change the passcode")
def change_passcode(request: UserRequest, body: schemas.PasscodeChangeIn) -> dict[str, Any]:
    """Other sessions end, and for 24 hours only smaller amounts may be spent."""
    services.change_secret(
        user=request.auth,
        kind=services.PASSCODE,
        current=body.current_passcode,
        new=body.new_passcode,
        caller=caller(request),
        keep=request.session_id,
    )
    return answer("Passcode changed", {"has_passcode": True, **_restriction(request)})


@router.post("pin/setup", response=Envelope, auth=bearer, summary="Set the PIN, once")
def set_up_pin(request: UserRequest, body: schemas.PinSetUpIn) -> dict[str, Any]:
    services.set_up_secret(user=request.auth, kind=services.PIN, value=body.pin, caller=caller(request))
    return answer("PIN set", {"has_pin": True})


@router.post("pin/verify", response=Envelope, auth=bearer, summary="Is this the PIN?")
def verify_pin(request: UserRequest, body: schemas.PinIn) -> dict[str, Any]:
    services.check_secret(user=request.auth, kind=services.PIN, value=body.pin, caller=caller(request))
    return answer("PIN verified", {"verified": True, "has_pin": True})


@router.api_operation(BOTH, "pin/change", response=Envelope, auth=bearer, summary="Change the PIN")
def change_pin(request: UserRequest, body: schemas.PinChangeIn) -> dict[str, Any]:
    """Other sessions end, and for 24 hours only smaller amounts may be spent."""
    services.change_secret(
        user=request.auth,
        kind=services.PIN,
        current=body.current_pin,
        new=body.new_pin,
        caller=caller(request),
        keep=request.session_id,
    )
    return answer("PIN changed", {"has_pin": True, **_restriction(request)})


@router.get("pin/status", response=schemas.PinStatusOut, auth=bearer, summary="Is a PIN set?")
def pin_status(request: UserRequest) -> dict[str, Any]:
    is_set = bool(request.auth.pin)
    return {
        **answer("PIN is set" if is_set else "PIN is not set", {"has_pin": is_set}),
        "transaction_pin_set": is_set,
    }


@sessions.get("sessions", response=schemas.SessionsOut, auth=bearer, summary="Where I am signed in")
def list_sessions(request: UserRequest) -> dict[str, Any]:
    """The newest hundred, ended ones too."""
    shown = [schemas.SessionOut.of(row, current=request.session_id) for row in services.sessions_of(request.auth)]
    active = sum(session.is_active for session in shown)
    return answer("Sessions", {"sessions": shown, "total_sessions": len(shown), "active_sessions": active})


@sessions.delete("sessions/all", response=schemas.SessionsEndedOut, auth=bearer, summary="End all but this one")
def end_other_sessions(request: UserRequest) -> dict[str, Any]:
    count = services.end_sessions_of(
        user=request.auth, reason=services.REVOKED, caller=caller(request), keep=request.session_id
    )
    return answer("Sessions terminated", {"sessions_terminated": count, "remaining_sessions": 1})


@sessions.delete("sessions/{session_id}", response=Envelope, auth=bearer, summary="End one session")
def end_one_session(request: UserRequest, session_id: UUID) -> dict[str, Any]:
    services.end_own_session(user=request.auth, session=session_id, caller=caller(request))
    return answer("Session terminated")


def _caller(request: HttpRequest, body: schemas.DeviceIn) -> Caller:
    return replace(
        caller(request), device_id=body.device_id, device_name=body.device_name, device_type=body.device_type
    )


def _restriction(request: UserRequest) -> dict[str, Any]:
    limits_now = services.spending_limits(request.auth)
    return {
        "is_restricted": True,
        "restriction_applied": True,
        "restricted_until": limits_now.restricted_until,
        "restricted_limit": limits_now.daily,
    }
