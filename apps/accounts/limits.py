"""How often one address may knock; what guards a single phone is counted in the database."""

from django.conf import settings
from django.http import HttpRequest

from core.client_address import client_address, limit_key
from core.throttle import Rate, throttle

# S0: send and verify share one budget. S2: five sign-ins a minute.
CODES = Rate(limit=5, seconds=60)
SIGN_INS = Rate(limit=5, seconds=60)
REFRESHES = Rate(limit=60, seconds=60)


def limit_by_address(request: HttpRequest, scope: str, rate: Rate) -> None:
    """Refuse an address that knocks too often. Off in development, where one machine plays all customers."""
    if settings.ENVIRONMENT != "development":
        throttle(scope, limit_key(client_address(request)), rate)
