"""The rows of the three files as campaigns, periods and sites, each checked within itself."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from apps.campaigns.services.calendar import Span, is_period, period_span
from apps.campaigns.services.cells import Reading, Unreadable
from apps.campaigns.services.evidence import Refusal, Refusals, number
from apps.campaigns.services.identities import is_product, share_sum_error
from apps.campaigns.services.layout import CAMPAIGNS, PERIODS, PERSONS_COLUMN, SITES, VEHICLES_COLUMN, Layout
from apps.campaigns.services.tables import Row, Table
from apps.campaigns.vocabulary import CAMPAIGN_SHARES, SITE_SHARES, CampaignKind

# What a site's impacts are made of: impacts, frequency, reach.
SITE_PRODUCTS = (
    ("impactos_catorcenal", "frecuencia_catorcenal", "alcance_vehiculos_catorcenal"),
    ("impactos_mensuales", "frecuencia_mensual", "alcance_mensual"),
    ("impactos_mensuales_prom_min_max", "frecuencia_mensual", "alcance_mensuales_prom_min_max"),
)
MONTHLY = ("mes", "impactos_mensuales", "alcance_mensual")


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
    """One row of the campaign file. `position` counts rows from 1, `part` those of the same name."""

    row: Row
    position: int
    part: int
    name: str
    kind: CampaignKind
    sites: int
    periods: tuple[str, ...]
    starts_on: date
    ends_on: date
    persons: int
    vehicles: int
    frequency: Decimal
    reach: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRow:
    """One row of the period file; the readings are named by the column they were received in."""

    row: Row
    name: str
    kind: CampaignKind
    label: str
    in_persons: Reading
    in_vehicles: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """One row of the site file: a site in one catorcena."""

    row: Row
    name: str
    code: str
    starts_on: date
    ends_on: date
    values: Mapping[str, Any]


def read_campaigns(table: Table, refusals: Refusals) -> list[CampaignLine]:
    """The campaign lines that hold together by themselves."""
    parts: Counter[str] = Counter()
    lines = []
    for position, row in enumerate(table.rows, start=1):
        parts[row.text("name")] += 1
        values = _values(row, CAMPAIGNS, refusals)
        if values is None:
            continue
        line = _campaign_line(row, position, parts[row.text("name")], values)
        if wrong := _campaign_refusals(line):
            refusals.extend(wrong)
        else:
            lines.append(line)
    return lines


def read_periods(table: Table, refusals: Refusals) -> list[PeriodRow]:
    """The period rows that can be read; whether they fit a campaign is asked later."""
    rows = []
    for row in table.rows:
        values = _values(row, PERIODS, refusals)
        if values is None:
            continue
        if not is_period(values["tipo_campania"], values["period"]):
            refusals.add(row.refuse("period", f"This is no {values['tipo_campania'].label} period."))
            continue
        rows.append(
            PeriodRow(
                row=row,
                name=values["name"],
                kind=values["tipo_campania"],
                label=values["period"],
                in_persons=values[PERSONS_COLUMN],
                in_vehicles=values[VEHICLES_COLUMN],
            )
        )
    return rows


def read_sites(table: Table, refusals: Refusals) -> list[SiteRow]:
    """The site rows that hold together by themselves."""
    rows = []
    for row in table.rows:
        values = _values(row, SITES, refusals)
        if values is None:
            continue
        if wrong := _site_refusals(row, values):
            refusals.extend(wrong)
        else:
            rows.append(_site_row(row, values))
    return rows


def _values(row: Row, layout: Layout, refusals: Refusals) -> dict[str, Any] | None:
    values, unreadable = {}, []
    for column, parse in layout.columns.items():
        try:
            values[column] = parse(row.text(column))
        except Unreadable as why:
            unreadable.append(row.refuse(column, str(why)))
    refusals.extend(unreadable)
    return None if unreadable else values


def _campaign_line(row: Row, position: int, part: int, values: Mapping[str, Any]) -> CampaignLine:
    return CampaignLine(
        row=row,
        position=position,
        part=part,
        name=values["name"],
        kind=values["tipo_campania"],
        sites=values["sites"],
        periods=values["periods"],
        starts_on=values["fecha_inicio"],
        ends_on=values["fecha_fin"],
        persons=values["impactos_personas"],
        vehicles=values["impactos_vehiculos"],
        frequency=values["frecuencia_calculada"],
        reach=values["alcance"],
        values=values,
    )


def _site_row(row: Row, values: Mapping[str, Any]) -> SiteRow:
    return SiteRow(
        row=row,
        name=values["name"],
        code=values["codigo_del_sitio"],
        starts_on=values["fecha_uso_inicio"],
        ends_on=values["fecha_uso_fin"],
        values=values,
    )


def _campaign_refusals(line: CampaignLine) -> list[Refusal]:
    found = [*_share_refusals(line.row, line.values, CAMPAIGN_SHARES)]
    if line.reach > line.values["universo_zona_metro"]:
        reason = "More people are reached than the universe has."
        found += [line.row.refuse(column, reason) for column in ("alcance", "universo_zona_metro")]
    if line.frequency == 0:
        found.append(line.row.refuse("frecuencia_calculada", "A campaign that was seen has a frequency."))
    if wrong := [label for label in line.periods if not is_period(line.kind, label)]:
        found.append(line.row.refuse("periods", f"{wrong[0]} is no {line.kind.label} period."))
    return [*found, *_date_refusals(line)]


def _date_refusals(line: CampaignLine) -> list[Refusal]:
    """The first day belongs to the first period and the last day to the last one."""
    if line.ends_on < line.starts_on:
        return [
            line.row.refuse(column, "The campaign ends before it starts.") for column in ("fecha_inicio", "fecha_fin")
        ]
    first, last = min(line.periods), max(line.periods)
    wrong = [] if _contains(period_span(line.kind, first), line.starts_on) else ["fecha_inicio"]
    wrong += [] if _contains(period_span(line.kind, last), line.ends_on) else ["fecha_fin"]
    if not wrong:
        return []
    reason = f"The campaign does not run from {first} to {last}, as its periods do; nothing proves which is wrong."
    # When neither day fits, the calendar itself may be the wrong one.
    suspects = [*wrong, "periods", *(["tipo_campania"] if len(wrong) > 1 else [])]
    return [line.row.refuse(column, reason) for column in suspects]


def _contains(span: Span | None, moment: date) -> bool:
    return span is None or span[0] <= moment <= span[1]


def _site_refusals(row: Row, values: Mapping[str, Any]) -> list[Refusal]:
    found = [*_share_refusals(row, values, SITE_SHARES)]
    if values["fecha_uso_fin"] < values["fecha_uso_inicio"]:
        found.append(row.refuse("fecha_uso_fin", "The use of the site ends before it starts."))
    if not is_period(CampaignKind.CATORCENAL, values["id_fourteen"]):
        found.append(row.refuse("id_fourteen", "This is no catorcena such as 2025-17."))
    if values["mes"] is not None and not is_period(CampaignKind.MENSUAL, values["mes"]):
        found.append(row.refuse("mes", "This is no month such as 2025-03."))
    blank = [column for column in MONTHLY if values[column] is None]
    if len(blank) not in {0, len(MONTHLY)}:
        return [*found, *(row.refuse(column, "Only a part of the monthly figures is there.") for column in blank)]
    return [*found, *_product_refusals(row, values)]


def _product_refusals(row: Row, values: Mapping[str, Any]) -> Iterable[Refusal]:
    for impacts, frequency, reach in SITE_PRODUCTS:
        if values[impacts] is None or is_product(values[impacts], values[frequency], values[reach]):
            continue
        product = number(values[frequency] * values[reach])
        reason = f"{impacts} is not {frequency} × {reach} = {product}, and nothing proves which of them is wrong."
        yield from (row.refuse(column, reason) for column in (impacts, frequency, reach))


def _share_refusals(row: Row, values: Mapping[str, Any], groups: Iterable[tuple[str, ...]]) -> Iterable[Refusal]:
    for columns in groups:
        error = share_sum_error([values[column] for column in columns])
        if error is not None:
            yield from (row.refuse(column, error) for column in columns if values[column] is not None)
