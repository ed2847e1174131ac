"""The second factor of staff: set up in the console, given, replaced, removed.

The secret is sealed under SECRET_KEY; recovery codes are not, so that a new SECRET_KEY locks nobody out for good.
"""

import hashlib
import hmac
import re
import secrets
from base64 import b32encode
from datetime import datetime
from urllib.parse import quote, urlencode
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django_otp.oath import hotp

from apps.accounts.callers import Caller
from apps.accounts.errors import SecondFactorAlreadySet, SecondFactorRejected, SecondFactorUnreadable
from apps.accounts.models import FACTOR_LASTS, Lockout, RecoveryCode, SecondFactor, Session, User
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.lockouts import count_try, forget_tries, subject_of_person
from apps.accounts.services.mailing import Notice, notify
from apps.accounts.services.networks import is_familiar
from core.clock import now
from core.errors import NotAllowed, SecondFactorNeeded
from core.redaction import conceal
from core.sealing import InvalidToken

log = structlog.get_logger(__name__)
STEP_SECONDS, DIGITS, SECRET_BYTES = 30, 6, 20  # what every authenticator app understands
RECOVERY_CODES = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # nothing that looks like something else (Crockford)
_LOOK_ALIKES = str.maketrans("oil", "011")
_CODE = re.compile(r"[0-9]{6}\Z")


def new_secret() -> bytes:
    """What the shop and an app will share."""
    return secrets.token_bytes(SECRET_BYTES)


def typed_form(secret: bytes) -> str:
    """The secret in letters, for apps that cannot scan."""
    return conceal(b32encode(secret).decode())


def address_for_apps(*, user: User, secret: bytes) -> str:
    """What the QR code says (otpauth:)."""
    issuer = "Hanout" if settings.ENVIRONMENT == "production" else f"Hanout {settings.ENVIRONMENT}"
    query = urlencode({"secret": typed_form(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS})
    return conceal(f"otpauth://totp/{quote(f'{issuer}:{user}')}?{query.replace('+', '%20')}")


def add_second_factor(
    *, user: User, secret: bytes, typed: str, caller: Caller, replaces: SecondFactor | None = None
) -> tuple[SecondFactor, list[str]]:
    """Keep the secret an app has just shown a code of, in place of `replaces`; and ten recovery codes, told only here.

    Raises `SecondFactorRejected`, or `SecondFactorAlreadySet` when there is another than the one to replace.
    """
    step = _matching_step(secret, conceal(_tidy(typed)), after=-1)
    if step is None:
        raise SecondFactorRejected(param="code")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if second_factor_of(user) != replaces:
            raise SecondFactorAlreadySet
        SecondFactor.objects.filter(user=user).delete()
        factor = SecondFactor(user=user, last_step=step, created_at=now(), used_at=now())
        factor.secret = secret
        factor.save()
        note(Action.FACTOR_ADDED, caller=caller, user=user, replaced=replaces is not None)
        notify(user, Notice.FACTOR_ADDED)
        return factor, _make_recovery_codes(factor)


def prove_second_factor(*, user: User, typed: str, caller: Caller) -> SecondFactor:
    """The person's factor, if this is its present code or one of the recovery codes; neither is taken twice.

    Raises `SecondFactorRejected`, `SecondFactorLocked` after five tries in a quarter of an hour, and
    `SecondFactorUnreadable` for the code of an app whose secret was sealed under another SECRET_KEY.
    """
    code = conceal(_tidy(typed))
    subject, familiar = subject_of_person(user.pk), is_familiar(caller, pk=user.pk)
    count_try(subject=subject, kind=Lockout.Kind.TOTP, is_familiar=familiar, caller=caller)
    try:
        factor = _accept(user, code, caller)
    except (SecondFactorRejected, SecondFactorUnreadable) as refused:
        note(Action.FACTOR_REFUSED, caller=caller, user=user, why=refused.code)
        raise
    forget_tries(subject=subject, kind=Lockout.Kind.TOTP, is_familiar=familiar)
    return factor


def open_staff_doors(*, user: User, session: UUID, typed: str, caller: Caller) -> datetime:
    """Let a session of the API do what its owner, of staff, may do; says until when.

    Raises as `prove_second_factor`, `NotAllowed` for customers, and `SecondFactorNeeded` for who has not set one up.
    """
    if not user.is_staff:
        raise NotAllowed
    if second_factor_of(user) is None:
        raise SecondFactorNeeded
    # Stamped under the factor's lock: one that takes its place meanwhile is younger.
    given_at = prove_second_factor(user=user, typed=typed, caller=caller).used_at
    Session.objects.filter(pk=session).update(factor_at=given_at)
    return given_at + FACTOR_LASTS


@transaction.atomic
def renew_recovery_codes(*, factor: SecondFactor, caller: Caller) -> list[str]:
    """Ten new recovery codes in place of all old ones; call it for who has just proved the factor."""
    note(Action.RECOVERY_CODES_MADE, caller=caller, user=factor.user)
    return _make_recovery_codes(factor)


@transaction.atomic
def remove_second_factor(*, user: User, caller: Caller = NOBODY, operator: int | None = None) -> bool:
    """Forget the factor and its recovery codes; sessions it opened are closed. False if there was none."""
    if not SecondFactor.objects.filter(user=user).delete()[0]:
        return False
    by = {"operator": operator} if operator else {"by": "command"}
    note(Action.FACTOR_REMOVED, caller=caller, user=user, **by)
    notify(user, Notice.FACTOR_REMOVED)
    return True


def second_factor_of(user: User) -> SecondFactor | None:
    """The person's factor, if there is one."""
    return SecondFactor.objects.filter(user=user).first()


def _accept(user: User, code: str, caller: Caller) -> SecondFactor:
    """Under the row's lock: of two calls with one code, the second finds it used."""
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None:
            raise SecondFactorRejected(param="code")
        if _CODE.match(code):
            _use_step(factor, code)
            note(Action.FACTOR_PROVED, caller=caller, user=user)
        else:
            left = _use_recovery_code(factor, code)
            note(Action.RECOVERY_CODE_USED, caller=caller, user=user, left=left)
            notify(user, Notice.RECOVERY_CODE_USED)
        factor.used_at = now()
        factor.save(update_fields=["last_step", "used_at"])
        return factor


def _use_step(factor: SecondFactor, code: str) -> None:
    try:
        step = _matching_step(factor.secret, code, after=factor.last_step)
    except InvalidToken:
        log.exception("second_factor_unreadable", user=factor.user_id)
        raise SecondFactorUnreadable from None
    if step is None:
        raise SecondFactorRejected(param="code")
    factor.last_step = step


def _use_recovery_code(factor: SecondFactor, code: str) -> int:
    digest = _digest(code.translate(_LOOK_ALIKES))
    if not factor.recovery_codes.filter(digest=digest).delete()[0]:
        raise SecondFactorRejected(param="code")
    return int(factor.recovery_codes.count())


def _matching_step(secret: bytes, code: str, *, after: int) -> int | None:
    """The half minute this is the code of: the present one or a neighbour, for clocks differ; later than `after`."""
    present = int(now().timestamp()) // STEP_SECONDS
    found = None
    for step in (present - 1, present, present + 1):
        is_it = hmac.compare_digest(f"{hotp(secret, step, DIGITS):0{DIGITS}}".encode(), code.encode())
        if is_it and step > after:
            found = step
    return found


def _make_recovery_codes(factor: SecondFactor) -> list[str]:
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES)]
    factor.recovery_codes.all().delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(factor=factor, digest=_digest(code)) for code in codes)
    return [conceal("-".join(re.findall("....", code))) for code in codes]


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _tidy(typed: str) -> str:
    """People type codes with spaces and in capitals; whatever is longer than any code is none."""
    return "".join(typed.split()).replace("-", "").lower()[:32]
