"""What waits, per queue, and who lives to do it, counted from the tables at the moment somebody looks."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min, Q
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.celery_config import PRIORITIES
from core.clock import now
from core.heartbeats import read_heartbeats
from core.models import OutboxJob, is_due

_GAUGES = {
    "waiting": ("hanout_jobs_waiting", "Jobs that are due and have not run yet."),
    "oldest": ("hanout_jobs_oldest_age_seconds", "For how long the oldest of them has been due."),
    "failing": ("hanout_jobs_failing", "Jobs that failed and will be tried again."),
    "dead": ("hanout_jobs_dead", "Jobs that were given up and wait for a person."),
}


class JobsCollector(Collector):
    """One query a scrape; a database that is away costs these numbers, not the others."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = {row["queue"]: row for row in _count()}
        except (DatabaseError, InterfaceError):
            return
        for figure, (name, help_text) in _GAUGES.items():
            gauge = GaugeMetricFamily(name, help_text, labels=["queue"])
            for queue in dict.fromkeys([*PRIORITIES, *found]):
                gauge.add_metric([queue], _value(found.get(queue, {}), figure))
            yield gauge


class HeartbeatsCollector(Collector):
    """A kind that was never seen has no figure: not every installation has a beat."""

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "hanout_heartbeat_age_seconds", "For how long no process of this kind was seen.", labels=["kind"]
        )
        with suppress(DatabaseError, InterfaceError):
            for kind, age in read_heartbeats().items():
                gauge.add_metric([kind], age.total_seconds())
        yield gauge


TABLE_METRICS = CollectorRegistry()
TABLE_METRICS.register(JobsCollector())
TABLE_METRICS.register(HeartbeatsCollector())


def _count() -> Iterable[Mapping[str, Any]]:
    waiting, dead = Q(state=OutboxJob.State.WAITING), Q(state=OutboxJob.State.DEAD)
    by_queue = OutboxJob.objects.order_by().values("queue")
    return by_queue.annotate(
        waiting=Count("pk", filter=is_due()),
        oldest=Min("due_at", filter=is_due()),
        failing=Count("pk", filter=waiting & Q(attempts__gt=0)),
        dead=Count("pk", filter=dead),
    )


def _value(row: Mapping[str, Any], figure: str) -> float:
    value = row.get(figure)
    if isinstance(value, datetime):
        return (now() - value).total_seconds()
    return float(value or 0)
