"""The kernel's tables: jobs on their way, answers to be given again, and signs of life."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import CheckConstraint, Exists, F, Index, OuterRef, Q, UniqueConstraint
from django.db.models.functions import Coalesce
from django_celery_beat.models import PeriodicTask

from core.clock import now


def is_due() -> Q:
    """Waiting, its time has come, and nobody switched it off in the console."""
    switched_off = PeriodicTask.objects.filter(name=OuterRef("name"), enabled=False)
    return Q(~Exists(switched_off) | Q(repeats_every=None), state="waiting", due_at__lte=now())


class OutboxJobQuerySet(models.QuerySet["OutboxJob"]):
    def due(self) -> Self:
        return self.filter(is_due())


class OutboxJob(models.Model):
    """A job to run once it is due; written in the transaction that caused it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DEAD = "dead", "gave up"

    name = models.CharField(max_length=100)
    # Defaults of the database too: the release before this one still writes rows while it is replaced.
    queue = models.CharField(max_length=50, default="default", db_default="default")
    key = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="One job of a name and key waits at a time."
    )
    payload = models.JSONField(default=dict)
    repeats_every = models.DurationField(null=True, blank=True, help_text="Set for jobs of the schedule.")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True, help_text="When it was last sent to the broker.")
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OutboxJobQuerySet.as_manager()

    class Meta:
        verbose_name = "job"
        constraints = [
            CheckConstraint(condition=Q(state__in=["waiting", "dead"]), name="outbox_job_state_known"),
            CheckConstraint(
                condition=Q(repeats_every=None) | Q(repeats_every__gt=timedelta(0)), name="outbox_job_repeats_forward"
            ),
            UniqueConstraint(
                fields=["name"], condition=Q(repeats_every__isnull=False), name="outbox_job_scheduled_once"
            ),
            UniqueConstraint(
                fields=["name", "key"], condition=Q(state="waiting") & ~Q(key=""), name="outbox_job_key_waits_once"
            ),
        ]
        indexes = [
            Index(F("due_at"), condition=Q(state="waiting"), name="outbox_job_waiting"),
            Index(
                F("queue"), Coalesce("published_at", "due_at"), condition=Q(state="waiting"), name="outbox_job_publish"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class IdempotentAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, so that its repetition is answered the same."""

    key = models.BinaryField(max_length=32, primary_key=True, help_text="Hash of who, where and the key.")
    fingerprint = models.BinaryField(max_length=32, help_text="Hash of the body.")
    status = models.PositiveSmallIntegerField()
    sealed = models.BinaryField(help_text="The body, encrypted: it may carry tokens.")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [Index(F("created_at"), name="idempotent_answer_age")]

    def __str__(self) -> str:
        return f"Answer of {self.created_at:%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """When a kind of process last said that it is alive, whichever of them it was."""

    kind = models.CharField(max_length=20, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} at {self.seen_at:%Y-%m-%d %H:%M:%S}"
