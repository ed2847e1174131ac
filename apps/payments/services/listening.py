"""What gateways tell us: kept with the job that applies it in one transaction, answered at once, applied once."""

import structlog
from django.db import IntegrityError, transaction
from prometheus_client import Counter

from apps.payments.gateway import Told, gateway
from apps.payments.models import WebhookEvent
from apps.payments.services.reconciling import adopt_payment
from apps.payments.services.settling import settle_payment
from core.clock import now
from core.outbox import enqueue

log = structlog.get_logger(__name__)
EVENTS = Counter("hanout_webhook_events_total", "Events of payment gateways, by what became of them.", ["outcome"])

State = WebhookEvent.State
# Others are kept and ignored; each of these means no more than "look at this payment".
KNOWN = ("payment_intent.", "charge.", "refund.")
MOST_BYTES = 256 * 1024


@transaction.atomic
def keep_event(*, provider: str, told: Told, body: bytes, is_applied: bool = False) -> bool:
    """Write an event down, with the job that applies it unless the caller does; False for one known already."""
    row = WebhookEvent(
        provider=provider,
        event_id=told.id[:255],
        kind=told.kind[:100],
        intent=told.intent[:255],
        body=body.decode(errors="replace"),
        received_at=now(),
        state=State.APPLIED if is_applied else State.RECEIVED,
        applied_at=now() if is_applied else None,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        EVENTS.labels(outcome="repeated").inc()
        return False
    EVENTS.labels(outcome="received").inc()
    if not is_applied:
        enqueue("payments.apply_event", event=row.pk)
    return True


@transaction.atomic
def apply_event(*, event: int, force: bool = False) -> WebhookEvent:
    """Look at the payment an event is about, and bring our books up to it; `force` does so again."""
    row = WebhookEvent.objects.select_for_update().get(pk=event)
    if row.state != State.RECEIVED and not force:
        return row
    row.state, row.note = _applied(row)
    row.applied_at = now()
    row.save(update_fields=["state", "note", "applied_at"])
    EVENTS.labels(outcome=row.state).inc()
    return row


def _applied(row: WebhookEvent) -> tuple[State, str]:
    if not row.intent or not row.kind.startswith(KNOWN):
        return State.IGNORED, "Not about a payment"
    till = gateway()
    intent = till.read_intent(row.intent)
    payment = settle_payment(gateway=till.name, intent=intent) or adopt_payment(gateway=till.name, intent=intent)
    if payment is None:
        log.warning("payment_unknown", intent=row.intent, kind=row.kind)
        return State.IGNORED, "A payment that is not the shop's"
    return State.APPLIED, f"The payment is {payment.status}"
