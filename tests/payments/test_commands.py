from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.payments.errors import GatewayFailed
from apps.payments.models import Payment, WebhookEvent
from apps.payments.sandbox_gateway import SandboxGateway
from tests.payments.conftest import events, post, state, work

pytestmark = pytest.mark.django_db


def run(*args, **options):
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def received(buyer):
    """An order whose event has arrived, and its job not run yet."""
    order = buyer.order()
    buyer.pay(order)
    post(events()[0])
    return order, WebhookEvent.objects.get()


def test_an_event_is_replayed_by_its_id(received):
    order, event = received
    assert run("replay_webhook", event.event_id) == "payment_intent.succeeded is applied: The payment is succeeded.\n"
    assert state(order)[0] == ("processing", "paid")


def test_an_applied_event_is_left_alone_without_force(received):
    order, event = received
    work()
    Payment.objects.update(card="")
    said = run("replay_webhook", event.event_id)
    assert said.startswith("payment_intent.succeeded was applied at ")
    assert said.endswith("To look again: --force.\n")
    assert "is applied" in run("replay_webhook", event.event_id, force=True)
    assert state(order)[0] == ("processing", "paid")
    assert Payment.objects.get().transactions.count() == 1


def test_an_unknown_event_is_said_to_be_one():
    with pytest.raises(CommandError, match=r"No event evt_0 was ever received\."):
        run("replay_webhook", "evt_0")


def test_a_gateway_that_is_away_is_said_and_nothing_changes(received, monkeypatch):
    order, event = received

    def away(self, intent):
        raise GatewayFailed

    monkeypatch.setattr(SandboxGateway, "read_intent", away)
    with pytest.raises(CommandError, match=r"did not answer.*Nothing was changed\."):
        run("replay_webhook", event.event_id)
    event.refresh_from_db()
    assert event.state == "received"
    assert state(order)[0] == ("pending", "pending")


@pytest.mark.parametrize("days", [0, -1, 366])
def test_days_beyond_measure_are_refused(days):
    with pytest.raises(CommandError, match="1 to 365"):
        run("reconcile_payments", days=days)


def test_a_shop_without_payments_has_nothing_to_reconcile():
    assert run("reconcile_payments") == "Payments of the last 3 days: none.\n"


def test_reconciling_without_a_gateway_says_what_is_missing(settings):
    settings.PAYMENT_GATEWAY = ""
    with pytest.raises(CommandError, match="cannot take payments"):
        run("reconcile_payments")
