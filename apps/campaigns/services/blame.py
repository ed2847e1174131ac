"""Which cells to refuse when a campaign does not reconcile: as few as the identities allow, never a guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.campaigns.services.cells import Reading
from apps.campaigns.services.evidence import Refusal, number
from apps.campaigns.services.identities import adds_up, is_product
from apps.campaigns.services.layout import PERSONS_COLUMN, VEHICLES_COLUMN
from apps.campaigns.services.lines import CampaignLine, PeriodRow
from apps.campaigns.services.reconciliation import columns, fitted, persons_factor, restored

_PRODUCT_COLUMNS = ("impactos_personas", "frecuencia_calculada", "alcance")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """One measure of a name over all its lines, read under one assumption about the columns."""

    noun: str
    column: str
    total_column: str
    total: Decimal
    values: tuple[Decimal, ...]

    @property
    def sum(self) -> Decimal:
        return sum(self.values, Decimal(0))

    @property
    def holds(self) -> bool:
        return self.total == self.total.to_integral_value() and adds_up(self.values, self.total)


def refusals_of(lines: Sequence[CampaignLine], rows: Sequence[PeriodRow], *, swapped: bool) -> list[Refusal]:
    """The refusals of a name without a provable reading; `swapped` is how the rest of the file had to be read."""
    if contradicted := [line for line in lines if _is_contradicted(line, lines, rows)]:
        return [refusal for line in contradicted for refusal in _product_refusals(line, lines, rows)]
    persons, vehicles = max(
        (_measures(lines, rows, swapped=assumed) for assumed in (swapped, not swapped)),
        key=lambda measures: sum(measure.holds for measure in measures),
    )
    if persons.holds and vehicles.holds:
        return _ambiguity_refusals(lines, rows)
    return [
        *_measure_refusals(persons, vehicles, lines, rows),
        *_measure_refusals(vehicles, persons, lines, rows),
    ]


def _measures(lines: Sequence[CampaignLine], rows: Sequence[PeriodRow], *, swapped: bool) -> tuple[_Measure, _Measure]:
    in_persons, in_vehicles = columns(rows, swapped=swapped)
    received_in = (VEHICLES_COLUMN, PERSONS_COLUMN) if swapped else (PERSONS_COLUMN, VEHICLES_COLUMN)
    persons = sum((Decimal(line.persons) / (persons_factor(line) or 1) for line in lines), Decimal(0))
    vehicles = sum((Decimal(line.vehicles) / (persons_factor(line) or 1) for line in lines), Decimal(0))
    return (
        _Measure(
            noun="persons",
            column=received_in[0],
            total_column="impactos_personas",
            total=persons,
            values=_values(in_persons, persons),
        ),
        _Measure(
            noun="vehicles",
            column=received_in[1],
            total_column="impactos_vehiculos",
            total=vehicles,
            values=_values(in_vehicles, vehicles),
        ),
    )


def _values(readings: Sequence[Reading], total: Decimal) -> tuple[Decimal, ...]:
    return tuple(restored(reading, total, len(readings)) for reading in readings)


def _ambiguity_refusals(lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]) -> list[Refusal]:
    """Everything adds up, but in more than one way, or only for all lines together."""
    if len(lines) == 1:
        reason = "The periods fit this total and a tenth of it; nothing proves which is meant."
        return [lines[0].row.refuse("impactos_vehiculos", reason)]
    reason = "The rows of this name can be divided among its lines in no way, or in more than one."
    return [row.row.refuse("period", reason) for row in rows]


def _measure_refusals(
    wrong: _Measure, other: _Measure, lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]
) -> list[Refusal]:
    """The one row that breaks the campaign's persons per vehicle; when none does, every cell of the sum."""
    if wrong.holds:
        return []
    sums = f"The {wrong.noun} of the periods add up to {number(wrong.sum)}, the campaign has {number(wrong.total)}"
    outliers = _outliers(wrong, other) if other.holds else []
    if len(outliers) == 1 < len(rows):
        reason = f"{sums}; of all rows only this one breaks the campaign's persons per vehicle."
        return [rows[outliers[0]].row.refuse(wrong.column, reason)]
    reason = f"{sums}; nothing proves which value is wrong."
    # Frequency × reach vouches for the persons of a campaign, but only to within the frequency.
    is_vouched_for = wrong.noun == "persons" and abs(wrong.sum - wrong.total) > sum(line.frequency for line in lines)
    return [
        *(row.row.refuse(wrong.column, reason) for row in rows),
        *(line.row.refuse(wrong.total_column, reason) for line in lines if not is_vouched_for),
    ]


def _outliers(wrong: _Measure, other: _Measure) -> list[int]:
    rounding = wrong.total + other.total
    return [
        position
        for position, (value, against) in enumerate(zip(wrong.values, other.values, strict=True))
        if abs(value * other.total - against * wrong.total) > rounding
    ]


def _is_contradicted(line: CampaignLine, lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]) -> bool:
    """Whether frequency × reach is neither the persons nor the tenth of them that the periods allow."""
    factor = persons_factor(line)
    return factor is None or (factor > 1 and _periods_confirm(line, lines, rows))


def _periods_confirm(line: CampaignLine, lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]) -> bool:
    readings = columns(rows, swapped=False) if len(lines) == 1 else ()
    return any(fitted(column, line.persons) is not None for column in readings)


def _product_refusals(line: CampaignLine, lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]) -> list[Refusal]:
    """Persons, frequency and reach contradict each other; the periods decide between them if they can."""
    product = line.frequency * line.reach
    readings = columns(rows, swapped=False) if len(lines) == 1 else ()
    sums = [sum(_values(column, product), Decimal(0)) for column in readings]
    suspects: Sequence[str] = _PRODUCT_COLUMNS
    verdict = "nothing proves which of the three is wrong"
    if _periods_confirm(line, lines, rows):
        suspects, verdict = _PRODUCT_COLUMNS[1:], "the periods confirm the persons"
    elif any(is_product(parts, line.frequency, line.reach) for parts in sums):
        suspects, verdict = _PRODUCT_COLUMNS[:1], "the periods confirm the product"
    reason = f"frecuencia_calculada × alcance is {number(product)}, impactos_personas is {number(line.persons)}"
    return [line.row.refuse(column, f"{reason}; {verdict}.") for column in suspects]
