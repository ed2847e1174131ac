"""Money that came, went back, or is on its way; and what gateways told us of it."""

from apps.payments.models.events import WebhookEvent
from apps.payments.models.money import GatewayCustomer, Payment, Refund, SavedMethod, Transaction
from apps.payments.models.sandbox import SandboxIntent

__all__ = ["GatewayCustomer", "Payment", "Refund", "SandboxIntent", "SavedMethod", "Transaction", "WebhookEvent"]
