"""The shop closed for a while: who is told so, and who passes."""

import re
import time

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.operations.services import maintenance
from tests.conftest import Api

pytestmark = pytest.mark.django_db
SHELF = "/api/products/"


@pytest.fixture(autouse=True)
def _nothing_remembered():
    maintenance.forget()
    yield
    maintenance.forget()


@pytest.fixture
def shared(settings, redis_server):
    """A cache that other processes read too."""
    settings.REDIS_URL = redis_server.url
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}
    }
    return redis_server


@pytest.mark.parametrize("path", [SHELF, "/api/v1/onboarding/login", "/campaigns/", "/api/accounts/me/", "/shop/"])
def test_visitors_are_told_when_to_come_back_in_the_shape_they_know(api, path):
    maintenance.close_shop(message="Back at noon.", seconds=600)
    reply = api.get(path)
    assert (reply.status_code, reply.json()["code"]) == (503, "under_maintenance")
    assert "Back at noon." in reply.content.decode()
    assert 590 <= int(reply["Retry-After"]) <= 600


def test_probes_and_the_consoles_door_stay_open(api):
    maintenance.close_shop(seconds=600)
    paths = ("/health/live/", "/health/ready/", "/health", "/health/", "/metrics", "/admin/login/")
    assert [api.get(path).status_code for path in paths] == [200] * len(paths)


def test_staff_pass_by_session_and_by_token_and_customers_by_neither(api, operator, shopper, sign_in):
    maintenance.close_shop(seconds=600)
    assert sign_in(operator).get(SHELF).status_code == 200
    assert shopper.get(SHELF).status_code == 503
    assert Api("not a token").get(SHELF).status_code == 503
    browser = Api()
    browser.force_login(operator)
    assert browser.get(SHELF).status_code == 200
    browser.force_login(User.objects.create_user(phone="+966512345679"))
    assert browser.get(SHELF).status_code == 503


def test_s2s_own_key_closes_the_shop_too(api):
    cache.set("maintenance_mode", "yes")
    assert api.get(SHELF).status_code == 503


def test_it_opens_by_itself(api, shared):
    maintenance.close_shop(seconds=1)
    assert api.get(SHELF).status_code == 503
    time.sleep(1.5)
    maintenance.forget()
    assert api.get(SHELF).status_code == 200


def test_an_open_shop_costs_one_question_in_five_seconds(api, monkeypatch):
    asked = []
    monkeypatch.setattr(maintenance, "read_closure", lambda: asked.append(1))
    for _ in range(5):
        api.get(SHELF)
    assert len(asked) == 1


def test_a_lost_cache_closes_no_shop(api, shared):
    maintenance.close_shop(seconds=600)
    shared.stop()
    maintenance.forget()
    assert api.get(SHELF).status_code == 200


def test_the_command_closes_says_and_opens(api, shared, capsys):
    call_command("maintenance", "status")
    call_command("maintenance", "on", "--minutes", "30", "--message", "Moving house.")
    assert api.get(SHELF).status_code == 503
    call_command("maintenance", "status")
    call_command("maintenance", "off")
    assert api.get(SHELF).status_code == 200
    call_command("maintenance", "off")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Open."
    assert said[1] == "Closed, for 30 minutes at most. Open it with: manage.py maintenance off"
    assert re.fullmatch(r"Closed for another 1\d\d\d seconds: Moving house\.", said[2])
    assert said[3:] == ["Open again.", "It was open."]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--minutes", "0"], "--minutes is a number from 1 to 1440"),
        (["--minutes", "1441"], "--minutes is a number from 1 to 1440"),
        (["--message", ""], "--message has 1 to 300 characters"),
        (["--message", "x" * 301], "--message has 1 to 300 characters"),
    ],
)
def test_what_it_is_not_to_be_told_is_refused_and_the_shop_stays_open(api, shared, arguments, said):
    with pytest.raises(CommandError, match=said):
        call_command("maintenance", "on", *arguments)
    assert api.get(SHELF).status_code == 200


def test_without_a_shared_cache_it_says_that_nobody_would_hear(api):
    with pytest.raises(CommandError, match="Without REDIS_URL"):
        call_command("maintenance", "on")
    assert api.get(SHELF).status_code == 200


def test_a_cache_that_is_away_is_said(shared):
    shared.stop()
    with pytest.raises(CommandError, match="cannot be reached, so nobody was told"):
        call_command("maintenance", "on")
