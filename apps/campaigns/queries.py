"""What clients read: lists and details as plain rows, with a number of queries that does not grow."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Manager

from apps.accounts.models import User
from apps.campaigns.errors import CampaignNotFound, DatesReversed
from apps.campaigns.merging import merged
from apps.campaigns.models import Campaign, CampaignPeriod, CampaignSite, Finding
from apps.campaigns.vocabulary import CAMPAIGN_SHARES, SITE_SHARES, CampaignKind
from core.errors import InvalidInput

Record = dict[str, Any]

_CAMPAIGN_COLUMNS = (
    "id",
    "name",
    "part",
    "status",
    "tipo_campania",
    "fecha_inicio",
    "fecha_fin",
    "numero_de_sitios",
    "universo_zona_metro",
    "impactos_personas",
    "impactos_vehiculos",
    "frecuencia_calculada",
    "frecuencia_promedio",
    "alcance",
    *(share for shares in CAMPAIGN_SHARES for share in shares),
)
_PERIOD_COLUMNS = ("period", "impactos_periodo_personas", "impactos_periodo_vehiculos", "status")
_FINDING_COLUMNS = ("severity", "code", "text", "file", "row", "column")
_SITE_COLUMNS = (
    "codigo_del_sitio",
    "codigo_normalizado",
    "tipo_de_mueble",
    "tipo_de_anuncio",
    "disponible",
    "estado",
    "municipio",
    "zm",
    *(share for shares in SITE_SHARES for share in shares),
    "frecuencia_catorcenal",
    "frecuencia_mensual",
    "exposicion_promedio_catorcenal",
    "impactos_catorcenal",
    "alcance_vehiculos_catorcenal",
    "id_fourteen",
    "mes",
    "impactos_mensuales",
    "alcance_mensual",
    "impactos_mensuales_prom_min_max",
    "alcance_mensuales_prom_min_max",
    "fecha_uso_inicio",
    "fecha_uso_fin",
)


def list_campaigns(
    *,
    user: User,
    kind: CampaignKind | None,
    start_date: date | None,
    end_date: date | None,
    skip: int,
    limit: int,
) -> Record:
    """One page of campaign lines, newest first; the dates select those that ran on any day between them."""
    campaigns = Campaign.objects.visible_to(user)
    if kind is not None:
        campaigns = campaigns.filter(tipo_campania=kind)
    if span := _span(start_date, end_date):
        campaigns = campaigns.filter(fecha_inicio__lte=span[1], fecha_fin__gte=span[0])
    total = campaigns.count()
    rows = list(campaigns.values(*_CAMPAIGN_COLUMNS)[skip : skip + limit])
    findings = _by_campaign(Finding.objects, rows, _FINDING_COLUMNS)
    page = [{**row, "findings": findings[row["id"]]} for row in rows]
    return {"data": page, "total": total, "page": skip // limit, "pageSize": limit}


def find_campaign(*, user: User, name: str) -> Record:
    """Everything about the campaign of a name; several lines of it answer as one, with its parts."""
    lines = Campaign.objects.visible_to(user).filter(name=name).order_by("part")
    rows = list(lines.values(*_CAMPAIGN_COLUMNS, "hourly_vehicle_counts"))
    if not rows:
        raise CampaignNotFound
    periods = _by_campaign(CampaignPeriod.objects, rows, _PERIOD_COLUMNS)
    findings = _by_campaign(Finding.objects, rows, _FINDING_COLUMNS)
    parts = [
        {
            **row,
            "alcance_min": row["alcance"],
            "alcance_max": row["alcance"],
            "periods": periods[row["id"]],
            "findings": findings[row["id"]],
        }
        for row in rows
    ]
    sites = list(CampaignSite.objects.filter(name=name).values(*_SITE_COLUMNS))
    if len(parts) == 1:
        return {**parts[0], "parts": [], "sites": sites}
    return {**merged(parts), "parts": parts, "sites": sites}


def _span(start_date: date | None, end_date: date | None) -> tuple[date, date] | None:
    """Both dates or neither; half a span would silently mean something else than its sender thinks."""
    if start_date is None and end_date is None:
        return None
    if start_date is None or end_date is None:
        missing = "start_date" if start_date is None else "end_date"
        raise InvalidInput({missing: ["start_date and end_date select together; this one is missing."]})
    if start_date > end_date:
        raise DatesReversed(param="start_date")
    return start_date, end_date


def _by_campaign(details: Manager[Any], campaigns: Iterable[Record], columns: Sequence[str]) -> dict[int, list[Record]]:
    """The details of each campaign, in their own order."""
    grouped = defaultdict(list)
    wanted = details.filter(campaign__in=[campaign["id"] for campaign in campaigns])
    for row in wanted.values("campaign_id", *columns):
        grouped[row.pop("campaign_id")].append(row)
    return grouped
