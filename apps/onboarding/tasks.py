"""Onboarding's share of the schedule."""

from datetime import timedelta

from apps.onboarding import services
from core.housekeeping import delete_stale
from core.outbox import job


@job("onboarding.forget_old_registrations", every=timedelta(days=1))
def forget_old_registrations() -> None:
    delete_stale(services.stale_registrations)
