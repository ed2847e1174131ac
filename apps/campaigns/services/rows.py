"""A campaign's outcome as the rows of its tables, and as one fingerprint to compare it by."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

from apps.campaigns.models import Campaign, CampaignPeriod, CampaignSite, Finding, ImportRun, Repair
from apps.campaigns.services.lines import SiteRow
from apps.campaigns.services.outcome import CampaignOutcome
from apps.campaigns.services.sites import normalised_code
from apps.campaigns.vocabulary import CAMPAIGN_SHARES, HOURS

_AS_RECEIVED = (
    "tipo_campania",
    "fecha_inicio",
    "fecha_fin",
    "universo_zona_metro",
    "frecuencia_calculada",
    "frecuencia_promedio",
    "alcance",
    *(share for shares in CAMPAIGN_SHARES for share in shares),
)
CAMPAIGN_COLUMNS = (
    "run",
    "line",
    "status",
    "fingerprint",
    "numero_de_sitios",
    "impactos_personas",
    "impactos_vehiculos",
    "hourly_vehicle_counts",
    *_AS_RECEIVED,
)


def fingerprint(outcome: CampaignOutcome) -> str:
    """Changes with anything a reader would see; not with the order of rows in the files."""
    content = {
        "line": sorted((column, str(value)) for column, value in outcome.line.values.items()),
        "totals": [str(outcome.persons), str(outcome.vehicles)],
        "periods": sorted(
            [period.label, str(period.persons), str(period.vehicles), period.status.value] for period in outcome.periods
        ),
        "sites": sorted([str(value) for value in site.values.values()] for site in outcome.sites),
        "repairs": sorted(
            [repair.period, repair.column, repair.before, repair.rule.value, str(repair.after)]
            for repair in outcome.repairs
        ),
        "findings": sorted([finding.severity.value, finding.code] for finding in outcome.findings),
    }
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def campaign_row(run: ImportRun, outcome: CampaignOutcome) -> Campaign:
    line = outcome.line
    return Campaign(
        run=run,
        name=line.name,
        part=line.part,
        line=line.position,
        status=outcome.status,
        fingerprint=fingerprint(outcome),
        numero_de_sitios=line.sites,
        impactos_personas=outcome.persons,
        impactos_vehiculos=outcome.vehicles,
        hourly_vehicle_counts=[line.values[hour] for hour in HOURS],
        **{column: line.values[column] for column in _AS_RECEIVED},
    )


def period_rows(campaign: Campaign, outcome: CampaignOutcome) -> Iterable[CampaignPeriod]:
    for period in outcome.periods:
        yield CampaignPeriod(
            campaign=campaign,
            period=period.label,
            row=period.row,
            impactos_periodo_personas=period.persons,
            impactos_periodo_vehiculos=period.vehicles,
            status=period.status,
        )


def repair_rows(campaign: Campaign, outcome: CampaignOutcome) -> Iterable[Repair]:
    return (Repair(campaign=campaign, **asdict(repair)) for repair in outcome.repairs)


def finding_rows(campaign: Campaign, outcome: CampaignOutcome) -> Iterable[Finding]:
    return (Finding(campaign=campaign, **asdict(finding)) for finding in outcome.findings)


def site_row(site: SiteRow) -> CampaignSite:
    return CampaignSite(row=site.row.number, codigo_normalizado=normalised_code(site.code), **site.values)
