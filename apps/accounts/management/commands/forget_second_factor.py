"""`manage.py forget_second_factor EMAIL`: for the operator nobody else can help."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.accounts.services.passwords import typed_email
from apps.accounts.services.second_factor import remove_second_factor


class Command(BaseCommand):
    help = (
        "Removes an operator's authenticator app and recovery codes, as a superuser does in the console. Their "
        "password then leads to setting up another app. It is in the audit, and mailed to them if their address is "
        "verified."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")

    def handle(self, *, email: str, **_: object) -> None:
        user = User.objects.filter(email=typed_email(email)).first()
        if user is None:
            raise CommandError(f"Nobody has the email {email}.")
        if not remove_second_factor(user=user):
            self.stdout.write(f"{user} has no second factor. Nothing was changed.")
            return
        self.stdout.write(
            f"The second factor of {user} is removed, and the console sessions it opened are closed. "
            "Signing in with the password leads to setting up another."
        )
