"""`manage.py cleanup_expired_otps` (S1): codes that count for nothing any more."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from apps.accounts.services.housekeeping import KEEP_DAYS, stale_codes
from core.housekeeping import delete_or_count, number_of_days


class Command(BaseCommand):
    help = (
        "Deletes codes, their sends and guesses, links and lockouts that were over so many days ago. The schedule "
        "runs it every hour; fewer than a day would make people's limits forget."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many would be deleted, delete none")
        parser.add_argument("--days", type=number_of_days, default=KEEP_DAYS, metavar="N", help="7 if unsaid")

    def handle(self, *, dry_run: bool, days: int, **_: object) -> None:
        said = delete_or_count(stale_codes, days=max(days, 1), dry_run=dry_run, rows="row(s)")
        self.stdout.write(said)
