"""Why a migration stopped, in sentences that say what to do."""

from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError
from django.db.migrations.operations.base import Operation

LOCK_NOT_HAD, DEADLOCK = "55P03", "40P01"
_IS_THERE_ALREADY = {"42P07", "42701", "42710"}


def state_of(error: DatabaseError) -> str:
    """The SQLSTATE behind Django's exception."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")


def held_by(blockers: str) -> str:
    """Half a sentence, where somebody was seen."""
    return f"; it is held by {blockers}" if blockers else ""


def why_stopped(name: str, error: DatabaseError, blockers: str) -> str:
    """One migration's end; only the first line of what PostgreSQL says, the others quote rows."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    match state_of(error):
        case "55P03":
            return (
                f"{name} got no lock in {settings.MIGRATION_ATTEMPTS} tries{held_by(blockers)}. It is not applied; "
                "what is listed above is. End that transaction, or wait for a calmer hour, and run this again."
            )
        case "57014":
            return (
                f"{name} took longer than MIGRATION_STATEMENT_TIMEOUT_MS allows ({said}). It is not applied; what is "
                "listed above is. A statement that long holds its locks that long: split it, or allow it more."
            )
        case state if state in _IS_THERE_ALREADY:
            return (
                f"{name} failed: {said}. If an earlier run stopped in the middle of it, that is from then: compare it "
                "with the migration, undo it by hand and run this again, or record it with `manage.py migrate --fake`. "
                "Otherwise somebody changed the schema outside of migrations."
            )
        case _:
            return f"{name} failed: {said}. It is not applied; what is listed above is."


def half_done(name: str, done: Sequence[Operation], stopped_at: Operation, indexes: Sequence[str]) -> list[str]:
    """What a migration without a transaction leaves behind."""
    lines = [f"{name} runs without a transaction and stopped at: {stopped_at.describe()}."]
    if done:
        lines.append(f"These of its steps are done and stay: {', '.join(step.describe() for step in done)}.")
    lines += [f"The index {index} is half built: no query uses it; the next run drops it first." for index in indexes]
    return lines
