"""Generated requests against every OpenAPI document: whatever is sent, nothing answers 500."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
from config.api import MOUNTED

schemas = {
    api.urls_namespace: schemathesis.openapi.from_wsgi(f"/api/schema/{api.urls_namespace}/", get_wsgi_application())
    for _, api in MOUNTED
}
BOUNDED = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def one_connection(db):
    """A served request closes its connection when done; here that is the test's own, with its transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def bearer(one_connection):
    user = User.objects.create_superuser(email="fuzz@shop.test", password="a long enough phrase", phone="+966512345678")
    return {"Authorization": f"Bearer {start_session(user=user, caller=Caller('127.0.0.1', 'fuzz')).access}"}


def answers_as_documented(case, headers):
    """Never 500, and every answer, refusals too, is what the document says."""
    response = case.call(headers=headers)
    is_not_built = response.status_code == 501  # V2's OAuth, in its document's own words
    assert response.status_code < 500 or is_not_built, (case.formatted_path, response.text[:500])
    case.validate_response(response, checks=[response_schema_conformance, content_type_conformance])


@schemas["accounts"].parametrize()
@BOUNDED
def test_phone_sign_in_never_fails(case, bearer):
    answers_as_documented(case, bearer)


@schemas["users"].parametrize()
@BOUNDED
def test_one_time_passwords_never_fail(case, bearer):
    answers_as_documented(case, bearer)


@schemas["shop"].parametrize()
@BOUNDED
def test_the_shop_never_fails(case, bearer):
    answers_as_documented(case, bearer)


@schemas["campaigns"].parametrize()
@BOUNDED
def test_campaigns_never_fail(case, bearer):
    answers_as_documented(case, bearer)


@schemas["v1"].parametrize()
@BOUNDED
def test_web_onboarding_never_fails(case, bearer):
    answers_as_documented(case, bearer)


@schemas["v2"].parametrize()
@BOUNDED
def test_mobile_sign_in_never_fails(case, bearer):
    answers_as_documented(case, bearer)
