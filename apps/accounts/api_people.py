"""S2: people's own accounts and addresses, under /api/auth/. Nobody else's exist here: their ids answer 404."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import File, Query, Router, Status
from ninja.files import UploadedFile

from apps.accounts import limits, services
from apps.accounts import schemas_shop as schemas
from apps.accounts.auth import UserRequest, bearer
from apps.accounts.callers import caller
from apps.accounts.models import Address, Profile, User
from apps.accounts.phones import canonical_phone
from core.errors import NotFound
from core.ids import uuid_or_not_found
from core.pagination import PageQuery, envelope, paginate

router = Router(tags=["Accounts"], auth=bearer)
CHANGE = ["PUT", "PATCH"]


@router.get("users/", response=schemas.PersonPage, summary="The accounts I may see: mine")
def list_users(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    page = paginate(User.objects.filter(pk=request.auth.pk).select_related("profile"), query)
    return envelope(request, page, page.rows)


@router.get("users/me/", response=schemas.PersonOut, summary="My account")
def me(request: UserRequest) -> User:
    return request.auth


@router.post("users/change_password/", response=schemas.MessageOut, summary="Change my password")
def change_password(request: UserRequest, body: schemas.ChangePasswordIn) -> dict[str, Any]:
    """Ends the other sessions, and tells the person by mail."""
    services.change_own_password(
        user=request.auth,
        old=body.old_password,
        new=body.new_password,
        caller=caller(request),
        keep=request.session_id,
    )
    return {"message": "The password was changed."}


@router.post("users/upload_avatar/", response=schemas.AvatarOut, summary="My picture")
def upload_avatar(request: UserRequest, avatar: File[UploadedFile]) -> dict[str, Any]:
    """JPEG, PNG, GIF or WebP of at most 5 MB; kept as WebP, without whatever else was in the file."""
    name = services.set_avatar(user=request.auth, picture=avatar)
    return {"message": "The picture was changed.", "avatar_url": schemas.picture_url(request, name)}


@router.patch("users/update_preferences/", response=schemas.PreferencesOut, summary="How the shop speaks to me")
def update_preferences(request: UserRequest, body: schemas.PreferencesIn) -> Profile:
    return services.set_preferences(user=request.auth, changes=body.model_dump(exclude_unset=True))


@router.post("users/verify_email/", response=schemas.MessageOut, auth=None, summary="Follow the mailed link")
def verify_email(request: HttpRequest, body: schemas.TokenIn) -> dict[str, Any]:
    limits.limit_by_address(request, "activate", limits.CODE_CHECKS)
    services.verify_email(token=body.token, caller=caller(request))
    return {"message": "The email address is verified."}


@router.post("users/resend_verification/", response=schemas.MessageOut, summary="Mail that link again")
def resend_verification(request: UserRequest) -> dict[str, Any]:
    was_sent = services.resend_verification(user=request.auth)
    return {"message": "The link is on its way." if was_sent else "The email address is verified already."}


@router.get("users/{user_id}/", response=schemas.PersonOut, summary="My account, by its id")
def get_user(request: UserRequest, user_id: str) -> User:
    return _myself(request, user_id)


@router.api_operation(CHANGE, "users/{user_id}/", response=schemas.PersonOut, summary="Change it")
def change_user(request: UserRequest, user_id: str, body: schemas.PersonIn) -> User:
    """What is absent stays, for PUT too. A phone that signs somebody in is changed by a code only."""
    changes = body.model_dump(exclude_unset=True)
    if changes.get("phone"):
        # That a number is taken is told, so how many are asked about is bounded as where people register.
        limits.limit_by_address(request, "register", limits.REGISTRATIONS)
        changes["phone"] = canonical_phone(changes["phone"])
    return services.update_shopper(user=_myself(request, user_id), changes=changes)


@router.delete("users/{user_id}/", response={204: None}, summary="Delete my account")
def delete_user(request: UserRequest, user_id: str) -> Status[None]:
    """Takes the person out of the account at once; orders keep their number."""
    services.delete_account(user=_myself(request, user_id), caller=caller(request))
    return Status(204, None)


@router.get("addresses/", response=schemas.AddressPage, summary="My addresses")
def list_addresses(request: UserRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The default first, then the newest."""
    page = paginate(_mine(request), query)
    return envelope(request, page, page.rows)


@router.post("addresses/", response={201: schemas.AddressOut}, summary="Add an address")
def add_address(request: UserRequest, body: schemas.AddressIn) -> Status[Address]:
    """The first one becomes the default. At most twenty."""
    return Status(201, services.add_address(user=request.auth, particulars=body.model_dump()))


@router.get("addresses/{address_id}/", response=schemas.AddressOut, summary="One address")
def get_address(request: UserRequest, address_id: str) -> Address:
    return services.address_of(user=request.auth, address=uuid_or_not_found(address_id))


@router.put("addresses/{address_id}/", response=schemas.AddressOut, summary="Replace it")
def replace_address(request: UserRequest, address_id: str, body: schemas.AddressIn) -> Address:
    return services.change_address(user=request.auth, address=uuid_or_not_found(address_id), changes=body.model_dump())


@router.patch("addresses/{address_id}/", response=schemas.AddressOut, summary="Change some of it")
def change_address(request: UserRequest, address_id: str, body: schemas.AddressPatch) -> Address:
    return services.change_address(
        user=request.auth, address=uuid_or_not_found(address_id), changes=body.model_dump(exclude_unset=True)
    )


@router.delete("addresses/{address_id}/", response={204: None}, summary="Delete it")
def delete_address(request: UserRequest, address_id: str) -> Status[None]:
    """If it was the default, the newest of the others takes its place."""
    services.delete_address(user=request.auth, address=uuid_or_not_found(address_id))
    return Status(204, None)


@router.post("addresses/{address_id}/set_default/", response=schemas.AddressOut, summary="Make it the default")
def set_default_address(request: UserRequest, address_id: str) -> Address:
    return services.set_default_address(user=request.auth, address=uuid_or_not_found(address_id))


def _myself(request: UserRequest, user_id: str) -> User:
    if uuid_or_not_found(user_id) != request.auth.public_id:
        raise NotFound
    return request.auth


def _mine(request: UserRequest) -> QuerySet[Address]:
    return Address.objects.filter(user=request.auth)
