"""`manage.py backup`: make, verify, list and remove backups."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.operations.errors import FAILED, BackupRefused
from apps.operations.management.watching import Watching
from apps.operations.services.backups import make_backup, prune_backups
from apps.operations.services.evidence import Listed, list_backups
from apps.operations.services.restoring import extract_dump, verify_backup
from core.clock import now

EXAMPLES = """
  manage.py backup                      make one, then remove those that are too old
  manage.py backup verify               restore the newest into an empty database, compare, drop it
  manage.py backup verify NAME          the same for another one
  manage.py backup list                 what there is, and whether it was verified
  manage.py backup prune                remove what is older than BACKUP_KEEP_DAYS
  manage.py backup extract NAME FILE    the dump in it, unencrypted, for pg_restore

Backups go to BACKUP_TARGET, a folder or s3://bucket/prefix, and are encrypted where BACKUP_ENCRYPTION_KEY is set.
A backup counts only after it was verified. `manage.py restore` brings one back; docs/backups.md tells more.

Exit codes: 0 done; 1 failed, or what was restored is not what was backed up; 2 could not be run or checked: target
or database out of reach, no pg_dump that is new enough, no key, no such backup.
"""
SHOWN = 20


class Command(BaseCommand):
    help = "Makes, verifies, lists and removes backups of the shop's database.\n" + EXAMPLES
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "action", nargs="?", default="create", choices=[*self._actions()], help="create, if nothing is said"
        )
        parser.add_argument("name", nargs="?", default="latest", metavar="NAME", help="a backup's name, or latest")
        parser.add_argument("file", nargs="?", default="", metavar="FILE", help="where `extract` writes the dump")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._actions()[options["action"]](options["name"], options["file"])
        except BackupRefused as error:
            raise CommandError(str(error), returncode=error.exit_code) from None

    def _actions(self) -> dict[str, Callable[[str, str], None]]:
        return {
            "create": self._create,
            "verify": self._verify,
            "list": self._list,
            "prune": self._prune,
            "extract": self._extract,
        }

    def _create(self, name: str, file: str) -> None:
        with Watching() as watch:
            made = make_backup(watch=watch)
        how = "encrypted" if made.is_encrypted else "not encrypted"
        self.stdout.write(
            f"{made.stored.name}: {megabytes(made.stored.size)}, {how}, {made.tables} tables with {made.rows} rows, "
            f"{made.seconds:.1f} s. It is in {made.where}."
        )
        self._prune(name, file)

    def _verify(self, name: str, file: str) -> None:
        with Watching() as watch:
            verdict = verify_backup(name=name, watch=watch)
        shown = verdict.stored.name
        if verdict.differences:
            raise CommandError("\n".join(told(shown, verdict.differences)), returncode=FAILED)
        self.stdout.write(
            f"{shown} is whole: restored in {verdict.seconds:.1f} s, {verdict.tables} tables with {verdict.rows} rows "
            "are what they were."
        )
        for note in verdict.notes:
            self.stdout.write(f"  {note}")

    def _list(self, name: str, file: str) -> None:
        listed = list_backups()
        if not listed:
            self.stdout.write("There is no backup yet: `manage.py backup` makes one.")
        for one in listed:
            self.stdout.write(line(one))

    def _prune(self, name: str, file: str) -> None:
        for gone in prune_backups():
            self.stdout.write(f"Removed {gone.name}, of {day(gone.taken_at)}.")

    def _extract(self, name: str, file: str) -> None:
        if not file:
            raise CommandError("Say which backup and where to: manage.py backup extract latest shop.dump", returncode=2)
        size = extract_dump(name=name, file=Path(file))
        self.stdout.write(f"{file}: {megabytes(size)}, not encrypted. Read it with: pg_restore --list {file}")


def told(name: str, differences: Sequence[str]) -> list[str]:
    more = [f"  and {len(differences) - SHOWN} more"] if len(differences) > SHOWN else []
    return [f"{name} is not what was backed up:", *(f"  {each}" for each in differences[:SHOWN]), *more]


def line(one: Listed) -> str:
    """One backup in the list."""
    hours = (now() - one.stored.taken_at).total_seconds() / 3600
    age = f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} d"  # noqa: PLR2004  # three days
    state = "not verified"
    if one.verified_at:
        state = f"verified {day(one.verified_at)}, restored in {one.rto_seconds:.1f} s"
    elif one.failure:
        state = f"FAILED: {one.failure[:120]}"
    return f"{one.stored.name}  {age:>5} old  {megabytes(one.stored.size):>10}  {state}"


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
