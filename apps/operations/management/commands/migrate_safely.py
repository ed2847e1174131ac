"""`manage.py migrate_safely`: the step before a deployment that brings the database to this release."""

import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from apps.operations.migrating.applying import apply_waiting
from apps.operations.migrating.errors import CannotMigrate, MigrationStopped
from apps.operations.migrating.narrating import Narrator
from apps.operations.migrating.planning import plan_waiting, waiting_names


class Command(BaseCommand):
    help = (
        "Applies waiting migrations: one migrator at a time, giving up a lock rather than stopping traffic, and trying "
        "again. Exit code 0: the database is at this release; 1: a migration failed; 2: it could not start."
    )
    requires_system_checks = ()  # `make check` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--plan", "--dry-run", action="store_true", help="list what waits, and change nothing")
        only.add_argument("--check", action="store_true", help="exit 1 when migrations wait, and change nothing")

    def handle(self, *, plan: bool, check: bool, **_: object) -> None:
        try:
            (self._plan if plan else self._check if check else self._apply)()
        except CannotMigrate as error:
            raise CommandError(str(error), returncode=2) from None
        except MigrationStopped as error:
            raise CommandError(str(error), returncode=1) from None
        except Error as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CommandError(
                f"The database was lost: {said}. What is listed above is applied.", returncode=1
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted. What is listed above is applied, the rest is not.", returncode=1) from None

    def _apply(self) -> None:
        count = apply_waiting(narrator=Narrator(self._line))
        self.stdout.write(f"Done: {count} applied." if count else "Nothing to do: the database is at this release.")

    def _check(self) -> None:
        names = waiting_names()
        self.stdout.write("\n".join((*names, f"{len(names)} wait.")) if names else "Nothing waits.")
        if names:
            sys.exit(1)

    def _plan(self) -> None:
        plan = plan_waiting()
        self.stdout.write("\n".join((*plan.lines, f"{len(plan.names)} wait.")) if plan.names else "Nothing waits.")

    def _line(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
