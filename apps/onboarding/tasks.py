"""Onboarding's share of the schedule."""

from datetime import timedelta

from apps.onboarding import services
from core.housekeeping import sweep
from core.outbox import job


@job("onboarding.forget_old_registrations", every=timedelta(days=1))
def forget_old_registrations() -> None:
    sweep(services.stale_registrations)
