"""The kernel's share of the schedule."""

from datetime import timedelta

from core import idempotency
from core.outbox import job


@job("core.forget_old_answers", every=timedelta(hours=1))
def forget_old_answers() -> None:
    idempotency.forget_old_answers()
