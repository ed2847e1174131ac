"""`manage.py run`: what `make run` calls; everything the shop needs, in one terminal."""

from django.core.management.base import BaseCommand

from apps.operations.services.running import run


class Command(BaseCommand):
    help = (
        "Starts Hanout for development: database, migrations, demo data, web server on PORT (8000), background jobs. "
        "Stop with Ctrl-C."
    )
    requires_system_checks = ()  # they import everything once more; `make check` runs them

    def handle(self, **_: object) -> None:
        run()
