"""S4: accounts, companies and the refresh token as a cookie, under /auth."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Form, Path, Router, Status

from apps.accounts import limits, services
from apps.accounts import schemas_companies as schemas
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import caller
from apps.accounts.cookies import clear_refresh_cookie, refresh_cookie, require_own_page, set_refresh_cookie
from apps.accounts.models import Invitation

router = Router(tags=["Accounts and companies"], auth=bearer)
RowId = Annotated[int, Path(ge=1, le=schemas.MAX_ID)]


@router.post("/register", response={201: schemas.AccountOut}, auth=None, summary="Make an account")
def register(request: HttpRequest, body: schemas.RegisterIn) -> Status[services.Standing]:
    """A new `company_name` makes a company that this account owns; into one that exists leads an invitation only."""
    limits.limit_by_address(request, "register", limits.REGISTRATIONS)
    standing = services.register_with_company(
        email=body.email, password=body.password, company_name=body.company_name or "", caller=caller(request)
    )
    return Status(201, standing)


@router.post("/token", response=schemas.AccessOut, auth=None, summary="Sign in with a form")
def token(request: HttpRequest, response: HttpResponse, form: Form[schemas.TokenForm]) -> schemas.AccessOut:
    """The refresh token comes as an HttpOnly cookie. From pages of other sites than the listed front ends: 403."""
    require_own_page(request)
    limits.limit_by_address(request, "login", limits.SIGN_INS)
    signed_in = services.sign_in_with_password(email=form.username, password=form.password, caller=caller(request))
    return _answer(request, response, signed_in)


@router.post("/refresh", response=schemas.AccessOut, auth=None, summary="A new access token for the cookie")
def refresh(request: HttpRequest, response: HttpResponse) -> schemas.AccessOut:
    """The cookie is renewed with it."""
    require_own_page(request)
    limits.limit_by_address(request, "refresh", limits.REFRESHES)
    pair = services.refresh_session(token=refresh_cookie(request), caller=caller(request))
    return _answer(request, response, pair)


@router.post("/logout", response=schemas.OkOut, auth=None, summary="End the cookie's session")
def log_out(request: HttpRequest, response: HttpResponse) -> schemas.OkOut:
    """Without a cookie, or with one that opens nothing, there is nothing to end, and that is fine."""
    require_own_page(request)
    services.end_session_of_token(token=refresh_cookie(request), caller=caller(request))
    clear_refresh_cookie(request, response)
    return schemas.OkOut()


@router.get("/me", response=schemas.AccountOut, summary="My account")
def me(request: UserRequest) -> services.Standing:
    return services.standing_of(user=request.auth)


@router.post("/create_user", response={201: schemas.AccountOut}, summary="Make an account for a colleague")
def create_user(request: UserRequest, body: schemas.CreateUserIn) -> Status[services.Standing]:
    """Owners only; the account belongs to their company."""
    limits.limit_by_address(request, "create_user", limits.REGISTRATIONS)
    standing = services.create_colleague(
        owner=request.auth, email=body.email, password=body.password, role=body.role, caller=caller(request)
    )
    return Status(201, standing)


@router.post("/invitations", response={201: schemas.InvitationOut}, summary="Invite somebody")
def invite(request: UserRequest, body: schemas.InvitationIn) -> Status[Invitation]:
    """Mails a link that is good for a week and for the account of that address. Owners alone invite admins."""
    limits.limit_by_address(request, "invite", limits.REGISTRATIONS)
    invitation = services.invite(user=request.auth, email=body.email, role=body.role, caller=caller(request))
    return Status(201, invitation)


@router.get("/invitations", response=list[schemas.InvitationOut], summary="Open invitations")
def list_invitations(request: UserRequest) -> QuerySet[Invitation]:
    return services.open_invitations(user=request.auth)


@router.post("/invitations/accept", response=schemas.AccountOut, summary="Follow the mailed link")
def accept_invitation(request: UserRequest, body: schemas.AcceptIn) -> services.Standing:
    """For who is signed in with the address it was mailed to and is in no company; else the link stays unspent."""
    limits.limit_by_address(request, "invitation", limits.CODE_CHECKS)
    return services.accept_invitation(user=request.auth, token=body.token, caller=caller(request))


@router.delete("/invitations/{invitation_id}", response=schemas.OkOut, summary="Withdraw one")
def withdraw_invitation(request: UserRequest, invitation_id: RowId) -> schemas.OkOut:
    services.withdraw_invitation(user=request.auth, invitation=invitation_id)
    return schemas.OkOut()


@router.get("/company/members", response=list[schemas.AccountOut], summary="Who is in my company")
def list_members(request: UserRequest) -> list[services.Standing]:
    return services.members_of(user=request.auth)


@router.patch("/company/members/{member_id}", response=schemas.AccountOut, summary="Change somebody's role")
def change_role(request: UserRequest, member_id: RowId, body: schemas.RoleIn) -> services.Standing:
    """Owners only; the last owner stays one."""
    return services.change_role(owner=request.auth, member=member_id, role=body.role, caller=caller(request))


@router.delete("/company/members/{member_id}", response=schemas.OkOut, summary="Take somebody out, or leave")
def remove_member(request: UserRequest, member_id: RowId) -> schemas.OkOut:
    """Owners take out anybody, everybody themselves; the last owner stays. The account remains."""
    services.remove_member(user=request.auth, member=member_id, caller=caller(request))
    return schemas.OkOut()


def _answer(request: HttpRequest, response: HttpResponse, pair: services.Pair) -> schemas.AccessOut:
    set_refresh_cookie(request, response, pair.refresh, seconds=services.seconds_left(token=pair.refresh))
    response["Cache-Control"] = "no-store"
    return schemas.AccessOut(access_token=pair.access)
