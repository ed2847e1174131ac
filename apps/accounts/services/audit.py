"""Noting who proved what, when and from where; searched in the console, kept AUDIT_DAYS."""

from typing import Any

from apps.accounts.callers import Caller
from apps.accounts.models import AuditEvent, User
from core.clock import now

Action = AuditEvent.Action
NOBODY = Caller()


def note(action: str, *, caller: Caller = NOBODY, user: User | None = None, subject: str = "", **details: Any) -> None:
    """Write an event down in the caller's transaction; codes, tokens and secrets never belong into `details`."""
    AuditEvent.objects.create(
        at=now(),
        action=action,
        user=user,
        subject=subject[:254],
        address=caller.address or None,
        user_agent=caller.user_agent[:255],
        details=details,
    )
