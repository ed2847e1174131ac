"""Codes by text and mail: made, limited, sent, compared, spent.

Every count is taken under the identity's lock and before the comparison, so parallel requests cannot slip between
a read and its write (OWASP ASVS 5.0, 6.5 and 6.6).
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from prometheus_client import Counter

from apps.accounts.callers import Caller
from apps.accounts.errors import CodeRejected, CountryNotServed
from apps.accounts.mails import require_mail
from apps.accounts.models import Code, CodeSend, Guess
from apps.accounts.phones import ascii_digits, country_of, number_range
from apps.accounts.services.audit import Action, note
from apps.accounts.services.code_limits import guess_refusal, refusal_of_send
from apps.accounts.services.networks import is_familiar
from apps.accounts.texts import Taken, send_text
from core.clock import now
from core.errors import DomainError, InvalidInput
from core.locks import lock
from core.outbox import enqueue
from core.redaction import conceal
from core.sealing import InvalidToken, seal, unseal

log = structlog.get_logger(__name__)
CODES = Counter("hanout_codes_total", "Codes sent and tried, by outcome.", ["purpose", "outcome", "country"])

# S3's wording.
TEXT = "Your Hanout verification code is: {code}\n\nThis code will expire in {minutes} minute{s}."
# Who is asked for a code "to sign in" must be able to see that it would do something else.
TEXTS = {
    Code.Purpose.PHONE_CHANGE: "Your Hanout code to change an account's phone number is: {code}\n\n"
    "This code will expire in {minutes} minute{s}."
}
LONGEST_REFERENCE = 64
MAIL_VALID = timedelta(minutes=10)
MOST_VALID = timedelta(minutes=10)  # OWASP ASVS 5.0, 6.5.5
LEAST_LEFT = timedelta(seconds=45)  # of a code sent again; people need time to type
_SEAL = "code"


@dataclass(frozen=True)
class SentCode:
    """What left, for the doors that may show it in development."""

    digits: str
    expires_in_seconds: int


def send_code(*, recipient: str, purpose: str, caller: Caller, fixed: str = "") -> SentCode:
    """Send the identity's code: the valid one again, or a new one; `fixed` is staging's own.

    `recipient` is a canonical phone, which is texted, or an email address, which is mailed through the outbox.
    Raises `CountryNotServed`, `TooManyTexts`, `TextsPaused` or `ShopBusy`; `TextNotSent` or its kin when no provider
    took it, and such a send counts against nothing.
    """
    is_text = recipient.startswith("+")
    if not is_text:
        require_mail()
    if is_text and settings.OTP_COUNTRIES and country_of(recipient) not in settings.OTP_COUNTRIES:
        raise CountryNotServed(param="phone")
    with transaction.atomic():
        lock(_identity(recipient, purpose))
        send = _send_asked_for(recipient, purpose, caller)
        refusal = refusal_of_send(send, caller)
        if refusal is None:
            send.code, digits = _valid_code(send, fixed)
            send.save()
            if not is_text:
                enqueue("accounts.mail_code", send=send.pk)
    # Outside the block: the note of a refusal must survive it.
    _count(send, "refused" if refusal else "asked")
    if refusal:
        note(Action.CODE_REFUSED, caller=caller, subject=recipient, purpose=purpose, why=refusal.code)
        raise refusal
    if is_text:
        _text(send, digits, caller)
    return SentCode(digits, round((send.code.expires_at - send.created_at).total_seconds()))


def verify_code(*, recipient: str, purpose: str, guess: str, caller: Caller, spend_it: bool = True) -> Code:
    """Spend the identity's newest code on this guess, and return it; V1 also asks without spending.

    Raises `InvalidInput` for what cannot be a code, which costs nothing; `CodeRejected`; or `TooManyGuesses` once the
    code's attempts are gone, or the identity's rolling budget, whatever code it holds.
    """
    guess = conceal(_as_digits(guess))
    with transaction.atomic():
        code = newest_code(recipient, purpose)
        outcome, refusal = _compare(code, guess, caller, spend_it=spend_it)
    CODES.labels(purpose=purpose, outcome=outcome, country=country_of(recipient)).inc()
    action = Action.CODE_REJECTED if refusal else Action.CODE_ACCEPTED
    # Outside the block: the spent attempt must survive the refusal.
    note(action, caller=caller, subject=recipient, purpose=purpose, outcome=outcome)
    if code is None or refusal:
        raise refusal or CodeRejected(param="code")
    return code


def newest_code(recipient: str, purpose: str) -> Code | None:
    """The identity's code, with the identity locked until the transaction ends."""
    lock(_identity(recipient, purpose))
    return _newest(recipient, purpose)


def spend(code: Code) -> None:
    """The code counts no more, and its digits are gone."""
    code.used_at, code.sealed = now(), None
    code.save(update_fields=["used_at", "sealed"])


def digits_of(code: Code) -> str:
    """The digits, to be sent again; empty once the code was used or SECRET_KEY has changed."""
    try:
        return conceal(unseal(bytes(code.sealed), kind=_SEAL).decode()) if code.sealed else ""
    except InvalidToken:
        return ""


def _newest(recipient: str, purpose: str) -> Code | None:
    return Code.objects.for_identity(recipient=recipient, purpose=purpose).order_by("-pk").first()


def _is_familiar(recipient: str, caller: Caller) -> bool:
    return is_familiar(caller, **{"phone" if recipient.startswith("+") else "email": recipient})


def _send_asked_for(recipient: str, purpose: str, caller: Caller) -> CodeSend:
    is_text = recipient.startswith("+")
    return CodeSend(
        recipient=recipient,
        purpose=purpose,
        is_familiar=_is_familiar(recipient, caller),
        address=caller.limit_key or None,
        number_range=number_range(recipient) if is_text else "",
        country=country_of(recipient),
        created_at=now(),
    )


def _valid_code(send: CodeSend, fixed: str) -> tuple[Code, str]:
    """The code still valid, its time extended within ten minutes of its birth; or a new one."""
    valid = MAIL_VALID if not send.number_range else timedelta(seconds=settings.OTP_TTL_SECONDS)
    code = _newest(send.recipient, send.purpose)
    if code and code.is_open() and not _is_worn(code):
        digits, until = digits_of(code), min(send.created_at + valid, code.created_at + MOST_VALID)
        if digits and fixed in {"", digits} and until >= send.created_at + LEAST_LEFT:
            code.expires_at = until
            code.save(update_fields=["expires_at"])
            return code, digits
    digits = conceal(fixed or "".join(secrets.choice("0123456789") for _ in range(settings.OTP_CODE_LENGTH)))
    code = Code.objects.create(
        recipient=send.recipient,
        purpose=send.purpose,
        channel=Code.Channel.TEXT if send.number_range else Code.Channel.MAIL,
        digest=_digest(send.recipient, send.purpose, digits),
        sealed=seal(digits.encode(), kind=_SEAL),
        created_at=send.created_at,
        expires_at=send.created_at + valid,
    )
    return code, digits


def _is_worn(code: Code) -> bool:
    """All its attempts are gone; sending it again would help nobody."""
    return code.guesses.count() >= settings.OTP_MAX_ATTEMPTS


def _text(send: CodeSend, digits: str, caller: Caller) -> None:
    minutes = round((send.code.expires_at - send.created_at).total_seconds() / 60) or 1
    words = TEXTS.get(Code.Purpose(send.purpose), TEXT)
    body = words.format(code=digits, minutes=minutes, s="" if minutes == 1 else "s")
    try:
        taken = send_text(phone=send.recipient, body=body)
    except DomainError as error:
        CodeSend.objects.filter(pk=send.pk).update(state=CodeSend.State.FAILED, error=error.code, settled_at=now())
        _count(send, "not_sent")
        note(Action.CODE_NOT_SENT, caller=caller, subject=send.recipient, purpose=send.purpose, why=error.code)
        raise
    _keep_reference(send, taken)
    _count(send, "sent")
    note(Action.CODE_SENT, caller=caller, subject=send.recipient, purpose=send.purpose, provider=taken.provider)


def _keep_reference(send: CodeSend, taken: Taken) -> None:
    """The text has left, whatever its provider calls it; one known by another's name is never reported on."""
    sent = CodeSend.objects.filter(pk=send.pk)
    sent.update(state=CodeSend.State.SENT, provider=taken.provider)
    try:
        with transaction.atomic():
            sent.update(reference=taken.reference[:LONGEST_REFERENCE])
    except IntegrityError:
        log.warning("text_reference_repeated", provider=taken.provider)


def _compare(code: Code | None, guess: str, caller: Caller, *, spend_it: bool) -> tuple[str, DomainError | None]:
    if code is None or not code.is_open():
        return "closed" if code else "no_code", CodeRejected(param="code")
    try_ = Guess(
        code=code,
        recipient=code.recipient,
        purpose=code.purpose,
        is_familiar=_is_familiar(code.recipient, caller),
        address=caller.limit_key or None,
        created_at=now(),
    )
    outcome, refusal = guess_refusal(code, try_)
    if refusal:
        return outcome, refusal
    try_.save()
    if not constant_time_compare(bytes(code.digest), _digest(code.recipient, code.purpose, guess)):
        return "wrong", CodeRejected(param="code")
    if spend_it:
        spend(code)
    return "accepted", None


def _as_digits(guess: str) -> str:
    """The code as it was typed: any script's digits, with or without spaces."""
    digits = ascii_digits(guess)
    lengths = {settings.OTP_CODE_LENGTH, len(settings.OTP_TEST_CODE) or settings.OTP_CODE_LENGTH}
    if not (digits.isascii() and digits.isdecimal() and len(digits) in lengths):
        raise InvalidInput({"code": [f"Enter the {settings.OTP_CODE_LENGTH} digits you were sent."]})
    return digits


def _digest(recipient: str, purpose: str, digits: str) -> bytes:
    """Keyed with SECRET_KEY and bound to whom and what the code is for (ASVS 6.6.2)."""
    return salted_hmac("hanout.code", f"{purpose}:{recipient}:{digits}", algorithm="sha256").digest()


def _identity(recipient: str, purpose: str) -> str:
    return f"code:{purpose}:{recipient}"


def _count(send: CodeSend, outcome: str) -> None:
    CODES.labels(purpose=send.purpose, outcome=outcome, country=send.country).inc()
