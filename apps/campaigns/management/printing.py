"""The report of an import on a terminal or in a log."""

from collections.abc import Iterable
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from apps.campaigns.services import CampaignOutcome, Finding, ImportReport, number
from apps.campaigns.vocabulary import Severity, Status

MAX_WIDTH = 100
MAX_PRINTED_REFUSALS = 40
_STYLES = {Status.AS_RECEIVED: "none", Status.REPAIRED: "green", Status.FLAGGED: "yellow"}


def print_report(report: ImportReport, console: Console, *, is_dry_run: bool) -> None:
    """Print the reconciliation, what needs attention, and one line that sums it up."""
    if report.campaigns:
        console.print(_reconciliation(report.campaigns), "")
    for severity, style in ((Severity.FLAG, "yellow"), (Severity.NOTE, "dim")):
        _print_findings(report.campaigns, severity, style, console)
    _print_refusals(report, console)
    if not report.is_refused:
        console.print(_summary(report, is_dry_run=is_dry_run), highlight=False)


def _reconciliation(campaigns: Iterable[CampaignOutcome]) -> Table:
    """Two lines a campaign: persons above vehicles, so that eighty columns are enough."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("Campaign", overflow="fold")
    table.add_column("")
    for heading in ("Total", "Sum of periods", "Difference"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(" Status", no_wrap=True)
    for campaign in campaigns:
        style = _STYLES[campaign.status]
        table.add_row(
            escape(_label(campaign)),
            *_measure("persons", campaign.persons, [period.persons for period in campaign.periods]),
            f" [{style}]{campaign.status.label}[/]",
        )
        table.add_row(
            f"[dim]{_counted(len(campaign.periods), 'period')}[/]",
            *_measure("vehicles", campaign.vehicles, [period.vehicles for period in campaign.periods]),
            f" [dim]{_counted(len(campaign.repairs), 'repair')}[/]",
        )
    return table


def _measure(noun: str, total: int, parts: list[Decimal]) -> tuple[str, str, str, str]:
    parts_total = sum(parts, Decimal(0))
    return noun, number(total), number(parts_total), number(parts_total - total)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _label(campaign: CampaignOutcome) -> str:
    return campaign.line.name if campaign.line.part == 1 else f"{campaign.line.name} ({campaign.line.part})"


def _print_findings(campaigns: Iterable[CampaignOutcome], severity: Severity, style: str, console: Console) -> None:
    found = [(campaign, finding) for campaign in campaigns for finding in campaign.findings]
    for campaign, finding in found:
        if finding.severity is severity:
            console.print(
                f"[{style}]{severity.label}[/] {_place(campaign, finding)}: {escape(finding.text)}", highlight=False
            )
    if any(finding.severity is severity for _, finding in found):
        console.print()


def _place(campaign: CampaignOutcome, finding: Finding) -> str:
    where = " ".join(filter(None, (finding.column, f"row {finding.row}" if finding.row else "")))
    return escape(f"{_label(campaign)} {where}".strip())


def _print_refusals(report: ImportReport, console: Console) -> None:
    for refusal in report.refused[:MAX_PRINTED_REFUSALS]:
        row = f" row {refusal.row}" if refusal.row else ""
        column = f" {refusal.column}" if refusal.column else ""
        value = f" = {refusal.value!r}" if refusal.value is not None else ""
        place = escape(f"{refusal.file}{row}{column}{value}")
        console.print(f"[red]refused[/] {place}: {escape(refusal.reason)}", highlight=False)
    hidden = len(report.refused) + report.omitted - MAX_PRINTED_REFUSALS
    if hidden > 0:
        console.print(f"and {hidden:,} more; the report lists them.", highlight=False)


def _summary(report: ImportReport, *, is_dry_run: bool) -> str:
    repairs = sum(len(campaign.repairs) for campaign in report.campaigns)
    flagged = sum(campaign.status is Status.FLAGGED for campaign in report.campaigns)
    outcome = f"{report.changed} to publish (dry run)" if is_dry_run else f"{report.published} published"
    return (
        f"{len(report.campaigns)} campaign lines, {repairs} repairs, {flagged} flagged: "
        f"{outcome}, {report.unchanged} unchanged."
    )
