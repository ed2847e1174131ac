"""Jobs leave through a table: written with the change that causes them, run at least once after it commits.

A job's database effects and its removal are one transaction; effects on the outside world may repeat, so handlers
of such jobs must be safe to run twice. The schedule is the same table: a row per repeating job, so however many
processes run jobs, each is run by one of them, and a missed run is caught up once.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import close_old_connections, transaction
from prometheus_client import Counter

from core.clock import now
from core.models import OutboxJob
from core.redaction import forget_concealed, redact

log = structlog.get_logger(__name__)
JOBS = Counter("hanout_jobs_total", "Jobs run, by name and outcome.", ["name", "outcome"])

MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=5)
Handler = Callable[..., None]


@dataclass(frozen=True)
class Job:
    """A handler by its name; `every` puts it on the schedule."""

    name: str
    handler: Handler
    every: timedelta | None = None


_registry: dict[str, Job] = {}


def job(name: str, *, every: timedelta | None = None) -> Callable[[Handler], Handler]:
    """Register a handler under the name `enqueue` uses; apps do this in `tasks.py`."""

    def register(handler: Handler) -> Handler:
        _registry[name] = Job(name, handler, every)
        return handler

    return register


def registered_jobs() -> dict[str, Job]:
    """All known jobs by name."""
    return dict(_registry)


def enqueue(name: str, *, delay: timedelta = timedelta(0), **payload: object) -> None:
    """Write a job down in the caller's transaction: it runs if, and only after, that commits."""
    OutboxJob.objects.create(name=name, payload=payload, due_at=now() + delay)


def plan_schedule() -> None:
    """Make the table hold exactly the repeating jobs the code declares."""
    repeating = {known.name: known.every for known in _registry.values() if known.every}
    OutboxJob.objects.filter(repeats_every__isnull=False).exclude(name__in=repeating).delete()
    for name, every in repeating.items():
        # Not bulk_create: its upsert cannot name the condition of our partial unique index.
        OutboxJob.objects.update_or_create(
            name=name,
            repeats_every__isnull=False,
            defaults={"repeats_every": every},
            create_defaults={"repeats_every": every, "due_at": now()},
        )


def run_due_jobs(*, limit: int = 100) -> int:
    """Run what is due, one transaction a job; return how many ran. Safe in any number of processes at once."""
    count = 0
    while count < limit and _run_next():
        count += 1
    return count


def work(stop: threading.Event, *, pause_seconds: float = 1.0) -> None:
    """Run jobs and the schedule until told to stop; a database that went away is waited for."""
    planned = False
    while not stop.is_set():
        close_old_connections()
        try:
            if not planned:
                plan_schedule()
                planned = True
            idle = run_due_jobs() == 0
        except Exception as error:  # noqa: BLE001  # the thread's boundary: whatever it was, the next round may succeed
            log.warning("jobs_interrupted", reason=redact(f"{type(error).__name__}: {error}")[:200])
            stop.wait(pause_seconds * 5)
            idle = True
        if idle:
            stop.wait(pause_seconds)


def _run_next() -> bool:
    with transaction.atomic():
        waiting = OutboxJob.objects.filter(state=OutboxJob.State.WAITING, due_at__lte=now())
        row = waiting.order_by("due_at", "pk").select_for_update(skip_locked=True).first()
        if row is None:
            return False
        forget_concealed()
        try:
            with transaction.atomic():
                _registry[row.name].handler(**row.payload)
        except Exception as error:  # noqa: BLE001  # a job's boundary: whatever it raised is written down and retried
            _put_back(row, error)
        else:
            _settle(row)
    return True


def _settle(row: OutboxJob) -> None:
    JOBS.labels(name=row.name, outcome="done").inc()
    if row.repeats_every is None:
        row.delete()
        return
    row.due_at, row.attempts, row.last_error = now() + row.repeats_every, 0, ""
    row.save(update_fields=["due_at", "attempts", "last_error"])


def _put_back(row: OutboxJob, error: Exception) -> None:
    """Try again later, each time twice as late; a repeating job never gives up."""
    row.attempts = min(row.attempts + 1, MAX_ATTEMPTS)
    row.last_error = redact(f"{type(error).__name__}: {error}")[:500]
    wait = FIRST_RETRY * 2 ** (row.attempts - 1)
    row.due_at = now() + wait * random.uniform(1, 1.25)  # noqa: S311  # jitter, not a secret
    gave_up = row.attempts >= MAX_ATTEMPTS and row.repeats_every is None
    row.state = OutboxJob.State.DEAD if gave_up else OutboxJob.State.WAITING
    row.save(update_fields=["attempts", "last_error", "due_at", "state"])
    JOBS.labels(name=row.name, outcome="dead" if gave_up else "failed").inc()
    log.error("job_failed", job=row.name, attempt=row.attempts, gave_up=gave_up, exc_info=error)
