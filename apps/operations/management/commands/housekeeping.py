"""`manage.py housekeeping`: all that counts for nothing any more, in one command."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from core.housekeeping import Chore, count_stale, delete_stale, interruptible, registered_chores


class Command(BaseCommand):
    help = (
        "Deletes what counts for nothing any more: old codes, ended sessions, abandoned carts and the like. In small "
        "batches that wait for nobody; Ctrl-C stops after the one at hand. The schedule does the same day by day; "
        "this is for a cron job of your own, or for a look with --dry-run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = ", ".join(registered_chores())
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, delete nothing")
        parser.add_argument("--only", action="append", metavar="NAME", default=[], help=f"one or more of: {names}")

    def handle(self, *, dry_run: bool, only: list[str], **_: object) -> None:
        chores = registered_chores()
        if unknown := [name for name in only if name not in chores]:
            raise CommandError(f"There is no chore {unknown[0]!r}. Known are: {', '.join(chores)}.")
        chosen = [chore for name, chore in chores.items() if not only or name in only]
        if dry_run:
            self._show("Would delete", [(chore, count_stale(chore)) for chore in chosen])
            return
        with interruptible() as stop:
            done = [(chore, delete_stale(chore, stop=stop)) for chore in chosen if not stop.is_set()]
        self._show("Deleted", done)
        if stop.is_set():
            self.stdout.write("Stopped before the end; run it again to finish.")

    def _show(self, verb: str, counted: list[tuple[Chore, int]]) -> None:
        width = len(verb) + 2
        self.stdout.write(f"{'Chore':<15}{verb:>{width}}  What")
        for chore, count in counted:
            self.stdout.write(f"{chore.name:<15}{count:>{width},}  {chore.says}")
