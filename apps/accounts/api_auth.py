"""S2: registering, signing in and getting back in, under /api/auth/."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from apps.accounts import limits, schemas, schemas_shop, services
from apps.accounts.callers import caller
from apps.accounts.models import User
from apps.accounts.phones import canonical_phone

router = Router(tags=["Accounts"])


@router.post("register/", response={201: schemas_shop.RegisteredOut}, auth=None, summary="Make an account")
def register(request: HttpRequest, body: schemas_shop.RegisterIn) -> Status[User]:
    """Signs nobody in. Tags are taken out of names; the email is proved by the link that is mailed to it."""
    limits.limit_by_address(request, "register", limits.REGISTRATIONS)
    person = services.NewPerson(
        email=body.email,
        username=body.username,
        first_name=body.first_name,
        last_name=body.last_name,
        phone=canonical_phone(body.phone) if body.phone else None,
    )
    user = services.register_shopper(person=person, password=body.password, caller=caller(request))
    return Status(201, user)


@router.post("login/", response=schemas.LoginOut, auth=None, summary="Sign in with email and password")
def log_in(request: HttpRequest, body: schemas.LoginIn) -> services.SignedIn:
    limits.limit_by_address(request, "login", limits.SIGN_INS)
    return services.sign_in_with_password(email=body.email, password=body.password, caller=caller(request))


@router.post("token/refresh/", response=schemas.AccessOut, auth=None, summary="A new pair of tokens")
def refresh(request: HttpRequest, body: schemas.RefreshIn) -> services.Pair:
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    return services.refresh_session(token=body.refresh, caller=caller(request))


@router.post("token/verify/", response=dict[str, str], auth=None, summary="Is this token still good?")
def verify_token(request: HttpRequest, body: schemas_shop.TokenIn) -> dict[str, str]:
    """An empty object for an access or refresh token of a session that is alive, else 401."""
    limits.limit_by_address(request, "token-verify", limits.REFRESHES)
    services.require_living_token(token=body.token)
    return {}


@router.post(
    "password-reset/request_reset/",
    response=schemas_shop.MessageOut,
    auth=None,
    summary="Mail a link to a new password",
)
def request_reset(request: HttpRequest, body: schemas_shop.EmailIn) -> dict[str, Any]:
    """The answer is the same for an email nobody has."""
    limits.limit_by_address(request, "shop-reset-request", limits.RESETS)
    services.request_password_reset(email=body.email)
    return {"message": "If an account has this email address, a link is on its way to it."}


@router.post(
    "password-reset/confirm_reset/", response=schemas_shop.MessageOut, auth=None, summary="Set it with the mailed token"
)
def confirm_reset(request: HttpRequest, body: schemas_shop.ResetIn) -> dict[str, Any]:
    """Ends every session of the person. A password that is refused leaves the token unspent."""
    limits.limit_by_address(request, "shop-reset", limits.CODE_CHECKS)
    services.reset_password(token=body.token, password=body.new_password, caller=caller(request))
    return {"message": "The password was changed. Sign in with it."}
