"""Noting who proved what, when and from where; searched in the console, kept as long as `housekeeping` says."""

from typing import Any

from apps.accounts.callers import Caller
from apps.accounts.models import AuditEvent, User
from core.clock import now

Action = AuditEvent.Action
NOBODY = Caller()


def note(action: str, *, caller: Caller = NOBODY, user: User | None = None, subject: str = "", **details: Any) -> None:
    """Write an event down in the caller's transaction; codes, tokens and secrets never belong into `details`."""
    _event(action, caller, user, subject, details).save()


def note_each(action: str, *, caller: Caller, about: list[tuple[User, dict[str, Any]]]) -> None:
    """The same of several people or things at once, in one statement."""
    AuditEvent.objects.bulk_create(_event(action, caller, user, "", details) for user, details in about)


def _event(action: str, caller: Caller, user: User | None, subject: str, details: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        at=now(),
        action=action,
        user=user,
        subject=subject[:254],
        address=caller.address or None,
        user_agent=caller.user_agent[:255],
        details=details,
    )
