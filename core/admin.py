"""Background jobs and the schedule in the console."""

from datetime import datetime

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django_celery_beat import models as beat
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.console import ReadOnly
from core.models import OutboxJob
from core.outbox import run_again
from core.outbox_schedule import RUN_SCHEDULED

# Beat's own pages let people write schedules and name tasks; here the code says what repeats, people whether it does.
_OF_BEAT = (beat.PeriodicTask, beat.IntervalSchedule, beat.CrontabSchedule, beat.SolarSchedule, beat.ClockedSchedule)
admin.site.unregister(_OF_BEAT)  # registered by then: INSTALLED_APPS names beat first


@admin.register(OutboxJob)
class OutboxJobAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """What waits, what failed and why; a job that gave up can be run again."""

    list_display = ("name", "shown_state", "queue", "due_at", "repeats_every", "attempts", "last_error")
    list_filter = ("state", "queue", "name")
    actions = ["run_again"]

    @display(description="state", label={"waiting": "info", "dead": "danger"})  # type: ignore[untyped-decorator]
    def shown_state(self, job: OutboxJob) -> str:
        return job.state

    @admin.action(description="Run again now", permissions=["act"])
    def run_again(self, request: HttpRequest, chosen: QuerySet[OutboxJob]) -> None:
        wanted, count = chosen.count(), run_again(chosen)
        left = f" {wanted - count} left alone: running now, or the same job waits already." if wanted > count else ""
        self.message_user(request, f"{count} job(s) will run within moments.{left}")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(ModelAdmin.has_delete_permission(self, request, obj))


@admin.register(beat.PeriodicTask)
class ScheduleAdmin(ModelAdmin):  # type: ignore[misc]
    """What repeats, as the code declares it; people only switch it off and on."""

    list_display = ("name", "enabled", "scheduler", "next_run", "last_run_at")
    list_filter = ("enabled",)
    fields = ("name", "enabled", "scheduler", "next_run", "last_run_at")
    readonly_fields = ("name", "scheduler", "next_run", "last_run_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[beat.PeriodicTask]:
        due = OutboxJob.objects.filter(name=OuterRef("name"), repeats_every__isnull=False).values("due_at")[:1]
        ours = super().get_queryset(request).filter(task=RUN_SCHEDULED).select_related("interval", "crontab")
        return ours.annotate(next_run_at=Subquery(due))  # type: ignore[no-any-return]

    @admin.display(description="next run", ordering="next_run_at")
    def next_run(self, entry: beat.PeriodicTask) -> datetime | None:
        return entry.next_run_at if entry.enabled else None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
