"""Operations' share of the schedule, and its numbers on /metrics."""

from datetime import time

from django.conf import settings

from apps.operations.backup_metrics import BackupsCollector
from apps.operations.backups.targets import LATEST
from apps.operations.errors import BackupFailed
from apps.operations.services.backups import make_backup, prune_backups
from apps.operations.services.restoring import verify_backup
from apps.operations.services.tidying import stale_console_sessions
from core.clock import now
from core.housekeeping import sweep
from core.outbox import enqueue, job
from core.outbox_metrics import TABLE_METRICS

TABLE_METRICS.register(BackupsCollector())


def plan_backup() -> None:
    """S4 backs up daily at 02:00. A job of its own, because one that repeats would never be given up."""
    enqueue("operations.make_backup", key=f"{now():%Y-%m-%d}")


@job("operations.make_backup", queue="low_priority")
def make() -> None:
    """Verified once it is there; a failure is logged, tried again for some twenty minutes, then left to a person."""
    made = make_backup()
    enqueue("operations.verify_backup", key=made.stored.name, backup=made.stored.name)
    enqueue("operations.prune_backups", key=made.stored.name)


@job("operations.prune_backups", queue="low_priority")
def prune() -> None:
    """A job of its own: what cannot be removed must neither repeat a backup nor keep it from being verified."""
    prune_backups()


@job("operations.verify_backup", queue="low_priority")
def verify(*, backup: str = LATEST) -> None:
    """What was found stands beside the backup even when this raises and the row is rolled back."""
    verdict = verify_backup(name=backup)
    if verdict.differences:
        raise BackupFailed(f"{backup} is not what was backed up. {verdict.differences[0]}")


@job("operations.forget_console_sessions", queue="low_priority", daily_at=time(3, 10))
def forget_console_sessions() -> None:
    sweep(stale_console_sessions)


if settings.BACKUP_IS_SCHEDULED:
    job("operations.plan_backup", queue="low_priority", daily_at=time(2))(plan_backup)
