"""Hold our books against the payment gateway's own list."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.payments.services import mend_payment, mismatches
from core.clock import now
from core.errors import DomainError

WORDS = {
    "agreed": "agreed",
    "mended": "mended: charged or called off without our noticing",
    "found": "found: their rows had been lost",
    "called_off": "called off: nobody could pay them any more",
}


class Command(BaseCommand):
    help = "Ask the payment gateway for everything of the last days, and mend what our books do not know. Runs daily."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=3, metavar="N", help="how far back to look (default: 3)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 365:  # noqa: PLR2004  # a year
            raise CommandError("--days takes 1 to 365.")
        tally: Counter[str] = Counter()
        try:
            for intent, verdict in mismatches(since=now() - timedelta(days=options["days"])):
                if verdict != "agreed":
                    mend_payment(intent=intent)
                tally[verdict] += 1
        except DomainError as error:
            raise CommandError(f"{error.text} What was mended until then stays; run it again.") from None
        said = [f"{tally[outcome]} {word}" for outcome, word in WORDS.items() if tally.get(outcome)]
        self.stdout.write(f"Payments of the last {options['days']} days: {'; '.join(said) or 'none'}.")
