"""Deleting the sessions that are over, in batches which no refresh has to wait for."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import Session
from core.clock import now

log = structlog.get_logger(__name__)
BATCH = 2000


@dataclass(frozen=True)
class Retention:
    """How long sessions are kept after they expired, and after they were ended."""

    expired: timedelta
    ended: timedelta

    @classmethod
    def of(cls, days: int | None = None) -> Self:
        """The same number of days for both, or what the settings say."""
        expired = settings.KEEP_EXPIRED_DAYS if days is None else days
        ended = settings.KEEP_REVOKED_DAYS if days is None else days
        return cls(timedelta(days=expired), timedelta(days=ended))


def count_dead_sessions(*, keep: Retention) -> int:
    """How many sessions `delete_dead_sessions` would delete."""
    return sum(dead.count() for dead in _dead(keep).values())


def delete_dead_sessions(*, keep: Retention, stop: threading.Event | None = None) -> int:
    """Delete them and return how many; may be stopped after any batch and run again, alone or beside others.

    Rows somebody holds are skipped, so that neither a refresh waits for a batch nor a batch for a refresh.
    """
    stop = stop or threading.Event()
    total = sum(_delete_in_batches(dead, field, stop) for field, dead in _dead(keep).items())
    log.info("dead_sessions_deleted", count=total)
    return total


def _delete_in_batches(dead: QuerySet[Session], field: str, stop: threading.Event) -> int:
    """Along the index of `field`: each batch begins where the one before ended, not among the rows it removed."""
    total, reached = 0, datetime.min.replace(tzinfo=UTC)
    while not stop.is_set():
        with transaction.atomic():
            rows = dead.filter(**{f"{field}__gte": reached}).order_by(field).select_for_update(skip_locked=True)
            batch = list(rows.values_list("pk", field)[:BATCH])
            Session.objects.filter(pk__in=[pk for pk, _ in batch]).delete()
        total += len(batch)
        if len(batch) < BATCH:
            break
        reached = batch[-1][1]
    return total


def _dead(keep: Retention) -> dict[str, QuerySet[Session]]:
    """What may go, by the instant that decides it."""
    return {
        "ended_at": Session.objects.filter(ended_at__lt=now() - keep.ended),
        "expires_at": Session.objects.filter(ended_at=None, expires_at__lt=now() - keep.expired),
    }
