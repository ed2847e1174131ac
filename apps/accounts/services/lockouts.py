"""Tries at passwords, passcodes and PINs, counted before they are compared.

A lock closes one secret of one person for a quarter of an hour: neither another way in, nor other people, nor (see
`networks`) the owner when it was strangers who tried.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.accounts.callers import Caller
from apps.accounts.errors import PasscodeLocked, PasswordLocked, PinLocked
from apps.accounts.models import Lockout
from apps.accounts.services.audit import Action, note
from core.clock import now
from core.errors import TooManyRequests

LOCKED_FOR = timedelta(minutes=15)
MOST_TRIES = {Lockout.Kind.PASSWORD: 10, Lockout.Kind.PASSCODE: 5, Lockout.Kind.PIN: 5}
_LOCKED: dict[str, type[TooManyRequests]] = {
    Lockout.Kind.PASSWORD: PasswordLocked,
    Lockout.Kind.PASSCODE: PasscodeLocked,
    Lockout.Kind.PIN: PinLocked,
}
# One statement, so that parallel tries are counted one after the other. The quarter of an hour starts with the last
# try allowed and is not prolonged by those refused, or a stranger could keep it closed for ever.
_COUNT = """
    INSERT INTO accounts_lockout AS mine (subject, kind, is_familiar, tries, expires_at)
    VALUES (%(subject)s, %(kind)s, %(is_familiar)s, 1, %(later)s)
    ON CONFLICT (subject, kind, is_familiar) DO UPDATE SET
        tries = CASE WHEN mine.expires_at <= %(now)s THEN 1 ELSE least(mine.tries + 1, %(most)s + 1) END,
        expires_at = CASE WHEN mine.tries > %(most)s - 1 AND mine.expires_at > %(now)s THEN mine.expires_at
                          ELSE %(later)s END
    RETURNING tries, expires_at
"""


def count_try(*, subject: str, kind: Lockout.Kind, is_familiar: bool, caller: Caller) -> None:
    """Count a try before it is compared; raises `PasswordLocked`, `PasscodeLocked` or `PinLocked` once there are none.

    Call it outside a transaction that a refusal would roll back.
    """
    most = MOST_TRIES[kind]
    tries, expires_at = _count(subject, kind, is_familiar=is_familiar, most=most)
    if tries == most:
        note(Action.LOCKED, caller=caller, subject=subject, kind=kind, until=expires_at.isoformat())
    if tries > most:
        raise _LOCKED[kind](retry_after=int((expires_at - now()).total_seconds()) + 1)


def forget_tries(*, subject: str, kind: Lockout.Kind, is_familiar: bool) -> None:
    """The right secret was given: the count starts anew."""
    Lockout.objects.filter(subject=subject, kind=kind, is_familiar=is_familiar).delete()


def _count(subject: str, kind: str, *, is_familiar: bool, most: int) -> tuple[int, datetime]:
    values: dict[str, Any] = {
        "subject": subject,
        "kind": kind,
        "is_familiar": is_familiar,
        "most": most,
        "now": now(),
        "later": now() + LOCKED_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        tries, expires_at = cursor.fetchone()
    return tries, expires_at
