"""`manage.py seed`: the demo shop (S4's `python -m app.seed`)."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.operations.services.preparing import load_shop


class Command(BaseCommand):
    help = (
        "Loads the demo shop: products, customers, orders, campaigns and an operator. Running it again changes nothing."
    )

    def handle(self, **_: object) -> None:
        if not settings.IS_DEVELOPMENT:
            raise CommandError(
                "Demo data is for development. Elsewhere: `manage.py createsuperuser` makes an operator, "
                "`manage.py import_campaigns DIR` publishes campaign files."
            )
        self.stdout.write(load_shop().sentence)
