"""`manage.py preflight`: go or no-go, with the evidence."""

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.operations.migrating.releases import ROOT
from apps.operations.preflight.all_checks import registered_checks
from apps.operations.preflight.departing import choose_checks, depart, require_known
from apps.operations.preflight.errors import PreflightRefused
from apps.operations.preflight.flight import BACKUP_HOURS, EVIDENCE_HOURS, Flight
from apps.operations.preflight.given import given_by, given_here
from apps.operations.preflight.outcomes import Outcome
from apps.operations.preflight.repository import Repository
from apps.operations.preflight.shown.as_html import as_html
from apps.operations.preflight.shown.as_json import as_json
from apps.operations.preflight.shown.as_text import as_text
from apps.operations.preflight.verdict import Report
from apps.operations.progress import Progress

REFUSED = 2
STDOUT = "-"
EXAMPLES = """
  manage.py preflight --env-file production.env     everything, against the database that file names
  manage.py preflight --repository-only             what CI can prove without the target
  manage.py preflight --target-only --url https://api.shop.test
  manage.py preflight --only backup --only api-diff
  manage.py preflight --skip dependency-audit --reason 'no way out to the advisories from here'
  manage.py preflight --html preflight.html --json preflight.json --call 'Mona, +966 50 000 0000'
  manage.py preflight --list                        the checks, and what each proves

It reads the target's database and never writes to it. Run it from a checkout; docs/preflight.md tells more.

Exit codes: 0 go; 1 no-go: a check failed; 2 no decision: something could not be checked and nothing failed, or the
database is away, or what was asked for makes no sense.
"""


def positive_hours(text: str) -> float:
    """A command's argument; raises `ArgumentTypeError`."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 366:
        raise ArgumentTypeError(f"{text!r} is not a number of hours")
    return hours


class Command(BaseCommand):
    help = "Says whether this commit may be deployed, with fresh evidence for each line of the checklist.\n" + EXAMPLES
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        self._add_choice(parser)
        self._add_subject(parser)
        parser.add_argument("--json", metavar="FILE", help="the report for programs; - prints it instead of the table")
        parser.add_argument("--html", metavar="FILE", help="the report for people, in one file")
        parser.add_argument(
            "--call", action="append", default=[], metavar="WHO", help="who is on duty; may be repeated"
        )

    def _add_choice(self, parser: ArgumentParser) -> None:
        parser.add_argument("--list", action="store_true", help="say what would be checked, and check nothing")
        parser.add_argument("--only", action="append", default=[], metavar="ID", help="this check; may be repeated")
        parser.add_argument("--skip", action="append", default=[], metavar="ID", help="not this one; needs --reason")
        parser.add_argument(
            "--reason", action="append", default=[], metavar="TEXT", help="why, for the --skip before it"
        )
        half = parser.add_mutually_exclusive_group()
        half.add_argument("--repository-only", action="store_true", help="what needs no target")
        half.add_argument("--target-only", action="store_true", help="the settings and the target, and no commit")

    def _add_subject(self, parser: ArgumentParser) -> None:
        parser.add_argument("--env-file", type=Path, metavar="FILE", help="the release's settings, instead of ours")
        parser.add_argument("--url", default="", help="where the installation answers now")
        parser.add_argument("--since", default="", metavar="REF", help="take a git reference for the last release")
        parser.add_argument("--evidence", type=Path, metavar="DIR", help="where evidence of the test run is kept")
        parser.add_argument("--fresh", action="store_true", help="run everything again, whatever evidence is kept")
        for name, hours, what in (
            ("--evidence-hours", EVIDENCE_HOURS, "kept evidence"),
            ("--backup-hours", BACKUP_HOURS, "the newest verified backup"),
        ):
            told = f"how old {what} may be; {hours:g}"
            parser.add_argument(name, type=positive_hours, default=hours, metavar="N", help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        try:
            with interruptible():
                report = self._report(options)
        except PreflightRefused as error:
            raise CommandError(str(error), returncode=REFUSED) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted: nothing is decided, and nothing was changed.", returncode=REFUSED
            ) from None
        self._show(report, options["json"] or "", options["html"] or "")
        if report.exit_code:
            sys.exit(report.exit_code)

    def _report(self, options: Mapping[str, Any]) -> Report:
        skipped = skipped_with_reasons(options["skip"], options["reason"])
        checks = choose_checks(
            only=options["only"], is_repository=options["repository_only"], is_target=options["target_only"]
        )
        flight = Flight(
            repository=Repository(ROOT),
            given=given_by(options["env_file"]) if options["env_file"] else given_here(),
            folder=options["evidence"] or settings.DATA_DIR / "preflight",
            url=options["url"],
            since=options["since"],
            is_fresh=options["fresh"],
            evidence_age=timedelta(hours=options["evidence_hours"]),
            backup_age=timedelta(hours=options["backup_hours"]),
        )
        with Progress("Preflight") as bar:
            return depart(flight=flight, checks=checks, skipped=skipped, call=options["call"], step=bar.step)

    def _show(self, report: Report, json_file: str, html_file: str) -> None:
        self.stdout.write(as_json(report) if json_file == STDOUT else as_text(report, paint=self._paint))
        for file, text in ((json_file, as_json), (html_file, as_html)):
            if file and file != STDOUT:
                write_report(Path(file), text(report))

    def _paint(self, outcome: Outcome, text: str) -> str:
        style = {
            Outcome.OK: self.style.SUCCESS,
            Outcome.WARNING: self.style.WARNING,
            Outcome.FAILED: self.style.ERROR,
            Outcome.COULD_NOT_CHECK: self.style.NOTICE,
        }.get(outcome, str)
        return style(text)

    def _list(self) -> None:
        for one in registered_checks().values():
            self.stdout.write(f"{one.id:<18}{one.says}")


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM is Ctrl-C: servers that were booted for the rehearsal end with us."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def skipped_with_reasons(names: Sequence[str], reasons: Sequence[str]) -> dict[str, str]:
    """Each skipped check with its reason; raises `PreflightRefused` where one has none."""
    require_known(names)
    given = [reason.strip() for reason in reasons if reason.strip()]
    if len(given) != len(names):
        raise PreflightRefused(
            f"{len(names)} checks are skipped and {len(given)} reasons given: write --skip ID --reason TEXT for each."
        )
    return dict(zip(names, given, strict=True))


def write_report(path: Path, text: str) -> None:
    """There whole, or refused in a sentence: raises `CommandError`."""
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=REFUSED) from None
