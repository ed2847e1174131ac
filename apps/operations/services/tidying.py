"""Operations' own share of the housekeeping."""

from collections.abc import Iterator
from datetime import timedelta

from django.contrib.sessions.models import Session

from core.clock import now
from core.housekeeping import Stale, chore


@chore("console", "sign-ins to the console that expired")
def stale_console_sessions(days: int | None) -> Iterator[Stale]:
    """Of the console alone: customers carry tokens."""
    expired = now() - timedelta(days=days or 0)
    yield Stale(Session.objects.filter(expire_date__lt=expired), along="expire_date")
