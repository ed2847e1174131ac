"""What S2's customers do with their own account."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import AlreadyRegistered, NoEmail
from apps.accounts.models import Profile, User
from apps.accounts.services.email_proofs import offer_verification, send_verification
from apps.accounts.services.people import NewPerson, locked_person, register_person, require_unclaimed, taken
from core.errors import InvalidInput

_OF_PERSON = ("first_name", "last_name")


@transaction.atomic
def register_shopper(*, person: NewPerson, password: str, caller: Caller) -> User:
    """Create an account, and mail the link that proves its email where mails can leave. Opens no session.

    Raises as `register_person` does.
    """
    user = register_person(person=person, password=password, caller=caller)
    offer_verification(user=user)
    return user


def resend_verification(*, user: User) -> bool:
    """Mail the link again unless the email is proved; say whether one was. Raises as `send_verification` does."""
    if not user.any_email:
        raise NoEmail
    if user.pending_email or user.email_verified_at is None:
        send_verification(user=user)
        return True
    return False


@transaction.atomic
def update_shopper(*, user: User, changes: Mapping[str, Any]) -> User:
    """Change names, date of birth, biography, or the phone that is claimed; what is absent stays as it is.

    A proved phone signs its owner in and is changed by a code only: `InvalidInput`. Raises `AlreadyRegistered` for
    a phone that is somebody's.
    """
    person = locked_person(user)
    if "phone" in changes:
        _claim(person, changes["phone"])
    for name in _OF_PERSON:
        setattr(person, name, changes.get(name, getattr(person, name)))
    _save(person, [*_OF_PERSON, "claimed_phone"])
    _keep_in_profile(person, {name: changes[name] for name in ("date_of_birth", "bio") if name in changes})
    return person


@transaction.atomic
def set_preferences(*, user: User, changes: Mapping[str, Any]) -> Profile:
    """Change how the shop speaks to a person; what is absent stays as it is."""
    _keep_in_profile(locked_person(user), changes)
    return Profile.objects.filter(user=user).first() or Profile(user=user)


def _claim(person: User, phone: str | None) -> None:
    if phone == person.any_phone:
        return
    if person.phone:
        raise InvalidInput({"phone": ["This phone signs you in. Another one takes its place by a code only."]})
    require_unclaimed(email=None, phone=phone)
    person.claimed_phone = phone


def _keep_in_profile(person: User, changes: Mapping[str, Any]) -> None:
    if changes:
        Profile.objects.update_or_create(user=person, defaults=changes)


def _save(person: User, fields: list[str]) -> None:
    try:
        with transaction.atomic():
            person.save(update_fields=fields)
    except IntegrityError as error:
        refusal: AlreadyRegistered = taken(error)
        raise refusal from None
