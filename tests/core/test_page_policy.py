"""What browsers are told they may do."""

import pytest
from django.http import HttpResponse

from core.middleware.page_policy import PagePolicyMiddleware

pytestmark = pytest.mark.django_db


def policy(reply):
    return dict(part.split(" ", 1) for part in reply["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize("path", ["/", "/shop/", "/inbox/", "/api/docs/"])
def test_a_page_runs_nothing_inline_and_nothing_from_elsewhere(api, path):
    reply = api.get(path, HTTP_ACCEPT="text/html")
    allowed = policy(reply)
    assert allowed["default-src"] == "'none'"
    assert allowed["frame-ancestors"] == "'none'"
    assert {allowed["script-src"], allowed["style-src"], allowed["connect-src"]} == {"'self'"}
    assert "unsafe" not in reply["Content-Security-Policy"]
    assert "camera=()" in reply["Permissions-Policy"]
    assert (reply["X-Frame-Options"], reply["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert reply["Referrer-Policy"] == "same-origin"


def test_the_console_alone_may_style_inline_and_evaluate_and_loads_nothing_from_elsewhere(api):
    allowed = policy(api.get("/admin/login/"))
    assert (allowed["script-src"], allowed["style-src"]) == ("'self' 'unsafe-eval'", "'self' 'unsafe-inline'")
    assert allowed["connect-src"] == "'self'"


@pytest.mark.parametrize("path", ["/api/products/", "/api/nothing/", "/health/live/", "/campaigns/"])
def test_data_may_do_nothing_at_all(api, path):
    assert api.get(path)["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_pictures_may_come_from_the_bucket_that_was_named(rf, settings):
    settings.PICTURE_ORIGIN = "https://cdn.shop.test"
    reply = PagePolicyMiddleware(lambda _: HttpResponse("<p>"))(rf.get("/shop/"))
    assert policy(reply)["img-src"] == "'self' data: https://cdn.shop.test"
