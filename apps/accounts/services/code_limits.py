"""How many codes may leave, and how many guesses may come in.

Each count is taken under a lock and before what it limits, and exists twice (see `networks`): for callers from a
network the person was seen in, and for everybody else together.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from apps.accounts.callers import Caller
from apps.accounts.errors import ShopBusy, TextsPaused, TooManyGuesses, TooManyTexts
from apps.accounts.models import AuditEvent, Code, CodeSend, Guess
from apps.accounts.services.audit import Action, note
from core.clock import now, seconds_until
from core.errors import DomainError
from core.locks import lock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RESERVED_A_DAY = 10
LEAST_ASKERS = 10  # addresses whose codes were not entered: fewer are one visitor's doing, whom their own limit stops
LEAST_ENTERED = 0.05  # of a range's codes; below, somebody collects a share of what texts to it cost


def refusal_of_send(send: CodeSend, caller: Caller) -> DomainError | None:
    """Why this send may not leave, or None. S0's limits in S0's order, then the range's and the whole shop's.

    The wait between two is per purpose; the hour and the day belong to the phone or mailbox, whatever it is texted for.
    Call it under the identity's lock; the others are taken here, always in this order, so that none can deadlock.
    """
    sends = CodeSend.objects.exclude(state=CodeSend.State.FAILED)
    lock(f"code-recipient:{send.recipient}")
    mine = sends.filter(recipient=send.recipient, is_familiar=send.is_familiar)
    cooldown = settings.OTP_COOLDOWN_SECONDS
    limits = [
        (mine.filter(purpose=send.purpose), 1 if cooldown else 0, timedelta(seconds=cooldown)),
        (mine, settings.OTP_PHONE_HOURLY_LIMIT, HOUR),
        (mine, settings.OTP_PHONE_DAILY_LIMIT, DAY),
    ]
    if caller.limit_key:
        lock(f"code-address:{caller.limit_key}")
        limits.append((sends.filter(address=caller.limit_key), settings.OTP_IP_HOURLY_LIMIT, HOUR))
    for found, most, window in limits:
        if wait := _wait(found, most, window):
            return TooManyTexts(retry_after=wait)
    return _range_refusal(send, caller) or _spend_refusal(send) if send.number_range else None


def guess_refusal(code: Code, guess: Guess) -> tuple[str, DomainError | None]:
    """The outcome's name and error if this guess may not be compared; ("", None) if it may.

    Whoever asked for the very code has a first guess that nobody else can spend, as long as the day's reserve lasts.
    """
    mine = Guess.objects.filter(is_familiar=guess.is_familiar)
    if _is_first_of_asker(code, guess) and not _wait(_of(code, mine), _daily_guesses() + RESERVED_A_DAY, DAY):
        return "", None
    if mine.filter(code=code).count() >= settings.OTP_MAX_ATTEMPTS:
        return "attempts_spent", TooManyGuesses(retry_after=seconds_until(code.expires_at))
    for most, window in ((settings.OTP_IDENTITY_HOURLY_GUESSES, HOUR), (_daily_guesses(), DAY)):
        if wait := _wait(_of(code, mine), most, window):
            return "budget_spent", TooManyGuesses(retry_after=wait)
    return "", None


def _daily_guesses() -> int:
    return int(settings.OTP_IDENTITY_DAILY_GUESSES)


def _of(code: Code, guesses: QuerySet[Guess]) -> QuerySet[Guess]:
    return guesses.filter(recipient=code.recipient, purpose=code.purpose)


def _is_first_of_asker(code: Code, guess: Guess) -> bool:
    if not guess.address or code.guesses.filter(address=guess.address).exists():
        return False
    return code.sends.filter(address=guess.address).exists()


def _wait(counted: QuerySet[CodeSend] | QuerySet[Guess], most: int, window: timedelta) -> int:
    """Seconds until one of `most` rows drops out of the window, or 0 while there are fewer; 0 is no limit."""
    if not most:
        return 0
    times = counted.filter(created_at__gt=now() - window).order_by("-created_at").values_list("created_at", flat=True)
    filling = list(times[most - 1 : most])
    return seconds_until(filling[0] + window) if filling else 0


def _range_refusal(send: CodeSend, caller: Caller) -> DomainError | None:
    """A range of numbers whose codes are hardly ever entered; whoever signed in from here before is not meant."""
    least = settings.OTP_BLOCKED_RANGE_LEAST_TEXTS
    if not least or send.is_familiar:
        return None
    recent = CodeSend.objects.filter(number_range=send.number_range, created_at__gt=now() - HOUR)
    found = recent.exclude(state=CodeSend.State.FAILED).aggregate(
        texts=Count("pk"),
        entered=Count("code", distinct=True, filter=Q(code__used_at__isnull=False)),
        askers=Count("address", distinct=True, filter=Q(code__used_at__isnull=True)),
    )
    is_open = found["texts"] < least or found["entered"] >= found["texts"] * LEAST_ENTERED
    if is_open or found["askers"] < LEAST_ASKERS:
        return None
    told = AuditEvent.objects.filter(action=Action.RANGE_BLOCKED, subject=send.number_range, at__gt=now() - HOUR)
    if not told.exists():
        note(Action.RANGE_BLOCKED, caller=caller, subject=send.number_range, country=send.country, **found)
    return TextsPaused(retry_after=int(HOUR.total_seconds()))


def _spend_refusal(send: CodeSend) -> DomainError | None:
    lock("code-spend")
    texts = CodeSend.objects.exclude(number_range="").exclude(state=CodeSend.State.FAILED)
    wait = _wait(texts.filter(is_familiar=send.is_familiar), settings.OTP_PROJECT_HOURLY_TEXTS, HOUR)
    return ShopBusy(retry_after=wait) if wait else None
