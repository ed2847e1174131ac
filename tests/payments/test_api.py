"""What the API and the console's form ask of refunds before any service does."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.payments import forms
from apps.payments.models import Payment, Refund
from core.models import OutboxJob
from tests.payments.conftest import Buyer, work

pytestmark = pytest.mark.django_db
REFUNDS = "/api/payments/refunds/"


@pytest.fixture
def payment(buyer):
    return paid(buyer)


def paid(buyer):
    order = buyer.order()
    buyer.pay(order)
    work()
    return Payment.objects.get(order=order)


def ask(buyer, payment, **body):
    return buyer.api.send("POST", f"{REFUNDS}request_refund/", {"payment_id": str(payment.pk), **body})


def employee(*permissions):
    user = User.objects.create_user(email="clerk@shop.test", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return Buyer.of(user)


@pytest.mark.parametrize("permissions", [(), ("view_refund", "add_refund", "change_payment")])
def test_staff_without_the_permission_process_no_refund(buyer, payment, permissions):
    refund = ask(buyer, payment, amount="5.00").json()["id"]
    OutboxJob.objects.all().delete()
    reply = employee(*permissions).api.send("POST", f"{REFUNDS}{refund}/process/")
    assert (reply.status_code, reply.json()["code"]) == (403, "not_allowed")
    assert Refund.objects.get().status == "pending"
    assert not OutboxJob.objects.exists()


def test_staff_with_the_permission_process_a_refund(buyer, payment):
    refund = ask(buyer, payment, amount="5.00").json()["id"]
    assert employee("change_refund").api.send("POST", f"{REFUNDS}{refund}/process/").status_code == 200


def test_staff_see_the_payments_of_others_with_the_permission_alone(buyer, payment):
    address = f"/api/payments/{payment.pk}/"
    assert employee().api.get(address).status_code == 404
    User.objects.filter(email="clerk@shop.test").delete()
    assert employee("view_payment").api.get(address).status_code == 200


@pytest.mark.parametrize(
    ("permissions", "status", "count"), [(["view_payment"], 403, 0), (["view_payment", "add_refund"], 201, 1)]
)
def test_who_may_look_at_a_payment_asks_no_money_back_for_somebody_else(buyer, payment, permissions, status, count):
    assert ask(employee(*permissions), payment, amount="5.00").status_code == status
    assert Refund.objects.count() == count


def test_staff_who_gave_no_second_factor_are_customers_over_the_api(buyer, payment, settings):
    refund = ask(buyer, payment, amount="5.00").json()["id"]
    settings.CONSOLE_SECOND_FACTOR = True
    clerk = employee("view_payment", "change_refund").api
    assert clerk.get(f"/api/payments/{payment.pk}/").status_code == 404
    reply = clerk.send("POST", f"{REFUNDS}{refund}/process/")
    assert (reply.status_code, reply.json()["code"]) == (403, "second_factor_needed")
    assert Refund.objects.get().status == "pending"


def test_a_customer_with_the_permission_is_still_a_customer(buyer, payment):
    buyer.user.user_permissions.set(Permission.objects.filter(codename="change_refund"))
    refund = ask(buyer, payment, amount="5.00").json()["id"]
    assert buyer.api.send("POST", f"{REFUNDS}{refund}/process/").status_code == 403
    assert Refund.objects.get().status == "pending"


@pytest.mark.parametrize("amount", ["1.005", "0.009", "53.999"])
def test_more_decimals_than_the_currency_has_are_refused_and_not_rounded(buyer, payment, amount):
    reply = ask(buyer, payment, amount=amount)
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_input")
    assert "amount" in reply.json()["errors"]
    assert not Refund.objects.exists()
    assert ask(buyer, payment, amount="1.000").json()["amount"] == "1.00"


def test_the_currency_that_counts_is_the_payments(buyer, payment):
    Payment.objects.update(currency="JPY")
    assert ask(buyer, payment, amount="1.5").status_code == 400
    assert ask(buyer, payment, amount="15").json()["amount"] == "15"


def offered(client, query=""):
    form = client.get(f"/admin/payments/refund/add/{query}").context["adminform"].form
    return [value.value for value, _ in form.fields["payment"].choices if value]


@pytest.fixture
def console(client, operator):
    client.force_login(operator)
    return client


def test_the_form_offers_the_newest_payments_of_which_something_is_left(console, buyer, monkeypatch):
    spent, *others = [paid(buyer) for _ in range(4)]
    Refund.objects.create(payment=spent, amount=spent.amount, reason="other", status="processing")
    Refund.objects.create(payment=others[0], amount=others[0].amount, reason="other", status="failed")
    Refund.objects.create(payment=others[1], amount=others[1].amount - 1, reason="other", status="succeeded")
    buyer.begin(buyer.order())
    assert offered(console) == [payment.pk for payment in reversed(others)]
    monkeypatch.setattr(forms, "MOST_OFFERED", 2)
    assert offered(console) == [others[2].pk, others[1].pk]


def test_the_form_offers_only_the_payment_it_was_opened_for(console, buyer):
    first, _ = paid(buyer), paid(buyer)
    assert offered(console, f"?payment={first.pk}") == [first.pk]
    for other in ("nonsense", "00000000-0000-0000-0000-000000000000"):
        assert offered(console, f"?payment={other}") == []


def test_the_form_costs_as_many_queries_for_many_payments_as_for_one(console, buyer):
    paid(buyer)
    with CaptureQueriesContext(connection) as few:
        assert len(offered(console)) == 1
    for _ in range(3):
        paid(buyer)
    with CaptureQueriesContext(connection) as many:
        assert len(offered(console)) == 4
    assert len(many) <= len(few)
