"""Shapes of the S4 campaign contract, under its own field names."""

from datetime import date
from typing import Annotated

from ninja import Schema
from pydantic import Field

from apps.campaigns.vocabulary import CampaignKind, Severity, Status
from core.clock import Day

MAX_SKIP = 1_000_000
MAX_NAME = 200

Impacts = Annotated[int | float, Field(description="Whole, unless the audience was modelled with decimals.")]
Share = Annotated[float | None, Field(description="Between 0 and 1; null means not available, which is not zero.")]


class CampaignQuery(Schema):
    skip: int = Field(0, ge=0, le=MAX_SKIP, description="Campaign lines to pass over.")
    limit: int = Field(5, ge=1, le=100, description="Campaign lines to return.")
    tipo_campania: CampaignKind | None = None
    start_date: Day | None = Field(None, description="With end_date: only campaigns that ran between the two.")
    end_date: Day | None = Field(None, description="With start_date.")


class FindingOut(Schema):
    severity: Severity
    code: str
    text: str
    file: str
    row: int | None
    column: str


class PeriodOut(Schema):
    period: str
    impactos_periodo_personas: Impacts
    impactos_periodo_vehiculos: Impacts | None
    status: Status


class CampaignOut(Schema):
    """A campaign line. What is null in a merged campaign cannot be known from its lines."""

    id: int | None
    name: str
    part: int | None
    status: Status
    tipo_campania: CampaignKind | None
    fecha_inicio: date
    fecha_fin: date
    numero_de_sitios: int | None
    universo_zona_metro: int | None
    impactos_personas: int
    impactos_vehiculos: int | None
    frecuencia_calculada: float | None
    frecuencia_promedio: float | None
    alcance: int | None = Field(description="People reached at least once. Never added up: see the two bounds.")
    nse_ab: Share
    nse_c: Share
    nse_cmas: Share
    nse_d: Share
    nse_dmas: Share
    nse_e: Share
    edad_0a14: Share
    edad_15a19: Share
    edad_20a24: Share
    edad_25a34: Share
    edad_35a44: Share
    edad_45a64: Share
    edad_65mas: Share
    hombres: Share
    mujeres: Share
    findings: list[FindingOut]


class CampaignPage(Schema):
    data: list[CampaignOut]
    total: int
    page: int
    pageSize: int  # noqa: N815  # S4's name


class SiteOut(Schema):
    """A site in one catorcena; inventory figures, which do not add up to the campaign's."""

    codigo_del_sitio: str
    codigo_normalizado: str
    tipo_de_mueble: str
    tipo_de_anuncio: str
    disponible: str
    estado: str
    municipio: str
    zm: str
    nivel_socioeconomico_ab: Share
    nivel_socioeconomico_c_mas: Share
    nivel_socioeconomico_c: Share
    nivel_socioeconomico_d: Share
    nivel_socioeconomico_e: Share
    nivel_socioeconomico_d_mas: Share
    cero_catorce: Share
    quince_diecinueve: Share
    veinte_veinticuatro: Share
    veinticinco_treintaycuatro: Share
    treintaycinco_cuarentaycuatro: Share
    cuarentaycinco_sesentaycuatro: Share
    sesentaycinco_mas: Share
    per_muj: Share
    per_hom: Share
    frecuencia_catorcenal: float
    frecuencia_mensual: float
    exposicion_promedio_catorcenal: float
    impactos_catorcenal: int
    alcance_vehiculos_catorcenal: float
    id_fourteen: str
    mes: str | None
    impactos_mensuales: int | None
    alcance_mensual: float | None
    impactos_mensuales_prom_min_max: int
    alcance_mensuales_prom_min_max: float
    fecha_uso_inicio: date
    fecha_uso_fin: date


class CampaignPart(CampaignOut):
    """A campaign line with its periods."""

    hourly_vehicle_counts: list[int] | None = Field(description="24 counts, from midnight on.")
    alcance_min: int = Field(description="At least so many people were reached.")
    alcance_max: int = Field(description="At most so many people were reached.")
    periods: list[PeriodOut]


class CampaignDetail(CampaignPart):
    """The campaign of a name: one line, or several merged, which are then its parts."""

    parts: list[CampaignPart]
    sites: list[SiteOut]
