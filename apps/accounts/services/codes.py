"""Texted codes: made, limited, sent, compared, spent.

Every count is taken under the identity's lock and before the comparison, so parallel requests cannot slip between
a read and its write (OWASP ASVS 5.0, 6.5 and 6.6).
"""

import secrets
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from prometheus_client import Counter

from apps.accounts.errors import CodeRejected, TextNotSent, TooManyGuesses, TooManyTexts
from apps.accounts.models import Code, CodeQuerySet, Guess
from apps.accounts.phones import ascii_digits
from apps.accounts.texts import SmsProvider, sms_provider
from core.client_address import limit_key
from core.clock import now
from core.errors import InvalidInput
from core.locks import lock
from core.redaction import conceal

log = structlog.get_logger(__name__)
CODES = Counter("hanout_codes_total", "Texted codes, by outcome.", ["purpose", "outcome"])

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# S3's wording.
TEXT = "Your Hanout verification code is: {code}\n\nThis code will expire in {minutes} minutes."


def send_code(*, phone: str, purpose: str, address: str, provider: SmsProvider | None = None) -> str:
    """Text a new code and return it; an earlier one for the same identity stops working.

    Raises `TooManyTexts`, or `TextNotSent` when the provider refused: that send is not counted.
    """
    address = limit_key(address)
    digits = conceal("".join(secrets.choice("0123456789") for _ in range(settings.OTP_CODE_LENGTH)))
    with transaction.atomic():
        _lock_identity(phone, purpose)
        _check_send_limits(phone, purpose, address)
        code = Code.objects.create(
            phone=phone,
            purpose=purpose,
            digest=_digest(phone, purpose, digits),
            address=address or None,
            created_at=now(),
            expires_at=now() + timedelta(seconds=settings.OTP_TTL_SECONDS),
        )
    body = TEXT.format(code=digits, minutes=settings.OTP_TTL_SECONDS // 60 or 1)
    try:
        (provider or sms_provider()).send(phone=phone, body=body)
    except TextNotSent:
        Code.objects.filter(pk=code.pk).update(failed_at=now())
        CODES.labels(purpose=purpose, outcome="not_sent").inc()
        raise
    CODES.labels(purpose=purpose, outcome="sent").inc()
    return digits


def verify_code(*, phone: str, purpose: str, guess: str) -> None:
    """Spend the identity's newest code on this guess.

    Raises `InvalidInput` for what cannot be a code, which costs nothing; `CodeRejected`; or `TooManyGuesses` once the
    code's attempts are gone, or the identity's rolling budget, whatever code it holds.
    """
    guess = conceal(_as_digits(guess))
    with transaction.atomic():
        _lock_identity(phone, purpose)
        code = Code.objects.for_identity(phone=phone, purpose=purpose).sent().order_by("-pk").first()
        outcome = _compare(code, guess) if code else "no_code"
    CODES.labels(purpose=purpose, outcome=outcome).inc()
    # Outside the block: the spent attempt must survive the refusal.
    if outcome == "budget_spent":
        log.warning("code_budget_spent", phone=phone, purpose=purpose)
        raise TooManyGuesses(retry_after=_seconds_until(_oldest_guess(phone, purpose) + HOUR))
    if outcome == "attempts_spent" and code:
        raise TooManyGuesses(retry_after=_seconds_until(code.expires_at))
    if outcome != "accepted":
        raise CodeRejected(param="code")


def _as_digits(guess: str) -> str:
    """The code as it was typed: any script's digits, with or without spaces."""
    digits = ascii_digits(guess)
    if not (digits.isascii() and digits.isdecimal() and len(digits) == settings.OTP_CODE_LENGTH):
        raise InvalidInput({"code": [f"Enter the {settings.OTP_CODE_LENGTH} digits of the text."]})
    return digits


def _compare(code: Code, guess: str) -> str:
    recent = Guess.objects.filter(phone=code.phone, purpose=code.purpose, created_at__gt=now() - HOUR).count()
    if recent >= settings.OTP_IDENTITY_HOURLY_GUESSES:
        return "budget_spent"
    if not code.is_open():
        return "closed"
    if code.attempts >= settings.OTP_MAX_ATTEMPTS:
        return "attempts_spent"
    Guess.objects.create(phone=code.phone, purpose=code.purpose, created_at=now())
    code.attempts += 1
    matched = constant_time_compare(bytes(code.digest), _digest(code.phone, code.purpose, guess))
    if matched:
        code.used_at = now()
    code.save(update_fields=["attempts", "used_at"])
    return "accepted" if matched else "wrong"


def _oldest_guess(phone: str, purpose: str) -> datetime:
    """The one whose hour is over first."""
    recent = Guess.objects.filter(phone=phone, purpose=purpose, created_at__gt=now() - HOUR)
    return recent.order_by("created_at").values_list("created_at", flat=True).first() or now()


def _digest(phone: str, purpose: str, digits: str) -> bytes:
    """Keyed with SECRET_KEY and bound to whom and what the code is for (ASVS 6.6.2)."""
    return salted_hmac("hanout.code", f"{purpose}:{phone}:{digits}", algorithm="sha256").digest()


def _lock_identity(phone: str, purpose: str) -> None:
    lock(f"code:{purpose}:{phone}")


def _check_send_limits(phone: str, purpose: str, address: str) -> None:
    """S0's limits in S0's order: cooldown, phone per hour, phone per day, address per hour."""
    mine = Code.objects.for_identity(phone=phone, purpose=purpose).sent()
    if settings.OTP_COOLDOWN_SECONDS:
        _limit(mine, 1, timedelta(seconds=settings.OTP_COOLDOWN_SECONDS))
    _limit(mine, settings.OTP_PHONE_HOURLY_LIMIT, HOUR)
    _limit(mine, settings.OTP_PHONE_DAILY_LIMIT, DAY)
    if address and settings.OTP_IP_HOURLY_LIMIT:
        # Taken after the identity's lock everywhere, so the two cannot deadlock.
        lock(f"code-address:{address}")
        _limit(Code.objects.filter(address=address).sent(), settings.OTP_IP_HOURLY_LIMIT, HOUR)


def _limit(codes: CodeQuerySet, most: int, window: timedelta) -> None:
    """Refuse when `most` codes left within the window; 0 is no limit. Says when the oldest one drops out."""
    if not most:
        return
    recent = list(
        codes.filter(created_at__gt=now() - window).order_by("-created_at").values_list("created_at", flat=True)[:most]
    )
    if len(recent) == most:
        raise TooManyTexts(retry_after=_seconds_until(recent[-1] + window))


def _seconds_until(instant: datetime) -> int:
    return max(1, int((instant - now()).total_seconds()) + 1)
