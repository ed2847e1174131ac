"""How often one address may knock; what guards a single phone is counted in the database."""

import time

from django.conf import settings
from django.http import HttpRequest

from core.client_address import client_address, limit_key
from core.errors import TooManyRequests
from core.throttle import Rate, Standing, throttle

HOUR = 3600
# S0: send and verify share one budget. S2: five sign-ins a minute.
CODES = Rate(limit=5, seconds=60)
SIGN_INS = Rate(limit=5, seconds=60)
REFRESHES = Rate(limit=60, seconds=60)
# S0: passwords at a door of their own.
PHONE_SIGN_INS = Rate(limit=15, seconds=60)
USERNAMES = PROFILE_CHANGES = Rate(limit=30, seconds=60)
# S1 per hour: registrations, their last step and checks of codes, mails for a forgotten password, passwords set anew.
REGISTRATIONS = COMPLETIONS = CODE_CHECKS = Rate(limit=10, seconds=HOUR)
RESET_REQUESTS = Rate(limit=3, seconds=HOUR)
RESETS = Rate(limit=5, seconds=HOUR)


def limit_by_address(request: HttpRequest, scope: str, rate: Rate) -> None:
    """Refuse an address that knocks too often; the answer's X-RateLimit headers say where it stands.

    Off in development, where one machine plays all customers.
    """
    if settings.ENVIRONMENT != "development":
        try:
            standing = throttle(scope, limit_key(client_address(request)), rate)
        except TooManyRequests as refused:
            standing = Standing(rate.limit, 0, int(time.time()) + (refused.retry_after or 0))
            raise
        finally:
            request.rate_limit = standing  # type: ignore[attr-defined]  # RequestContextMiddleware shows it
