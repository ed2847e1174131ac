"""The repairs a proven reading of the period rows amounts to, step by step, each with its proof."""

from collections.abc import Iterable
from decimal import Decimal

from apps.campaigns.services.cells import Reading, Spelling
from apps.campaigns.services.evidence import Repair, number
from apps.campaigns.services.identities import TOLERANCE
from apps.campaigns.services.layout import PERSONS_COLUMN, VEHICLES_COLUMN
from apps.campaigns.services.lines import PeriodRow
from apps.campaigns.services.reconciliation import Solution
from apps.campaigns.vocabulary import Rule


def repairs_of(solution: Solution) -> list[Repair]:
    """Everything done to the cells of one campaign line; a cell with two damages has two steps."""
    return [*_total_repairs(solution), *_spelling_repairs(solution), *_swap_repairs(solution)]


def _total_repairs(solution: Solution) -> Iterable[Repair]:
    line = solution.line
    product = number(line.frequency * line.reach)
    if solution.persons_factor > 1:
        yield _of_total(
            solution,
            "impactos_personas",
            solution.persons_total,
            f"frecuencia_calculada × alcance is {product}, a tenth of what was received; "
            f"{_sum_proof('persons', solution.persons, solution.persons_total)}",
        )
    if solution.vehicles_factor > 1:
        yield _of_total(
            solution,
            "impactos_vehiculos",
            solution.vehicles_total,
            f"The persons of this row are proven ten times too large, and no campaign has more vehicles than "
            f"persons; {_sum_proof('vehicles', solution.vehicles, solution.vehicles_total)}",
        )


def _of_total(solution: Solution, column: str, after: int, proof: str) -> Repair:
    row = solution.line.row
    return Repair(
        file=row.file,
        row=row.number,
        column=column,
        before=row.text(column),
        rule=Rule.TENFOLD_TOTAL,
        after=Decimal(after),
        proof=proof,
    )


def _spelling_repairs(solution: Solution) -> Iterable[Repair]:
    persons_proof = _sum_proof("persons", solution.persons, solution.persons_total)
    vehicles_proof = _sum_proof("vehicles", solution.vehicles, solution.vehicles_total)
    for row, persons, vehicles in zip(solution.rows, solution.persons, solution.vehicles, strict=True):
        first, second = (vehicles, persons) if solution.is_swapped else (persons, vehicles)
        proofs = (vehicles_proof, persons_proof) if solution.is_swapped else (persons_proof, vehicles_proof)
        yield from _of_spelling(row, PERSONS_COLUMN, row.in_persons, first, proofs[0])
        yield from _of_spelling(row, VEHICLES_COLUMN, row.in_vehicles, second, proofs[1])


def _of_spelling(row: PeriodRow, column: str, reading: Reading, after: Decimal, proof: str) -> Iterable[Repair]:
    if reading.spelling is Spelling.PLAIN:
        return
    is_date = reading.spelling is Spelling.SERIAL_DATE
    step = f"Day {number(after)} from 1899-12-30" if is_date else f"With its point, {after:f}"
    yield Repair(
        file=row.row.file,
        row=row.row.number,
        column=column,
        before=reading.text,
        rule=Rule.SERIAL_DATE if is_date else Rule.LOST_POINT,
        after=after,
        proof=f"{step}: {proof}",
        period=row.label,
    )


def _swap_repairs(solution: Solution) -> Iterable[Repair]:
    if not solution.is_swapped:
        return
    proof = (
        f"As received, the persons add up to the campaign's {number(solution.vehicles_total)} vehicles "
        f"and the vehicles to its {number(solution.persons_total)} persons; not the other way round."
    )
    for row, persons, vehicles in zip(solution.rows, solution.persons, solution.vehicles, strict=True):
        for column, before, after in (
            (PERSONS_COLUMN, vehicles, persons),
            (VEHICLES_COLUMN, persons, vehicles),
        ):
            yield Repair(
                file=row.row.file,
                row=row.row.number,
                column=column,
                before=f"{before:f}",
                rule=Rule.SWAPPED_COLUMNS,
                after=after,
                proof=proof,
                period=row.label,
            )


def _sum_proof(noun: str, values: tuple[Decimal, ...], total: int) -> str:
    parts = sum(values, Decimal(0))
    count = "the only period has" if len(values) == 1 else f"the {len(values)} periods add up to"
    if parts == total:
        return f"{count} exactly the campaign's {number(total)} {noun}."
    off = f"{abs(parts - total):.2f} off the campaign's {number(total)}"
    return f"{count} {number(parts)} {noun}, {off} (up to {TOLERANCE} is rounding)."
