"""Background jobs in the console."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from core.clock import now
from core.models import OutboxJob


@admin.register(OutboxJob)
class OutboxJobAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """What waits, what failed and why; a job that gave up can be run again."""

    list_display = ("name", "shown_state", "due_at", "repeats_every", "attempts", "last_error")
    list_filter = ("state", "name")
    actions = ["run_again"]

    @display(description="state", label={"waiting": "info", "dead": "danger"})  # type: ignore[untyped-decorator]
    def shown_state(self, job: OutboxJob) -> str:
        return job.state

    @admin.action(description="Run again now", permissions=["act"])
    def run_again(self, request: HttpRequest, chosen: QuerySet[OutboxJob]) -> None:
        count = chosen.update(state=OutboxJob.State.WAITING, due_at=now(), attempts=0)
        self.message_user(request, f"{count} job(s) will run within a second.")

    def has_act_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_change_permission(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
