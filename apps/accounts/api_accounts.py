"""S0: sign-in by texted code, under /api/accounts/."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from ninja import Router

from apps.accounts import limits, schemas, services
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import caller
from apps.accounts.models import Code, User
from apps.accounts.phones import canonical_phone
from apps.accounts.services.second_factor import open_staff_doors
from core.redaction import conceal

router = Router(tags=["Phone sign-in"])


@router.post("otp/send/", response=schemas.SentOut, auth=None, exclude_none=True, summary="Text a sign-in code")
def send_code(request: HttpRequest, body: schemas.SendCodeIn) -> dict[str, Any]:
    """The answer is the same for known and unknown phones. In development the text is at /inbox/."""
    limits.limit_by_address(request, "otp", limits.CODES)
    is_tester = _shows_test_key(request)
    sent = services.send_code(
        recipient=canonical_phone(body.phone),
        purpose=Code.Purpose.SIGN_IN,
        caller=caller(request),
        fixed=settings.OTP_TEST_CODE if is_tester else "",
    )
    return {"ok": True, "dev_code": sent.digits if is_tester else None}


@router.post("otp/verify/", response=schemas.SignedInOut, auth=None, summary="Exchange the code for tokens")
def verify_code(request: HttpRequest, body: schemas.VerifyCodeIn) -> dict[str, Any]:
    """Creates the account the first time. A wrong code costs an attempt; five end the code."""
    limits.limit_by_address(request, "otp", limits.CODES)
    signed_in, is_new = services.sign_in_with_code(
        phone=canonical_phone(body.phone), guess=body.code, caller=caller(request), may_bypass=True
    )
    user = signed_in.user
    return {
        "user_id": user.pk,
        "role_state": user.role_state,
        "is_new_user": is_new,
        "needs_completion": user.needs_completion,
        "refresh": signed_in.refresh,
        "access": signed_in.access,
    }


@router.post("token/refresh/", response=schemas.AccessOut, auth=None, summary="A new access token")
def refresh(request: HttpRequest, body: schemas.RefreshIn) -> services.Pair:
    """Clients may keep sending the same refresh token, or store the one returned."""
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    return services.refresh_session(token=body.refresh, caller=caller(request))


@router.post("logout/", response=schemas.OkOut, auth=bearer, summary="End this session")
def log_out(request: UserRequest) -> dict[str, Any]:
    """The session of the access token ends, and every token that names it, at once."""
    services.end_session(session=request.session_id, caller=caller(request))
    return {"ok": True}


@router.post("token/", response=schemas.AccessOut, auth=None, summary="Sign in with phone and password")
def token(request: HttpRequest, body: schemas.PhonePasswordIn) -> services.Pair:
    limits.limit_by_address(request, "auth", limits.PHONE_SIGN_INS)
    return services.sign_in_with_password(
        phone=canonical_phone(body.phone), password=body.password, caller=caller(request)
    )


@router.post("complete/", response=schemas.CompletedOut, auth=bearer, summary="Become a client")
def complete(request: UserRequest, body: schemas.CompleteIn) -> dict[str, Any]:
    """Names, email and a password make a visitor a client. For who is one already it changes nothing."""
    changes = body.model_dump(include={"first_name", "last_name", "username", "email"})
    role = services.complete_profile(user=request.auth, changes=changes, password=body.password, caller=caller(request))
    return {"role_state": role}


@router.get("username-availability/", response=schemas.AvailabilityOut, auth=None, summary="Is this username free?")
def username_availability(request: HttpRequest, username: schemas.Username) -> dict[str, Any]:
    limits.limit_by_address(request, "username", limits.USERNAMES)
    is_free = services.is_username_free(username)
    return {"available": is_free, "detail": "This username is free." if is_free else "This username is taken."}


@router.get("me/", response=schemas.MeOut, auth=bearer, summary="My profile")
def me(request: UserRequest) -> User:
    return request.auth


@router.api_operation(["PATCH", "PUT"], "me/", response=schemas.MeOut, auth=bearer, summary="Change my profile")
def change_me(request: UserRequest, body: schemas.ChangeMeIn) -> User:
    """Null or blank clears. A new `phone` is sent a code, and counts once the same request carries it as `code`.

    A new `email` counts once the link mailed to it was followed. Both want a sign-in of the last 15 minutes, or
    `password`.
    """
    limits.limit_by_address(request, "profile", limits.PROFILE_CHANGES)
    changes = services.Changes(
        fields=body.model_dump(exclude_unset=True, exclude={"phone", "code", "password"}),
        phone=canonical_phone(body.phone) if body.phone else "",
        code=body.code,
        password=body.password,
    )
    services.change_person(user=request.auth, changes=changes, caller=caller(request), session=request.session_id)
    return request.auth


@router.post("second-factor/", response=schemas.FactorOut, auth=bearer, summary="Give the second factor (staff)")
def give_second_factor(request: UserRequest, body: schemas.FactorIn) -> dict[str, Any]:
    """Staff. A code of the authenticator app, or a recovery code; this session may then do what the console lets you.

    Where the shop asks for a second factor, staff's operations answer 403 `second_factor_needed` before.
    """
    limits.limit_by_address(request, "second-factor", limits.SIGN_INS)
    until = open_staff_doors(user=request.auth, session=request.session_id, typed=body.code, caller=caller(request))
    return {"ok": True, "expires_at": until}


@router.delete("me/", response=schemas.OkOut, auth=bearer, summary="Delete my account")
def delete_me(request: UserRequest) -> dict[str, Any]:
    """Takes the person out of the account at once; orders keep their number."""
    services.delete_account(user=request.auth, caller=caller(request))
    return {"ok": True}


@router.delete("delete/", response=schemas.OkOut, auth=bearer, summary="Delete my account (older address)")
def delete_me_too(request: UserRequest) -> dict[str, Any]:
    return delete_me(request)


def _shows_test_key(request: HttpRequest) -> bool:
    """Staging's testers show a secret header (S0); production has no such key."""
    shown = conceal(request.headers.get(settings.OTP_TEST_HEADER, ""))
    return bool(settings.OTP_TEST_KEY) and constant_time_compare(shown, settings.OTP_TEST_KEY)
