"""The kernel's share of the schedule."""

from datetime import timedelta

from core.housekeeping import registered_chores
from core.housekeeping import sweep as sweep_some
from core.idempotency import stale_answers
from core.outbox import job


@job("core.forget_old_answers", every=timedelta(hours=1))
def forget_old_answers() -> None:
    sweep_some(stale_answers)


@job("core.sweep", queue="low_priority")
def sweep(chore: str) -> None:
    """The rest of a chore that was too much for one job."""
    sweep_some(registered_chores()[chore])
