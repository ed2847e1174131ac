"""No address answers a stranger without end; nobody pays for anybody else."""

import re
import time

import pytest
import time_machine
from django.db import OperationalError
from django.urls import URLPattern, get_resolver
from redis import Redis

from apps.accounts import call_budget
from apps.accounts.call_budget import UNCOUNTED
from apps.accounts.checks import check_console
from apps.accounts.models import User
from apps.accounts.tokens import access_token
from config.api import MOUNTED
from config.call_budgets import call_budgets
from config.env import Env, Environment
from core.clock import now
from tests.config.test_env import load
from tests.conftest import Api

pytestmark = pytest.mark.django_db
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.ANONYMOUS_CALLS_PER_MINUTE, settings.PERSON_CALLS_PER_MINUTE = 3, 5
    with time_machine.travel(time.time() // 60 * 60 + 30, tick=False):  # no minute ends while a test counts
        yield


def spend(client, times, **extra):
    return [client.get("/api/products/", **extra).status_code for _ in range(times)]


def every_route():
    """Each route of the address configuration with something in place of its parameters; pages and endpoints alike."""

    def walk(patterns, before):
        for pattern in patterns:
            route = re.sub(r"<[^>]+>", "1", str(pattern.pattern)) if "(?P" not in str(pattern.pattern) else "x"
            if isinstance(pattern, URLPattern):
                yield before + route
            else:
                yield from walk(pattern.url_patterns, before + route)

    return sorted(set(walk(get_resolver().url_patterns, "/")))


def test_every_route_a_stranger_reaches_is_limited(api):
    spend(api, 3)
    routes = every_route()
    assert len(routes) > 250
    assert (
        len([path for path in routes if path.startswith(tuple(f"/{prefix}" for prefix, _ in MOUNTED if prefix))]) > 90
    )
    free = {path for path in routes if api.get(path).status_code != 429}
    assert free == {
        "/health", "/health/", "/healthz", "/health/live/", "/health/ready/", "/metrics", "/metrics/", "/media/1",
    }  # fmt: skip
    assert api.get("/no/such/address").status_code == 429
    assert all(path.startswith(UNCOUNTED) for path in free)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_method_is_a_way_around(api, method):
    spend(api, 3)
    for path in (
        "/api/users/send-otp/",
        "/auth/token",
        "/api/v1/onboarding/login",
        "/api/v2/auth/signin",
        "/admin/login/",
    ):
        assert api.send(method, path, {}).status_code == 429


def test_an_address_is_told_where_it_stands_and_when_to_come_back(api):
    first = api.get("/api/products/")
    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("3", "2")
    assert 0 < int(first["X-RateLimit-Reset"]) - now().timestamp() <= 60
    spend(api, 2)
    refused = api.get("/api/products/", HTTP_ORIGIN="http://localhost:3000")
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["X-RateLimit-Remaining"] == "0"
    assert refused["Access-Control-Allow-Origin"] == "http://localhost:3000", "or a browser would hide the answer"


@pytest.mark.parametrize(
    "path", ["/api/accounts/me/", "/api/v1/onboarding/login", "/api/v2/auth/signin", "/campaigns/"]
)
def test_the_refusal_has_the_shape_of_its_contract(api, path):
    spend(api, 3)
    reply = api.get(path)
    assert reply.status_code == 429
    assert reply["Content-Type"] == "application/json"
    assert "Too many requests" in reply.content.decode()


def test_a_page_says_it_in_words(api):
    spend(api, 3)
    reply = api.get("/admin/login/")
    assert reply["Content-Type"].startswith("text/plain")
    assert int(reply["Retry-After"]) > 0


def test_addresses_are_counted_apart_and_ipv6_by_line(api):
    assert spend(api, 4) == [200, 200, 200, 429]
    assert spend(api, 1, **ELSEWHERE) == [200]
    assert spend(api, 3, REMOTE_ADDR="2001:db8:1:2::1") == [200] * 3
    assert spend(api, 1, REMOTE_ADDR="2001:db8:1:2::9") == [429]


def test_a_person_has_a_budget_of_their_own_wherever_they_are(sign_in):
    noor, sara = (User.objects.create_user(phone=f"+96650000000{last}") for last in (1, 2))
    phone, tablet = sign_in(noor), sign_in(noor)
    assert spend(phone, 3) + spend(tablet, 3, **ELSEWHERE) == [200] * 5 + [429]
    assert spend(sign_in(sara), 1) == [200]
    assert spend(Api(), 1) == [200], "nor does it cost the address anything"


def test_a_person_behind_a_busy_address_is_served(shopper, api):
    spend(api, 4)
    assert spend(shopper, 1) == [200]


@pytest.mark.parametrize("token", ["made-up", "", "a.b.c", "é"])
def test_a_made_up_token_is_no_way_around(token):
    assert spend(Api(token or " "), 4)[3] == 429


def test_a_token_that_was_forged_counts_by_address(settings):
    noor = User.objects.create_user(phone="+966500000001")
    forged = access_token(subject=noor.public_id, session=noor.public_id)[:-4] + "AAAA"
    assert [Api(forged).get("/api/products/").status_code for _ in range(4)][3] == 429


def test_probes_and_files_are_never_refused(api):
    spend(api, 4)
    assert {api.get(path).status_code for path in ("/health", "/health/live/", "/metrics")} == {200}
    page = api.get("/static/hanout/pages.css")
    assert page.status_code == 200
    page.close()
    assert (
        api.options(
            "/api/products/", HTTP_ORIGIN="http://localhost:3000", HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET"
        ).status_code
        == 200
    )


def test_a_door_that_says_more_is_heard(api, settings):
    settings.ENVIRONMENT = "staging"
    reply = api.send("POST", "/api/auth/login/", {"email": "a@shop.test", "password": "x"})
    assert reply["X-RateLimit-Limit"] == "5"


def test_without_limits_nothing_is_counted_or_said(api, settings, monkeypatch):
    settings.ANONYMOUS_CALLS_PER_MINUTE = settings.PERSON_CALLS_PER_MINUTE = 0
    monkeypatch.setattr(call_budget, "throttle", None)
    assert "X-RateLimit-Limit" not in api.get("/api/products/")


def test_one_of_the_limits_may_be_off(api, shopper, settings):
    settings.PERSON_CALLS_PER_MINUTE = 0
    assert spend(shopper, 8) == [200] * 8
    settings.PERSON_CALLS_PER_MINUTE, settings.ANONYMOUS_CALLS_PER_MINUTE = 2, 0
    assert spend(api, 8) == [200] * 8
    assert spend(shopper, 3)[2] == 429


def test_a_lost_cache_lets_everybody_in_and_is_not_asked_again_at_once(api, redis_server, settings, monkeypatch):
    settings.REDIS_URL = redis_server.url
    assert spend(api, 4)[3] == 429
    redis_server.stop()
    assert spend(api, 1) == [200]
    monkeypatch.setattr(call_budget, "throttle", None)  # asking would be an error
    assert spend(api, 5) == [200] * 5


def test_a_lost_database_leaves_the_count_by_address(api, monkeypatch):
    def lost(token):
        raise OperationalError

    monkeypatch.setattr(call_budget, "subject_of", lost)
    assert [Api("a.b.c").get("/api/products/").status_code for _ in range(4)][3] == 429


def test_it_costs_one_round_trip(api, redis_server, settings):
    settings.REDIS_URL = redis_server.url
    api.get("/api/schema/")
    before = commands(redis_server)
    api.get("/api/schema/")
    assert {name: count - before.get(name, 0) for name, count in commands(redis_server).items()} == {
        "incrby": 1, "expire": 1,
    }  # fmt: skip


def commands(server):
    with Redis.from_url(server.url) as client:
        kept = client.info("commandstats")
    counted = ("incr", "incrby", "expire", "get", "set")
    return {name: kept[f"cmdstat_{name}"]["calls"] for name in counted if f"cmdstat_{name}" in kept}


def test_the_settings_follow_the_environment():
    assert call_budgets(load()) == (600, 200)
    assert call_budgets(load(ANONYMOUS_CALLS_PER_MINUTE="60", PERSON_CALLS_PER_MINUTE="0")) == (60, 0)
    assert call_budgets(Env.load({}, environment=Environment.STAGING)) == (600, 200)
    assert call_budgets(Env.load({}, environment=Environment.DEVELOPMENT)) == (0, 0)


def test_a_deployment_without_a_trusted_proxy_is_told(settings):
    settings.CONSOLE_SECOND_FACTOR = True
    assert [found.id for found in check_console()] == ["console.W002"]
    settings.TRUSTED_PROXY_COUNT = 1
    assert check_console() == []
