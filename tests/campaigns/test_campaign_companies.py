"""Campaigns belong to companies: a member sees their own company's, and no delivery crosses from one to the other."""

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.callers import Caller
from apps.accounts.models import Company, Membership, User
from apps.accounts.services import confirm_company, remove_member, retire_company
from apps.campaigns.errors import CampaignsOfAnotherCompany
from apps.campaigns.models import Campaign, ImportRun
from core.clock import now

pytestmark = pytest.mark.django_db
ACMES = {"metro_otono", "feria_del_libro"}


def member(company, role="viewer"):
    user = User.objects.create_user(email=f"{role}@{company.name.lower()}.test")
    Membership.objects.create(user=user, company=company, role=role)
    return user


def names(client, query=""):
    body = client.get(f"/campaigns/?limit=100{query}").json()
    assert body["total"] == len(body["data"])
    return {item["name"] for item in body["data"]}


@pytest.fixture
def acme():
    return Company.objects.create(name="Acme", confirmed_at=now())


@pytest.fixture
def globex():
    return Company.objects.create(name="Globex", confirmed_at=now())


@pytest.fixture
def shared_out(demo, acme, globex):
    """Two names are Acme's, one is nobody's, the rest is Globex's."""
    demo.publish()
    Campaign.objects.filter(name__in=ACMES).update(company=acme)
    Campaign.objects.exclude(name__in=[*ACMES, "playa_invierno"]).update(company=globex)
    return demo


@pytest.mark.usefixtures("shared_out")
def test_members_see_their_companys_campaigns_and_operators_all(sign_in, acme, globex, operator, shopper):
    everything = names(sign_in(operator))
    assert names(sign_in(member(acme))) == ACMES
    assert names(sign_in(member(globex, "owner"))) == everything - ACMES - {"playa_invierno"}
    assert names(shopper) == set()


@pytest.mark.usefixtures("shared_out")
def test_a_campaign_of_another_company_is_not_found(sign_in, acme, globex, shopper):
    ana, bob = sign_in(member(acme)), sign_in(member(globex))
    for name in ACMES:
        assert ana.get(f"/campaigns/{name}").json()["name"] == name
        assert (bob.get(f"/campaigns/{name}").status_code, shopper.get(f"/campaigns/{name}").status_code) == (404, 404)
    assert ana.get("/campaigns/verano_centro").status_code == 404
    assert ana.get("/campaigns/playa_invierno").status_code == 404
    missing, hidden = (ana.get(f"/campaigns/{name}").json() for name in ("nothing", "verano_centro"))
    assert missing["detail"] == hidden["detail"]


@pytest.mark.usefixtures("shared_out")
def test_dates_select_among_ones_own(sign_in, acme, globex):
    query = "&start_date=2024-09-30&end_date=2024-09-30"
    assert names(sign_in(member(acme)), query) == {"metro_otono"}
    assert "metro_otono" not in names(sign_in(member(globex)), query)


@pytest.mark.usefixtures("shared_out")
def test_who_is_taken_out_of_a_company_sees_nothing_with_the_next_request(sign_in, acme):
    user = member(acme)
    client = sign_in(user)
    assert names(client) == ACMES
    remove_member(user=user, member=user.pk, caller=Caller())
    assert names(client) == set()


@pytest.mark.usefixtures("shared_out", "still_clock")
def test_a_members_list_takes_few_queries(sign_in, acme):
    client = sign_in(member(acme))
    names(client)
    with CaptureQueriesContext(connection) as queries:
        names(client)
    assert len(queries) <= 5


def run(demo, *options):
    return call_command("import_campaigns", str(demo.folder), *options)


def owners():
    return set(Campaign.objects.values_list("company__name", flat=True))


def test_an_import_names_the_company_which_is_made_if_it_is_missing(demo):
    run(demo, "--company", " Acme  Media ")
    assert (owners(), Company.objects.get().name) == ({"Acme Media"}, "Acme Media")
    assert Company.objects.get().confirmed_at
    run(demo, "--company", "ACME media")
    assert Company.objects.count() == 1


@pytest.fixture
def squatted():
    """Registered by somebody who hopes for what is meant for Acme."""
    company = Company.objects.create(name="acme")
    member(company, "owner")
    return company


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_who_registers_a_companys_name_first_is_not_handed_its_campaigns(demo, squatted, options):
    with pytest.raises(CommandError) as refused:
        run(demo, "--company", "Acme", *options)
    assert refused.value.returncode == 2
    assert f"confirm it in the console, or name it by id: --company {squatted.pk}." in str(refused.value)
    assert not Campaign.objects.exists()
    assert not ImportRun.objects.exists()
    assert Company.objects.get().confirmed_at is None


def test_a_company_an_operator_confirmed_is_imported_into_by_name(demo, squatted, operator):
    confirm_company(company=squatted, by=operator)
    run(demo, "--company", "Acme")
    assert owners() == {"acme"}


def test_a_company_is_named_by_its_id_whatever_others_are_called(demo, squatted):
    Company.objects.create(name=str(squatted.pk), confirmed_at=now())
    run(demo, "--company", str(squatted.pk))
    assert (owners(), Campaign.objects.count()) == ({"acme"}, 7)
    run(demo, "--company", str(squatted.pk))
    assert Company.objects.get(name="acme").confirmed_at is None


@pytest.mark.parametrize("number", ["0", "987654321", "9" * 150])
def test_an_id_that_is_no_companys_is_refused_and_makes_none(demo, number):
    with pytest.raises(CommandError, match="no company with the id") as refused:
        run(demo, "--company", number)
    assert refused.value.returncode == 2
    assert (Campaign.objects.count(), Company.objects.count()) == (0, 0)


def test_a_company_with_campaigns_outlives_its_last_member_unconfirmed_and_nobodys(demo, acme):
    demo.publish(company="Acme")
    user = member(acme)
    remove_member(user=user, member=user.pk, caller=Caller())
    retire_company(company=acme)
    acme.refresh_from_db()
    assert (acme.confirmed_at, acme.memberships.count(), owners()) == (None, 0, {"Acme"})


def test_without_a_name_campaigns_are_nobodys(demo):
    run(demo)
    assert (owners(), Company.objects.count()) == ({None}, 0)


def test_campaigns_that_are_nobodys_can_be_given_to_a_company_without_publishing_anew(demo, capsys):
    run(demo)
    before = list(Campaign.objects.order_by("pk").values_list("pk", "run", "fingerprint"))
    run(demo, "--company", "Acme")
    assert list(Campaign.objects.order_by("pk").values_list("pk", "run", "fingerprint")) == before
    assert (owners(), ImportRun.objects.count()) == ({"Acme"}, 1)
    assert "0 published, 7 unchanged" in capsys.readouterr().out.splitlines()[-1]


def test_an_import_without_a_name_leaves_campaigns_where_they_belong(demo):
    run(demo, "--company", "Acme")
    demo.set(demo.campaigns, 2, "alcance", str(int(demo.get(demo.campaigns, 2, "alcance"))))
    Campaign.objects.update(fingerprint="changed")
    run(demo)
    assert owners() == {"Acme"}
    assert ImportRun.objects.count() == 2


def test_a_new_line_of_a_name_belongs_to_whom_the_name_belongs(demo):
    run(demo, "--company", "Acme")
    Campaign.objects.get(name="feria_del_libro", part=2).delete()
    run(demo)
    assert Campaign.objects.get(name="feria_del_libro", part=2).company.name == "Acme"


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_delivery_cannot_take_over_another_companys_campaigns(demo, options):
    run(demo, "--company", "Acme")
    Campaign.objects.update(fingerprint="changed")
    before = list(Campaign.objects.order_by("pk").values())
    with pytest.raises(CommandError) as refused:
        run(demo, "--company", "Globex", *options)
    assert refused.value.returncode == 2
    assert "belong to another company: buen_fin_norte" in str(refused.value)
    assert list(Campaign.objects.order_by("pk").values()) == before
    assert not Company.objects.filter(name="Globex").exists()


def test_a_refused_or_dry_import_makes_no_company(demo):
    run(demo, "--dry-run", "--company", "Acme")
    demo.set(demo.campaigns, 2, "alcance", "many")
    with pytest.raises(CommandError):
        run(demo, "--company", "Acme")
    assert not Company.objects.exists()


@pytest.mark.parametrize("name", ["x" * 201, "Ac\u200bme", "a\0b"])
def test_what_cannot_be_a_companys_name_is_refused(demo, name):
    with pytest.raises(CommandError) as refused:
        run(demo, "--company", name)
    assert refused.value.returncode == 2
    assert not Campaign.objects.exists()


def test_a_company_with_campaigns_is_not_deleted(demo, acme):
    demo.publish(company="acme")
    with pytest.raises(IntegrityError):
        acme.delete()
    assert Campaign.objects.filter(company=acme).count() == 7


def test_the_service_refuses_as_the_command_does(demo, acme):
    demo.publish(company="Acme")
    with pytest.raises(CampaignsOfAnotherCompany):
        demo.publish(company="Globex")
