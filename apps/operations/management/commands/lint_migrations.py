"""`manage.py lint_migrations`: the gate no migration passes that would stop the release that runs."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sized

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from apps.operations.migrating.errors import CannotLint, CannotMigrate
from apps.operations.migrating.linting import Report, is_library_here
from apps.operations.migrating.unreleased import lint_unreleased


class Command(BaseCommand):
    help = (
        "Judges the migrations that no release holds yet (docs/migrations.md). Exit code 0: they may go; 1: findings; "
        "2: they could not be judged."
    )
    requires_system_checks = ()  # `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", nargs="?", default="", help="only this app")
        parser.add_argument("name", nargs="?", default="", help="only the migration that begins so")
        since = parser.add_mutually_exclusive_group()
        since.add_argument("--since", default="", metavar="REF", help="take a git reference for the last release")
        since.add_argument("--all", action="store_true", help="every migration, as if each were a release")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *, app: str, name: str, since: str, json: bool, **options: bool) -> None:
        if not is_library_here():
            raise CommandError(
                "django-migration-linter is not installed: install requirements/dev.txt first.", returncode=2
            )
        try:
            report = lint_unreleased(connection=connection, app=app, name=name, since=since, is_each=options["all"])
        except (CannotLint, CannotMigrate) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(_as_json(report) if json else _as_text(report))
        if report.findings:
            sys.exit(1)


def _as_text(report: Report) -> str:
    lines = [finding.text for finding in report.findings] + [one.text for one in report.accepted]
    summary = f"{_counted(report.read, 'migration')} since {report.baseline}: {_counted(report.findings, 'finding')}."
    return "\n".join([*lines, summary])


def _counted(things: Sized, word: str) -> str:
    return f"{len(things)} {word}" if len(things) == 1 else f"{len(things)} {word}s"


def _as_json(report: Report) -> str:
    return json.dumps(
        {
            "since": report.baseline,
            "migrations": [f"{migration.app_label}.{migration.name}" for migration in report.read],
            "findings": [finding.as_json() for finding in report.findings],
            "accepted": [one.as_json() for one in report.accepted],
        },
        indent=2,
    )
