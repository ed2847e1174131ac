"""S4: lists and details of campaigns, as staff see them."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.campaigns import schemas
from apps.campaigns.merging import merged

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(demo, db):
    demo.publish()
    return demo


@pytest.fixture
def staff(sign_in, operator, published):
    return sign_in(operator)


def names(reply):
    return [item["name"] for item in reply.json()["data"]]


def test_staff_see_the_campaigns_of_all_with_the_permission_and_through_the_second_door_alone(
    sign_in, published, settings
):
    clerk = User.objects.create_user(email="clerk@shop.test", is_staff=True)
    client = sign_in(clerk)
    assert names(client.get("/campaigns/")) == []
    clerk.user_permissions.set(Permission.objects.filter(codename="view_campaign"))
    assert len(names(client.get("/campaigns/"))) == 5
    settings.CONSOLE_SECOND_FACTOR = True
    assert names(client.get("/campaigns/")) == []


def test_a_page_has_five_lines_newest_first(staff):
    reply = staff.get("/campaigns/")
    assert reply.status_code == 200
    body = reply.json()
    assert (body["total"], body["page"], body["pageSize"]) == (7, 0, 5)
    assert names(reply) == [
        "feria_del_libro",
        "feria_del_libro",
        "regreso_a_clases",
        "verano_centro",
        "playa_invierno",
    ]
    assert [item["part"] for item in body["data"]][:2] == [1, 2]


def test_pages_neither_repeat_nor_lose_a_line(staff):
    seen = [
        (item["name"], item["part"])
        for skip in range(0, 8, 2)
        for item in staff.get(f"/campaigns/?skip={skip}&limit=2").json()["data"]
    ]
    assert len(seen) == len(set(seen)) == 7
    assert staff.get("/campaigns/?skip=4&limit=2").json()["page"] == 2
    assert names(staff.get("/campaigns/?skip=1000000&limit=100")) == []


def test_a_line_carries_the_documents_fields_and_where_it_stands(staff):
    item = staff.get("/campaigns/?tipo_campania=catorcenal&limit=100").json()["data"][-1]
    assert (item["name"], item["status"], item["tipo_campania"]) == ("metro_otono", "flagged", "catorcenal")
    assert (item["impactos_personas"], item["impactos_vehiculos"], item["alcance"]) == (821074, 3732150, 41260)
    assert (item["fecha_inicio"], item["fecha_fin"]) == ("2024-09-17", "2024-09-30")
    assert "Inferred, not applied: 373,215" in item["findings"][0]["text"]
    assert set(item) == set(schemas.CampaignOut.model_fields)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("start_date=2025-06-30&end_date=2025-07-01", ["verano_centro"]),
        ("start_date=2025-07-31&end_date=2025-08-01", ["regreso_a_clases", "verano_centro"]),
        ("start_date=2024-12-31&end_date=2024-12-31", ["playa_invierno", "buen_fin_norte"]),
        ("start_date=2020-01-01&end_date=2020-12-31", []),
        ("start_date=2024-09-30&end_date=2024-10-01&tipo_campania=mensual", ["buen_fin_norte"]),
    ],
)
def test_dates_select_what_ran_on_any_day_between_them(staff, query, expected):
    assert names(staff.get(f"/campaigns/?{query}")) == expected


@pytest.mark.parametrize(("sent", "missing"), [("start_date", "end_date"), ("end_date", "start_date")])
def test_half_a_span_names_the_missing_half(staff, sent, missing):
    reply = staff.get(f"/campaigns/?{sent}=2025-01-01")
    assert reply.status_code == 422
    assert list(reply.json()["errors"]) == [missing]


@pytest.mark.parametrize("day", ["0", "20250101", "-5", "1735689600", "2025-13-01", "tomorrow"])
def test_a_count_of_seconds_is_no_day(staff, day):
    reply = staff.get(f"/campaigns/?start_date={day}&end_date=2025-02-01")
    assert reply.status_code == 422
    assert list(reply.json()["errors"]) == ["start_date"]


def test_a_span_that_ends_before_it_starts_is_refused(staff):
    reply = staff.get("/campaigns/?start_date=2025-02-01&end_date=2025-01-01")
    assert (reply.status_code, reply.json()["code"]) == (400, "dates_reversed")


@pytest.mark.parametrize(
    "query",
    [
        "skip=-1",
        "skip=1000001",
        "skip=99999999999999999999",
        "skip=x",
        "limit=0",
        "limit=101",
        "limit=",
        "tipo_campania=semanal",
        "tipo_campania=",
        "start_date=soon&end_date=2025-01-01",
        "start_date=&end_date=",
    ],
)
def test_a_malformed_query_is_refused(staff, query):
    assert staff.get(f"/campaigns/?{query}").status_code == 422


def test_a_campaign_carries_its_periods_and_sites(staff):
    body = staff.get("/campaigns/playa_invierno").json()
    assert (body["status"], body["parts"], len(body["sites"])) == ("repaired", [], 6)
    assert body["periods"] == [
        {
            "period": "2024-12",
            "impactos_periodo_personas": 1781110,
            "impactos_periodo_vehiculos": 1072958,
            "status": "repaired",
        }
    ]
    assert (body["alcance_min"], body["alcance_max"]) == (body["alcance"], body["alcance"])
    assert len(body["hourly_vehicle_counts"]) == 24
    assert [site["impactos_mensuales"] for site in body["sites"]].count(None) == 2


def test_missing_ages_and_real_fractions_survive_the_way_out(staff):
    body = staff.get("/campaigns/buen_fin_norte").json()
    assert (body["edad_15a19"], body["edad_65mas"]) == (None, None)
    assert body["edad_0a14"] == 0.0681111637
    assert body["periods"][0]["impactos_periodo_personas"] == 5784236.422578154
    assert body["impactos_personas"] == 16704053


def test_a_name_with_two_lines_answers_merged_with_its_parts(staff):
    body = staff.get("/campaigns/feria_del_libro").json()
    assert [part["impactos_personas"] for part in body["parts"]] == [1_537_972, 3_150_779]
    assert body["impactos_personas"] == 1_537_972 + 3_150_779
    assert body["impactos_vehiculos"] == 750_231 + 1_536_965
    assert [(p["period"], p["impactos_periodo_personas"]) for p in body["periods"]] == [
        ("2025-17", 816_744 + 1_479_084),
        ("2025-18", 721_228 + 1_671_695),
    ]
    assert (body["id"], body["frecuencia_calculada"], body["nse_ab"], body["hombres"]) == (None,) * 4
    assert len(body["sites"]) == 6


def test_reach_is_never_added_up_but_bounded(staff):
    body = staff.get("/campaigns/feria_del_libro").json()
    assert (body["alcance"], body["alcance_min"], body["alcance_max"]) == (None, 139_415, 97_340 + 139_415)


def test_an_unknown_name_is_not_found(staff):
    reply = staff.get("/campaigns/nothing")
    assert (reply.status_code, reply.json()["code"]) == (404, "campaign_not_found")
    assert reply.json()["detail"] == "Campaign not found"


def test_a_name_longer_than_any_is_refused(staff):
    assert staff.get(f"/campaigns/{'x' * 201}").status_code == 422


@pytest.mark.parametrize("path", ["/campaigns/", "/campaigns/verano_centro"])
def test_nobody_reads_campaigns_without_a_token(api, published, path):
    reply = api.get(path)
    assert (reply.status_code, reply.json()["code"]) == (401, "not_authenticated")


def test_who_does_not_run_the_shop_sees_no_campaign_yet(shopper, published):
    assert shopper.get("/campaigns/").json()["total"] == 0
    assert shopper.get("/campaigns/verano_centro").status_code == 404


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize(
    ("small", "large"),
    [("?limit=1", "?limit=100"), ("metro_otono", "feria_del_libro")],
)
def test_the_number_of_queries_does_not_grow_with_the_answer(staff, small, large):
    counted = []
    for path in (small, small, large):  # the first request also fetches the key that signs tokens
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(f"/campaigns/{path}").status_code == 200
        counted.append(len(queries))
    assert counted[1] == counted[2] <= 5


def assert_documented(answer, schema):
    """The answer is what the schema says, to the last key."""
    assert set(answer) == set(schema.model_fields)
    schema.model_validate(answer)


def test_every_answer_is_what_its_schema_documents(staff):
    page = staff.get("/campaigns/?limit=100").json()
    assert_documented(page, schemas.CampaignPage)
    for line in page["data"]:
        assert_documented(line, schemas.CampaignOut)
        campaign = staff.get(f"/campaigns/{line['name']}").json()
        assert_documented(campaign, schemas.CampaignDetail)
        for key, schema in (
            ("parts", schemas.CampaignPart),
            ("periods", schemas.PeriodOut),
            ("sites", schemas.SiteOut),
            ("findings", schemas.FindingOut),
        ):
            for item in campaign[key]:
                assert_documented(item, schema)


def part(**changes):
    line = {
        "name": "x",
        "status": "as_received",
        "tipo_campania": "mensual",
        "fecha_inicio": date(2025, 1, 1),
        "fecha_fin": date(2025, 1, 31),
        "universo_zona_metro": 1000,
        "impactos_personas": 500,
        "impactos_vehiculos": 100,
        "alcance": 700,
        "periods": [],
        "findings": [],
    }
    return line | changes


def test_the_upper_bound_of_reach_is_the_universe_where_they_share_one():
    assert merged([part(), part()])["alcance_max"] == 1000
    assert merged([part(), part(universo_zona_metro=5000)])["alcance_max"] == 1400
    assert merged([part(), part(universo_zona_metro=5000)])["universo_zona_metro"] is None


def test_a_part_with_unproven_vehicles_leaves_the_sum_unsaid():
    period = {
        "period": "2025-01",
        "impactos_periodo_personas": Decimal(5),
        "impactos_periodo_vehiculos": Decimal(9),
        "status": "flagged",
    }
    whole = merged([part(), part(impactos_vehiculos=501, status="flagged", periods=[period])])
    assert (whole["impactos_vehiculos"], whole["status"], whole["impactos_personas"]) == (None, "flagged", 1000)
    assert whole["periods"][0]["impactos_periodo_vehiculos"] is None
