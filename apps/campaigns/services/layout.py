"""The three files of a delivery: their names, their columns, and what each column holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.campaigns.services.cells import (
    Parse,
    campaign_name,
    day,
    fraction,
    kind,
    labels,
    optional,
    positive,
    reading,
    share,
    whole,
    words,
)
from apps.campaigns.vocabulary import CAMPAIGN_SHARES, HOURS, SITE_SHARES


@dataclass(frozen=True)
class Layout:
    """A file's name and how each of its columns is read."""

    file: str
    columns: Mapping[str, Parse]


CAMPAIGNS = Layout(
    "bd_campanias_agrupado.csv",
    {
        "name": campaign_name,
        "sites": positive,
        "periods": labels,
        "tipo_campania": kind,
        "fecha_inicio": day,
        "fecha_fin": day,
        "universo_zona_metro": positive,
        "impactos_personas": positive,
        "impactos_vehiculos": positive,
        "frecuencia_calculada": fraction,
        "frecuencia_promedio": fraction,
        "alcance": positive,
        **{name: share for names in CAMPAIGN_SHARES for name in names},
        **dict.fromkeys(HOURS, whole),
    },
)

PERSONS_COLUMN = "impactos_periodo_personas"
VEHICLES_COLUMN = "impactos_periodo_vehículos"

PERIODS = Layout(
    "bd_campanias_periodos.csv",
    {
        "name": campaign_name,
        "tipo_campania": kind,
        "period": words,
        PERSONS_COLUMN: reading,
        VEHICLES_COLUMN: reading,
    },
)

SITES = Layout(
    "bd_campanias_sitios.csv",
    {
        "codigo_del_sitio": words,
        "tipo_de_mueble": words,
        "tipo_de_anuncio": words,
        "disponible": words,
        "estado": words,
        "municipio": words,
        "zm": words,
        **{name: share for names in SITE_SHARES for name in names},
        "frecuencia_catorcenal": fraction,
        "frecuencia_mensual": fraction,
        "exposicion_promedio_catorcenal": fraction,
        "impactos_catorcenal": whole,
        "alcance_vehiculos_catorcenal": fraction,
        "id_fourteen": words,
        "mes": optional(words),
        "impactos_mensuales": optional(whole),
        "alcance_mensual": optional(fraction),
        "impactos_mensuales_prom_min_max": whole,
        "alcance_mensuales_prom_min_max": fraction,
        "name": campaign_name,
        "fecha_uso_inicio": day,
        "fecha_uso_fin": day,
    },
)

LAYOUTS = (CAMPAIGNS, PERIODS, SITES)
