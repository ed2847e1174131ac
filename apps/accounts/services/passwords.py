"""Passwords: checked the same way at every door, counted, and changed with the end of the other sessions."""

import hashlib
import re
import uuid
from typing import Any

import structlog
from django.contrib.auth.hashers import check_password as matches
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from prometheus_client import Counter

from apps.accounts.callers import Caller
from apps.accounts.emails import canonical_email
from apps.accounts.errors import InvalidCredentials
from apps.accounts.models import Lockout, Session, User
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.lockouts import count_try, forget_tries, subject_of_person
from apps.accounts.services.mailing import Notice, notify
from apps.accounts.services.networks import is_familiar, remember_network
from apps.accounts.services.sessions import SignedIn, end_sessions_of, start_session
from core.errors import InvalidInput
from core.redaction import conceal

log = structlog.get_logger(__name__)
SIGN_INS = Counter("hanout_password_sign_ins_total", "Passwords presented, by outcome.", ["outcome"])
MOST_CHARACTERS = 128
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


def check_password(*, password: str, caller: Caller, email: str = "", phone: str = "") -> User:
    """The person this email or phone and password belong to; an unknown one takes as long as a wrong password.

    Raises `InvalidCredentials`, or `PasswordLocked` after ten tries in a quarter of an hour.
    """
    login = phone or typed_email(email)
    user = _person(phone=phone) if phone else _person(email=login)
    if _is_right(user, subject_of(login), conceal(password), caller) and user is not None:
        SIGN_INS.labels(outcome="accepted").inc()
        return user
    SIGN_INS.labels(outcome="refused").inc()
    note(Action.SIGN_IN_REFUSED, caller=caller, user=user, subject=_subject_kept(login), by="password")
    raise InvalidCredentials


def knows_password(*, user: User, password: str, caller: Caller) -> bool:
    """Whether this is the person's password, counted with their tries at every door; raises `PasswordLocked`.

    The count must outlive a refusal: leave the transaction before raising one.
    """
    return _is_right(user, "", conceal(password), caller)


def note_console_sign_in(*, user: User, caller: Caller) -> None:
    """An operator signed in at the console, which opens none of our sessions: strangers cannot lock them out now."""
    remember_network(user=user, caller=caller)
    note(Action.SIGNED_IN, caller=caller, user=user, by="console")


def sign_in_with_password(*, password: str, caller: Caller, email: str = "", phone: str = "") -> SignedIn:
    """Open a session for whoever this email or phone and password belong to; raises as `check_password` does."""
    user = check_password(email=email, phone=phone, password=password, caller=caller)
    with transaction.atomic():
        return start_session(user=user, caller=caller)


def require_good_password(password: str, *, user: User | None = None, field: str = "password") -> None:
    """Raise `InvalidInput` naming `field` for a password that is too long, short, common or like its person."""
    conceal(password)
    if len(password) > MOST_CHARACTERS or "\0" in password:
        raise InvalidInput({field: [f"Use at most {MOST_CHARACTERS} characters, none of them NUL."]})
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput({field: list(error.messages)}) from None


@transaction.atomic
def change_password(
    *, user: User, password: str, caller: Caller = NOBODY, keep: uuid.UUID | None = None, operator: int | None = None
) -> None:
    """Set a new password, and tell the person; every session but `keep` ends (OWASP ASVS 5.0, 7.4.3)."""
    if not password:
        raise ValueError("An empty password would open the account to anybody; see disable_password.")
    user.set_password(conceal(password))
    _replace_password(user, caller, keep=keep, operator=operator)


@transaction.atomic
def disable_password(*, user: User, caller: Caller = NOBODY, operator: int | None = None) -> None:
    """No password signs the person in any more; they are told, and every session ends."""
    user.set_unusable_password()
    _replace_password(user, caller, keep=None, operator=operator)


def change_own_password(*, user: User, old: str, new: str, caller: Caller, keep: uuid.UUID) -> None:
    """Change a password by one who knows it; raises `InvalidInput`, or `PasswordLocked` after too many tries.

    Of several at once with the same old password one holds: for the others it is the current one no more.
    """
    require_own_password(user=user, password=old, caller=caller, field="old_password")
    require_good_password(new, user=user, field="new_password")
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not person.is_active or person.password != user.password:
            raise _not_current("old_password")
        change_password(user=person, password=new, caller=caller, keep=keep)


def require_own_password(*, user: User, password: str, caller: Caller, field: str) -> None:
    """Raise `InvalidInput` naming `field` unless it is the person's password, `PasswordLocked` after too many tries."""
    subject = subject_of_person(user.pk)
    count_try(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=True, caller=caller)
    # Django's own method would also renew an outdated hash, over a password that was changed meanwhile.
    if not matches(conceal(password), user.password):
        raise _not_current(field)
    forget_tries(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=True)


def typed_email(written: str) -> str:
    """A login as it is looked for; one that can be no email goes on as it was typed, and finds nobody."""
    try:
        return canonical_email(written)
    except ValueError:
        return written.strip().lower()


def subject_of(login: str) -> str:
    """What tries at a login nobody has are counted by; it is not readable in the table."""
    return hashlib.sha256(login.encode()).hexdigest()


def _not_current(field: str) -> InvalidInput:
    return InvalidInput({field: ["That is not the current password."]})


def _replace_password(user: User, caller: Caller, *, keep: uuid.UUID | None, operator: int | None) -> None:
    user.save(update_fields=["password"])
    by: dict[str, Any] = {"operator": operator} if operator else {}
    note(Action.PASSWORD_CHANGED, caller=caller, user=user, usable=user.has_usable_password(), **by)
    notify(user, Notice.PASSWORD_CHANGED)
    end_sessions_of(user=user, reason=Session.EndReason.PASSWORD_CHANGED, caller=caller, keep=keep)


def _is_right(user: User | None, unknown: str, password: str, caller: Caller) -> bool:
    """Count the try, then compare; for nobody with the same queries and the same hashing, counted as `unknown`."""
    pk = user.pk if user else 0
    subject, familiar = subject_of_person(pk) if user else unknown, is_familiar(caller, pk=pk)
    count_try(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=familiar, caller=caller)
    if user is None:
        make_password(password)
        return False
    is_right = user.check_password(password) and user.is_active
    if is_right:
        forget_tries(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=familiar)
    return is_right


def _subject_kept(login: str) -> str:
    """People type passwords into the wrong field: only what is plainly an email or a phone may be kept."""
    try:
        return login if _E164.match(login) else canonical_email(login)
    except ValueError:
        return ""


def _person(*, email: str = "", phone: str = "") -> User | None:
    """By a proved phone before a claimed one; there is at most one person for either."""
    if not phone:
        return User.objects.filter(email=email).first()
    claimed = User.objects.filter(Q(phone=phone) | Q(claimed_phone=phone))
    return claimed.order_by(F("phone").asc(nulls_last=True)).first()
