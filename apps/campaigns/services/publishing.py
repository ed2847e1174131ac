"""Reconciled campaigns into the tables, one transaction for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from apps.campaigns.models import (
    Campaign,
    CampaignPeriod,
    CampaignSite,
    Finding,
    ImportRun,
    RawRow,
    Repair,
)
from apps.campaigns.services.delivery import Delivery
from apps.campaigns.services.outcome import CampaignOutcome
from apps.campaigns.services.owning import assign, require_free
from apps.campaigns.services.report import ImportReport
from apps.campaigns.services.rows import (
    CAMPAIGN_COLUMNS,
    campaign_row,
    finding_rows,
    fingerprint,
    period_rows,
    repair_rows,
    site_row,
)
from apps.campaigns.services.tables import Table
from core.clock import now
from core.locks import lock

_BATCH = 1000
_Key = tuple[str, int]


def preview(delivery: Delivery, *, company: str = "") -> ImportReport:
    """What publishing the delivery would come to; nothing is written."""
    require_free(_names(delivery), company=company)
    return _report(delivery, _changed(delivery, _published(delivery)))


@transaction.atomic
def publish(delivery: Delivery, *, requested_by: str, started_at: datetime, company: str = "") -> ImportReport:
    """Bring the published campaigns to the delivered state; lines that are so already are not touched.

    Campaigns that are nobody's become the company's, which is made if it is missing.
    """
    lock("campaigns.import")
    require_free(_names(delivery), company=company)
    published = _published(delivery)
    changed = _changed(delivery, published)
    withdrawn = published.keys() - {outcome.key for outcome in delivery.campaigns}
    report = _report(delivery, changed, published=len(changed))
    if changed or withdrawn:
        run = _record(delivery, report, requested_by=requested_by, started_at=started_at)
        _keep_raw(run, delivery.tables.values())
        _replace(run, changed)
        for name, part in withdrawn:
            Campaign.objects.filter(name=name, part=part).delete()
        ImportRun.objects.filter(pk=run.pk).update(finished_at=now())
    if changed or company:
        assign(_names(delivery), company=company)
    return report


def record_refusal(delivery: Delivery, *, requested_by: str, started_at: datetime) -> ImportReport:
    """Put a refused delivery on record, so that the console can say what stood in the way."""
    report = _report(delivery, [])
    _record(delivery, report, requested_by=requested_by, started_at=started_at)
    return report


def _published(delivery: Delivery) -> dict[_Key, str]:
    """Fingerprints of the lines now published under the delivered names; other campaigns are not its business."""
    rows = Campaign.objects.filter(name__in=_names(delivery)).values_list("name", "part", "fingerprint")
    return {(name, part): fingerprint for name, part, fingerprint in rows}


def _names(delivery: Delivery) -> set[str]:
    return {outcome.line.name for outcome in delivery.campaigns}


def _changed(delivery: Delivery, published: Mapping[_Key, str]) -> list[CampaignOutcome]:
    return [outcome for outcome in delivery.campaigns if published.get(outcome.key) != fingerprint(outcome)]


def _report(delivery: Delivery, changed: Sequence[CampaignOutcome], *, published: int = 0) -> ImportReport:
    is_refused = bool(delivery.refused)
    return ImportReport(
        campaigns=delivery.campaigns,
        refused=delivery.refused,
        omitted=delivery.omitted,
        unchanged=0 if is_refused else len(delivery.campaigns) - len(changed),
        changed=0 if is_refused else len(changed),
        published=published,
    )


def _record(delivery: Delivery, report: ImportReport, *, requested_by: str, started_at: datetime) -> ImportRun:
    return ImportRun.objects.create(
        state=ImportRun.State.REFUSED if report.is_refused else ImportRun.State.PUBLISHED,
        requested_by=requested_by[:150],
        started_at=started_at,
        finished_at=now(),
        files={table.file: table.sha256 for table in delivery.tables.values()},
        report=report.as_json(),
        published=report.published,
        unchanged=report.unchanged,
        refused=len(report.refused) + report.omitted,
    )


def _keep_raw(run: ImportRun, tables: Iterable[Table]) -> None:
    RawRow.objects.bulk_create(
        [
            RawRow(run=run, file=row.file, row=row.number, cells=list(row.cells))
            for table in tables
            for row in (table.header, *table.rows)
        ],
        batch_size=_BATCH,
    )


def _replace(run: ImportRun, outcomes: Sequence[CampaignOutcome]) -> None:
    """Rewrite whole campaigns; a line published before keeps its id."""
    campaigns = Campaign.objects.bulk_create(
        [campaign_row(run, outcome) for outcome in outcomes],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["name", "part"],
        update_fields=CAMPAIGN_COLUMNS,
    )
    for rows in (CampaignPeriod.objects, Repair.objects, Finding.objects):
        rows.filter(campaign__in=campaigns).delete()
    pairs = list(zip(campaigns, outcomes, strict=True))
    CampaignPeriod.objects.bulk_create([row for pair in pairs for row in period_rows(*pair)], batch_size=_BATCH)
    Repair.objects.bulk_create([row for pair in pairs for row in repair_rows(*pair)], batch_size=_BATCH)
    Finding.objects.bulk_create([row for pair in pairs for row in finding_rows(*pair)], batch_size=_BATCH)
    sites = {outcome.line.name: outcome.sites for outcome in outcomes}
    CampaignSite.objects.filter(name__in=sites).delete()
    CampaignSite.objects.bulk_create([site_row(site) for rows in sites.values() for site in rows], batch_size=_BATCH)
