"""`manage.py import_campaigns DIR`: a delivery of campaign files becomes published numbers, or a refusal."""

import getpass
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from rich.console import Console

from apps.accounts.services import tidy_name
from apps.campaigns.management.printing import MAX_WIDTH, print_report
from apps.campaigns.services import ImportReport, import_campaigns, write_report
from core.errors import DomainError

REFUSED = 2


class Command(BaseCommand):
    help = "Repair, reconcile and publish the campaign files in a folder, all or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "directory", type=Path, metavar="DIR", help="folder with the three bd_campanias_*.csv files"
        )
        parser.add_argument("--dry-run", action="store_true", help="do everything but write to the database")
        parser.add_argument(
            "--company",
            default="",
            metavar="NAME|ID",
            help="whose members see the campaigns; a name nobody has is made, one somebody registered needs confirming",
        )
        parser.add_argument("--report", type=Path, metavar="FILE", help="also write the report as JSON")

    def handle(self, *, directory: Path, dry_run: bool, report: Path | None, company: str, **options: Any) -> None:
        if not directory.is_dir():
            raise CommandError(f"{directory} is not a folder.", returncode=REFUSED)
        if report is not None and not _is_writable(report):
            raise CommandError(f"The report cannot be written to {report}.", returncode=REFUSED)
        try:
            outcome = import_campaigns(
                directory=directory, dry_run=dry_run, requested_by=_who(), company=tidy_name(company)
            )
        except DomainError as error:
            raise CommandError(f"Nothing was published: {error.text}", returncode=REFUSED) from None
        except DatabaseError as error:
            why = str(error).partition("\n")[0]
            raise CommandError(
                f"Nothing was published, the database refused: {why}. Run `manage.py migrate` first if it is new."
            ) from error
        self._print(outcome, is_dry_run=dry_run)
        if report is not None:
            write_report(outcome.as_json(), report)
        if outcome.is_refused:
            count = len(outcome.refused) + outcome.omitted
            raise CommandError(f"Nothing was published: {count:,} refused.", returncode=REFUSED)

    def _print(self, outcome: ImportReport, *, is_dry_run: bool) -> None:
        console = Console(force_terminal=self.stdout.isatty())
        console.width = min(console.width, MAX_WIDTH)
        with console.capture() as printed:
            print_report(outcome, console, is_dry_run=is_dry_run)
        self.stdout.write(printed.get())


def _is_writable(path: Path) -> bool:
    """Asked before anything is published: a report that gets lost afterwards cannot be had again."""
    return not path.is_dir() and os.access(path.parent, os.W_OK)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
