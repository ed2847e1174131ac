"""Passwords: checked the same way at every door, counted, and changed with the end of the other sessions."""

import hashlib
import uuid

import structlog
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from prometheus_client import Counter

from apps.accounts.callers import Caller
from apps.accounts.errors import InvalidCredentials
from apps.accounts.models import Lockout, Session, User
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.lockouts import count_try, forget_tries
from apps.accounts.services.mailing import Notice, notify
from apps.accounts.services.networks import is_familiar
from apps.accounts.services.sessions import SignedIn, end_sessions_of, start_session
from core.errors import InvalidInput
from core.redaction import conceal

log = structlog.get_logger(__name__)
SIGN_INS = Counter("hanout_password_sign_ins_total", "Passwords presented, by outcome.", ["outcome"])
MOST_CHARACTERS = 128


def check_password(*, password: str, caller: Caller, email: str = "", phone: str = "") -> User:
    """The person this email or phone and password belong to; an unknown one takes as long as a wrong password.

    Raises `InvalidCredentials`, or `PasswordLocked` after ten tries in a quarter of an hour.
    """
    conceal(password)
    person = {"phone": phone} if phone else {"email": email.strip().lower()}
    login = next(iter(person.values()))
    subject, familiar = subject_of(login), is_familiar(caller, **person)
    count_try(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=familiar, caller=caller)
    user = _person(**person)
    if user is None:
        make_password(password)
    elif user.check_password(password) and user.is_active:
        SIGN_INS.labels(outcome="accepted").inc()
        forget_tries(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=familiar)
        return user
    SIGN_INS.labels(outcome="refused").inc()
    note(Action.SIGN_IN_REFUSED, caller=caller, user=user, subject=login, by="password")
    raise InvalidCredentials


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
def change_password(*, user: User, password: str, caller: Caller = NOBODY, keep: uuid.UUID | None = None) -> None:
    """Set a new password, and tell the person; every session but `keep` ends (OWASP ASVS 5.0, 7.4.3)."""
    user.set_password(conceal(password))
    user.save(update_fields=["password"])
    note(Action.PASSWORD_CHANGED, caller=caller, user=user)
    notify(user, Notice.PASSWORD_CHANGED)
    end_sessions_of(user=user, reason=Session.EndReason.PASSWORD_CHANGED, caller=caller, keep=keep)


def change_own_password(*, user: User, old: str, new: str, caller: Caller, keep: uuid.UUID) -> None:
    """Change a password by one who knows it; raises `InvalidInput`, or `PasswordLocked` after too many tries."""
    require_own_password(user=user, password=old, caller=caller, field="old_password")
    require_good_password(new, user=user, field="new_password")
    change_password(user=user, password=new, caller=caller, keep=keep)


def require_own_password(*, user: User, password: str, caller: Caller, field: str) -> None:
    """Raise `InvalidInput` naming `field` unless it is the person's password, `PasswordLocked` after too many tries."""
    subject = subject_of(str(user.pk))
    count_try(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=True, caller=caller)
    if not user.check_password(conceal(password)):
        raise InvalidInput({field: ["That is not the current password."]})
    forget_tries(subject=subject, kind=Lockout.Kind.PASSWORD, is_familiar=True)


def _person(*, email: str = "", phone: str = "") -> User | None:
    """By a proved phone before a claimed one; there is at most one person for either."""
    if not phone:
        return User.objects.filter(email=email).first()
    claimed = User.objects.filter(Q(phone=phone) | Q(claimed_phone=phone))
    return claimed.order_by(F("phone").asc(nulls_last=True)).first()


def subject_of(login: str) -> str:
    """What tries are counted by: known and unknown logins alike, and none readable in the table."""
    return hashlib.sha256(login.encode()).hexdigest()
