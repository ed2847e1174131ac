"""Which reading of the period rows makes a campaign's totals hold; only a unique answer counts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import prod

from apps.campaigns.services.cells import Reading, Spelling
from apps.campaigns.services.evidence import Refusal
from apps.campaigns.services.identities import adds_up, is_product
from apps.campaigns.services.lines import CampaignLine, PeriodRow

TENFOLD = 10
_MAX_WAYS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """How the rows of one campaign line must be read so that both its totals hold."""

    line: CampaignLine
    rows: tuple[PeriodRow, ...]
    is_swapped: bool
    persons_factor: int
    vehicles_factor: int
    persons: tuple[Decimal, ...]
    vehicles: tuple[Decimal, ...]

    @property
    def persons_total(self) -> int:
        return self.line.persons // self.persons_factor

    @property
    def vehicles_total(self) -> int:
        return self.line.vehicles // self.vehicles_factor

    @property
    def has_fewer_persons_than_vehicles(self) -> bool:
        """Impossible: every vehicle carries at least one person."""
        return self.persons_total < self.vehicles_total


def persons_factor(line: CampaignLine) -> int | None:
    """How many times too large the persons are: frequency × reach says 1 or 10, or neither."""
    for factor in (1, TENFOLD):
        if line.persons % factor == 0 and is_product(line.persons // factor, line.frequency, line.reach):
            return factor
    return None


def fitted(readings: Sequence[Reading], total: int) -> tuple[Decimal, ...] | None:
    """The values of the readings, if they add up to the total; lost points are placed by its size."""
    values = tuple(restored(reading, total, len(readings)) for reading in readings)
    return values if adds_up(values, total) else None


def restored(reading: Reading, total: Decimal | int, periods: int) -> Decimal:
    """The value of a reading; a lost point goes where the value comes closest to an average period."""
    if reading.spelling is not Spelling.LOST_POINT:
        return reading.value
    places = round((reading.value * periods / max(total, 1)).log10())
    return reading.value.scaleb(-places) if places > 0 else reading.value


def columns(rows: Iterable[PeriodRow], *, swapped: bool) -> tuple[list[Reading], list[Reading]]:
    """The readings of persons and of vehicles under the assumption that the columns are (not) swapped."""
    first = [row.in_persons for row in rows]
    second = [row.in_vehicles for row in rows]
    return (second, first) if swapped else (first, second)


def solve(lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]) -> list[Solution] | None:
    """The one way to read all rows of a name as its lines' periods; None without proof that it is the only one."""
    by_label = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    per_line = [_solutions_of(line, by_label) for line in lines]
    if prod(len(found) for found in per_line) > _MAX_WAYS:
        return None
    ways = {
        tuple((solution.persons, solution.vehicles) for solution in way): list(way)
        for way in product(*per_line)
        if _uses_each_row_once(way)
    }
    return ways.popitem()[1] if len(ways) == 1 else None


def misplaced(lines: Sequence[CampaignLine], rows: Sequence[PeriodRow]) -> list[Refusal]:
    """Rows that belong to no line of their name, and periods without a row."""
    if not rows:
        return [line.row.refuse("name", "The period file has no row of this name.") for line in lines]
    kinds = {line.kind for line in lines}
    wanted = Counter(label for line in lines for label in line.periods)
    found = Counter(row.label for row in rows)
    wrong_kind = [
        row.row.refuse("tipo_campania", f"The campaign is {lines[0].kind.value}.")
        for row in rows
        if row.kind not in kinds
    ]
    surplus = [
        row.row.refuse(
            "period", f"The period has {found[row.label]} rows, the campaign {wanted[row.label]} such periods."
        )
        for row in rows
        if found[row.label] > wanted[row.label]
    ]
    missing = [
        line.row.refuse("periods", f"The period {label} has no row of its own in the period file.")
        for line in lines
        for label in line.periods
        if found[label] < wanted[label]
    ]
    return wrong_kind + surplus + missing


def _solutions_of(line: CampaignLine, by_label: Mapping[str, Sequence[PeriodRow]]) -> list[Solution]:
    factor = persons_factor(line)
    candidates = [by_label[label] for label in line.periods]
    if factor is None or prod(len(choice) for choice in candidates) > _MAX_WAYS:
        return []
    return [solution for picked in product(*candidates) for solution in _readings_of(line, picked, factor)]


def _readings_of(line: CampaignLine, rows: tuple[PeriodRow, ...], factor: int) -> list[Solution]:
    found = []
    vehicle_factors = [divisor for divisor in sorted({1, factor}) if line.vehicles % divisor == 0]
    for swapped, vehicles_factor in product((False, True), vehicle_factors):
        in_persons, in_vehicles = columns(rows, swapped=swapped)
        persons = fitted(in_persons, line.persons // factor)
        vehicles = fitted(in_vehicles, line.vehicles // vehicles_factor)
        if persons is None or vehicles is None:
            continue
        found.append(
            Solution(
                line=line,
                rows=rows,
                is_swapped=swapped,
                persons_factor=factor,
                vehicles_factor=vehicles_factor,
                persons=persons,
                vehicles=vehicles,
            )
        )
    return _simplest(found)


def _simplest(found: list[Solution]) -> list[Solution]:
    """Nothing is swapped without need; a total fits only while there are no more vehicles than persons."""
    unswapped = [solution for solution in found if not solution.is_swapped] or found
    return [solution for solution in unswapped if not solution.has_fewer_persons_than_vehicles] or unswapped


def _uses_each_row_once(way: Sequence[Solution]) -> bool:
    used = [row.row.number for solution in way for row in solution.rows]
    return len(used) == len(set(used))
