"""Signs of life of the processes nobody calls: those that run jobs, and beat.

Whether they keep up is another question, answered by the age of the oldest job that is due: a worker is not ill
because it is busy, and not well because it breathes.
"""

import time
from datetime import timedelta

from django.db.models import Max
from django_celery_beat.models import PeriodicTask

from core.clock import now
from core.models import Heartbeat

EVERY_SECONDS = 10
WORKER = "worker"
BEAT = "beat"

_last: dict[str, float] = {}


def note_alive(kind: str) -> None:
    """Say that a process of this kind lives; written down every ten seconds, however often it is said."""
    if time.monotonic() - _last.get(kind, -EVERY_SECONDS) < EVERY_SECONDS:
        return
    _last[kind] = time.monotonic()
    moment = now()
    if not Heartbeat.objects.filter(kind=kind).update(seen_at=moment):
        Heartbeat.objects.bulk_create([Heartbeat(kind=kind, seen_at=moment)], ignore_conflicts=True)


def read_heartbeats() -> dict[str, timedelta]:
    """How long ago each kind was last seen; those never seen are missing.

    Beat leaves its trace in its own table, every three minutes at the latest.
    """
    moment = now()
    seen = {row.kind: moment - row.seen_at for row in Heartbeat.objects.all()}
    if ticked := PeriodicTask.objects.aggregate(last=Max("last_run_at"))["last"]:
        seen[BEAT] = moment - ticked
    return seen
