"""S2: sign-in by email and password, under /api/auth/."""

from django.http import HttpRequest
from ninja import Router

from apps.accounts import limits, schemas, services
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import caller
from apps.accounts.models import User

router = Router(tags=["Accounts"])


@router.post("login/", response=schemas.LoginOut, auth=None, summary="Sign in with email and password")
def log_in(request: HttpRequest, body: schemas.LoginIn) -> services.SignedIn:
    limits.limit_by_address(request, "login", limits.SIGN_INS)
    return services.sign_in_with_password(email=body.email, password=body.password, caller=caller(request))


@router.post("token/refresh/", response=schemas.AccessOut, auth=None, summary="A new pair of tokens")
def refresh(request: HttpRequest, body: schemas.RefreshIn) -> services.Pair:
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    return services.refresh_session(token=body.refresh, caller=caller(request))


@router.get("users/me/", response=schemas.ShopUserOut, auth=bearer, summary="My account")
def me(request: UserRequest) -> User:
    return request.auth
