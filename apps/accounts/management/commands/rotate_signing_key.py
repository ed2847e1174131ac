"""`manage.py rotate_signing_key`: the drill, and the emergency."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from apps.accounts import services
from apps.accounts.tokens import KEY_CACHE_SECONDS


class Command(BaseCommand):
    help = "Signs access tokens with a new key from now on. Nobody is signed out and no request fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="the old keys leaked: refuse their tokens within half a minute; clients refresh and go on",
        )

    def handle(self, *, compromised: bool, **_: object) -> None:
        kid = services.rotate_key(compromised=compromised)
        if compromised:
            self.stdout.write(
                f"New key {kid}. Every access token made before is refused within {KEY_CACHE_SECONDS} seconds; "
                "refresh tokens still work."
            )
            return
        self.stdout.write(f"New key {kid}. Tokens of the old one are good until they expire.")
