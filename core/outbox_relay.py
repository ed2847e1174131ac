"""From the table to Celery: each worker tells the broker which rows are due, and runs those it is told of.

A message is only a hint that carries a row's id. What is lost, in an emptied broker or with a killed worker, is sent
again once the row has waited `JOBS_REPUBLISH_SECONDS`; what is delivered twice finds the row locked or gone. Beat
sends the ticks of the schedule; where it is dead, the relay steps in after `JOBS_SCHEDULE_GRACE_SECONDS`.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import bootsteps, current_app, shared_task
from celery.signals import task_failure
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from kombu import Connection

from core import outbox
from core.celery_config import PRIORITIES
from core.clock import now
from core.models import OutboxJob, OutboxJobQuerySet
from core.outbox_registry import DEFAULT_QUEUE
from core.outbox_schedule import RUN_SCHEDULED

# The backlog stays in the table: a broker's queue that only grows would be filled again and again with the same rows.
MOST_IN_A_QUEUE = 1000
STOP_SECONDS = 5

_lost: SimpleQueue[tuple[Q, Exception]] = SimpleQueue()


@shared_task(name="core.run_job")  # type: ignore[untyped-decorator]  # celery is untyped
def run_job(job_id: int) -> None:
    outbox.run_job(job_id)


@shared_task(name=RUN_SCHEDULED)  # type: ignore[untyped-decorator]
def run_scheduled(name: str) -> None:
    outbox.run_scheduled(name)


def publish_due() -> int:
    """Tell the broker of rows that are due; return how many were sent. Safe in any number of workers at once."""
    _count_lost()
    queues = set(_unpublished().values_list("queue", flat=True).distinct())
    if not queues:
        return 0
    with current_app.connection_for_write() as broker:
        return sum(_publish(broker, queue) for queue in sorted(queues, key=lambda name: -PRIORITIES.get(name, 0)))


def _unpublished() -> OutboxJobQuerySet:
    lost_before = now() - timedelta(seconds=settings.JOBS_REPUBLISH_SECONDS)
    late_before = now() - timedelta(seconds=settings.JOBS_SCHEDULE_GRACE_SECONDS)
    # Beat knows nothing of the second attempt of a repeating job: that one is ours at once.
    ours = Q(repeats_every=None) | Q(attempts__gt=0) | Q(due_at__lte=late_before)
    return OutboxJob.objects.due().filter(ours, Q(published_at=None) | Q(published_at__lte=lost_before))


def _publish(broker: Connection, row_queue: str) -> int:
    queue = row_queue if row_queue in PRIORITIES else DEFAULT_QUEUE  # a row of another release
    waiting = current_app.amqp.queues[queue](broker.default_channel).queue_declare().message_count
    claimed = _claim(row_queue, MOST_IN_A_QUEUE - waiting)
    sent = 0
    try:
        with current_app.amqp.Producer(broker) as producer:
            for job_id in claimed:
                run_job.apply_async([job_id], queue=queue, producer=producer, retry=False)
                sent += 1
    finally:
        if unsent := claimed[sent:]:
            OutboxJob.objects.filter(pk__in=unsent).update(published_at=None)
    return sent


@transaction.atomic
def _claim(row_queue: str, limit: int) -> Sequence[int]:
    """Marked and committed before anything is sent: a worker that is quicker than us must find the row unlocked."""
    if limit <= 0:
        return []
    rows = _unpublished().filter(queue=row_queue).order_by(Coalesce("published_at", "due_at"))
    claimed = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    OutboxJob.objects.filter(pk__in=claimed).update(published_at=now())
    return claimed


@task_failure.connect  # type: ignore[untyped-decorator]
def _note_lost(sender: Any, exception: Exception, args: Sequence[Any], **_: Any) -> None:
    """Called in the worker's main process, whose loop must not wait for a database: the relay counts it."""
    if isinstance(exception, WorkerLostError | TimeLimitExceeded):
        if sender.name == run_job.name:
            _lost.put((Q(pk=args[0]), exception))
        elif sender.name == run_scheduled.name:
            _lost.put((Q(name=args[0], repeats_every__isnull=False), exception))


def _count_lost() -> None:
    with suppress(Empty):
        while True:
            which, error = _lost.get_nowait()
            outbox.count_lost(OutboxJob.objects.filter(which), error)


class Relay(bootsteps.StartStopStep):  # type: ignore[misc]
    """The relay as a thread of each worker's main process; ends before the pool is told to finish."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=outbox.repeat, args=(publish_due, self._stop), name="relay", daemon=True)

    def start(self, worker: Any) -> None:
        self._thread.start()

    def stop(self, worker: Any) -> None:
        self._stop.set()
        self._thread.join(timeout=STOP_SECONDS)

    terminate = stop
