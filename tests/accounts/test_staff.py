"""Staff over the API: what the console lets them do, behind the same second door."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.utils.dateparse import parse_datetime

from apps.accounts.callers import Caller
from apps.accounts.models import FACTOR_LASTS, AuditEvent, Lockout, SecondFactor, Session, User
from apps.accounts.services import start_session
from apps.accounts.services.lockouts import MOST_TRIES
from apps.accounts.services.second_factor import remove_second_factor
from apps.accounts.services.sessions import refresh_session
from apps.operations.services import maintenance
from apps.products.models import Category
from core.clock import now
from tests.accounts.authenticator import set_up_for
from tests.conftest import Api

DOOR, SHELVES, SHELF = "/api/accounts/second-factor/", "/api/products/categories/", "/api/products/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _door(settings):
    settings.CONSOLE_SECOND_FACTOR = True


@pytest.fixture
def clerk():
    person = User.objects.create_user(email="clerk@shop.test", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename="add_category"))
    return person


@pytest.fixture
def app(clerk):
    """The clerk's, set up two minutes ago."""
    with time_machine.travel(time.time() - 120, tick=False):
        return set_up_for(clerk)


@pytest.fixture
def till(sign_in, clerk):
    """The clerk, signed in at the API."""
    return sign_in(clerk)


def give(client, code):
    return client.send("POST", DOOR, {"code": code})


def refusal(reply):
    return reply.status_code, reply.json()["code"]


def is_open(client):
    """Whether it adds a shelf; a refusal must not."""
    before = Category.objects.count()
    reply = client.send("POST", SHELVES, {"name": f"Shelf {before}"})
    if reply.status_code == 201:
        return True
    assert refusal(reply) == (403, "second_factor_needed")
    assert Category.objects.count() == before
    return False


def test_a_password_alone_opens_no_door_of_staff(till, app):
    assert not is_open(till)


def test_a_code_of_the_app_opens_them_for_as_long_as_the_consoles_session(till, app):
    reply = give(till, app.code())
    assert reply.status_code == 200
    until = parse_datetime(reply.json()["expires_at"])
    assert abs(until - now() - FACTOR_LASTS) < timedelta(minutes=1)
    assert is_open(till)
    assert Session.objects.get().factor_at == SecondFactor.objects.get().used_at
    assert AuditEvent.objects.filter(action="factor_proved").count() == 1


def test_a_recovery_code_opens_them_once(till, app, sign_in, clerk):
    assert give(till, app.codes[0]).status_code == 200
    assert is_open(till)
    elsewhere = sign_in(clerk)
    assert refusal(give(elsewhere, app.codes[0])) == (400, "second_factor_rejected")
    assert not is_open(elsewhere)


def test_they_open_for_the_session_that_gave_the_code_and_no_other(till, app, sign_in, clerk):
    give(till, app.code())
    assert not is_open(sign_in(clerk))


def test_a_code_opens_one_session_and_is_spent(till, app, sign_in, clerk):
    code = app.code()
    assert give(till, code).status_code == 200
    elsewhere = sign_in(clerk)
    assert refusal(give(elsewhere, code)) == (400, "second_factor_rejected")
    assert not is_open(elsewhere)


def test_a_refresh_keeps_them_open(clerk, app):
    signed_in = start_session(user=clerk, caller=Caller("127.0.0.1", "tests"))
    give(Api(signed_in.access), app.code())
    assert is_open(Api(refresh_session(token=signed_in.refresh).access))


def test_a_code_given_too_long_ago_opens_nothing(till, app):
    give(till, app.code())
    Session.objects.update(factor_at=now() - FACTOR_LASTS)
    assert not is_open(till)


def test_a_removed_app_takes_its_open_doors_along(till, app, clerk):
    give(till, app.code())
    remove_second_factor(user=clerk)
    assert not is_open(till)


def test_a_new_app_does_not_open_what_the_one_before_it_did(till, app, clerk):
    give(till, app.code())
    remove_second_factor(user=clerk)
    set_up_for(clerk)
    assert not is_open(till)


def test_wrong_codes_are_counted_and_open_nothing(till, app):
    for _ in range(MOST_TRIES["totp"]):
        assert refusal(give(till, app.wrong())) == (400, "second_factor_rejected")
    assert refusal(give(till, app.code())) == (429, "second_factor_locked")
    assert not is_open(till)


@pytest.mark.parametrize("code", ["", "   ", "1" * 41, None, 123456, ["123456"]])
def test_what_is_no_code_is_refused_before_it_is_compared(till, app, code):
    assert give(till, code).status_code in (400, 422)
    assert not Lockout.objects.exists()
    assert not is_open(till)


def test_who_has_set_up_no_app_is_told_where_to(till):
    reply = give(till, "123456")
    assert refusal(reply) == (403, "second_factor_needed")
    assert "set up in the console" in reply.content.decode()
    assert not Lockout.objects.exists()


def test_customers_have_no_second_door(shopper):
    assert refusal(give(shopper, "123456")) == (403, "not_allowed")
    assert not Lockout.objects.exists()
    assert shopper.get("/api/accounts/me/").status_code == 200


def test_nobody_signed_in_is_asked_who_they_are(api):
    assert give(api, "123456").status_code == 401


def test_behind_the_door_there_is_still_only_what_the_console_allows(till, app):
    give(till, app.code())
    reply = till.send("POST", SHELF, {"name": "Mug", "sku": "MUG", "category_id": 1, "price": "1"})
    assert refusal(reply) == (403, "not_allowed")


def test_staff_are_customers_as_well_and_need_no_code_for_it(till, app):
    assert till.get("/api/orders/").status_code == 200
    assert till.get("/api/accounts/me/").status_code == 200


def test_where_no_second_factor_is_asked_for_the_doors_are_open(till, app, settings):
    settings.CONSOLE_SECOND_FACTOR = False
    assert is_open(till)


def test_a_closed_shop_lets_in_staff_with_both_factors_only(till, app):
    give(till, app.code())
    maintenance.close_shop(seconds=600)
    try:
        assert till.get(SHELF).status_code == 200
        Session.objects.update(factor_at=None)
        assert till.get(SHELF).status_code == 503
        assert give(till, app.codes[0]).status_code == 200
        assert till.get(SHELF).status_code == 200
    finally:
        maintenance.open_shop()
