"""Who takes the money."""

from typing import Any, Literal

from pydantic import SecretStr, model_validator

from config.variables.naming import Variables, named

GATHERED = "WEBHOOK_SECRET_PROVIDER"


class PaymentVariables(Variables):
    stripe_secret_key: SecretStr = named(
        SecretStr(""), "STRIPE_SECRET_KEY", help="Key of Stripe's API. Without one, development pays in a sandbox."
    )
    stripe_publishable_key: str = named(
        "", "STRIPE_PUBLISHABLE_KEY", "STRIPE_PUBLIC_KEY", help="The key that apps and pages may know."
    )
    late_payments: Literal["refund", "backorder"] = named(
        "refund",
        "LATE_PAYMENTS",
        help="What becomes of money for an order whose goods were let go: refund, or backorder to keep it open.",
    )
    webhook_secrets: dict[str, SecretStr] = named(
        {},
        GATHERED,
        help="Signs what a provider without an SDK tells us, in 32 characters or more; PROVIDER is its name.",
    )
    stripe_webhook_secret: SecretStr = named(
        SecretStr(""),
        "STRIPE_WEBHOOK_SECRET",
        help="Signs what Stripe tells us. During a rotation several, with commas: each of them counts.",
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, values: Any) -> Any:
        """Providers are named by the variables themselves."""
        prefix = GATHERED.removesuffix("PROVIDER")
        found = {
            name.removeprefix(prefix).lower(): value
            for name, value in values.items()
            if name.startswith(prefix) and isinstance(value, str)
        }
        return {**values, GATHERED: found} if found else values
