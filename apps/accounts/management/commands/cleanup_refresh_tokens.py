"""`manage.py cleanup_refresh_tokens` (S4): the rows of sessions that are over."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from apps.accounts.services.housekeeping import stale_sessions
from core.housekeeping import delete_or_count, number_of_days


class Command(BaseCommand):
    help = (
        "Deletes sessions, and with them their refresh tokens, that expired more than KEEP_EXPIRED_DAYS or ended more "
        "than KEEP_REVOKED_DAYS days ago. In small batches that wait for nobody; Ctrl-C stops after the one at hand. "
        "The schedule runs it daily at 03:00 UTC."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many would be deleted, delete none")
        parser.add_argument(
            "--older-than-days", type=number_of_days, metavar="N", help="for both kinds, instead of the two settings"
        )

    def handle(self, *, dry_run: bool, older_than_days: int | None, **_: object) -> None:
        said = delete_or_count(stale_sessions, days=older_than_days, dry_run=dry_run, rows="session(s)")
        self.stdout.write(said)
