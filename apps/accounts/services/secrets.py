"""Passcode and PIN (S1, V2): set up once, checked under a count, changed by who knows the current one.

After a change, what may be spent is lowered for a day: whoever got hold of a phone and its passcode cannot at once
clear it out. `spending` says by how much; orders and payments ask it.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from django.contrib.auth.hashers import check_password as matches
from django.contrib.auth.hashers import make_password
from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import PasscodeInvalid, PinInvalid, SecretAlreadySet, SecretNotSet
from apps.accounts.models import Lockout, Session, User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.lockouts import count_try, forget_tries, subject_of_person
from apps.accounts.services.mailing import notify
from apps.accounts.services.people import locked_person
from apps.accounts.services.sessions import end_sessions_of
from core.clock import now
from core.errors import DomainError, InvalidInput
from core.redaction import conceal

RESTRICTED_FOR = timedelta(hours=24)
# Beyond runs and repetitions, which the rules catch: what people choose most often, keypad lines and years apart.
TRIVIAL = frozenset(
    """
    1212 1122 1313 2580 0852 6969 1004 1010 0101 2000 2001 2020 1997 1998 1999
    10101 12121 12321 20000
    101010 112233 121212 123123 123321 131313 147258 147852 159753 258000 696969
    """.split()  # noqa: SIM905  # read as a block
)


@dataclass(frozen=True)
class SecretKind:
    """One of the two secrets: which field keeps it, how long it is, how it fails."""

    kind: Lockout.Kind
    name: str
    lengths: tuple[int, int]
    invalid: type[DomainError]
    changed: str


PASSCODE = SecretKind(Lockout.Kind.PASSCODE, "passcode", (6, 6), PasscodeInvalid, Action.PASSCODE_CHANGED)
PIN = SecretKind(Lockout.Kind.PIN, "pin", (4, 6), PinInvalid, Action.PIN_CHANGED)


@transaction.atomic
def set_up_secret(*, user: User, kind: SecretKind, value: str, caller: Caller) -> None:
    """Set a passcode or PIN the first time; raises `SecretAlreadySet` afterwards, `InvalidInput` for a weak one."""
    _require_good(kind, value, field=kind.name)
    person = locked_person(user)
    if getattr(person, kind.name):
        raise SecretAlreadySet(param=kind.name)
    _keep(person, kind, value)
    note(kind.changed, caller=caller, user=user, first=True)


def check_secret(*, user: User, kind: SecretKind, value: str, caller: Caller, is_familiar: bool = True) -> None:
    """Raise `PasscodeInvalid` or `PinInvalid` unless it is right, `…Locked` after five tries, `SecretNotSet`.

    Whoever holds a session counts as familiar; a passcode typed to sign in says from where it came.
    """
    conceal(value)
    kept = getattr(user, kind.name)
    if not kept:
        raise SecretNotSet(param=kind.name)
    count_try(subject=subject_of_person(user.pk), kind=kind.kind, is_familiar=is_familiar, caller=caller)
    # What cannot be one is not worth a hash; it costs a try all the same.
    if not _is_digits(value) or not matches(value, kept):
        raise kind.invalid(param=kind.name)
    forget_tries(subject=subject_of_person(user.pk), kind=kind.kind, is_familiar=is_familiar)


def change_secret(*, user: User, kind: SecretKind, current: str, new: str, caller: Caller, keep: uuid.UUID) -> None:
    """Replace a passcode or PIN; other sessions end, and the person's limits are lowered for a day.

    Raises as `check_secret` does, also for one that was right when it was compared and was changed before this could.
    """
    compared = getattr(user, kind.name)
    check_secret(user=user, kind=kind, value=current, caller=caller)
    _require_good(kind, new, field=f"new_{kind.name}")
    if new == current:
        raise InvalidInput({f"new_{kind.name}": [f"The new {kind.name} must differ from the current one."]})
    with transaction.atomic():
        person = locked_person(user)
        if getattr(person, kind.name) != compared:
            raise kind.invalid(param=kind.name)
        person.limits_restricted_until = now() + RESTRICTED_FOR
        _keep(person, kind, new)
        note(kind.changed, caller=caller, user=person, first=False)
        notify(person, kind.changed)
        end_sessions_of(user=person, reason=Session.EndReason.SECRET_CHANGED, caller=caller, keep=keep)
    user.refresh_from_db(fields=[kind.name, "limits_restricted_until"])


def _keep(user: User, kind: SecretKind, value: str) -> None:
    setattr(user, kind.name, make_password(value))
    user.save(update_fields=[kind.name, "limits_restricted_until"])


def _require_good(kind: SecretKind, value: str, *, field: str) -> None:
    conceal(value)
    least, most = kind.lengths
    if not (_is_digits(value) and least <= len(value) <= most):
        digits = str(least) if least == most else f"{least} to {most}"
        raise InvalidInput({field: [f"Use {digits} digits."]})
    if len(set(value)) == 1 or value in TRIVIAL or (kind is PASSCODE and _is_run(value)) or value in _RUNS:
        raise InvalidInput({field: ["Too easy to guess: choose digits that do not follow or repeat one another."]})


def _is_digits(value: str) -> bool:
    return value.isascii() and value.isdecimal()


def _is_run(value: str) -> bool:
    steps = {int(after) - int(before) for before, after in pairwise(value)}
    return steps in ({1}, {-1})


_RUNS = frozenset({"1234", "4321", "0123", "3210", "12345", "54321", "123456", "654321", "012345", "543210"})
