"""Payment providers without an SDK tell us by a signed form (S0): who paid which order."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction

from apps.orders.models import Order
from apps.payments.errors import InvalidWebhook, WebhookNotAuthentic
from apps.payments.gateway import Intent, State, Told
from apps.payments.models import Payment
from apps.payments.services.alerts import tell_staff
from apps.payments.services.listening import keep_event
from apps.payments.services.reconciling import lost_payment
from apps.payments.services.settling import settle_payment
from core.clock import now

log = structlog.get_logger(__name__)
TOLERANCE = timedelta(seconds=300)


@dataclass(frozen=True)
class Envelope:
    """The three headers, as they were sent."""

    event_id: str
    timestamp: str
    signature: str


@dataclass(frozen=True)
class Notice:
    """What the form says; `amount` is in minor units where it was told."""

    reference: str
    order_number: str
    status: str
    amount: int | None = None
    currency: str = ""


def secrets_of(provider: str) -> list[str]:
    """The provider's secrets, several during a rotation; none for one that is not set up."""
    return list(settings.WEBHOOK_SECRETS.get(provider, []))


def prove_notice(*, provider: str, envelope: Envelope, body: bytes) -> None:
    """Raise `InvalidWebhook` for a missing header, `WebhookNotAuthentic` for a wrong or an old signature.

    HMAC-SHA256 over `timestamp.event_id.body`, in hexadecimal; `timestamp` in seconds, at most five minutes off.
    """
    if not (envelope.event_id and envelope.timestamp and envelope.signature):
        raise InvalidWebhook("X-Event-Id, X-Timestamp and X-Signature are all needed.")
    signed = f"{envelope.timestamp}.{envelope.event_id}.".encode() + body
    given = envelope.signature.removeprefix("sha256=").lower().encode()
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex().encode() for secret in secrets_of(provider)]
    if not any(hmac.compare_digest(given, one) for one in expected) or not _is_fresh(envelope.timestamp):
        raise WebhookNotAuthentic


@transaction.atomic
def apply_notice(*, provider: str, envelope: Envelope, notice: Notice, body: bytes) -> bool:
    """Book what a proved form says, once; False for a repetition.

    What was paid for an order that cannot take it, or in another amount, is written down and staff are told: such a
    provider cannot be asked to send it back.
    """
    told = Told(id=envelope.event_id, kind=notice.status, intent=notice.reference)
    if not keep_event(provider=provider, told=told, body=body, is_applied=True):
        return False
    order = Order.objects.select_for_update().filter(number=notice.order_number).first()
    if order is None:
        log.warning("notice_without_order", provider=provider, reference=notice.reference)
        return True
    payment = Payment.objects.filter(gateway=provider, intent=notice.reference).first()
    if payment is None:
        payment = lost_payment(order, provider)
        payment.intent, payment.method, payment.checked_at = notice.reference, Payment.Method.BANK_TRANSFER, now()
        payment.save()
    if payment.order_id != order.pk:
        tell_staff(order=order, what=f"{provider} names a payment of another order: {notice.reference}.")
        return True
    settle_payment(gateway=provider, intent=_as_intent(payment, notice))
    return True


def _as_intent(payment: Payment, notice: Notice) -> Intent:
    """In a gateway's words. Without an amount, the provider vouches for the order's."""
    states = {"paid": State.SUCCEEDED, "failed": State.NEEDS_METHOD, "cancelled": State.CANCELED}
    return Intent(
        id=notice.reference,
        state=states.get(notice.status, State.PROCESSING),
        amount=payment.amount,
        currency=notice.currency or payment.currency,
        received=payment.amount if notice.amount is None else notice.amount,
        charge=notice.reference,
        failure_code="declined" if notice.status == "failed" else "",
    )


def _is_fresh(timestamp: str) -> bool:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):  # noqa: PLR2004  # seconds
        return False
    return abs(now().timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()
