"""What gateways tell us: kept with the job that applies it in one transaction, answered at once, applied once."""

import re
from collections.abc import Iterator
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from prometheus_client import Counter

from apps.payments.errors import NotReplayable
from apps.payments.gateway import Told, gateway
from apps.payments.models import WebhookEvent
from apps.payments.services.settling import look_at_payment
from core.clock import now
from core.housekeeping import Stale, chore
from core.outbox import enqueue

log = structlog.get_logger(__name__)
EVENTS = Counter("hanout_webhook_events_total", "Events of payment gateways, by what became of them.", ["outcome"])

State = WebhookEvent.State
# Others are kept and ignored; each of these means no more than "look at this payment".
KNOWN = ("payment_intent.", "charge.", "refund.")
MOST_BYTES = 256 * 1024
SHOULD_BE_APPLIED = timedelta(minutes=5)
KEPT = timedelta(days=90)
SWEEP_BATCH = 1000
_SECRET = re.compile(r'("client_secret"\s*:\s*")[^"]*')


@transaction.atomic
def keep_event(*, provider: str, told: Told, body: bytes, is_applied: bool = False) -> bool:
    """Write an event down, with the job that applies it unless the caller does; False for one known already."""
    row = WebhookEvent(
        provider=provider,
        event_id=told.id[:255],
        kind=told.kind[:100],
        intent=told.intent[:255],
        body=_SECRET.sub(r"\1hidden", body.decode(errors="replace")),
        received_at=now(),
        state=State.APPLIED if is_applied else State.RECEIVED,
        applied_at=now() if is_applied else None,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        EVENTS.labels(outcome="repeated").inc()
        _apply_if_waiting(provider, row.event_id)
        return False
    EVENTS.labels(outcome="received").inc()
    if not is_applied:
        enqueue("payments.apply_event", key=str(row.pk), event=row.pk)
    return True


@transaction.atomic
def apply_event(*, event: int, force: bool = False) -> WebhookEvent:
    """Look at the payment an event is about, and bring our books up to it; `force` does so again."""
    row = WebhookEvent.objects.select_for_update().get(pk=event)
    if row.state != State.RECEIVED and not force:
        return row
    if row.provider != gateway().name:
        raise NotReplayable
    row.state, row.note = _applied(row)
    row.applied_at = now()
    row.save(update_fields=["state", "note", "applied_at"])
    EVENTS.labels(outcome=row.state).inc()
    return row


def plan_waiting_events() -> int:
    """Apply what was received and never applied, because its job was given up; return how many."""
    waiting = WebhookEvent.objects.filter(state=State.RECEIVED, received_at__lt=now() - SHOULD_BE_APPLIED)
    found = list(waiting.order_by("received_at").values_list("pk", flat=True)[:SWEEP_BATCH])
    for event in found:
        enqueue("payments.apply_event", key=str(event), event=event)
    return len(found)


@chore("webhooks", "what the gateways told and was applied long ago")
def stale_events(days: int | None) -> Iterator[Stale]:
    before = now() - (KEPT if days is None else timedelta(days=days))
    yield Stale(WebhookEvent.objects.filter(received_at__lt=before).exclude(state=State.RECEIVED))


def _apply_if_waiting(provider: str, event_id: str) -> None:
    """The gateway tells again what it thinks we did not hear; perhaps our job was given up."""
    waiting = WebhookEvent.objects.filter(provider=provider, event_id=event_id, state=State.RECEIVED).first()
    if waiting:
        enqueue("payments.apply_event", key=str(waiting.pk), event=waiting.pk)


def _applied(row: WebhookEvent) -> tuple[State, str]:
    if not row.intent or not row.kind.startswith(KNOWN):
        return State.IGNORED, "Not about a payment"
    payment, _ = look_at_payment(till=gateway(), intent=row.intent)
    if payment is None:
        log.warning("payment_unknown", intent=row.intent, kind=row.kind)
        return State.IGNORED, "A payment that is not the shop's"
    return State.APPLIED, f"The payment is {payment.status}"
