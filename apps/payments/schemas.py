"""S2's payment shapes. Amounts are written in major units, as S2's clients read them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from django.conf import settings
from ninja import Schema
from pydantic import AliasChoices, Field, StringConstraints, model_validator

from apps.payments.models import Payment, Refund, Transaction
from apps.payments.services import Begun, Notice
from core.money import decimals, is_exact, major, minor
from core.pagination import PageOut

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^[\w-]+$")]
Amount = Annotated[Decimal, Field(gt=0, le=10**10, max_digits=16, decimal_places=3)]


def _word(most: int) -> Any:
    """PostgreSQL keeps every character but NUL."""
    return StringConstraints(min_length=1, max_length=most, pattern=r"^[^\x00]+$")


class CreateIntentIn(Schema):
    order_id: UUID
    payment_method_id: UUID | None = Field(None, description="A saved card, from payment-methods/.")
    save_payment_method: bool = Field(default=False, description="Keep the card for the next time.")


class IntentOut(Schema):
    payment_id: UUID = Field(validation_alias="payment.pk")
    payment_intent_id: str = Field(validation_alias="payment.intent")
    client_secret: str = Field(description="For the gateway's library on the customer's device; keep it there.")
    gateway: str = Field(validation_alias="payment.gateway")
    publishable_key: str = Field("", description="The gateway's key for apps and pages.")

    @staticmethod
    def resolve_publishable_key(begun: Begun) -> str:
        return settings.STRIPE_PUBLISHABLE_KEY if begun.payment.gateway == "stripe" else ""


class ConfirmIn(Schema):
    payment_intent_id: Name


class PaymentOut(Schema):
    id: UUID
    order_id: UUID
    payment_intent_id: str = Field(validation_alias="intent")
    gateway: str
    payment_method: str = Field(validation_alias="method")
    card: str
    amount: str
    amount_refunded: str
    currency: str
    status: str
    failure_code: str
    failure_message: str
    dispute: str
    charged_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def resolve_amount(payment: Payment) -> str:
        return major(payment.amount, payment.currency)

    @staticmethod
    def resolve_amount_refunded(payment: Payment) -> str:
        return major(payment.amount_refunded, payment.currency)


class TransactionOut(Schema):
    id: int
    kind: str
    amount: str
    reference: str
    created_at: datetime

    @staticmethod
    def resolve_amount(transaction: Transaction) -> str:
        return major(transaction.amount, transaction.payment.currency)


class PaymentDetailOut(PaymentOut):
    transactions: list[TransactionOut]

    @staticmethod
    def resolve_transactions(payment: Payment) -> list[Transaction]:
        return list(payment.transactions.all())


class PaymentPage(PageOut):
    results: list[PaymentOut]


class RequestRefundIn(Schema):
    payment_id: UUID
    amount: Amount | None = Field(None, description="In major units; all that is left without it.")
    reason: Refund.Reason = Refund.Reason.REQUESTED
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class RefundOut(Schema):
    id: UUID
    payment_id: UUID
    amount: str
    currency: str = Field(validation_alias="payment.currency")
    reason: str
    description: str
    status: str
    failure: str
    created_at: datetime
    settled_at: datetime | None

    @staticmethod
    def resolve_amount(refund: Refund) -> str:
        return major(refund.amount, refund.payment.currency)


class RefundPage(PageOut):
    results: list[RefundOut]


class MethodOut(Schema):
    id: UUID
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    is_default: bool
    created_at: datetime


class MethodPage(PageOut):
    results: list[MethodOut]


class NoticeIn(Schema):
    """S0's form. `provider_reference` and `reference` are two spellings of one field."""

    reference: Annotated[str, _word(255)] = Field(validation_alias=AliasChoices("provider_reference", "reference"))
    invoice_code: Annotated[str, _word(24)] = Field(description="Our order number.")
    status: Literal["paid", "failed", "cancelled", "processing"]
    amount: Amount | None = Field(None, description="In major units; without it, the order's total is vouched for.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = ""

    @model_validator(mode="after")
    def _is_exact(self) -> Self:
        if self.amount is not None and not is_exact(self.amount, self._counted_in):
            raise ValueError(f"{self._counted_in} has {decimals(self._counted_in)} decimals.")
        return self

    @property
    def _counted_in(self) -> str:
        return self.currency or settings.SHOP_CURRENCY

    def as_notice(self) -> Notice:
        """An amount goes with the currency it was counted in, named or not."""
        if self.amount is None:
            return Notice(self.reference, self.invoice_code, self.status, currency=self.currency)
        amount = minor(self.amount, self._counted_in)
        return Notice(self.reference, self.invoice_code, self.status, amount, self._counted_in)


class SandboxPayIn(Schema):
    client_secret: Annotated[str, StringConstraints(max_length=255)]
    card_number: Annotated[str, StringConstraints(max_length=30, pattern=r"^[0-9 ]+$")] = Field(
        examples=["4242 4242 4242 4242"]
    )


class SandboxAnswerIn(Schema):
    client_secret: Annotated[str, StringConstraints(max_length=255)]
    agrees: bool


class SandboxOut(Schema):
    payment_intent_id: str = Field(validation_alias="id")
    status: str = Field(validation_alias="state")
    failure_code: str
