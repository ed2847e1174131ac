"""Signing in with what Google vouches for: an account of Google's, and a proved email."""

from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import AccountInactive
from apps.accounts.google import GoogleIdentity
from apps.accounts.models import User
from apps.accounts.queries import resettable_person
from apps.accounts.services.audit import Action, note
from apps.accounts.services.recovery import take_over
from apps.accounts.services.sessions import SignedIn, start_session
from core.clock import now
from core.locks import lock


def sign_in_with_google(*, identity: GoogleIdentity, caller: Caller) -> tuple[SignedIn, bool]:
    """Find or create the person and open a session; the flag says whether they are new. Raises `AccountInactive`."""
    with transaction.atomic():
        lock(f"google:{identity.uid}")
        user, is_new = _owner(identity, caller)
        if not user.is_active:
            raise AccountInactive
        return start_session(user=user, caller=caller), is_new


def _owner(identity: GoogleIdentity, caller: Caller) -> tuple[User, bool]:
    if user := User.objects.filter(google_uid=identity.uid).first():
        return user, False
    if user := resettable_person(identity.email):
        take_over(user)
        user.google_uid = identity.uid
        user.save(update_fields=["google_uid"])
        return user, False
    # An unproved email beside a proved phone was a slip of the pen: its owner has just shown up.
    User.objects.filter(email=identity.email, email_verified_at=None).update(email=None)
    user = User.objects.create_user(
        email=identity.email,
        google_uid=identity.uid,
        first_name=identity.first_name,
        last_name=identity.last_name,
        email_verified_at=now(),
    )
    note(Action.REGISTERED, caller=caller, user=user, subject=identity.email, by="google")
    return user, True
