"""`manage.py cleanup_refresh_tokens` (S4): the rows of sessions that are over."""

import contextlib
import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator

from django.core.management.base import BaseCommand

from apps.accounts import services

MOST_DAYS = 3650


def _days(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) <= MOST_DAYS:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number of days from 0 to {MOST_DAYS}")


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that no batch is cut in two."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Command(BaseCommand):
    help = (
        "Deletes sessions, and with them their refresh tokens, that expired more than KEEP_EXPIRED_DAYS or ended more "
        "than KEEP_REVOKED_DAYS days ago. In small batches that wait for nobody; Ctrl-C stops after the one at hand. "
        "The schedule runs it daily at 03:00 UTC."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say how many would be deleted, delete none")
        parser.add_argument(
            "--older-than-days", type=_days, metavar="N", help="for both kinds, instead of the two settings"
        )

    def handle(self, *, dry_run: bool, older_than_days: int | None, **_: object) -> None:
        keep = services.Retention.of(older_than_days)
        if dry_run:
            self.stdout.write(f"{services.count_dead_sessions(keep=keep)} session(s) would be deleted.")
            return
        with _interruptible() as stop:
            count = services.delete_dead_sessions(keep=keep, stop=stop)
        self.stdout.write(f"{count} session(s) deleted{'; stopped before the end' if stop.is_set() else ''}.")
