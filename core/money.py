"""Money is an integer of minor units beside its currency; decimals exist only at the border."""

from decimal import ROUND_HALF_UP, Decimal

# ISO 4217: currencies that do not have two decimals.
_WITHOUT = (
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
)
_WITH_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_DECIMALS = dict.fromkeys(_WITHOUT, 0) | dict.fromkeys(_WITH_THREE, 3)


def decimals(currency: str) -> int:
    """How many decimals the currency has (ISO 4217)."""
    return _DECIMALS.get(currency, 2)


def smallest_payment(currency: str) -> int:
    """The step of what can be paid, in minor units: nobody pays in thousandths of a currency that has them."""
    return 10 if decimals(currency) == 3 else 1  # noqa: PLR2004  # thousandths


def major(minor: int, currency: str) -> str:
    """1999 USD as '19.99': exact, as the documents' clients read it."""
    places = decimals(currency)
    return str(Decimal(minor).scaleb(-places).quantize(Decimal(1).scaleb(-places)))


def major_or_none(minor: int | None, currency: str) -> str | None:
    """The same for an amount that may be absent."""
    return None if minor is None else major(minor, currency)


def with_currency(minor: int, currency: str) -> str:
    """1999 USD as '19.99 USD', for people."""
    return f"{major(minor, currency)} {currency}"


def minor(amount: Decimal, currency: str) -> int:
    """19.99 USD as 1999, rounded half up."""
    return int(amount.scaleb(decimals(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether the amount has no more decimals than the currency: what somebody wrote is refused, not rounded."""
    return amount == round(amount, decimals(currency))


def share(amount: int, percent: int) -> int:
    """A percentage of minor units, rounded half up in integers."""
    return (amount * percent + 50) // 100
