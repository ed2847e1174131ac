"""How old the backups are, read from the table at the moment somebody looks."""

import math
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from django.db.models import Max
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.operations.models import Backup
from core.clock import now


class BackupsCollector(Collector):
    """Two queries a scrape. Where there never was a backup its age is infinite, so that every alert on age fires."""

    def collect(self) -> Iterator[Metric]:
        try:
            taken = Backup.objects.aggregate(newest=Max("taken_at"))["newest"]
            verified = Backup.objects.exclude(verified_at=None).order_by("-taken_at").first()
        except (DatabaseError, InterfaceError):
            return
        ages = {
            "hanout_backup_age_seconds": ("Since the newest backup was taken.", taken),
            "hanout_backup_verified_age_seconds": (
                "Since the newest backup was taken that was restored, compared and found whole.",
                verified.taken_at if verified else None,
            ),
        }
        for name, (help_text, instant) in ages.items():
            yield GaugeMetricFamily(name, help_text, (now() - instant).total_seconds() if instant else math.inf)
        rto = GaugeMetricFamily("hanout_backup_last_rto_seconds", "How long restoring and comparing took last.")
        if verified and verified.rto_seconds is not None:
            rto.add_metric([], verified.rto_seconds)
        yield rto
