"""Who moves the money: the protocol every gateway fits, and which one this shop uses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from apps.payments.errors import PaymentsNotSetUp

PATIENCE_SECONDS = 8  # with one call; a customer waits for it
WEBHOOK = "/api/payments/webhook/"
SIGNATURE = "Stripe-Signature"


class State(StrEnum):
    """Where a payment stands at its gateway; Stripe's words, as the others' are put into them."""

    NEEDS_METHOD = "requires_payment_method"
    NEEDS_CONFIRMATION = "requires_confirmation"
    NEEDS_ACTION = "requires_action"
    PROCESSING = "processing"
    NEEDS_CAPTURE = "requires_capture"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True)
class Card:
    """What may be shown of a card, and the name under which the gateway keeps it; empty if it does not."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}"


@dataclass(frozen=True)
class SentBack:
    """A refund at the gateway; `ours` is the id of our row, empty for one made in the gateway's own console."""

    id: str
    amount: int
    status: str  # pending, requires_action, succeeded, failed, canceled
    ours: str = ""


@dataclass(frozen=True)
class Intent:
    """A payment as its gateway sees it now; amounts are minor units."""

    id: str
    state: State
    amount: int
    currency: str
    received: int = 0
    client_secret: str = ""
    charge: str = ""
    failure_code: str = ""
    failure_message: str = ""
    card: Card | None = None
    refunds: tuple[SentBack, ...] = ()
    returned: int = 0  # of the refunds that succeeded; also known where they are not listed
    dispute: str = ""  # empty, or Stripe's word: needs_response, under_review, won, lost …
    disputed: int = 0
    begun_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What is to be paid. The same `key` yields the same intent, however often it is asked for."""

    key: str
    amount: int
    currency: str
    metadata: Mapping[str, str]
    customer: str = ""
    card: str = ""
    keep_card: bool = False


@dataclass(frozen=True)
class Told:
    """An event whose signature is proved; `intent` is the payment it is about, empty if it is about none."""

    id: str
    kind: str
    intent: str


class Gateway(Protocol):
    """A party that charges cards.

    Every call that changes something carries a key, and repeating it changes nothing more. Calls raise `GatewayFailed`
    when what happened is not known, `GatewayRefused` when nothing did, `CardDeclined` when the bank said no.
    """

    name: str

    def create_intent(self, wanted: Wanted) -> Intent: ...

    def read_intent(self, intent: str) -> Intent:
        """What has become of it, with its refunds and its dispute."""

    def confirm_intent(self, intent: str, *, key: str) -> Intent:
        """Charge the card the intent holds already; others are confirmed by the customer's device."""

    def cancel_intent(self, intent: str, *, key: str) -> Intent:
        """Make it unpayable. One that was paid meanwhile comes back as it is."""

    def send_back(self, intent: str, *, amount: int, currency: str, ours: str, reason: str) -> SentBack:
        """Refund; `ours` is the id of our row, and the key."""

    def intents_since(self, since: datetime) -> Iterable[Intent]:
        """Every payment begun since then; of refunds and disputes, only how much they are about."""

    def make_customer(self, *, ours: str) -> str:
        """The gateway's name for a person of ours."""

    def forget_card(self, card: str) -> None: ...

    def read_event(self, body: bytes, signature: str) -> Told:
        """Raise `SignatureRejected` unless one of our secrets signed these bytes in the last five minutes."""


class Sandbox(Gateway, Protocol):
    """A gateway of pretence: it also plays the customer's device, and the gateway's voice."""

    def pay(self, intent: str, *, client_secret: str, number: str) -> Intent:
        """Confirm with a test card. Raises `NotFound` unless both names belong together."""

    def authenticate(self, intent: str, *, client_secret: str, agrees: bool) -> Intent:
        """The card's owner answers their bank, which asked for it (3-D Secure)."""

    def tell(self, body: bytes) -> None:
        """Post an event to the shop; raises if it was not taken, so that the job tries again as a gateway would."""


def gateway() -> Gateway:
    """The shop's gateway; raises `PaymentsNotSetUp` where none is."""
    if not settings.PAYMENT_GATEWAY:
        raise PaymentsNotSetUp
    return _made(settings.PAYMENT_GATEWAY)


@cache
def _made(path: str) -> Gateway:
    made: Gateway = import_string(path)()
    return made
