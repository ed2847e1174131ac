"""Accounts' share of the schedule, and what it sends by mail."""

from datetime import datetime, time, timedelta

from apps.accounts.services import housekeeping, mailing
from core.housekeeping import sweep
from core.outbox import job


@job("accounts.forget_old_codes", every=timedelta(hours=1))
def forget_old_codes() -> None:
    for chore in (housekeeping.stale_codes, housekeeping.stale_networks, housekeeping.stale_audit):
        sweep(chore)


@job("accounts.delete_dead_sessions", daily_at=time(3), queue="low_priority")
def delete_dead_sessions() -> None:
    """S4 cleans daily at 03:00."""
    sweep(housekeeping.stale_sessions)


@job("accounts.mail_code", queue="email")
def mail_code(*, send: int) -> None:
    mailing.send_code_mail(send)


@job("accounts.mail_link", queue="email")
def mail_link(*, link: str) -> None:
    mailing.send_link_mail(link)


@job("accounts.notify", queue="email")
def notify(*, user: int, notice: str, at: str, to: dict[str, str]) -> None:
    """`user` is for who reads the table of jobs: a person deleted by now is told all the same."""
    mailing.send_notice(notice=notice, at=datetime.fromisoformat(at), **to)
