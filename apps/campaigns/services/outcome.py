"""A campaign line as it is published, with everything that was done to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.campaigns.services.evidence import Finding, Repair
from apps.campaigns.services.flags import findings_of
from apps.campaigns.services.lines import CampaignLine, SiteRow
from apps.campaigns.services.reconciliation import Solution
from apps.campaigns.services.repairs import repairs_of
from apps.campaigns.vocabulary import Severity, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodOutcome:
    """A period as it is published; `row` is its line in the period file."""

    label: str
    row: int
    persons: Decimal
    vehicles: Decimal
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignOutcome:
    """A campaign line as it is published. `sites` are those of its name, which lines of one name share."""

    line: CampaignLine
    persons: int
    vehicles: int
    are_vehicles_proven: bool
    periods: tuple[PeriodOutcome, ...]
    sites: tuple[SiteRow, ...]
    repairs: tuple[Repair, ...]
    findings: tuple[Finding, ...]

    @property
    def key(self) -> tuple[str, int]:
        return self.line.name, self.line.part

    @property
    def flags(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is Severity.FLAG]

    @property
    def status(self) -> Status:
        if self.flags:
            return Status.FLAGGED
        return Status.REPAIRED if self.repairs else Status.AS_RECEIVED


def outcome_of(solution: Solution, sites: Sequence[SiteRow], notes: Sequence[Finding]) -> CampaignOutcome:
    """What a proven reading comes to; `notes` are about the sites of the campaign's name."""
    repairs = repairs_of(solution)
    is_doubtful = solution.has_fewer_persons_than_vehicles
    repaired = {repair.row for repair in repairs if repair.period}
    return CampaignOutcome(
        line=solution.line,
        persons=solution.persons_total,
        vehicles=solution.vehicles_total,
        are_vehicles_proven=not is_doubtful,
        periods=tuple(
            PeriodOutcome(
                label=row.label,
                row=row.row.number,
                persons=persons,
                vehicles=vehicles,
                status=_period_status(is_doubtful=is_doubtful, is_repaired=row.row.number in repaired),
            )
            for row, persons, vehicles in zip(solution.rows, solution.persons, solution.vehicles, strict=True)
        ),
        sites=tuple(sites),
        repairs=tuple(repairs),
        findings=(*findings_of(solution), *notes),
    )


def _period_status(*, is_doubtful: bool, is_repaired: bool) -> Status:
    if is_doubtful:
        return Status.FLAGGED
    return Status.REPAIRED if is_repaired else Status.AS_RECEIVED
