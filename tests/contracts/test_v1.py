"""V1 is frozen: every recorded request is answered as it always was, byte for byte, ids and times apart."""

import time
from datetime import date
from pathlib import Path

import pytest

from apps.accounts.models import User
from core.clock import now
from tests.contracts.replay import Story, masked

pytestmark = pytest.mark.django_db
STORIES = sorted((Path(__file__).parent / "v1").glob("*.json"))


@pytest.fixture
def _a_customer():
    """Somebody who registered before the story begins."""
    User.objects.create_user(
        email="known@shop.test",
        password="a long enough phrase",
        claimed_phone="+966512340000",
        first_name="Known",
        email_verified_at=now(),
    )


@pytest.mark.usefixtures("_a_customer")
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_recorded_request_is_answered_as_it_was(path):
    story = Story(path)
    for pair in story.pairs:
        status, answer = story.ask(pair)
        assert (status, masked(answer)) == (pair["status"], pair["answer"]), pair["request"]


def test_every_address_of_v1_has_a_recorded_success_and_a_recorded_refusal():
    recorded = {}
    for path in STORIES:
        for pair in Story(path).pairs:
            recorded.setdefault(pair["request"], set()).add(pair["status"] < 300)
    paths = ("register/initiate", "register/verify-otp", "register/complete", "register/email/activation", "login",
             "request-otp", "verify-otp", "reset-password", "device-fcm-token")  # fmt: skip
    assert recorded == {f"POST /api/v1/onboarding/{path}": {True, False} for path in paths}


def test_v1_says_when_it_goes_once_that_is_decided(api, settings):
    path = "/api/v1/onboarding/login"
    reply = api.send("POST", path, {})
    assert "Deprecation" not in reply
    settings.V1_DEPRECATED_ON, settings.V1_SUNSET_ON = date(2027, 1, 31), date(2027, 12, 31)
    reply = api.send("POST", path, {})
    assert reply["Deprecation"] == "@1801353600"
    assert reply["Sunset"] == "Fri, 31 Dec 2027 00:00:00 GMT"
    assert "Sunset" not in api.send("POST", "/api/v2/auth/signin", {})


def test_v1_shows_where_a_caller_stands(api, settings):
    settings.ENVIRONMENT = "staging"
    path, body = "/api/v1/onboarding/verify-otp", {"email": "nobody@shop.test", "otp": "123456"}
    replies = [api.send("POST", path, body) for _ in range(11)]
    assert [reply["X-RateLimit-Remaining"] for reply in replies[:3]] == ["9", "8", "7"]
    last = replies[-1]
    assert (last.status_code, last["X-RateLimit-Limit"], last["X-RateLimit-Remaining"]) == (429, "10", "0")
    assert int(last["X-RateLimit-Reset"]) > time.time()
