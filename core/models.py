"""The kernel's only table: jobs on their way."""

from datetime import timedelta

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q


class OutboxJob(models.Model):
    """A job to run once it is due; written in the transaction that caused it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DEAD = "dead", "gave up"

    name = models.CharField(max_length=100)
    payload = models.JSONField(default=dict)
    repeats_every = models.DurationField(null=True, blank=True, help_text="Set for jobs of the schedule.")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "job"
        constraints = [
            CheckConstraint(condition=Q(state__in=["waiting", "dead"]), name="outbox_job_state_known"),
            CheckConstraint(
                condition=Q(repeats_every=None) | Q(repeats_every__gt=timedelta(0)), name="outbox_job_repeats_forward"
            ),
            models.UniqueConstraint(
                fields=["name"], condition=Q(repeats_every__isnull=False), name="outbox_job_scheduled_once"
            ),
        ]
        indexes = [Index(F("due_at"), condition=Q(state="waiting"), name="outbox_job_waiting")]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"
