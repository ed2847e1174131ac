"""Tries at passwords, passcodes and PINs, counted before they are compared.

A lock closes one secret of one person for a quarter of an hour: neither another way in, nor other people, nor (see
`networks`) the owner when it was strangers who tried. Strangers also have a budget for the day, or a quarter of an hour
at a time they would get through a short secret.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.accounts.callers import Caller
from apps.accounts.errors import PasscodeLocked, PasswordLocked, PinLocked, SecondFactorLocked
from apps.accounts.models import Lockout
from apps.accounts.services.audit import Action, note
from core.clock import now, seconds_until
from core.errors import TooManyRequests

LOCKED_FOR = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
MOST_TRIES = {Lockout.Kind.PASSWORD: 10, Lockout.Kind.PASSCODE: 5, Lockout.Kind.PIN: 5, Lockout.Kind.TOTP: 5}
# Of strangers, without a day's rest in between. NIST SP 800-63B, 5.2.2: at most a hundred; digits are fewer than words.
MOST_TRIES_A_DAY = {
    Lockout.Kind.PASSWORD: 100,
    Lockout.Kind.PASSCODE: 40,
    Lockout.Kind.PIN: 40,
    Lockout.Kind.TOTP: 40,
}
_NO_LIMIT = 2**31 - 2
_LOCKED: dict[str, type[TooManyRequests]] = {
    Lockout.Kind.PASSWORD: PasswordLocked,
    Lockout.Kind.PASSCODE: PasscodeLocked,
    Lockout.Kind.PIN: PinLocked,
    Lockout.Kind.TOTP: SecondFactorLocked,
}
# One statement, so that parallel tries are counted one after the other. Either time starts with the last try allowed;
# one that is refused changes nothing and gets no row back, or a stranger could keep the secret closed for ever.
_COUNT = """
    INSERT INTO accounts_lockout AS mine (subject, kind, is_familiar, tries, expires_at, day_tries, day_expires_at)
    VALUES (%(subject)s, %(kind)s, %(is_familiar)s, 1, %(later)s, 1, %(tomorrow)s)
    ON CONFLICT (subject, kind, is_familiar) DO UPDATE SET
        tries = CASE WHEN mine.expires_at <= %(now)s THEN 1 ELSE mine.tries + 1 END,
        expires_at = %(later)s,
        day_tries = CASE WHEN mine.day_expires_at <= %(now)s THEN 1 ELSE mine.day_tries + 1 END,
        day_expires_at = %(tomorrow)s
    WHERE (mine.tries < %(most)s OR mine.expires_at <= %(now)s)
      AND (mine.day_tries < %(most_a_day)s OR mine.day_expires_at <= %(now)s)
    RETURNING tries, day_tries
"""


def count_try(*, subject: str, kind: Lockout.Kind, is_familiar: bool, caller: Caller) -> None:
    """Count a try before it is compared; raises `PasswordLocked` or the like once there are none.

    Call it outside a transaction that a refusal would roll back.
    """
    most, most_a_day = MOST_TRIES[kind], _NO_LIMIT if is_familiar else MOST_TRIES_A_DAY[kind]
    mine = {"subject": subject, "kind": kind, "is_familiar": is_familiar}
    counted = _count(mine, most, most_a_day)
    if counted is None:
        until = _locked_until(mine, most, most_a_day)
        raise _LOCKED[kind](retry_after=seconds_until(until))
    if counted[0] == most or counted[1] == most_a_day:
        until = _locked_until(mine, most, most_a_day)
        note(Action.LOCKED, caller=caller, subject=subject, kind=kind, until=until.isoformat())


def forget_tries(*, subject: str, kind: Lockout.Kind, is_familiar: bool) -> None:
    """The right secret was given: the counts start anew."""
    Lockout.objects.filter(subject=subject, kind=kind, is_familiar=is_familiar).delete()


def subject_of_person(pk: int) -> str:
    """What the tries at somebody's secrets are counted by, whichever of their logins was typed."""
    return f"user:{pk}"


def _count(mine: dict[str, Any], most: int, most_a_day: int) -> tuple[int, int] | None:
    """The tries of the quarter of an hour and of the day with this one; None if it is one too many."""
    values = mine | {
        "most": most,
        "most_a_day": most_a_day,
        "now": now(),
        "later": now() + LOCKED_FOR,
        "tomorrow": now() + FORGOTTEN_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        row: tuple[int, int] | None = cursor.fetchone()
    return row


def _locked_until(mine: dict[str, Any], most: int, most_a_day: int) -> datetime:
    """The end of the longer lock; now, if the row has just been deleted by whoever gave the right secret."""
    lockout = Lockout.objects.filter(**mine).first()
    if lockout is None:
        return now()
    quarter = lockout.expires_at if lockout.tries >= most else now()
    return max(quarter, lockout.day_expires_at) if lockout.day_tries >= most_a_day else quarter
