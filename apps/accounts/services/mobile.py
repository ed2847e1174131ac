"""V2's ways in: an account and a session in one step, and a passcode instead of a password."""

from django.contrib.auth.hashers import make_password
from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import InvalidCredentials, PasscodeInvalid, SecretNotSet
from apps.accounts.models import User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.email_proofs import offer_verification
from apps.accounts.services.lockouts import count_try
from apps.accounts.services.networks import is_familiar
from apps.accounts.services.passwords import subject_of
from apps.accounts.services.people import NewPerson, register_person
from apps.accounts.services.secrets import PASSCODE, check_secret
from apps.accounts.services.sessions import SignedIn, start_session
from core.redaction import conceal


def sign_up(*, person: NewPerson, password: str, caller: Caller) -> SignedIn:
    """Make an account, mail the link that proves its email, and sign in; raises as `register_person` does."""
    with transaction.atomic():
        user = register_person(person=person, password=password, caller=caller)
        offer_verification(user=user)
        return start_session(user=user, caller=caller)


def sign_in_with_passcode(*, email: str, passcode: str, caller: Caller) -> SignedIn:
    """Open a session by email and passcode; unknown, wrong and never set up are one answer, and take as long.

    Raises `InvalidCredentials`, or `PasscodeLocked` after five tries, which closes no other way in.
    """
    familiar = is_familiar(caller, email=email)
    user = User.objects.filter(email=email, is_active=True).first()
    try:
        if user is None or not user.passcode:
            count_try(subject=subject_of(email), kind=PASSCODE.kind, is_familiar=familiar, caller=caller)
            make_password(conceal(passcode))
            raise PasscodeInvalid
        check_secret(user=user, kind=PASSCODE, value=passcode, caller=caller, is_familiar=familiar)
    except (PasscodeInvalid, SecretNotSet):
        note(Action.SIGN_IN_REFUSED, caller=caller, user=user, subject=email, by="passcode")
        raise InvalidCredentials from None
    with transaction.atomic():
        return start_session(user=user, caller=caller)
