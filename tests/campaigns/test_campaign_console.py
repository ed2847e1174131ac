"""The console explains every number and lets nobody type one."""

import pytest
from django.urls import reverse

from apps.campaigns.models import Campaign, CampaignSite, ImportRun, RawRow

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(client, operator, demo):
    demo.publish()
    client.force_login(operator)
    return client


@pytest.mark.parametrize("model", ["campaign", "campaignsite", "importrun", "rawrow"])
def test_every_list_opens(console, model):
    assert console.get(reverse(f"admin:campaigns_{model}_changelist")).status_code == 200


@pytest.mark.parametrize("table", [Campaign, CampaignSite, ImportRun, RawRow])
def test_every_row_opens_and_none_can_be_added_changed_or_deleted(console, table):
    name, row = f"admin:campaigns_{table._meta.model_name}", table.objects.first()
    assert console.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert console.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert console.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert console.get(reverse(f"{name}_add")).status_code == 403
    assert table.objects.filter(pk=row.pk).exists()


def test_a_repaired_cell_shows_what_came_what_was_done_and_why(console):
    campaign = Campaign.objects.get(name="regreso_a_clases")
    page = console.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])).content.decode()
    assert "12928-05-11" in page
    assert "4,028,027" in page
    assert "Day 4,028,027 from 1899-12-30" in page
    assert "day count shown as a date" in page


def test_a_flagged_number_says_so(console):
    campaign = Campaign.objects.get(name="metro_otono")
    page = console.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])).content.decode()
    assert "Inferred, not applied: 373,215" in page


def test_the_list_shows_status_and_impacts_in_a_fixed_number_of_queries(console, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        page = console.get(reverse("admin:campaigns_campaign_changelist")).content.decode()
    assert "16,704,053" in page
    assert "flagged" in page


def test_a_refused_import_shows_what_stood_in_the_way(console, demo):
    demo.set(demo.campaigns, 2, "alcance", "<b>many</b>")
    demo.publish()
    run = ImportRun.objects.get(state="refused")
    page = console.get(reverse("admin:campaigns_importrun_change", args=[run.pk])).content.decode()
    assert "&lt;b&gt;many&lt;/b&gt;" in page
    assert "<b>many</b>" not in page


def test_a_received_cell_can_be_searched_for(console):
    page = console.get(reverse("admin:campaigns_rawrow_changelist"), {"q": "12928-05-11"})
    assert [row.cells[0] for row in page.context["cl"].result_list] == ["regreso_a_clases"]
