"""Payments through Stripe: the only file that imports `stripe`.

The API version is the SDK's, so that what is tested is what is spoken; an upgrade of the one is an upgrade of both.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import stripe
import structlog
from django.conf import settings

from apps.payments.errors import CardDeclined, GatewayFailed, GatewayRefused, InvalidWebhook, SignatureRejected
from apps.payments.gateway import PATIENCE_SECONDS, Card, Intent, SentBack, State, Told, Wanted
from core.errors import DomainError

log = structlog.get_logger(__name__)
logging.getLogger("stripe").setLevel(logging.WARNING)  # or each call is several lines, with customers' ids in them
TOLERANCE_SECONDS = 300
_THEIR_FAILURE = 500
_BEING_DONE = 409  # the first call with this key has not ended
_EXPANDED = ["latest_charge", "payment_method"]
# Of our ids, which an event's object carries to tell whose it is.
OUR_REFUND = "hanout_refund"


class StripeGateway:
    """Stripe's PaymentIntents. Retries are the SDK's own, under the same idempotency key."""

    name = "stripe"

    def __init__(self, base_address: str = "") -> None:
        self._client = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            stripe_version=stripe.api_version,
            max_network_retries=1,
            http_client=stripe.RequestsClient(timeout=(3, PATIENCE_SECONDS)),
            base_addresses={"api": base_address} if base_address else {},
        )

    def create_intent(self, wanted: Wanted) -> Intent:
        params: dict[str, Any] = {
            "amount": wanted.amount,
            "currency": wanted.currency.lower(),
            "metadata": dict(wanted.metadata),
            "payment_method_types": ["card"],
        }
        if wanted.customer:
            params["customer"] = wanted.customer
        if wanted.card:
            params["payment_method"] = wanted.card
        if wanted.keep_card:
            params["setup_future_usage"] = "off_session"
        return _intent(self._ask(self._client.v1.payment_intents.create, params, key=wanted.key))

    def read_intent(self, intent: str) -> Intent:
        found = self._ask(self._client.v1.payment_intents.retrieve, intent, {"expand": _EXPANDED})
        charge = found.get("latest_charge") or {}
        refunds = self._listed(self._client.v1.refunds, intent) if charge.get("amount_refunded") else []
        disputes = self._listed(self._client.v1.disputes, intent) if charge.get("disputed") else []
        return _intent(found, refunds=refunds, dispute=disputes[0]["status"] if disputes else "")

    def confirm_intent(self, intent: str, *, key: str) -> Intent:
        return _intent(self._ask(self._client.v1.payment_intents.confirm, intent, {"expand": _EXPANDED}, key=key))

    def cancel_intent(self, intent: str, *, key: str) -> Intent:
        try:
            return _intent(self._ask(self._client.v1.payment_intents.cancel, intent, {}, key=key))
        except GatewayRefused:  # it was paid or cancelled before us
            return self.read_intent(intent)

    def send_back(self, intent: str, *, amount: int, ours: str, reason: str) -> SentBack:
        params: dict[str, Any] = {"payment_intent": intent, "amount": amount, "metadata": {OUR_REFUND: ours}}
        if reason in {"duplicate", "fraudulent", "requested_by_customer"}:
            params["reason"] = reason
        return _sent_back(self._ask(self._client.v1.refunds.create, params, key=f"refund-{ours}"))

    def intents_since(self, since: datetime) -> Iterator[Intent]:
        params = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        page = self._ask(self._client.v1.payment_intents.list, params)
        while True:
            yield from map(_intent, page["data"])
            if not page["has_more"]:
                return
            page = self._ask(self._client.v1.payment_intents.list, {**params, "starting_after": page["data"][-1]["id"]})

    def make_customer(self, *, ours: str) -> str:
        params = {"metadata": {"hanout_user": ours}}
        return str(self._ask(self._client.v1.customers.create, params, key=f"customer-{ours}")["id"])

    def forget_card(self, card: str) -> None:
        self._ask(self._client.v1.payment_methods.detach, card)

    def read_event(self, body: bytes, signature: str) -> Told:
        return read_signed(body, signature, settings.STRIPE_WEBHOOK_SECRETS)

    def _listed(self, resource: Any, intent: str) -> list[dict[str, Any]]:
        return list(self._ask(resource.list, {"payment_intent": intent, "limit": 100})["data"])

    def _ask(self, call: Any, *args: Any, key: str = "") -> dict[str, Any]:
        try:
            answer = call(*args, options={"idempotency_key": key} if key else {})
        except stripe.StripeError as error:
            # Not chained: what Stripe says repeats what was sent.
            raise _meaning(error) from None
        return dict(answer.to_dict())


def read_signed(body: bytes, signature: str, secrets: list[str]) -> Told:
    """What an event in Stripe's form says, if one of these secrets signed it lately; else `SignatureRejected`."""
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise SignatureRejected
    try:
        event = orjson.loads(body)
        about = event["data"]["object"]
        told = Told(id=str(event["id"]), kind=str(event["type"]), intent=_intent_of(about))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise InvalidWebhook from None
    return told


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _intent_of(about: dict[str, Any]) -> str:
    """Charges, refunds and disputes name the payment they belong to."""
    if about.get("object") == "payment_intent":
        return str(about["id"])
    named = about.get("payment_intent") or ""
    return str(named["id"] if isinstance(named, dict) else named)


def _intent(found: dict[str, Any], *, refunds: list[dict[str, Any]] | None = None, dispute: str = "") -> Intent:
    charge = found.get("latest_charge") or {}
    charge = charge if isinstance(charge, dict) else {"id": charge}
    error = found.get("last_payment_error") or {}
    return Intent(
        id=str(found["id"]),
        state=State(found["status"]),
        amount=int(found["amount"]),
        currency=str(found["currency"]).upper(),
        received=_received(found, charge),
        client_secret=str(found.get("client_secret") or ""),
        charge=str(charge.get("id") or ""),
        failure_code=str(error.get("decline_code") or error.get("code") or ""),
        failure_message=str(error.get("message") or ""),
        card=_card(found.get("payment_method"), is_kept=bool(found.get("setup_future_usage"))),
        refunds=tuple(map(_sent_back, refunds or [])),
        dispute=dispute,
        metadata=dict(found.get("metadata") or {}),
    )


def _received(found: dict[str, Any], charge: dict[str, Any]) -> int:
    """What was captured, by the payment or, where that does not say, by its charge."""
    captured = charge.get("amount") if charge.get("captured") else 0
    return int(found.get("amount_received") or captured or 0)


def _card(method: Any, *, is_kept: bool) -> Card | None:
    card = method.get("card") if isinstance(method, dict) else None
    if not card:
        return None
    kept = str(method["id"]) if is_kept else ""
    return Card(str(card["brand"]), str(card["last4"]), int(card["exp_month"]), int(card["exp_year"]), kept)


def _sent_back(refund: dict[str, Any]) -> SentBack:
    ours = (refund.get("metadata") or {}).get(OUR_REFUND, "")
    return SentBack(str(refund["id"]), int(refund["amount"]), str(refund.get("status") or "pending"), str(ours))


def _meaning(error: stripe.StripeError) -> DomainError:
    if isinstance(error, stripe.CardError):
        return CardDeclined(reason=error.code or "card_declined")
    is_passing = isinstance(error, stripe.APIConnectionError | stripe.RateLimitError) or (
        error.http_status is None or error.http_status >= _THEIR_FAILURE or error.http_status == _BEING_DONE
    )
    log.warning("stripe_failed" if is_passing else "stripe_refused", status=error.http_status, error=error.code)
    return GatewayFailed() if is_passing else GatewayRefused()
