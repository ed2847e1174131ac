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
from apps.payments.models import Payment, WebhookEvent
from apps.payments.services.alerts import tell_staff, tell_staff_of
from apps.payments.services.listening import keep_event
from apps.payments.services.settling import lost_payment, settle_payment
from core.clock import now
from core.locks import lock
from core.money import with_currency

log = structlog.get_logger(__name__)
TOLERANCE = timedelta(seconds=300)
MOST_ID_CHARACTERS = 255
# After a payment was booked these would take it back, and only a person can find out what is true.
_TAKEN_BACK = {"failed", "cancelled"}


@dataclass(frozen=True)
class Envelope:
    """The three headers, as they were sent."""

    event_id: str
    timestamp: str
    signature: str


@dataclass(frozen=True)
class Notice:
    """What the form says; `amount`, where it was told, is in minor units of `currency`."""

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
    if "\x00" in envelope.event_id or len(envelope.event_id) > MOST_ID_CHARACTERS:
        raise InvalidWebhook("X-Event-Id has at most 255 characters, without NUL.")
    signed = f"{envelope.timestamp}.{envelope.event_id}.".encode() + body
    given = envelope.signature.removeprefix("sha256=").lower().encode()
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex().encode() for secret in secrets_of(provider)]
    if not any(hmac.compare_digest(given, one) for one in expected) or not _is_fresh(envelope.timestamp):
        raise WebhookNotAuthentic


@transaction.atomic
def apply_notice(*, provider: str, envelope: Envelope, notice: Notice, body: bytes) -> bool:
    """Book what a proved form says, once; False for a repetition.

    What was paid for an order that cannot take it, or in another amount, is written down and staff are told: such a
    provider cannot be asked to send it back. What fits no order of ours is kept, books nothing, and staff are told.
    """
    told = Told(id=envelope.event_id, kind=notice.status, intent=notice.reference)
    if not keep_event(provider=provider, told=told, body=body, is_applied=True):
        return False
    lock(f"payment:{provider}:{notice.reference}")  # two orders told at once to be paid by it: only one of them is
    order = Order.objects.select_for_update().filter(number=notice.order_number).first()
    payment = Payment.objects.filter(gateway=provider, intent=notice.reference).first()
    why = _misfit(order, payment, notice)
    if order is None or why:
        _ignore(provider, envelope, why)
        tell_staff_of(subject=f"A notice of {provider}", what=_what(provider, notice, why))
        return True
    if payment and payment.is_charged and notice.status in _TAKEN_BACK:
        tell_staff(order=order, what=_what(provider, notice, "It was paid before, and still counts as paid"))
    settle_payment(gateway=provider, intent=_as_intent(payment or _opened(order, provider, notice), notice))
    return True


def _misfit(order: Order | None, payment: Payment | None, notice: Notice) -> str:
    """Why nothing of ours can have been meant; empty if it can."""
    if order is None:
        return "No order has this number"
    if payment and payment.order_id != order.pk:
        return "The payment is another order's"
    if notice.currency not in ("", order.currency):
        return f"Counted in {notice.currency}, and the order in {order.currency}"
    return ""


def _ignore(provider: str, envelope: Envelope, why: str) -> None:
    log.warning("notice_ignored", provider=provider, why=why)
    kept = WebhookEvent.objects.filter(provider=provider, event_id=envelope.event_id)
    kept.update(state=WebhookEvent.State.IGNORED, note=why)


def _what(provider: str, notice: Notice, why: str) -> str:
    """What staff need to look it up at the provider."""
    told = "" if notice.amount is None else f" of {with_currency(notice.amount, notice.currency)}"
    return f"{why}: {provider} says {notice.status}{told}, payment {notice.reference}, order {notice.order_number}."


def _opened(order: Order, provider: str, notice: Notice) -> Payment:
    payment = lost_payment(order, provider)
    payment.intent, payment.method, payment.checked_at = notice.reference, Payment.Method.BANK_TRANSFER, now()
    payment.save()
    return payment


def _as_intent(payment: Payment, notice: Notice) -> Intent:
    """In a gateway's words. Without an amount, the provider vouches for the order's."""
    states = {"paid": State.SUCCEEDED, "failed": State.NEEDS_METHOD, "cancelled": State.CANCELED}
    return Intent(
        id=notice.reference,
        state=states.get(notice.status, State.PROCESSING),
        amount=payment.amount,
        currency=payment.currency,
        received=payment.amount if notice.amount is None else notice.amount,
        charge=notice.reference,
        failure_code="declined" if notice.status == "failed" else "",
    )


def _is_fresh(timestamp: str) -> bool:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):  # noqa: PLR2004  # seconds
        return False
    return abs(now().timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()
