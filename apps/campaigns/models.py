"""Published campaigns, what was done to their numbers, and the imports that brought them."""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Self

from django.db import models
from django.db.models import CheckConstraint, F, Func, Index, Q, UniqueConstraint
from django.db.models.lookups import Exact

from apps.accounts.models import Company, User
from apps.campaigns.vocabulary import CAMPAIGN_SHARES, HOURS, SITE_SHARES, CampaignKind, Rule, Severity, Status


def _measure() -> "models.DecimalField[Decimal, Decimal]":
    return models.DecimalField(max_digits=24, decimal_places=12)


def _optional_measure() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)


def _impacts() -> "models.DecimalField[Decimal, Decimal]":
    return models.DecimalField(
        max_digits=35, decimal_places=16, help_text="May carry decimals, as modelled audiences do."
    )


def _share() -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(max_digits=16, decimal_places=15, null=True, blank=True)


def _are_shares(groups: Sequence[Sequence[str]]) -> Q:
    """Every share is missing or lies between 0 and 1."""
    names = [name for group in groups for name in group]
    return reduce(and_, (Q(**{name: None}) | Q(**{f"{name}__range": (0, 1)}) for name in names))


class ImportRun(models.Model):
    """One delivery that was published, or refused as a whole."""

    class State(models.TextChoices):
        PUBLISHED = "published"
        REFUSED = "refused"

    state = models.CharField(max_length=9, choices=State)
    requested_by = models.CharField(max_length=150)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    files = models.JSONField(default=dict, help_text="SHA-256 of each file that could be read.")
    report = models.JSONField(default=dict)
    published = models.PositiveIntegerField(default=0, help_text="Campaign lines this run published.")
    unchanged = models.PositiveIntegerField(
        default=0, help_text="Campaign lines that were published exactly so before."
    )
    refused = models.PositiveIntegerField(default=0, help_text="Cells that could not be accepted.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            CheckConstraint(condition=Q(state__in=["published", "refused"]), name="import_run_state_known"),
            CheckConstraint(
                condition=Q(state="published") | Q(published=0), name="import_run_refused_publishes_nothing"
            ),
            CheckConstraint(condition=Q(finished_at__gte=F("started_at")), name="import_run_ends_after_start"),
        ]

    def __str__(self) -> str:
        return f"Import {self.pk} ({self.state})"


class RawRow(models.Model):
    """A received row, every cell as it came; row 1 is the header."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="raw_rows")
    file = models.CharField(max_length=40)
    row = models.PositiveIntegerField()
    cells = models.JSONField()

    class Meta:
        constraints = [UniqueConstraint(fields=["run", "file", "row"], name="raw_row_once_per_run")]

    def __str__(self) -> str:
        return f"{self.file}:{self.row}"


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: User) -> Self:
        """Staff who may in the console see every campaign, members their company's, and who is in no company none."""
        return self if user.may("campaigns.view_campaign") else self.filter(company__memberships__user=user)


class Campaign(models.Model):
    """One campaign line. Lines that share a name are parts of one campaign, which S4's clients ask for by name."""

    run = models.ForeignKey(
        ImportRun, models.PROTECT, related_name="campaigns", help_text="Import that last changed it."
    )
    company = models.ForeignKey(
        Company,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="Whose members see it; all lines of a name belong to one. Without a company only operators do.",
    )
    name = models.CharField(max_length=200)
    part = models.PositiveIntegerField(default=1, help_text="Counts the lines of one name.")
    line = models.PositiveIntegerField(help_text="Data line in the file of the import that last changed it.")
    status = models.CharField(max_length=11, choices=Status)
    fingerprint = models.CharField(max_length=64, editable=False)
    tipo_campania = models.CharField(max_length=10, choices=CampaignKind)
    fecha_inicio = models.DateField()
    fecha_fin = models.DateField()
    numero_de_sitios = models.PositiveIntegerField()
    universo_zona_metro = models.BigIntegerField()
    impactos_personas = models.BigIntegerField()
    impactos_vehiculos = models.BigIntegerField()
    frecuencia_calculada = _measure()
    frecuencia_promedio = _measure()
    alcance = models.BigIntegerField(help_text="People reached at least once; never added up.")
    nse_ab = _share()
    nse_c = _share()
    nse_cmas = _share()
    nse_d = _share()
    nse_dmas = _share()
    nse_e = _share()
    edad_0a14 = _share()
    edad_15a19 = _share()
    edad_20a24 = _share()
    edad_25a34 = _share()
    edad_35a44 = _share()
    edad_45a64 = _share()
    edad_65mas = _share()
    hombres = _share()
    mujeres = _share()
    hourly_vehicle_counts = models.JSONField(help_text="24 counts, from midnight on.")

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-fecha_inicio", "name", "part"]
        constraints = [
            UniqueConstraint(fields=["name", "part"], name="campaign_part_once"),
            CheckConstraint(condition=Q(part__gte=1, line__gte=1), name="campaign_counts_from_one"),
            CheckConstraint(condition=Q(status__in=Status.values), name="campaign_status_known"),
            CheckConstraint(condition=Q(tipo_campania__in=CampaignKind.values), name="campaign_kind_known"),
            CheckConstraint(condition=Q(fecha_fin__gte=F("fecha_inicio")), name="campaign_ends_after_start"),
            CheckConstraint(
                condition=Q(impactos_personas__gte=0, impactos_vehiculos__gte=0, alcance__gte=0),
                name="campaign_measures_not_negative",
            ),
            CheckConstraint(condition=Q(alcance__lte=F("universo_zona_metro")), name="campaign_reach_in_universe"),
            CheckConstraint(condition=_are_shares(CAMPAIGN_SHARES), name="campaign_shares_are_shares"),
            CheckConstraint(
                condition=Exact(Func(F("hourly_vehicle_counts"), function="jsonb_array_length"), len(HOURS)),
                name="campaign_hours_make_a_day",
            ),
        ]
        indexes = [Index(F("fecha_inicio").desc(), F("name"), F("part"), name="campaign_newest_first")]

    def __str__(self) -> str:
        return self.name if self.part == 1 else f"{self.name} ({self.part})"


class CampaignPeriod(models.Model):
    """What a campaign delivered in one of its months or catorcenas."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="periods")
    period = models.CharField(max_length=7, help_text="2025-03 is a month or a catorcena, as the campaign is sold.")
    row = models.PositiveIntegerField(help_text="Line in the period file.")
    impactos_periodo_personas = _impacts()
    impactos_periodo_vehiculos = _impacts()
    status = models.CharField(max_length=11, choices=Status)

    class Meta:
        ordering = ["period"]
        constraints = [
            UniqueConstraint(fields=["campaign", "period"], name="campaign_period_once"),
            CheckConstraint(condition=Q(status__in=Status.values), name="campaign_period_status_known"),
            CheckConstraint(
                condition=Q(impactos_periodo_personas__gte=0, impactos_periodo_vehiculos__gte=0),
                name="campaign_period_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}, {self.period}"


class CampaignSite(models.Model):
    """A site in one catorcena. The file names only the campaign, so a row belongs to every part of that name."""

    name = models.CharField("campaign", max_length=200)
    row = models.PositiveIntegerField(help_text="Line in the site file.")
    codigo_del_sitio = models.CharField(max_length=200, help_text="As received.")
    codigo_normalizado = models.CharField(max_length=200, help_text="To compare by: capitals, single hyphens.")
    tipo_de_mueble = models.CharField(max_length=200)
    tipo_de_anuncio = models.CharField(max_length=200)
    disponible = models.CharField(max_length=200)
    estado = models.CharField(max_length=200)
    municipio = models.CharField(max_length=200)
    zm = models.CharField(max_length=200)
    nivel_socioeconomico_ab = _share()
    nivel_socioeconomico_c_mas = _share()
    nivel_socioeconomico_c = _share()
    nivel_socioeconomico_d = _share()
    nivel_socioeconomico_e = _share()
    nivel_socioeconomico_d_mas = _share()
    cero_catorce = _share()
    quince_diecinueve = _share()
    veinte_veinticuatro = _share()
    veinticinco_treintaycuatro = _share()
    treintaycinco_cuarentaycuatro = _share()
    cuarentaycinco_sesentaycuatro = _share()
    sesentaycinco_mas = _share()
    per_muj = _share()
    per_hom = _share()
    frecuencia_catorcenal = _measure()
    frecuencia_mensual = _measure()
    exposicion_promedio_catorcenal = _measure()
    impactos_catorcenal = models.BigIntegerField()
    alcance_vehiculos_catorcenal = _measure()
    id_fourteen = models.CharField("catorcena", max_length=7)
    mes = models.CharField(max_length=7, null=True, blank=True)  # noqa: DJ001  # the file leaves it out with its figures
    impactos_mensuales = models.BigIntegerField(null=True, blank=True)
    alcance_mensual = _optional_measure()
    impactos_mensuales_prom_min_max = models.BigIntegerField()
    alcance_mensuales_prom_min_max = _measure()
    fecha_uso_inicio = models.DateField()
    fecha_uso_fin = models.DateField()

    class Meta:
        ordering = ["name", "codigo_normalizado", "id_fourteen", "row"]
        constraints = [
            UniqueConstraint(fields=["name", "row"], name="campaign_site_row_once"),
            CheckConstraint(
                condition=Q(fecha_uso_fin__gte=F("fecha_uso_inicio")), name="campaign_site_ends_after_start"
            ),
            CheckConstraint(condition=_are_shares(SITE_SHARES), name="campaign_site_shares_are_shares"),
            CheckConstraint(
                condition=Q(mes=None, impactos_mensuales=None, alcance_mensual=None)
                | Q(mes__isnull=False, impactos_mensuales__isnull=False, alcance_mensual__isnull=False),
                name="campaign_site_month_whole_or_absent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.codigo_del_sitio}, {self.id_fourteen}"


class Repair(models.Model):
    """One step from a received cell to a published number; a cell with two damages has two steps."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="repairs")
    period = models.CharField(max_length=7, blank=True, help_text="Blank for the total of the campaign.")
    file = models.CharField(max_length=40)
    row = models.PositiveIntegerField(help_text="Line in that file.")
    column = models.CharField(max_length=40)
    before = models.CharField(max_length=40)
    rule = models.CharField(max_length=20, choices=Rule)
    after = _impacts()
    proof = models.CharField(max_length=500)

    class Meta:
        ordering = ["pk"]
        constraints = [
            CheckConstraint(condition=Q(rule__in=Rule.values), name="repair_rule_known"),
            CheckConstraint(condition=~Q(proof=""), name="repair_has_proof"),
        ]

    def __str__(self) -> str:
        return f"{self.file}:{self.row} {self.column}"


class Finding(models.Model):
    """Something a reader of a campaign's numbers should know."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="findings")
    severity = models.CharField(max_length=4, choices=Severity)
    code = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    file = models.CharField(max_length=40)
    row = models.PositiveIntegerField(null=True, blank=True)
    column = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["severity", "pk"]
        constraints = [CheckConstraint(condition=Q(severity__in=Severity.values), name="finding_severity_known")]

    def __str__(self) -> str:
        return self.code
