"""Campaigns in the console: every number beside where it came from. Nothing here is typed in by hand."""

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.campaigns.models import (
    Campaign,
    CampaignPeriod,
    CampaignSite,
    Finding,
    ImportRun,
    RawRow,
    Repair,
)
from apps.campaigns.numbers import as_number
from core.console import ReadOnly

_MAX_SHOWN = 100_000
_STATUS_LABELS = {"as received": "info", "repaired": "success", "flagged": "warning"}


class PeriodInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = CampaignPeriod
    fields = ("period", "shown_persons", "shown_vehicles", "status", "row")
    readonly_fields = ("shown_persons", "shown_vehicles")
    extra = 0
    tab = True

    @display(description="persons")  # type: ignore[untyped-decorator]
    def shown_persons(self, period: CampaignPeriod) -> str:
        return f"{as_number(period.impactos_periodo_personas):,}"

    @display(description="vehicles")  # type: ignore[untyped-decorator]
    def shown_vehicles(self, period: CampaignPeriod) -> str:
        return f"{as_number(period.impactos_periodo_vehiculos):,}"


class RepairInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = Repair
    fields = ("file", "row", "column", "before", "rule", "shown_after", "proof")
    readonly_fields = ("shown_after",)
    extra = 0
    tab = True

    @display(description="after")  # type: ignore[untyped-decorator]
    def shown_after(self, repair: Repair) -> str:
        return f"{as_number(repair.after):,}"


class FindingInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = Finding
    fields = ("severity", "text", "file", "row", "column")
    extra = 0
    tab = True


@admin.register(Campaign)
class CampaignAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = (
        "__str__",
        "company",
        "shown_status",
        "tipo_campania",
        "fecha_inicio",
        "fecha_fin",
        "shown_persons",
        "shown_vehicles",
        "shown_reach",
    )
    list_filter = ("status", "company", "tipo_campania", "fecha_inicio")
    list_select_related = ("company",)
    search_fields = ("name", "company__name")
    inlines = (PeriodInline, RepairInline, FindingInline)

    @display(description="status", ordering="status", label=_STATUS_LABELS)  # type: ignore[untyped-decorator]
    def shown_status(self, campaign: Campaign) -> str:
        return campaign.get_status_display()

    @display(description="persons", ordering="impactos_personas")  # type: ignore[untyped-decorator]
    def shown_persons(self, campaign: Campaign) -> str:
        return f"{campaign.impactos_personas:,}"

    @display(description="vehicles", ordering="impactos_vehiculos")  # type: ignore[untyped-decorator]
    def shown_vehicles(self, campaign: Campaign) -> str:
        return f"{campaign.impactos_vehiculos:,}"

    @display(description="reach", ordering="alcance")  # type: ignore[untyped-decorator]
    def shown_reach(self, campaign: Campaign) -> str:
        return f"{campaign.alcance:,}"


@admin.register(CampaignSite)
class CampaignSiteAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("codigo_del_sitio", "name", "id_fourteen", "tipo_de_mueble", "municipio", "impactos_catorcenal")
    list_filter = ("tipo_de_mueble", "tipo_de_anuncio", "estado")
    search_fields = ("name", "codigo_del_sitio", "codigo_normalizado")


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("id", "shown_state", "requested_by", "started_at", "published", "unchanged", "refused")
    list_filter = ("state",)
    fields = (
        "state",
        "requested_by",
        ("started_at", "finished_at"),
        ("published", "unchanged"),
        "refused",
        "shown_files",
        "shown_report",
    )
    readonly_fields = ("shown_files", "shown_report")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        # A report may have megabytes; lists do without.
        return ImportRun.objects.defer("report", "files")

    @display(description="state", ordering="state", label={"published": "success", "refused": "danger"})  # type: ignore[untyped-decorator]
    def shown_state(self, run: ImportRun) -> str:
        return run.state

    @display(description="files (SHA-256)")  # type: ignore[untyped-decorator]
    def shown_files(self, run: ImportRun) -> str:
        """Each on lines of its own: a checksum is compared, so it is shown whole."""
        rows = ((name, digest) for name, digest in sorted(run.files.items()))
        return format_html_join("", '<div>{}<br><code class="break-all">{}</code></div>', rows)

    @display(description="report")  # type: ignore[untyped-decorator]
    def shown_report(self, run: ImportRun) -> str:
        return _pretty(run.report)


@admin.register(RawRow)
class RawRowAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("run", "file", "row", "cells")
    list_filter = ("file",)
    search_fields = ("cells",)
    ordering = ("-run", "file", "row")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RawRow]:
        return RawRow.objects.select_related("run").defer("run__report", "run__files")


def _pretty(content: object) -> str:
    """The beginning of a document, as much of it as anybody reads on a page."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    rest = "" if len(text) <= _MAX_SHOWN else f"\n… and {len(text) - _MAX_SHOWN:,} characters more"
    return format_html("<pre>{}{}</pre>", text[:_MAX_SHOWN], rest)
