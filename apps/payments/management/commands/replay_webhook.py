"""Apply an event of a payment gateway again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.payments.models import WebhookEvent
from apps.payments.services import apply_event
from core.errors import DomainError


class Command(BaseCommand):
    help = (
        "Look again at the payment an event was about. Safe at any time: what counts is what the gateway says now. "
        "An event that was applied is left alone without --force."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the gateway's name of the event, such as evt_1PqX…")
        parser.add_argument("--force", action="store_true", help="also when it was applied or ignored before")

    def handle(self, *args: Any, **options: Any) -> None:
        found = WebhookEvent.objects.filter(event_id=options["id"]).first()
        if found is None:
            raise CommandError(f"No event {options['id']} was ever received.")
        if found.state != WebhookEvent.State.RECEIVED and not options["force"]:
            self.stdout.write(
                f"{found.kind} was {found.state} at {found.applied_at:%Y-%m-%d %H:%M:%S} UTC: {found.note}."
            )
            self.stdout.write("To look again: --force.")
            return
        try:
            row = apply_event(event=found.pk, force=True)
        except DomainError as error:
            raise CommandError(f"{error.text} Nothing was changed.") from None
        self.stdout.write(f"{row.kind} is {row.state}: {row.note}.")
