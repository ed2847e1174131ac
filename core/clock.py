"""The time, from one place, so that a test can stop it; and days as they are sent."""

from datetime import date, datetime
from typing import Annotated, Any

from django.utils import timezone
from pydantic import BeforeValidator


def _no_count(value: Any) -> Any:
    """Pydantic would take a number for seconds since 1970, which nobody means by a day."""
    if isinstance(value, int | float) or (isinstance(value, str) and value and "-" not in value[1:]):
        raise ValueError("Write the day as 2026-11-21.")
    return value


Day = Annotated[date, BeforeValidator(_no_count)]


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return timezone.now()


def seconds_until(instant: datetime) -> int:
    """Whole seconds to wait for an instant, rounded up; at least one."""
    return max(1, int((instant - now()).total_seconds()) + 1)
