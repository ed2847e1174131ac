"""Where the console is, and what opens it."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse

from apps.operations.closed_door import MaintenanceMiddleware
from apps.operations.services.maintenance import close_shop, open_shop
from config.env import Env, Environment
from config.variables.console import TAKEN
from core.middleware.contract_errors import is_page
from core.middleware.page_policy import PagePolicyMiddleware
from core.page_context import console
from tests.accounts.test_call_budget import every_route
from tests.config.test_env import load, refusal
from tests.config.test_production_settings import settings_of


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (None, "admin/"),
        ("", "admin/"),
        ("back-office", "back-office/"),
        ("back-office/", "back-office/"),
        ("Staff/2nd-door", "Staff/2nd-door/"),
    ],
)
def test_the_consoles_path_ends_in_one_slash(given, path):
    assert load(ADMIN_PATH=given).admin_path == path


@pytest.mark.parametrize("given", ["/", "/admin/", "a//b", "a b", "büro", "..", "<x>", "a.b", "-/?", "admin//"])
def test_a_path_that_is_none_is_refused(given):
    assert "ADMIN_PATH: " in refusal(ADMIN_PATH=given)


@pytest.mark.parametrize(
    "given", ["api", "api/v1/", "API/x", "auth/", "campaigns", "health", "healthy-staff", "metrics", "static/x", "shop"]
)
def test_a_path_that_other_addresses_begin_with_is_refused(given):
    assert "other addresses begin with that word" in refusal(ADMIN_PATH=given)


def test_every_address_of_ours_is_taken():
    """Or a console could be put before an address that was added later."""
    first = {path.split("/")[1] for path in every_route()}
    assert first - {"", "admin", "x"} <= TAKEN


def test_what_treats_the_console_apart_follows_it(rf, settings):
    settings.ADMIN_PATH = "back-office/"
    moved, usual = rf.get("/back-office/login/"), rf.get("/admin/login/")
    assert [is_page(moved), is_page(usual)] == [True, False]
    policy = PagePolicyMiddleware(lambda _: HttpResponse("<p>"))
    assert [("unsafe-eval" in policy(at)["Content-Security-Policy"]) for at in (moved, usual)] == [True, False]


@pytest.mark.django_db
def test_the_closed_shop_lets_staff_to_a_console_that_was_moved(rf, settings):
    settings.ADMIN_PATH = "back-office/"
    close_shop(seconds=300)
    door = MaintenanceMiddleware(lambda _: HttpResponse("<p>"))
    seen = []
    for path in ("/back-office/login/", "/admin/login/"):
        request = rf.get(path)
        request.user = AnonymousUser()
        seen.append(door(request).status_code)
    open_shop()
    assert seen == [200, 503]


def test_a_console_that_was_moved_is_linked_nowhere(rf, settings):
    settings.IS_DEVELOPMENT = False
    assert console(rf.get("/")) == {"console": "/admin/"}
    settings.ADMIN_PATH = "back-office/"
    assert console(rf.get("/")) == {"console": ""}
    settings.IS_DEVELOPMENT = True
    assert console(rf.get("/")) == {"console": "/back-office/"}


def test_the_second_factor_is_asked_for_wherever_the_shop_is_real():
    production = settings_of("CONSOLE_SECOND_FACTOR")
    assert production["CONSOLE_SECOND_FACTOR"] is True
    assert settings_of("CONSOLE_SECOND_FACTOR", environment="staging")["CONSOLE_SECOND_FACTOR"] is True
    assert settings_of("CONSOLE_SECOND_FACTOR", CONSOLE_SECOND_FACTOR="0")["CONSOLE_SECOND_FACTOR"] is False
    assert Env.load({}, environment=Environment.DEVELOPMENT).console_second_factor is None
