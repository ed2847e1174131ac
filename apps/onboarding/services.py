"""Registration in three steps, and its repetition: each step may be sent twice and answers the same."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from prometheus_client import Counter

from apps.accounts import services as accounts
from apps.accounts.callers import Caller
from apps.accounts.models import Code, Link, Profile, User
from apps.accounts.services.passwords import knows_password
from apps.onboarding.errors import CodeNotProved, RegistrationRefused
from apps.onboarding.models import Registration
from core.clock import now
from core.housekeeping import Stale, chore

REGISTRATIONS = Counter("hanout_registrations_total", "Registrations, by the step they reached.", ["step"])
VALID = timedelta(hours=24)
KEEP = timedelta(days=7)


class CompletedBefore(Exception):
    """The last step was done already: whoever repeats it has to be the same person."""


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """What the first form tells."""

    email: str
    phone: str
    first_name: str
    last_name: str
    google_uid: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceFacts:
    """What a browser says about itself."""

    os: str = ""
    info: str = ""


@dataclass(frozen=True, kw_only=True)
class Particulars:
    """What the last form tells."""

    country: str
    state: str
    address: str
    date_of_birth: date
    device: DeviceFacts


def initiate_registration(*, applicant: Applicant, caller: Caller) -> tuple[Registration, datetime | None]:
    """Begin a registration and mail its code; returns it with the instant the code expires.

    Google's way proves the email itself and sends none. Raises `AlreadyRegistered`, and as `send_code` does.
    """
    accounts.require_unclaimed(email=applicant.email, phone=applicant.phone)
    expires_at = None
    if not applicant.google_uid:
        sent = accounts.send_code(recipient=applicant.email, purpose=Code.Purpose.REGISTER, caller=caller)
        expires_at = now() + timedelta(seconds=sent.expires_in_seconds)
    registration = Registration.objects.create(
        email=applicant.email,
        phone=applicant.phone,
        first_name=applicant.first_name,
        last_name=applicant.last_name,
        google_uid=applicant.google_uid,
        created_at=now(),
        expires_at=now() + VALID,
        proved_at=now() if applicant.google_uid else None,
    )
    REGISTRATIONS.labels(step="initiated").inc()
    return registration, expires_at


def prove_email(*, session: uuid.UUID, code: str, caller: Caller) -> Registration:
    """Spend the code; the activation link goes out with the same transaction.

    Raises `RegistrationRefused`, and as `verify_code` does.
    """
    registration = Registration.objects.filter(pk=session, completed_at=None, google_uid="").first()
    if registration is None or not registration.is_open():
        raise RegistrationRefused(param="session_id")
    accounts.verify_code(recipient=registration.email, purpose=Code.Purpose.REGISTER, guess=code, caller=caller)
    with transaction.atomic():
        if Registration.objects.filter(pk=session, proved_at=None).update(proved_at=now()):
            link = accounts.make_link(purpose=Link.Purpose.VERIFY_EMAIL, email=registration.email)
            accounts.mail_link(link)
            REGISTRATIONS.labels(step="proved").inc()
    return registration


def complete_registration(
    *, session: uuid.UUID, password: str, particulars: Particulars, caller: Caller, is_same: bool = False
) -> accounts.SignedIn:
    """Make the account and sign it in, all in one transaction: after a crash there is everything or nothing.

    A repetition with the same password signs in to the account the first one made, so a client that lost the answer
    just sends it again: it raises `CompletedBefore` until `require_same` has seen that password. Raises
    `RegistrationRefused`, `CodeNotProved`, `InvalidInput` for a weak password, or `AlreadyRegistered` when somebody
    took the email or phone meanwhile.
    """
    with transaction.atomic():
        registration = Registration.objects.select_for_update().filter(pk=session).first()
        if registration is None or not registration.is_open():
            raise RegistrationRefused(param="session_id")
        if registration.proved_at is None:
            raise CodeNotProved(param="session_id")
        if registration.completed_at and not is_same:
            raise CompletedBefore
        user = registration.user or _make_account(registration, password, particulars, caller)
        if not registration.completed_at:
            registration.user, registration.completed_at = user, now()
            registration.save(update_fields=["user", "completed_at"])
            REGISTRATIONS.labels(step="completed").inc()
        accounts.note_device(user=user, caller=caller, os=particulars.device.os, info=particulars.device.info)
        return accounts.start_session(user=user, caller=caller)


def require_same(*, session: uuid.UUID, password: str, caller: Caller) -> None:
    """Who repeats the last step knows the password the first one set; it is counted like any other try.

    Raises `RegistrationRefused`, or `PasswordLocked`. Call it outside a transaction: the count must survive a refusal.
    """
    with transaction.atomic():
        # One repetition after the other: twenty at once with the right password are no twenty wrong tries.
        registration = Registration.objects.select_for_update().filter(pk=session).first()
        user = registration.user if registration else None
        is_same = user is not None and knows_password(user=user, password=password, caller=caller)
    if not is_same:
        raise RegistrationRefused(param="session_id")


def activate_email(*, token: str, caller: Caller) -> None:
    """Spend the mailed link: the email is verified from now on, whether or not the account exists yet.

    V1's link goes out once the registration's code was typed, so it counts for the accounts of such registrations.
    """
    with transaction.atomic():
        link = accounts.verify_email(token=token, caller=caller)
        if link.user_id is not None:
            return
        proved = Registration.objects.select_for_update(of=("self",)).filter(email=link.email, proved_at__isnull=False)
        for registration in proved.filter(activated_at=None).select_related("user"):
            registration.activated_at = now()
            registration.save(update_fields=["activated_at"])
            if registration.user and registration.user.email == link.email:
                accounts.prove_email(user=registration.user, email=link.email, caller=caller)


def log_in(*, email: str, phone: str, password: str, device: DeviceFacts, caller: Caller) -> accounts.SignedIn:
    """Sign in by either, and make the device the one messages are pushed to; raises as `check_password` does."""
    user = accounts.check_password(email=email, phone=phone, password=password, caller=caller)
    with transaction.atomic():
        accounts.note_device(user=user, caller=caller, os=device.os, info=device.info)
        return accounts.start_session(user=user, caller=caller)


@chore("registrations", "registrations nobody can go on with any more; the accounts stay")
def stale_registrations(days: int | None) -> Iterator[Stale]:
    before = now() - (KEEP if days is None else timedelta(days=days))
    yield Stale(Registration.objects.filter(expires_at__lt=before), along="expires_at")


def _make_account(registration: Registration, password: str, particulars: Particulars, caller: Caller) -> User:
    person = accounts.NewPerson(
        email=registration.email,
        first_name=registration.first_name,
        last_name=registration.last_name,
        phone=registration.phone,
    )
    accounts.require_unclaimed(email=registration.email, phone=None)
    accounts.yield_email(registration.email, to=None, caller=caller)  # the code proved the mailbox
    user = accounts.register_person(person=person, password=password, caller=caller)
    user.email_verified_at = registration.activated_at
    if registration.google_uid:
        user.google_uid, user.email_verified_at = registration.google_uid, registration.proved_at
    _save_proofs(user)
    Profile.objects.create(
        user=user,
        date_of_birth=particulars.date_of_birth,
        address=particulars.address,
        state=particulars.state,
        country=particulars.country,
    )
    accounts.notify(user, "welcome")
    return user


def _save_proofs(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=["google_uid", "email_verified_at"])
    except IntegrityError as error:
        raise accounts.taken(error) from None
