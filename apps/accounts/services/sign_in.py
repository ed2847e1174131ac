"""From an accepted code to a person with a session."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import AccountInactive, CodeRejected
from apps.accounts.models import Code, User
from apps.accounts.phones import canonical_phone
from apps.accounts.services.audit import Action, note
from apps.accounts.services.codes import newest_code, spend, verify_code
from apps.accounts.services.email_proofs import ask_for_email
from apps.accounts.services.sessions import SignedIn, start_session
from core.clock import now

BYPASS_DIGITS = 4


@dataclass(frozen=True)
class Person:
    """What a client may tell about a new person while signing in (S3)."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""


def sign_in_with_code(
    *, phone: str, guess: str, caller: Caller, person: Person = Person(), may_bypass: bool = False
) -> tuple[SignedIn, bool]:
    """Spend the code, find or create its owner, open a session; the flag says whether the person is new.

    `may_bypass` is for S0's door alone, and does nothing unless staging's OTP_APP_BYPASS is on.
    """
    if not (may_bypass and settings.OTP_APP_BYPASS and _bypass(phone, guess, caller)):
        verify_code(recipient=phone, purpose=Code.Purpose.SIGN_IN, guess=guess, caller=caller)
    with transaction.atomic():
        user, is_new = _owner(phone, person, caller)
        if not user.is_active:
            raise AccountInactive
        if is_new:
            note(Action.REGISTERED, caller=caller, user=user, subject=phone)
        return start_session(user=user, caller=caller), is_new


@transaction.atomic
def _bypass(phone: str, guess: str, caller: Caller) -> bool:
    """Staging's way in (S0): any four digits, or as many as a code has, spend the code that was sent.

    For the phones of the allowlist if there is one. Raises `CodeRejected` without an open code, so that the limits
    of sending go on to mean something; leaves an audit row with phone and address.
    """
    allowed = {canonical_phone(listed) for listed in settings.OTP_APP_BYPASS_ALLOWLIST}
    is_shaped = guess.isascii() and guess.isdecimal() and len(guess) in {BYPASS_DIGITS, settings.OTP_CODE_LENGTH}
    if not is_shaped or (allowed and phone not in allowed):
        return False
    code = newest_code(phone, Code.Purpose.SIGN_IN)
    if code is None or not code.is_open():
        raise CodeRejected(param="code")
    spend(code)
    note(Action.CODE_BYPASSED, caller=caller, subject=phone)
    return True


def _owner(phone: str, person: Person, caller: Caller) -> tuple[User, bool]:
    """Whose phone this is. Who only claimed it while registering gives way: anybody may claim a number."""
    User.objects.filter(claimed_phone=phone).update(claimed_phone=None)
    user, is_new = User.objects.get_or_create(
        phone=phone,
        defaults={
            "role_state": User.RoleState.PHONE_ONLY,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "phone_verified_at": now(),
            "password": "!",
        },
    )
    if is_new and person.email:
        ask_for_email(user=user, email=person.email, caller=caller)
    if not is_new:
        _note_verified(user)
    return user, is_new


def _note_verified(user: User) -> None:
    """A code proves the phone, whoever wrote it into the record; the role only ever rises."""
    if user.phone_verified_at is None:
        user.phone_verified_at = now()
        if user.role_state == User.RoleState.VISITOR:
            user.role_state = User.RoleState.PHONE_ONLY
        user.save(update_fields=["phone_verified_at", "role_state"])
