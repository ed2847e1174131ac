"""Jobs leave through a table: written with the change that causes them, run at least once after it commits.

A job's database effects and its removal are one transaction; effects on the outside world may repeat, so handlers
of such jobs must be safe to run twice. Whoever runs a job, the loop here or a Celery worker told of it by
`core.outbox_relay`, locks its row first and finds it waiting and due: that, and no broker, is what keeps a job from
running twice or getting lost.
"""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from django.db import IntegrityError, close_old_connections, connection, connections, transaction
from django.db.models import QuerySet
from prometheus_client import Counter

from core.clock import now
from core.heartbeats import WORKER, note_alive
from core.models import OutboxJob, OutboxJobQuerySet
from core.outbox_registry import DEFAULT_QUEUE, job, registered_jobs
from core.outbox_schedule import plan_schedule
from core.redaction import forget_concealed, redact
from core.reporting import report_error

__all__ = ["enqueue", "job", "plan_schedule", "registered_jobs", "run_due_jobs", "work"]

log = structlog.get_logger(__name__)
JOBS = Counter("hanout_jobs_total", "Jobs run, by name and outcome.", ["name", "outcome"])

MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=5)


def enqueue(name: str, *, delay: timedelta = timedelta(0), key: str = "", **payload: object) -> None:
    """Write a job down in the caller's transaction: it runs if, and only after, that commits.

    With a `key`, nothing happens while a job of that name and key waits; one that is being run still counts as
    waiting, so a key is for "this once" (the mail of an order), not for "look again".
    """
    known = registered_jobs().get(name)
    queue = known.queue if known else DEFAULT_QUEUE
    row = OutboxJob(name=name, queue=queue, key=key, payload=payload, due_at=now() + delay)
    OutboxJob.objects.bulk_create([row], ignore_conflicts=bool(key))


def run_due_jobs(*, limit: int = 100) -> int:
    """Run what is due, one transaction a job; return how many ran. Safe in any number of processes at once."""
    count = 0
    while count < limit and _run_first(OutboxJob.objects.all()):
        count += 1
    return count


def run_job(job_id: int) -> bool:
    """Run this job, unless it is gone, not due, or being run by somebody else."""
    return _run_first(OutboxJob.objects.filter(pk=job_id))


def run_scheduled(name: str) -> bool:
    """Run this job of the schedule if a run is due, whoever asks and however often."""
    return _run_first(OutboxJob.objects.filter(name=name, repeats_every__isnull=False))


@transaction.atomic
def run_again(chosen: QuerySet[OutboxJob]) -> int:
    """Make jobs due now with all their attempts; passed over: what runs at the moment, or whose key waits already."""
    count = 0
    for row in chosen.select_for_update(skip_locked=True):
        row.state, row.due_at, row.attempts, row.published_at = OutboxJob.State.WAITING, now(), 0, None
        with suppress(IntegrityError), transaction.atomic():
            row.save(update_fields=["state", "due_at", "attempts", "published_at"])
            count += 1
    return count


@transaction.atomic
def count_lost(chosen: OutboxJobQuerySet, error: Exception) -> None:
    """A run that took its process with it is an attempt too, or it would be repeated for ever."""
    for row in chosen.due().select_for_update(skip_locked=True):
        _put_back(row, error)


def work(stop: threading.Event, *, pause_seconds: float = 1.0) -> None:
    """Run jobs and the schedule in this process until told to stop."""
    repeat(lambda: run_due_jobs(), stop, pause_seconds=pause_seconds)  # noqa: PLW0108  # looked up each round


def repeat(one_round: Callable[[], int], stop: threading.Event, *, pause_seconds: float = 1.0) -> None:
    """Plan the schedule, then do rounds until told to stop; a database or broker that went away is waited for."""
    planned = False
    while not stop.is_set():
        close_old_connections()
        try:
            if not planned:
                plan_schedule()
                planned = True
            note_alive(WORKER)
            idle = one_round() == 0
        except Exception as error:  # noqa: BLE001  # the thread's boundary: whatever it was, the next round may succeed
            log.warning("jobs_interrupted", reason=redact(f"{type(error).__name__}: {error}")[:200])
            stop.wait(pause_seconds * 5)
            idle = True
        if idle:
            stop.wait(pause_seconds)
    connections.close_all()


def _run_first(candidates: OutboxJobQuerySet) -> bool:
    with transaction.atomic():
        row = candidates.due().order_by("due_at", "pk").select_for_update(skip_locked=True).first()
        if row is None:
            return False
        forget_concealed()
        try:
            with transaction.atomic():
                registered_jobs()[row.name].handler(**row.payload)
                # References are checked at commit, where a broken one would count as nobody's attempt.
                connection.check_constraints()
        except Exception as error:  # noqa: BLE001  # a job's boundary: whatever it raised is written down and retried
            _put_back(row, error)
        else:
            _settle(row)
    return True


def _settle(row: OutboxJob) -> None:
    JOBS.labels(name=row.name, outcome="done").inc()
    known = registered_jobs()[row.name]
    if row.repeats_every is None or known.period is None:
        row.delete()
        return
    row.due_at = known.next_run(anchor=row.created_at, after=now())
    row.attempts, row.last_error, row.published_at = 0, "", None
    row.save(update_fields=["due_at", "attempts", "last_error", "published_at"])


def _put_back(row: OutboxJob, error: Exception) -> None:
    """Try again later, each time twice as late; a repeating job never gives up."""
    row.attempts = min(row.attempts + 1, MAX_ATTEMPTS)
    row.last_error = redact(f"{type(error).__name__}: {error}")[:500]
    wait = FIRST_RETRY * 2 ** (row.attempts - 1)
    row.due_at, row.published_at = now() + wait * random.uniform(1, 1.25), None  # noqa: S311  # jitter, not a secret
    gave_up = row.attempts >= MAX_ATTEMPTS and row.repeats_every is None
    row.state = OutboxJob.State.DEAD if gave_up else OutboxJob.State.WAITING
    row.save(update_fields=["attempts", "last_error", "due_at", "published_at", "state"])
    JOBS.labels(name=row.name, outcome="dead" if gave_up else "failed").inc()
    log.error("job_failed", job=row.name, attempt=row.attempts, gave_up=gave_up, exc_info=error)
    if gave_up:  # what is tried again may yet succeed
        report_error(error)
