"""Payments through Stripe: the only file that imports `stripe`.

The API version is the SDK's, so that what is tested is what is spoken; an upgrade of the one is an upgrade of both.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import stripe
import structlog
from django.conf import settings

from apps.payments.errors import CardDeclined, GatewayFailed, GatewayRefused, InvalidWebhook, SignatureRejected
from apps.payments.gateway import PATIENCE_SECONDS, Card, Intent, SentBack, State, Told, Wanted
from core.errors import DomainError
from core.money import decimals

log = structlog.get_logger(__name__)
logging.getLogger("stripe").setLevel(logging.WARNING)  # or each call is several lines, with customers' ids in them
TOLERANCE_SECONDS = 300
_ABOUT_THIS_ONE = frozenset({400, 404})
_THREE = 3
# Where Stripe counts otherwise than ISO 4217: ours times the first, divided by the second.
_COUNTED = {"ISK": (100, 1), "UGX": (100, 1), "MGA": (1, 100)}
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
            "amount": told_amount(wanted.amount, wanted.currency),
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
        # Asked for whatever the charge says: a refund that failed is not in its sum any more.
        refunds = self._listed(self._client.v1.refunds, intent) if charge else []
        disputes = self._listed(self._client.v1.disputes, intent) if charge.get("disputed") else []
        return _intent(found, refunds=refunds, disputes=disputes)

    def confirm_intent(self, intent: str, *, key: str) -> Intent:
        return _intent(self._ask(self._client.v1.payment_intents.confirm, intent, {"expand": _EXPANDED}, key=key))

    def cancel_intent(self, intent: str, *, key: str) -> Intent:
        try:
            return _intent(self._ask(self._client.v1.payment_intents.cancel, intent, {}, key=key))
        except GatewayRefused:  # it was paid or cancelled before us
            return self.read_intent(intent)

    def send_back(self, intent: str, *, amount: int, currency: str, ours: str, reason: str) -> SentBack:
        wanted = told_amount(amount, currency)
        params: dict[str, Any] = {"payment_intent": intent, "amount": wanted, "metadata": {OUR_REFUND: ours}}
        if reason in {"duplicate", "fraudulent", "requested_by_customer"}:
            params["reason"] = reason
        return _sent_back(self._ask(self._client.v1.refunds.create, params, key=f"refund-{ours}"), currency)

    def intents_since(self, since: datetime) -> Iterator[Intent]:
        params = {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.latest_charge"]}
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
    if not signature.isascii():  # the SDK compares strings, which then fails
        return False
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


def told_amount(amount: int, currency: str) -> int:
    """Our minor units as Stripe counts them; raises `GatewayRefused` for an amount it cannot take.

    https://docs.stripe.com/currencies: amounts of three decimals end in 0.
    """
    more, less = _COUNTED.get(currency, (1, 1))
    told, left = divmod(amount * more, less)
    if left or (decimals(currency) == _THREE and told % 10):
        log.warning("amount_not_payable", currency=currency)
        raise GatewayRefused("This amount cannot be paid in this currency.")
    return told


def _our_amount(told: Any, currency: str) -> int:
    more, less = _COUNTED.get(currency, (1, 1))
    return int(told or 0) * less // more


def _intent(found: dict[str, Any], *, refunds: Any = (), disputes: Any = ()) -> Intent:
    charge = found.get("latest_charge") or {}
    charge = charge if isinstance(charge, dict) else {"id": charge}
    error = found.get("last_payment_error") or {}
    currency = str(found["currency"]).upper()
    newest = disputes[0] if disputes else {"amount": charge.get("amount") if charge.get("disputed") else 0}
    return Intent(
        id=str(found["id"]),
        state=State(found["status"]),
        amount=_our_amount(found["amount"], currency),
        currency=currency,
        received=_our_amount(_received(found, charge), currency),
        client_secret=str(found.get("client_secret") or ""),
        charge=str(charge.get("id") or ""),
        failure_code=str(error.get("decline_code") or error.get("code") or ""),
        failure_message=str(error.get("message") or ""),
        card=_card(found.get("payment_method"), is_kept=bool(found.get("setup_future_usage"))),
        refunds=tuple(_sent_back(refund, currency) for refund in refunds),
        returned=_our_amount(charge.get("amount_refunded"), currency),
        dispute=str(newest.get("status") or ""),
        disputed=_our_amount(newest.get("amount"), currency),
        begun_at=datetime.fromtimestamp(found["created"], UTC) if found.get("created") else None,
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


def _sent_back(refund: dict[str, Any], currency: str) -> SentBack:
    ours = (refund.get("metadata") or {}).get(OUR_REFUND, "")
    amount = _our_amount(refund["amount"], currency)
    return SentBack(str(refund["id"]), amount, str(refund.get("status") or "pending"), str(ours))


def _meaning(error: stripe.StripeError) -> DomainError:
    """Refused is only what concerns this very payment: a wrong key or a shop on hold is mended, and tried again."""
    if isinstance(error, stripe.CardError):
        return CardDeclined(reason=error.code or "card_declined")
    is_refused = isinstance(error, stripe.InvalidRequestError) and not isinstance(error, stripe.IdempotencyError)
    is_refused = is_refused and (error.http_status or 0) in _ABOUT_THIS_ONE
    log.warning("stripe_refused" if is_refused else "stripe_failed", status=error.http_status, error=error.code)
    return GatewayRefused() if is_refused else GatewayFailed()
