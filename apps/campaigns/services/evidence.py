"""What an import has to say about single cells: refused, repaired with proof, or worth a look."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from apps.campaigns.vocabulary import Rule, Severity

MAX_REFUSALS = 10_000
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """A cell that cannot be published. `row` and `column` are missing when the whole file or row is meant."""

    file: str
    row: int | None
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One step from what was received to what is published. `period` is empty for a campaign's total."""

    file: str
    row: int
    column: str
    before: str
    rule: Rule
    after: Decimal
    proof: str
    period: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a reader of the numbers should know. `row` and `column` are missing when many cells are meant."""

    severity: Severity
    code: str
    text: str
    file: str
    row: int | None = None
    column: str = ""


@dataclass(slots=True)
class Refusals:
    """Every refusal of a run, up to a bound no reader would pass."""

    listed: list[Refusal] = field(default_factory=list)
    omitted: int = 0

    def add(self, refusal: Refusal) -> None:
        if len(self.listed) < MAX_REFUSALS:
            self.listed.append(refusal)
        else:
            self.omitted += 1

    def extend(self, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            self.add(refusal)

    def __len__(self) -> int:
        return len(self.listed) + self.omitted


def shown(text: str) -> str:
    """A received text as it may be printed and stored: control characters spelled out, length bounded."""
    printable = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text[: MAX_SHOWN + 1])
    return printable if len(text) <= MAX_SHOWN else f"{printable[:MAX_SHOWN]}…"


def number(value: Decimal | int) -> str:
    """A number as people read it: thousands apart, at most two decimals."""
    exact = Decimal(value)
    return f"{exact:,.0f}" if exact == exact.to_integral_value() else f"{exact:,.2f}"
