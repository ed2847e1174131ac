"""How much a person may move: the standing limits, and the lower ones for a day after a passcode or PIN change (S1)."""

from dataclasses import dataclass
from datetime import datetime

from apps.accounts.errors import DailyLimitExceeded, LimitsRestricted, MonthlyLimitExceeded, TransactionLimitExceeded
from apps.accounts.models import User
from core.clock import now, seconds_until

PER_TRANSACTION, DAILY, MONTHLY = 5_000_000, 10_000_000, 100_000_000
RESTRICTED = 1_000_000


@dataclass(frozen=True)
class SpendingLimits:
    """In minor units of the shop's currency; `restricted_until` while they are lowered."""

    per_transaction: int
    daily: int
    monthly: int
    restricted_until: datetime | None


def spending_limits(user: User) -> SpendingLimits:
    """What holds for this person right now."""
    until = user.limits_restricted_until
    if until is not None and until > now():
        return SpendingLimits(RESTRICTED, RESTRICTED, MONTHLY, until)
    return SpendingLimits(PER_TRANSACTION, DAILY, MONTHLY, None)


def require_within_limits(*, user: User, amount: int, spent_today: int, spent_this_month: int) -> None:
    """Raise unless `amount` more may be moved, all in minor units; `spent_…` are the last 24 hours and 30 days.

    The caller holds a lock that keeps the person's sums still. Raises `LimitsRestricted` while they are lowered, else
    `TransactionLimitExceeded`, `DailyLimitExceeded` or `MonthlyLimitExceeded`.
    """
    limits = spending_limits(user)
    over = {
        TransactionLimitExceeded: amount - limits.per_transaction,
        DailyLimitExceeded: spent_today + amount - limits.daily,
        MonthlyLimitExceeded: spent_this_month + amount - limits.monthly,
    }
    for refusal, excess in over.items():
        if excess <= 0:
            continue
        if limits.restricted_until and refusal is not MonthlyLimitExceeded:
            until = limits.restricted_until
            raise LimitsRestricted(retry_after=seconds_until(until), restricted_until=until, limit=RESTRICTED)
        raise refusal(excess=excess)
