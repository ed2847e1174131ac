"""What is wrong with the settings of payments."""

from collections.abc import Iterator, Mapping

_PREFIX = "WEBHOOK_SECRET_"
# These have an address and a signature of their own: a form of S0 must not speak in their name.
_GATEWAYS = {"stripe", "sandbox"}
_FOR_TESTS = ("sk_test_", "rk_test_")
LEAST_CHARACTERS = 32


def provider_problems(values: Mapping[str, str]) -> Iterator[str]:
    """What no environment takes: each secret of a provider lets its holder call an order paid."""
    for name, value in sorted(values.items()):
        if not name.startswith(_PREFIX):
            continue
        if name.removeprefix(_PREFIX).lower() in _GATEWAYS:
            yield f"{name}: a provider cannot go by the name of a gateway of ours; name it otherwise."
        elif any(len(secret) < LEAST_CHARACTERS for secret in _each(value)):
            yield f"{name} is too short: each secret in it has at least {LEAST_CHARACTERS} random characters."


def charging_problems(values: Mapping[str, str]) -> Iterator[str]:
    """What production demands where Stripe takes the money."""
    key = values.get("STRIPE_SECRET_KEY", "")
    if key and not _each(values.get("STRIPE_WEBHOOK_SECRET", "")):
        yield "STRIPE_WEBHOOK_SECRET must be set as well: without it nothing Stripe tells us can be believed."
    if key.startswith(_FOR_TESTS):
        yield "STRIPE_SECRET_KEY is a key for tests: orders would be sent out for money that never moves."


def _each(listed: str) -> list[str]:
    return [part for part in (part.strip() for part in listed.split(",")) if part]
