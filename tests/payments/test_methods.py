"""Saved cards leave with their owner."""

import pytest

from apps.accounts.callers import Caller
from apps.accounts.services import delete_account
from apps.payments.gateway import gateway
from apps.payments.models import GatewayCustomer, Payment, SavedMethod
from apps.payments.sandbox_gateway import SandboxGateway
from apps.payments.services import settle_payment
from tests.payments.conftest import Buyer, work
from tests.races import queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def forgotten(monkeypatch):
    """Cards the gateway was told to forget."""
    told = []
    monkeypatch.setattr(SandboxGateway, "forget_card", lambda _, card: told.append(card))
    return told


def keep_card(buyer):
    buyer.pay(buyer.order(), save_payment_method=True)
    work()
    return SavedMethod.objects.get(user=buyer.user)


def test_deleting_an_account_forgets_its_cards_here_and_at_the_gateway(buyer, forgotten):
    other = Buyer("+966512345679")
    mine, theirs = keep_card(buyer), keep_card(other)
    second = SavedMethod.objects.create(
        user=buyer.user, gateway=gateway().name, reference="pm_2", brand="visa", last4="1881", exp_month=1, exp_year=40
    )
    assert GatewayCustomer.objects.count() == 2
    delete_account(user=buyer.user, caller=Caller())
    work()
    assert sorted(forgotten) == sorted([mine.reference, second.reference])
    assert SavedMethod.objects.get() == theirs
    assert GatewayCustomer.objects.get().user == other.user
    assert Payment.objects.filter(user=buyer.user).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_first_cards_kept_at_once_one_is_what_its_owner_pays_with_next():
    buyer = Buyer()
    cards = ("4242424242424242", "5555555555554444")
    intents = [buyer.pay(buyer.order(), card, save_payment_method=True) for card in cards]
    first, second = (SandboxGateway().read_intent(intent) for intent in intents)
    queue(
        lambda: settle_payment(gateway="sandbox", intent=first),
        lambda: settle_payment(gateway="sandbox", intent=second),
    )
    assert sorted(SavedMethod.objects.values_list("is_default", flat=True)) == [False, True]
    assert [payment.is_charged for payment in Payment.objects.all()] == [True, True]


def test_a_card_paid_with_while_its_owner_leaves_is_kept_nowhere(buyer, forgotten):
    buyer.pay(buyer.order(), save_payment_method=True)
    delete_account(user=buyer.user, caller=Caller())
    work()
    assert Payment.objects.get().is_charged
    assert not SavedMethod.objects.exists()
    assert len(forgotten) == 1


def test_an_account_without_cards_is_deleted_as_well(buyer, forgotten):
    delete_account(user=buyer.user, caller=Caller())
    work()
    assert forgotten == []


def test_cards_of_another_gateway_are_forgotten_here(buyer, forgotten):
    SavedMethod.objects.create(
        user=buyer.user, gateway="gone", reference="pm_1", brand="visa", last4="4242", exp_month=1, exp_year=40
    )
    delete_account(user=buyer.user, caller=Caller())
    work()
    assert not SavedMethod.objects.exists()
    assert forgotten == []
