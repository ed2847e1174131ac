"""The files as they were delivered, to the unit. They are never copied into the project."""

from decimal import Decimal

import pytest

from apps.campaigns.models import Campaign, CampaignPeriod, CampaignSite, Finding, ImportRun, RawRow, Repair
from apps.campaigns.services import import_campaigns
from apps.campaigns.services.delivery import read_delivery

TOTALS = {
    ("campania_1", 1): (1_593_746, 6_926_080),
    ("campania_2", 1): (7_185_044, 3_368_342),
    ("campania_3", 1): (5_883_488, 4_085_755),
    ("campania_4", 1): (50_317_935, 35_930_289),
    ("campania_5", 1): (17_308_500, 8_772_314),
    ("campania_6", 1): (7_336_146, 3_857_083),
    ("campania_7", 1): (8_230_308, 4_005_879),
    ("campania_7", 2): (16_547_433, 8_054_012),
    ("campania_8", 1): (29_975_918, 20_816_607),
    ("campania_9", 1): (27_695_575, 12_865_029),
    ("campania_10", 1): (43_141_398, 30_968_756),
    ("campania_11", 1): (40_512_897, 20_113_347),
    ("campania_12", 1): (15_291_458, 10_619_070),
}
ROUNDED = {"campania_4", "campania_10", "campania_12"}


@pytest.fixture
def read(real_folder):
    delivery = read_delivery(real_folder)
    assert delivery.refused == ()
    return {item.key: item for item in delivery.campaigns}


def test_all_13_lines_come_out_with_their_totals(read):
    assert {key: (item.persons, item.vehicles) for key, item in read.items()} == TOTALS


def test_all_38_period_rows_reconcile_exactly_or_within_rounding(read):
    assert sum(len(item.periods) for item in read.values()) == 38
    for (name, _), item in read.items():
        allowed = Decimal("0.6") if name in ROUNDED else 0
        assert abs(sum(period.persons for period in item.periods) - item.persons) <= allowed
        assert abs(sum(period.vehicles for period in item.periods) - item.vehicles) <= allowed


def test_the_worked_examples(read):
    months = {period.label: period.persons for period in read["campania_9", 1].periods}
    assert sum(months.values()) == 27_695_575
    assert months["2025-07"] == 4_626_340
    assert read["campania_3", 1].periods[0].persons == 5_883_488
    october = {period.label: period.persons for period in read["campania_4", 1].periods}["2024-10"]
    assert october == Decimal("16708404.625281382")


def test_one_campaign_is_flagged_and_every_other_is_repaired(read):
    assert {key for key, item in read.items() if item.status == "flagged"} == {("campania_1", 1)}
    assert {item.status for item in read.values()} == {"flagged", "repaired"}
    (flag,) = read["campania_1", 1].flags
    assert (flag.row, flag.column) == (7, "impactos_vehiculos")
    assert "692,608" in flag.text


def test_every_damage_is_repaired_by_its_own_rule(read):
    used = [repair.rule.value for item in read.values() for repair in item.repairs]
    assert {rule: used.count(rule) for rule in set(used)} == {
        "serial_date": 18,
        "lost_decimal_point": 38,
        "swapped_columns": 76,
        "tenfold_total": 6,
    }


def test_what_is_odd_is_noted(read):
    notes = {(key[0], finding.code) for key, item in read.items() for finding in item.findings}
    assert notes == {
        ("campania_1", "vehicles_exceed_persons"),
        ("campania_1", "sites_outside_campaign"),
        ("campania_4", "shares_missing"),
        ("campania_10", "shares_missing"),
        ("campania_7", "site_rows_repeated"),
        ("campania_9", "site_months_missing"),
        ("campania_11", "site_months_missing"),
        ("campania_12", "site_months_missing"),
        ("campania_12", "periods_identical"),
    }


def test_the_import_publishes_everything_once_and_changes_nothing_the_second_time(real_folder, db):
    first = import_campaigns(directory=real_folder, requested_by="tests")
    assert (first.published, first.unchanged) == (13, 0)
    tables = (ImportRun, RawRow, Campaign, CampaignPeriod, CampaignSite, Repair, Finding)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    assert [len(rows) for rows in before] == [1, 3 + 13 + 38 + 257, 13, 38, 257, 138, 9]
    second = import_campaigns(directory=real_folder, requested_by="tests")
    assert (second.published, second.unchanged) == (0, 13)
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_every_received_cell_is_kept_as_it_came(real_folder, db):
    import_campaigns(directory=real_folder)
    row = RawRow.objects.get(file="bd_campanias_periodos.csv", row=39)
    assert row.cells == ["campania_3", "mensual", "2025-03", "4085755", "18008-06-09"]
    header = RawRow.objects.get(file="bd_campanias_periodos.csv", row=1)
    assert header.cells[-1] == "impactos_periodo_vehículos"


def test_missing_ages_stay_missing_and_sites_keep_every_row(real_folder, db):
    import_campaigns(directory=real_folder)
    ages = Campaign.objects.filter(name__in=["campania_4", "campania_10"]).values_list("edad_65mas", flat=True)
    assert list(ages) == [None, None]
    assert CampaignSite.objects.filter(mes=None).count() == 8
    codes = set(CampaignSite.objects.values_list("codigo_del_sitio", "codigo_normalizado"))
    assert len(codes) == 51
    assert ("PRUEBA-37660 -1", "PRUEBA-37660-1") in codes


@pytest.mark.parametrize("value", ["14566-06-27", "14566", "4626341", "14566-06-26 ", "", "-4626340", "4.626.340"])
def test_an_unknown_damage_is_refused_with_row_column_value_and_reason(real, value, db):
    real.set(real.periods, 2, "impactos_periodo_vehículos", value)
    report = real.publish()
    assert report.published == 0
    assert not Campaign.objects.exists()
    place = (real.periods, 2, "impactos_periodo_vehículos", value)
    assert place in {(item.file, item.row, item.column, item.value) for item in report.refused}
    assert all(item.reason for item in report.refused)


def test_a_14th_line_with_an_unknown_damage_stops_everything(real, db):
    header, *lines = real.rows(real.campaigns)
    damaged = dict(zip(header, lines[0], strict=True)) | {"impactos_personas": "58.834,88"}
    real.append(real.campaigns, list(damaged.values()))
    report = real.publish()
    assert [(item.row, item.column, item.value) for item in report.refused] == [(15, "impactos_personas", "58.834,88")]
    assert not Campaign.objects.exists()
