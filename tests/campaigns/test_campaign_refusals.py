"""What cannot be proved is refused: file, row, column, value and reason, all of them at once."""

import pytest

from apps.campaigns.models import Campaign, ImportRun, RawRow
from apps.campaigns.services import evidence

CAMPAIGNS, PERIODS, SITES = "bd_campanias_agrupado.csv", "bd_campanias_periodos.csv", "bd_campanias_sitios.csv"
VERANO, REGRESO, BUEN_FIN, METRO = 2, 3, 4, 7


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (VERANO, "name", ""),
        (VERANO, "name", "verano/centro"),
        (VERANO, "name", "verano_norte"),
        (VERANO, "sites", "3.0"),
        (VERANO, "sites", "4"),
        (VERANO, "sites", "0"),
        (VERANO, "periods", "2025-06,2025-13"),
        (VERANO, "periods", "2025-06,2025-06"),
        (VERANO, "tipo_campania", "semanal"),
        (VERANO, "tipo_campania", "catorcenal"),
        (VERANO, "fecha_inicio", "01/06/2025"),
        (VERANO, "fecha_inicio", "2025-07-01"),
        (VERANO, "fecha_fin", "2025-05-31"),
        (VERANO, "fecha_fin", "2025-08-31"),
        (VERANO, "fecha_fin", "2025-02-30"),
        (VERANO, "universo_zona_metro", "-2140500"),
        (VERANO, "impactos_personas", "18500.00"),
        (VERANO, "impactos_personas", "99999999999999999999"),
        (VERANO, "impactos_personas", "3389649000"),
        (VERANO, "impactos_personas", "3389649"),
        (VERANO, "impactos_vehiculos", "2230033"),
        (VERANO, "impactos_vehiculos", "22300320"),
        (VERANO, "frecuencia_calculada", "18,4"),
        (VERANO, "frecuencia_calculada", "184"),
        (VERANO, "frecuencia_calculada", "0"),
        (VERANO, "frecuencia_promedio", "2015-09-01"),
        (VERANO, "alcance", "184231"),
        (VERANO, "alcance", "18422"),
        (VERANO, "universo_zona_metro", "18422"),
        (VERANO, "alcance", "2140501"),
        (VERANO, "nse_ab", "1.2"),
        (VERANO, "nse_ab", "0.2"),
        (VERANO, "hombres", "-0.5"),
        (BUEN_FIN, "edad_0a14", "0.99999999999999999"),
        (BUEN_FIN, "impactos_vehiculos", "11846847"),
        (VERANO, "hourly_vehicle_count_07", ""),
        (VERANO, "hourly_vehicle_count_07", "12.5"),
    ],
)
def test_a_damaged_campaign_cell_is_refused(demo, row, column, value):
    demo.set(CAMPAIGNS, row, column, value)
    assert (CAMPAIGNS, row, column, value) in demo.refusals()


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("verano_centro", "name", "verano_norte"),
        ("verano_centro", "tipo_campania", "catorcenal"),
        ("verano_centro", "tipo_campania", ""),
        ("verano_centro", "period", "2025-08"),
        ("verano_centro", "period", "2025-6"),
        ("verano_centro", "impactos_periodo_personas", "1799697"),
        ("verano_centro", "impactos_periodo_personas", "17996960"),
        ("verano_centro", "impactos_periodo_personas", "6827-04-18"),
        ("verano_centro", "impactos_periodo_personas", "1799696.00"),
        ("verano_centro", "impactos_periodo_personas", "-1799696"),
        ("verano_centro", "impactos_periodo_personas", ""),
        ("verano_centro", "impactos_periodo_personas", "n/a"),
        ("verano_centro", "impactos_periodo_personas", "123456789012345"),
        ("regreso_a_clases", "impactos_periodo_vehículos", "12928-05-12"),
        ("regreso_a_clases", "impactos_periodo_vehículos", "12928-02-30"),
        ("regreso_a_clases", "impactos_periodo_vehículos", "12928"),
        ("buen_fin_norte", "impactos_periodo_vehículos", "5460066745912485000"),
        ("buen_fin_norte", "impactos_periodo_vehículos", "5461066745912484"),
        ("playa_invierno", "impactos_periodo_personas", "1072959"),
    ],
)
def test_a_damaged_period_cell_is_refused(demo, name, column, value):
    row = demo.find(PERIODS, name=name)[0]
    demo.set(PERIODS, row, column, value)
    assert (PERIODS, row, column, value) in demo.refusals()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "nobody"),
        ("codigo_del_sitio", ""),
        ("per_muj", "0.9"),
        ("cero_catorce", "-0.1"),
        ("frecuencia_catorcenal", "99.5"),
        ("impactos_catorcenal", "1.5"),
        ("alcance_vehiculos_catorcenal", "2019-01-01"),
        ("id_fourteen", "2025-27"),
        ("mes", "2025-13"),
        ("mes", ""),
        ("impactos_mensuales", ""),
        ("impactos_mensuales", "12"),
        ("alcance_mensual", "1"),
        ("impactos_mensuales_prom_min_max", "9"),
        ("fecha_uso_inicio", "2099-01-01"),
        ("fecha_uso_fin", "1999-01-01"),
    ],
)
def test_a_damaged_site_cell_is_refused(demo, column, value):
    demo.set(SITES, 2, column, value)
    assert {(file, row) for file, row, *_ in demo.refusals()} >= {(SITES, 2)}


def test_every_refusal_of_every_file_is_reported_at_once(demo):
    demo.set(CAMPAIGNS, VERANO, "alcance", "many")
    demo.set(CAMPAIGNS, METRO, "hombres", "2")
    demo.set(PERIODS, 4, "period", "soon")
    demo.set(SITES, 9, "estado", "")
    assert demo.refusals() == {
        (CAMPAIGNS, VERANO, "alcance", "many"),
        (CAMPAIGNS, METRO, "hombres", "2"),
        (PERIODS, 4, "period", "soon"),
        (SITES, 9, "estado", ""),
    }


def test_the_row_that_breaks_the_persons_per_vehicle_is_singled_out(demo):
    second = demo.find(PERIODS, name="regreso_a_clases")[1]
    demo.set(PERIODS, second, "impactos_periodo_vehículos", "14773-11-18")
    (refusal,) = demo.read().refused
    assert (refusal.row, refusal.column, refusal.value) == (second, "impactos_periodo_vehículos", "14773-11-18")
    assert "add up to 8,730,117, the campaign has 8,730,127" in refusal.reason


def test_vehicles_without_a_second_witness_are_doubted_in_both_files(demo):
    demo.set(CAMPAIGNS, VERANO, "impactos_vehiculos", "2230000")
    assert {(file, column) for file, _, column, _ in demo.refusals()} == {
        (CAMPAIGNS, "impactos_vehiculos"),
        (PERIODS, "impactos_periodo_vehículos"),
    }


@pytest.mark.parametrize(
    ("column", "value", "suspects"),
    [
        ("impactos_personas", "3389748", {"impactos_personas"}),
        ("frecuencia_calculada", "18.9", {"frecuencia_calculada", "alcance"}),
        ("alcance", "184920", {"frecuencia_calculada", "alcance"}),
    ],
)
def test_the_periods_say_which_factor_of_the_product_is_wrong(demo, column, value, suspects):
    demo.set(CAMPAIGNS, VERANO, column, value)
    assert {name for _, _, name, _ in demo.refusals()} == suspects


def test_a_period_without_a_row_and_a_row_too_many_are_refused(demo):
    demo.drop(PERIODS, demo.find(PERIODS, name="verano_centro", period="2025-06")[0])
    extra = demo.rows(PERIODS)[demo.find(PERIODS, name="playa_invierno")[0] - 1]
    demo.append(PERIODS, extra)
    found = demo.refusals()
    assert (CAMPAIGNS, VERANO, "periods", "2025-06,2025-07") in found
    assert {row for _, row, column, value in found if value == "2024-12" and column == "period"} == set(
        demo.find(PERIODS, name="playa_invierno")
    )


def test_a_tenfold_vehicle_total_alone_is_not_a_known_damage(demo):
    demo.set(CAMPAIGNS, BUEN_FIN, "impactos_vehiculos", "1184684600")
    assert (CAMPAIGNS, BUEN_FIN, "impactos_vehiculos", "1184684600") in demo.refusals()


def test_a_refused_delivery_publishes_nothing_and_stays_on_record(demo, db):
    demo.set(CAMPAIGNS, VERANO, "alcance", "many")
    report = demo.publish()
    assert (report.is_refused, report.published, report.unchanged) == (True, 0, 0)
    assert not Campaign.objects.exists()
    assert not RawRow.objects.exists()
    run = ImportRun.objects.get()
    assert (run.state, run.refused, run.requested_by) == ("refused", 1, "tests")
    assert run.report["refused"][0]["value"] == "many"
    assert len(run.files) == 3


def test_a_refused_delivery_leaves_what_was_published_before(demo, db):
    demo.publish()
    before = list(Campaign.objects.values())
    demo.set(CAMPAIGNS, VERANO, "alcance", "many")
    demo.publish()
    assert list(Campaign.objects.values()) == before


def test_more_refusals_than_anybody_reads_are_counted_not_listed(demo, db, monkeypatch):
    monkeypatch.setattr(evidence, "MAX_REFUSALS", 3)
    for row in range(2, 10):
        demo.set(SITES, row, "estado", "")
    report = demo.publish(dry_run=True)
    assert (len(report.refused), report.omitted) == (3, 5)
    assert report.as_json()["refused"][3]["reason"] == "5 further refusals are not listed."
