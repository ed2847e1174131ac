"""`manage.py record_release`: from here on, these migrations are out there."""

from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.operations.migrating.errors import CannotLint
from apps.operations.migrating.releases import record_release
from apps.operations.migrating.unreleased import open_loader


class Command(BaseCommand):
    help = "Writes docs/releases/<version>.json: the migrations a release holds. Commit it with the release."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", nargs="?", default=settings.VERSION)

    def handle(self, *, version: str, **_: object) -> None:
        try:
            path = record_release(version=version, loader=open_loader())
        except CannotLint as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(f"Wrote {path}. Commit it: migrations from now on are judged against this release.")
