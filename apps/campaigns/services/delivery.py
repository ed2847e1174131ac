"""Three received files as campaigns ready to publish, or as the list of cells that stand in the way."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from apps.campaigns.services.blame import refusals_of
from apps.campaigns.services.evidence import Refusal, Refusals
from apps.campaigns.services.layout import CAMPAIGNS, LAYOUTS, PERIODS, SITES
from apps.campaigns.services.lines import (
    CampaignLine,
    PeriodRow,
    SiteRow,
    read_campaigns,
    read_periods,
    read_sites,
)
from apps.campaigns.services.outcome import CampaignOutcome, outcome_of
from apps.campaigns.services.reconciliation import Solution, misplaced, solve
from apps.campaigns.services.sites import site_count_refusals, site_notes
from apps.campaigns.services.tables import Table, read_table


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_NamedRow = TypeVar("_NamedRow", bound=_Named)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What three files amount to; with anything refused, nothing of it may be published."""

    tables: Mapping[str, Table]
    campaigns: tuple[CampaignOutcome, ...]
    refused: tuple[Refusal, ...]
    omitted: int


def read_delivery(directory: Path) -> Delivery:
    """Read, check, repair and reconcile a delivery; touches no database."""
    refusals = Refusals()
    read = [read_table(directory / layout.file, layout.columns, refusals) for layout in LAYOUTS]
    tables = {table.file: table for table in read if table is not None}
    campaigns = _campaigns(tables, refusals) if len(tables) == len(LAYOUTS) else []
    return Delivery(tables, tuple(campaigns), tuple(refusals.listed), refusals.omitted)


def _campaigns(tables: Mapping[str, Table], refusals: Refusals) -> list[CampaignOutcome]:
    lines = read_campaigns(tables[CAMPAIGNS.file], refusals)
    periods = read_periods(tables[PERIODS.file], refusals)
    sites = read_sites(tables[SITES.file], refusals)
    known = {row.text("name") for row in tables[CAMPAIGNS.file].rows}
    for row in (*(period.row for period in periods), *(site.row for site in sites)):
        if row.text("name") not in known:
            refusals.add(row.refuse("name", "The campaign file has no campaign of this name."))
    unreadable = {
        *_partly_read(tables[CAMPAIGNS.file], lines),
        *_partly_read(tables[PERIODS.file], periods),
        *_partly_read(tables[SITES.file], sites),
    }
    complete = _by_name(line for line in lines if line.name not in unreadable)
    solutions = _solutions(complete, _by_name(periods), refusals)
    return _outcomes(complete, solutions, _by_name(sites), refusals)


def _partly_read(table: Table, items: Sequence[_Named]) -> set[str]:
    """Names of which a row was refused already: what is left of them cannot be judged."""
    received = Counter(row.text("name") for row in table.rows)
    received.subtract(item.name for item in items)
    return {name for name, missing in received.items() if missing}


def _solutions(
    lines: Mapping[str, Sequence[CampaignLine]], rows: Mapping[str, Sequence[PeriodRow]], refusals: Refusals
) -> list[Solution]:
    """The proven reading of every name; those without one are refused, knowing how the others had to be read."""
    solved: list[Solution] = []
    unsolved: list[str] = []
    for name, named in lines.items():
        if errors := misplaced(named, rows.get(name, ())):
            refusals.extend(errors)
        elif (found := solve(named, rows.get(name, ()))) is None:
            unsolved.append(name)
        else:
            solved += found
    swapped = sum(solution.is_swapped for solution in solved) * 2 > len(solved)
    for name in unsolved:
        refusals.extend(refusals_of(lines[name], rows[name], swapped=swapped))
    return solved


def _outcomes(
    lines: Mapping[str, Sequence[CampaignLine]],
    solutions: Sequence[Solution],
    sites: Mapping[str, Sequence[SiteRow]],
    refusals: Refusals,
) -> list[CampaignOutcome]:
    notes = {}
    for name, named in lines.items():
        refusals.extend(site_count_refusals(named, sites.get(name, ())))
        notes[name] = site_notes(named, sites.get(name, ()))
    outcomes = [
        outcome_of(
            solution,
            sites=sites.get(solution.line.name, ()),
            # What is odd about the sites of a name is said once, on its first line.
            notes=notes[solution.line.name] if solution.line.part == 1 else (),
        )
        for solution in solutions
    ]
    return sorted(outcomes, key=lambda outcome: outcome.line.position)


def _by_name(items: Iterable[_NamedRow]) -> dict[str, list[_NamedRow]]:
    grouped = defaultdict(list)
    for item in items:
        grouped[item.name].append(item)
    return dict(grouped)
