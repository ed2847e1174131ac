"""`manage.py restore`: a backup becomes a database again."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations.errors import COULD_NOT_RUN, NOT_SWAPPED, BackupRefused
from apps.operations.management.watching import Watching
from apps.operations.services.restoring import Restored, require_own_backup, restore_backup, swap_in

EXAMPLES = """
  manage.py restore latest                       into a new database, verified, beside the live one
  manage.py restore NAME --into shop_monday      the same, under a name of yours that is free
  manage.py restore latest --swap                then put it into the live one's place

Nothing is ever dropped or overwritten: a restore always makes a new database and compares it with the backup. With
--swap everybody is disconnected and both are renamed in one step; the old one is kept under another name.

Exit codes: 0 done; 1 the backup is damaged, or what was restored is not what was backed up (dropped again);
2 refused or could not be run, nothing changed; 3 restored and verified, but not swapped.
"""


class Command(BaseCommand):
    help = "Restores a backup into a new database, verifies it, and with --swap makes it the live one.\n" + EXAMPLES
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="a backup's name, or latest")
        parser.add_argument("--into", default="", metavar="DATABASE", help="name of the new database")
        parser.add_argument("--swap", action="store_true", help="put it into the live database's place afterwards")
        parser.add_argument("--yes", action="store_true", help="swap without asking; needed where nobody can answer")
        parser.add_argument(
            "--allow-major-change", action="store_true", help="restore a backup of another major version of PostgreSQL"
        )
        parser.add_argument(
            "--from-another-database", action="store_true", help="swap in the backup of a database of another name"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._restore(options)
        except BackupRefused as error:
            raise CommandError(str(error), returncode=error.exit_code) from None

    def _restore(self, options: dict[str, Any]) -> None:
        if options["swap"]:
            self._require_consent(options)
        with Watching() as watch:
            restored = restore_backup(
                name=options["name"],
                into=options["into"],
                allow_major_change=options["allow_major_change"],
                watch=watch,
            )
        verdict = restored.verdict
        self.stdout.write(
            f"{verdict.stored.name} is restored into {restored.database} and verified: {verdict.tables} tables with "
            f"{verdict.rows} rows, {verdict.seconds:.1f} s."
        )
        for note in verdict.notes:
            self.stdout.write(f"  {note}")
        if options["swap"]:
            self._swap(restored, is_asked=not options["yes"])
        else:
            self.stdout.write(
                f"The live database, {restored.live}, was not touched. Look at the new one with DATABASE_URL; drop it "
                f"with {dropping(restored.database)}. To go live with the backup: "
                f"manage.py restore {verdict.stored.name} --swap"
            )

    def _require_consent(self, options: dict[str, Any]) -> None:
        """Before the work, not after it."""
        if not options["from_another_database"]:
            require_own_backup(name=options["name"])
        if not options["yes"] and not sys.stdin.isatty():
            raise CommandError(
                "--swap replaces the live database: say --yes as well where nobody can be asked. Nothing was changed.",
                returncode=COULD_NOT_RUN,
            )

    def _swap(self, restored: Restored, *, is_asked: bool) -> None:
        if is_asked and input(f"Put it into the place of {restored.live} now? Type yes: ").strip() != "yes":
            raise CommandError(
                f"Not swapped. {restored.live} is still live; the restored one is {restored.database}.",
                returncode=NOT_SWAPPED,
            )
        old = swap_in(restored=restored)
        self.stdout.write(f"{restored.live} is now what {restored.verdict.stored.name} held.")
        if old:
            self.stdout.write(
                f"The old one is kept as {old}. Once nobody misses it, drop it with {dropping(old)}. "
                "Processes reconnect by themselves; changes since the backup are only in the old one."
            )


def dropping(database: str) -> str:
    return f"""psql "$DATABASE_URL" -c 'DROP DATABASE "{database}"'"""
