"""Published numbers that nothing proves, and gaps in a campaign's own line; both are kept as received."""

from collections.abc import Iterable

from apps.campaigns.services.calendar import period_span
from apps.campaigns.services.evidence import Finding, number
from apps.campaigns.services.lines import CampaignLine
from apps.campaigns.services.reconciliation import TENFOLD, Solution
from apps.campaigns.vocabulary import CAMPAIGN_SHARES, Severity


def findings_of(solution: Solution) -> list[Finding]:
    """What a reader of this campaign's own numbers should know."""
    line = solution.line
    return [
        *_vehicle_flags(solution),
        *_frequency_flags(line),
        *_blank_shares(line),
        *_identical_periods(solution),
        *_unknown_calendar(line),
    ]


def _vehicle_flags(solution: Solution) -> Iterable[Finding]:
    if not solution.has_fewer_persons_than_vehicles:
        return
    persons, vehicles = solution.persons_total, solution.vehicles_total
    inferred = vehicles // TENFOLD
    hint = (
        f" Inferred, not applied: {number(inferred)} (one decimal place lost)."
        if vehicles % TENFOLD == 0 and inferred <= persons
        else ""
    )
    yield Finding(
        severity=Severity.FLAG,
        code="vehicles_exceed_persons",
        text=(
            f"{number(vehicles)} vehicles for {number(persons)} persons cannot be, as each vehicle carries at least "
            f"one; the periods repeat the number, so nothing proves a repair. Kept as received, out of totals.{hint}"
        ),
        file=solution.line.row.file,
        row=solution.line.row.number,
        column="impactos_vehiculos",
    )


def _frequency_flags(line: CampaignLine) -> Iterable[Finding]:
    average = line.values["frecuencia_promedio"]
    if round(line.frequency, 1) >= round(average, 1):
        return
    yield Finding(
        severity=Severity.FLAG,
        code="average_frequency_too_high",
        text=f"The average frequency {average} exceeds the calculated one, {line.frequency}; nothing proves it.",
        file=line.row.file,
        row=line.row.number,
        column="frecuencia_promedio",
    )


def _blank_shares(line: CampaignLine) -> Iterable[Finding]:
    blank = [column for columns in CAMPAIGN_SHARES for column in columns if line.values[column] is None]
    if blank:
        listed = blank[0] if len(blank) == 1 else f"{blank[0]} to {blank[-1]}"
        yield Finding(
            severity=Severity.NOTE,
            code="shares_missing",
            text=f"{len(blank)} shares are blank ({listed}): not available, which is not zero.",
            file=line.row.file,
            row=line.row.number,
            column=blank[0],
        )


def _identical_periods(solution: Solution) -> Iterable[Finding]:
    """Two periods with the very same audience were filled in, not counted; the totals include both."""
    values = list(zip(solution.persons, solution.vehicles, strict=True))
    alike = [row for row, value in zip(solution.rows, values, strict=True) if values.count(value) > 1]
    if alike:
        yield Finding(
            severity=Severity.NOTE,
            code="periods_identical",
            text=f"Periods {', '.join(row.label for row in alike)} share their numbers to the last digit.",
            file=alike[0].row.file,
            row=alike[0].row.number,
            column="period",
        )


def _unknown_calendar(line: CampaignLine) -> Iterable[Finding]:
    unknown = [label for label in line.periods if period_span(line.kind, label) is None]
    if unknown:
        yield Finding(
            severity=Severity.NOTE,
            code="calendar_unknown",
            text=f"The catorcena calendar of {unknown[0][:4]} is not known, so the campaign's dates are unchecked.",
            file=line.row.file,
            row=line.row.number,
            column="periods",
        )
