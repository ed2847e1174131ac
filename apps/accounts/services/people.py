"""New people, and what they may change about themselves."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.callers import Caller
from apps.accounts.errors import AlreadyRegistered, TokenRejected
from apps.accounts.models import User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.passwords import require_good_password
from core.redaction import conceal

# PostgreSQL names the constraint that was broken; what it is about, and how that is said.
_TAKEN = {
    "phone": "An account with this phone number exists already.",
    "email": "An account with this email address exists already.",
    "username": "This username is taken.",
    "google_uid": "This Google account belongs to another account.",
}
_BOTH_TAKEN = "An account with this email address and phone number exists already."


@dataclass(frozen=True, kw_only=True)
class NewPerson:
    """What a registration tells; the phone is a claim until a code proves it."""

    email: str
    first_name: str = ""
    last_name: str = ""
    username: str | None = None
    phone: str | None = None


def register_person(*, person: NewPerson, password: str, caller: Caller) -> User:
    """Create an account with a password; raises `InvalidInput` for a weak one and `AlreadyRegistered`.

    Part of the caller's transaction if there is one. The hash is made before the row is written, so that no lock is
    held while it takes its time.
    """
    user = User(
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        username=person.username or None,
        claimed_phone=person.phone or None,
    )
    require_good_password(password, user=user)
    user.password = make_password(conceal(password))
    require_unclaimed(email=None, phone=person.phone)
    try:
        with transaction.atomic():
            user.save()
            note(Action.REGISTERED, caller=caller, user=user, subject=person.email)
    except IntegrityError as error:
        raise taken(error) from None
    return user


def require_unclaimed(*, email: str | None, phone: str | None) -> None:
    """Raise `AlreadyRegistered` if an account proved this email, or proved or claimed this phone."""
    found = {
        "email": bool(email) and User.objects.filter(email=email).exclude(email_verified_at=None).exists(),
        "phone": bool(phone) and User.objects.filter(Q(phone=phone) | Q(claimed_phone=phone)).exists(),
    }
    if all(found.values()):
        raise AlreadyRegistered(_BOTH_TAKEN, param="email")
    for field in (field for field, is_taken in found.items() if is_taken):
        raise AlreadyRegistered(_TAKEN[field], param=field)


def taken(error: IntegrityError) -> AlreadyRegistered:
    """Which of a person's unique fields a write ran into; anything else is our own mistake and goes on as it is."""
    field = next((field for field in _TAKEN if field in str(error).split("\n", maxsplit=1)[0]), None)
    if field is None:
        raise error
    return AlreadyRegistered(_TAKEN[field], param=field)


def locked_person(user: User) -> User:
    """The person as they are now, and stay until the transaction ends; raises `TokenRejected` if they left meanwhile.

    For whoever writes something that must not outlive its owner: a request may be under way while its account goes.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not person.is_active:
        raise TokenRejected
    return person


def is_username_free(username: str) -> bool:
    """Whether nobody has this username yet, in large letters or small."""
    return not User.objects.alias(small=Lower("username")).filter(small=username.lower()).exists()
