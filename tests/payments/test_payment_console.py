import pytest
from django.contrib.admin.models import LogEntry

from apps.accounts.models import User
from apps.orders.models import OrderEvent
from apps.payments.models import Payment, Refund, WebhookEvent
from core.models import OutboxJob
from tests.payments.conftest import charged, events, post, state, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(client, operator):
    client.force_login(operator)
    return client


@pytest.fixture
def paid(buyer):
    order = buyer.order()
    buyer.pay(order)
    work()
    return order


def act(console, model, action, row):
    path = f"/admin/payments/{model}/"
    return console.post(path, {"action": action, "_selected_action": [str(row.pk)]}, follow=True).content.decode()


def send(console, payment, **form):
    typed = {"payment": str(payment.pk), "amount": "", "reason": "other", "description": "Sorry", **form}
    return console.post("/admin/payments/refund/add/", typed, follow=True).content.decode()


@pytest.mark.parametrize("model", ["payment", "refund", "webhookevent"])
def test_lists_and_pages_open(console, paid, model):
    send(console, Payment.objects.get(), amount="1.00")
    assert console.get(f"/admin/payments/{model}/").status_code == 200
    row = {"payment": Payment, "refund": Refund, "webhookevent": WebhookEvent}[model].objects.first()
    assert console.get(f"/admin/payments/{model}/{row.pk}/change/").status_code == 200


def test_staff_pay_a_part_back(console, operator, paid):
    payment = Payment.objects.get()
    page = console.get(f"/admin/payments/payment/{payment.pk}/change/").content.decode()
    assert "Pay back up to 54.00 USD" in page
    assert "was added successfully" in send(console, payment, amount="12.50")
    work()
    assert charged(paid) == paid.total - 1250
    assert Refund.objects.get().requested_by == operator
    assert OrderEvent.objects.get(note="A refund of 12.50 USD is sent").actor == operator
    assert LogEntry.objects.filter(user=operator, object_id=str(Refund.objects.get().pk)).exists()


@pytest.mark.parametrize("amount", ["54.01", "0", "-1", "1.005", "much"])
def test_more_than_what_is_left_is_said_at_the_field(console, paid, amount):
    page = send(console, Payment.objects.get(), amount=amount)
    assert "was added successfully" not in page
    assert not Refund.objects.exists()


def test_staff_agree_to_a_request_or_decline_it(console, buyer, paid):
    ask = {"payment_id": str(Payment.objects.get().pk), "amount": "5.00"}
    buyer.api.send("POST", "/api/payments/refunds/request_refund/", ask)
    first = Refund.objects.get()
    assert "is on its way" in act(console, "refund", "process", first)
    buyer.api.send("POST", "/api/payments/refunds/request_refund/", ask)
    second = Refund.objects.exclude(pk=first.pk).get()
    assert "was declined" in act(console, "refund", "decline", second)
    assert "on its way, done or off already" in act(console, "refund", "process", second)
    work()
    assert charged(paid) == paid.total - 500


def test_an_event_is_applied_again(console, buyer):
    order = buyer.order()
    buyer.pay(order)
    post(events()[0])
    OutboxJob.objects.all().delete()
    assert "was applied" in act(console, "webhookevent", "replay", WebhookEvent.objects.get())
    assert state(order)[0] == ("processing", "paid")


def test_the_gateway_is_asked_again(console, buyer):
    order = buyer.order()
    buyer.pay(order)
    events()
    assert "is up to date" in act(console, "payment", "look_again", Payment.objects.get())
    assert state(order)[0] == ("processing", "paid")


def test_who_may_only_look_pays_nothing_back(client, paid):
    client.force_login(User.objects.create_user(email="looks@shop.test", password="a long phrase", is_staff=True))
    assert client.get("/admin/payments/refund/add/").status_code == 403
    send(client, Payment.objects.get(), amount="1.00")
    assert not Refund.objects.exists()
