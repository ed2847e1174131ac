"""Accounts' share of the schedule."""

from datetime import timedelta

from apps.accounts import services
from core.outbox import job


@job("accounts.forget_old_codes", every=timedelta(hours=1))
def forget_old_codes() -> None:
    services.forget_old_codes()
