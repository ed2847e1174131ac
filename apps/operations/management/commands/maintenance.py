"""`manage.py maintenance`: close the shop for a while, and open it again."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from redis import RedisError

from apps.operations.services import maintenance

MOST_MINUTES = maintenance.LONGEST_SECONDS // 60
MOST_CHARACTERS = 300


class Command(BaseCommand):
    help = (
        "Closes the shop: within five seconds visitors are answered 503 with Retry-After; staff and health checks "
        "pass, jobs go on. It opens by itself after --minutes, should nobody open it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["on", "off", "status"])
        parser.add_argument(
            "--minutes", type=int, default=60, metavar="N", help=f"60 if unsaid, at most {MOST_MINUTES}"
        )
        parser.add_argument("--message", default=maintenance.SAID, help="what visitors are told")

    def handle(self, *, action: str, minutes: int, message: str, **_: object) -> None:
        if not settings.REDIS_URL:
            raise CommandError("Without REDIS_URL there is no cache this command and the web processes share.")
        if not 1 <= minutes <= MOST_MINUTES:
            raise CommandError(f"--minutes is a number from 1 to {MOST_MINUTES}.")
        if not 0 < len(message) <= MOST_CHARACTERS:
            raise CommandError(f"--message has 1 to {MOST_CHARACTERS} characters.")
        try:
            self.stdout.write(self._done(action, minutes, message))
        except RedisError:
            raise CommandError("The cache at REDIS_URL cannot be reached, so nobody was told.") from None

    def _done(self, action: str, minutes: int, message: str) -> str:
        if action == "on":
            maintenance.close_shop(message=message, seconds=minutes * 60)
            return f"Closed, for {minutes} minutes at most. Open it with: manage.py maintenance off"
        if action == "off":
            return "Open again." if maintenance.open_shop() else "It was open."
        found = maintenance.read_closure()
        return f"Closed for another {found.seconds_left} seconds: {found.message}" if found else "Open."
