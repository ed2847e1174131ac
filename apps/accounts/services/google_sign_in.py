"""Signing in with what Google vouches for: an account of Google's, and an email it is the authority for."""

from django.db import IntegrityError, transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import AccountInactive, GoogleTokenRejected
from apps.accounts.google import GoogleIdentity
from apps.accounts.models import User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.email_proofs import yield_email
from apps.accounts.services.people import taken
from apps.accounts.services.recovery import proves_nothing, take_over
from apps.accounts.services.sessions import SignedIn, start_session
from core.clock import now
from core.locks import lock


def sign_in_with_google(*, identity: GoogleIdentity, caller: Caller) -> tuple[SignedIn, bool]:
    """Find or create the person and open a session; the flag says whether they are new.

    Raises `AccountInactive`, or `GoogleTokenRejected` where the email is somebody's whom this Google account is not
    known to be.
    """
    with transaction.atomic():
        lock(f"google:{identity.uid}")
        lock(f"email:{identity.email}")
        user, is_new = _owner(identity, caller)
        if not user.is_active:
            raise AccountInactive
        return start_session(user=user, caller=caller), is_new


def _owner(identity: GoogleIdentity, caller: Caller) -> tuple[User, bool]:
    if user := User.objects.filter(google_uid=identity.uid).first():
        return user, False
    holder = User.objects.select_for_update(no_key=True).filter(email=identity.email).first()
    if holder is None or not identity.is_authority:
        return _new_person(identity, caller), True
    if not holder.is_active:
        raise AccountInactive
    if holder.email_verified_at or proves_nothing(holder):
        return _linked(holder, identity, caller), False
    yield_email(identity.email, to=None, caller=caller)
    return _new_person(identity, caller), True


def _linked(holder: User, identity: GoogleIdentity, caller: Caller) -> User:
    if holder.google_uid:  # another Google account; which of the two is the owner's we cannot know
        raise GoogleTokenRejected
    if holder.email_verified_at is None:
        take_over(holder)
    holder.google_uid = identity.uid
    holder.save(update_fields=["google_uid"])
    note(Action.GOOGLE_LINKED, caller=caller, user=holder, subject=identity.email)
    return holder


def _new_person(identity: GoogleIdentity, caller: Caller) -> User:
    """Google says who somebody is, and whose a mailbox is only where it runs it; elsewhere the link has to prove it."""
    email = {"email": identity.email, "email_verified_at": now()}
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                google_uid=identity.uid,
                first_name=identity.first_name,
                last_name=identity.last_name,
                **(email if identity.is_authority else {"pending_email": identity.email}),
            )
    except IntegrityError as error:
        raise taken(error) from None
    note(Action.REGISTERED, caller=caller, user=user, subject=identity.email, by="google")
    return user
