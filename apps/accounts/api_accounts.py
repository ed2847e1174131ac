"""S0: sign-in by texted code, under /api/accounts/."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from apps.accounts import limits, schemas, services
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import caller
from apps.accounts.models import Code, User
from apps.accounts.phones import canonical_phone

router = Router(tags=["Phone sign-in"])


@router.post("otp/send/", response=schemas.OkOut, auth=None, summary="Text a sign-in code")
def send_code(request: HttpRequest, body: schemas.SendCodeIn) -> dict[str, Any]:
    """The answer is the same for known and unknown phones. In development the text is at /inbox/."""
    limits.limit_by_address(request, "otp", limits.CODES)
    phone = canonical_phone(body.phone)
    services.send_code(recipient=phone, purpose=Code.Purpose.SIGN_IN, caller=caller(request))
    return {"ok": True}


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


@router.get("me/", response=schemas.MeOut, auth=bearer, summary="My profile")
def me(request: UserRequest) -> User:
    return request.auth
