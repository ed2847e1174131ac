"""A gateway that behaves like the real one and moves no money: development and demos pay with it.

Its cards are the test numbers Stripe documents. What a phone would tell Stripe, it tells `pay` and `authenticate`;
what Stripe would tell the shop, the shop hears by HTTP at the same address, signed in the same way.
"""

import hmac
import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import requests
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from apps.payments.errors import CardDeclined, GatewayRefused
from apps.payments.gateway import PATIENCE_SECONDS, SIGNATURE, WEBHOOK, Card, Intent, SentBack, State, Told, Wanted
from apps.payments.models import SandboxIntent
from apps.payments.stripe_gateway import read_signed
from core.clock import now
from core.errors import NotFound
from core.outbox import enqueue
from core.redaction import conceal

BRANDS = {"4": "visa", "5": "mastercard", "3": "amex"}
DECLINES = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000009987": "lost_card",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
    "4000000000000119": "processing_error",
}
ASKS_THE_OWNER = "4000002500003155"
IS_DISPUTED = "4000000000000259"
REFUSES_REFUNDS = "4000000000005126"
ACCEPTED = frozenset(
    {"4242424242424242", "5555555555554444", "378282246310005", ASKS_THE_OWNER, IS_DISPUTED, REFUSES_REFUNDS}
)
EXPIRES = (12, 2040)
_PAYABLE = (State.NEEDS_METHOD, State.NEEDS_CONFIRMATION, State.NEEDS_ACTION)


class SandboxGateway:
    """Remembers in our own database."""

    name = "sandbox"

    def create_intent(self, wanted: Wanted) -> Intent:
        pk = f"pi_sandbox_{secrets.token_hex(12)}"
        row, _ = SandboxIntent.objects.get_or_create(
            key=wanted.key,
            defaults={
                "id": pk,
                "client_secret": f"{pk}_secret_{secrets.token_urlsafe(18)}",
                "amount": wanted.amount,
                "currency": wanted.currency,
                "status": State.NEEDS_CONFIRMATION if wanted.card else State.NEEDS_METHOD,
                "card": wanted.card.removeprefix("pm_sandbox_"),
                "customer": wanted.customer,
                "keeps_card": wanted.keep_card,
                "metadata": dict(wanted.metadata),
                "created_at": now(),
            },
        )
        return _seen(row)

    def read_intent(self, intent: str) -> Intent:
        return _seen(_found(intent))

    @transaction.atomic
    def confirm_intent(self, intent: str, *, key: str) -> Intent:
        row = _locked(intent)
        if row.status == State.NEEDS_CONFIRMATION:
            _charge(row, row.card)
        if row.failure_code:
            raise CardDeclined(reason=row.failure_code)
        return _seen(row)

    @transaction.atomic
    def cancel_intent(self, intent: str, *, key: str) -> Intent:
        row = _locked(intent)
        if row.status in _PAYABLE:
            row.status = State.CANCELED
            row.save(update_fields=["status"])
            _tell("payment_intent.canceled", row)
        return _seen(row)

    @transaction.atomic
    def send_back(self, intent: str, *, amount: int, currency: str, ours: str, reason: str) -> SentBack:
        row = _locked(intent)
        for refund in row.refunds:
            if ours and refund["ours"] == ours:
                return SentBack(**refund)
        if row.status != State.SUCCEEDED or row.refunded + amount > row.amount:
            raise GatewayRefused
        fails = row.card == REFUSES_REFUNDS
        refund = {
            "id": f"re_sandbox_{secrets.token_hex(12)}",
            "amount": amount,
            "status": "failed" if fails else "succeeded",
            "ours": ours,
        }
        row.refunds = [*row.refunds, refund]
        row.refunded += 0 if fails else amount
        row.save(update_fields=["refunds", "refunded"])
        _tell("refund.failed" if fails else "charge.refunded", row)
        return SentBack(**refund)

    def intents_since(self, since: datetime) -> Iterator[Intent]:
        yield from map(_seen, SandboxIntent.objects.filter(created_at__gte=since).iterator())

    def make_customer(self, *, ours: str) -> str:
        return f"cus_sandbox_{ours}"

    def forget_card(self, card: str) -> None:
        """Cards are kept by their number, and every one of them is a test number."""

    def read_event(self, body: bytes, signature: str) -> Told:
        return read_signed(body, signature, [settings.SANDBOX_WEBHOOK_SECRET])

    @transaction.atomic
    def pay(self, intent: str, *, client_secret: str, number: str) -> Intent:
        row = _proved(intent, client_secret)
        if row.status in _PAYABLE:
            _charge(row, conceal("".join(number.split())))
        return _seen(row)

    @transaction.atomic
    def authenticate(self, intent: str, *, client_secret: str, agrees: bool) -> Intent:
        row = _proved(intent, client_secret)
        if row.status == State.NEEDS_ACTION:
            if agrees:
                _succeed(row)
            else:
                _decline(row, "payment_intent_authentication_failure")
        return _seen(row)

    def tell(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json", SIGNATURE: signed(body)}
        to = f"{settings.SANDBOX_POSTS_TO}{WEBHOOK}"
        reply = requests.post(to, data=body, headers=headers, timeout=PATIENCE_SECONDS, allow_redirects=False)
        reply.raise_for_status()


def signed(body: bytes) -> str:
    """The header under which the sandbox tells the shop something, in Stripe's form."""
    moment = str(int(time.time()))
    mac = hmac.digest(settings.SANDBOX_WEBHOOK_SECRET.encode(), f"{moment}.".encode() + body, "sha256")
    return f"t={moment},v1={mac.hex()}"


def _charge(row: SandboxIntent, number: str) -> None:
    row.card = number if number in ACCEPTED | DECLINES.keys() else ""
    if number == ASKS_THE_OWNER:
        row.status, row.failure_code = State.NEEDS_ACTION, ""
        row.save(update_fields=["status", "failure_code", "card"])
        _tell("payment_intent.requires_action", row)
    elif number in ACCEPTED:
        _succeed(row)
    else:
        _decline(row, DECLINES.get(number, "incorrect_number"))


def _succeed(row: SandboxIntent) -> None:
    row.status, row.failure_code, row.charge = State.SUCCEEDED, "", f"ch_sandbox_{secrets.token_hex(12)}"
    row.dispute = "needs_response" if row.card == IS_DISPUTED else ""
    row.save(update_fields=["status", "failure_code", "charge", "card", "dispute"])
    _tell("payment_intent.succeeded", row)
    if row.dispute:
        _tell("charge.dispute.created", row)


def _decline(row: SandboxIntent, code: str) -> None:
    row.status, row.failure_code = State.NEEDS_METHOD, code
    row.save(update_fields=["status", "failure_code", "card"])
    _tell("payment_intent.payment_failed", row)


def _tell(kind: str, row: SandboxIntent) -> None:
    """As Stripe does, with what it was about at that moment; who hears it asks for what it is now."""
    event = {
        "id": f"evt_sandbox_{secrets.token_hex(12)}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "data": {"object": _as_told(kind, row)},
    }
    enqueue("payments.sandbox_tell", body=orjson.dumps(event).decode())


def _as_told(kind: str, row: SandboxIntent) -> dict[str, Any]:
    if kind.startswith("payment_intent."):
        return {"id": row.pk, "object": "payment_intent", "status": row.status, "amount": row.amount}
    about = "dispute" if "dispute" in kind else "refund" if kind.startswith("refund.") else "charge"
    return {"id": row.charge, "object": about, "payment_intent": row.pk, "amount": row.amount}


def _found(intent: str) -> SandboxIntent:
    row = SandboxIntent.objects.filter(pk=intent).first()
    if row is None:
        raise GatewayRefused
    return row


def _locked(intent: str) -> SandboxIntent:
    row = SandboxIntent.objects.select_for_update().filter(pk=intent).first()
    if row is None:
        raise GatewayRefused
    return row


def _proved(intent: str, client_secret: str) -> SandboxIntent:
    row = SandboxIntent.objects.select_for_update().filter(pk=intent).first()
    if row is None or not constant_time_compare(row.client_secret, conceal(client_secret)):
        raise NotFound
    return row


def _seen(row: SandboxIntent) -> Intent:
    number = row.card
    kept = f"pm_sandbox_{number}" if row.keeps_card else ""
    return Intent(
        id=row.pk,
        state=State(row.status),
        amount=row.amount,
        currency=row.currency,
        received=row.amount if row.status == State.SUCCEEDED else 0,
        client_secret=row.client_secret,
        charge=row.charge,
        failure_code=row.failure_code,
        failure_message="The sandbox declined this card." if row.failure_code else "",
        card=Card(BRANDS.get(number[:1], "card"), number[-4:], *EXPIRES, kept) if number else None,
        refunds=tuple(SentBack(**refund) for refund in row.refunds),
        returned=row.refunded,
        dispute=row.dispute,
        disputed=row.amount if row.dispute else 0,
        begun_at=row.created_at,
        metadata=row.metadata,
    )
