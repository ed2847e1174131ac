"""The time, from one place, so that a test can stop it."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return timezone.now()


def seconds_until(instant: datetime) -> int:
    """Whole seconds to wait for an instant, rounded up; at least one."""
    return max(1, int((instant - now()).total_seconds()) + 1)
