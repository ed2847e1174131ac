"""The kernel's share of the schedule."""

from datetime import timedelta

from core.housekeeping import delete_stale
from core.idempotency import stale_answers
from core.outbox import job


@job("core.forget_old_answers", every=timedelta(hours=1))
def forget_old_answers() -> None:
    delete_stale(stale_answers)
