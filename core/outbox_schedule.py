"""The schedule, from the code into two tables.

The outbox holds a row per repeating job: its lock and due time decide that a run happens once, however many loops,
workers and beats look at it, and a missed one is caught up once. django-celery-beat's table holds the same schedule
for beat, whose tick only asks for a run that the row may grant, and for people: `enabled` is theirs, and nothing
here changes it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from core.clock import now
from core.locks import lock
from core.models import OutboxJob
from core.outbox_registry import Job, registered_jobs

RUN_SCHEDULED = "core.run_scheduled"
_UNITS = {
    IntervalSchedule.DAYS: timedelta(days=1),
    IntervalSchedule.HOURS: timedelta(hours=1),
    IntervalSchedule.MINUTES: timedelta(minutes=1),
    IntervalSchedule.SECONDS: timedelta(seconds=1),
}


@transaction.atomic
def plan_schedule() -> None:
    """Make both tables hold exactly the repeating jobs the code declares."""
    lock("jobs.schedule")  # IntervalSchedule has no unique constraint to lean on
    repeating = [known for known in registered_jobs().values() if known.period]
    _plan_rows(repeating)
    _plan_beat(repeating)


def _plan_rows(repeating: Sequence[Job]) -> None:
    missing = [
        OutboxJob(
            name=known.name,
            queue=known.queue,
            repeats_every=known.period,
            due_at=known.next_run(anchor=now(), after=now()) if known.daily_at else now(),
        )
        for known in repeating
    ]
    OutboxJob.objects.bulk_create(missing, ignore_conflicts=True)
    known_as = {known.name: known for known in repeating}
    # A row that is running now is passed over: its run may take minutes, and sets the next due time from the code.
    for row in OutboxJob.objects.filter(repeats_every__isnull=False).select_for_update(skip_locked=True):
        if row.name in known_as:
            _plan_row(row, known_as[row.name])
        else:
            row.delete()


def _plan_row(row: OutboxJob, known: Job) -> None:
    before = (row.queue, row.repeats_every, row.due_at)
    row.queue, row.repeats_every = known.queue, known.period
    if row.attempts == 0 and row.due_at > now():
        row.due_at = known.next_run(anchor=row.created_at, after=now())
    if before != (row.queue, row.repeats_every, row.due_at):
        row.save(update_fields=["queue", "repeats_every", "due_at"])


def _plan_beat(repeating: Sequence[Job]) -> None:
    PeriodicTask.objects.filter(task=RUN_SCHEDULED).exclude(name__in=[known.name for known in repeating]).delete()
    for known in repeating:
        entry = PeriodicTask.objects.filter(name=known.name).first() or PeriodicTask(name=known.name)
        wanted = _beat_fields(known)
        # Saving makes every beat read its whole schedule again.
        if entry.pk is None or any(getattr(entry, field) != value for field, value in wanted.items()):
            for field, value in wanted.items():
                setattr(entry, field, value)
            entry.save()


def _beat_fields(known: Job) -> dict[str, Any]:
    interval, crontab = None, None
    if known.daily_at:
        at = {"hour": str(known.daily_at.hour), "minute": str(known.daily_at.minute), "timezone": "UTC"}
        crontab = _first_or_create(CrontabSchedule, at | dict.fromkeys(_ANY_DAY, "*"))
    elif known.every:
        unit = next(unit for unit, size in _UNITS.items() if not known.every % size)
        interval = _first_or_create(IntervalSchedule, {"every": known.every // _UNITS[unit], "period": unit})
    return {
        "task": RUN_SCHEDULED,
        "args": f'["{known.name}"]',
        "interval": interval,
        "crontab": crontab,
        "queue": known.queue,
        # Without a worker the ticks would pile up in the broker, each asking for the same one run.
        "expire_seconds": int(known.period.total_seconds()) if known.period else None,
    }


_ANY_DAY = ("day_of_month", "month_of_year", "day_of_week")


def _first_or_create(schedule: Any, fields: dict[str, Any]) -> Any:
    return schedule.objects.filter(**fields).first() or schedule.objects.create(**fields)
