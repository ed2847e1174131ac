"""S0's modes for testers: never without a code that was sent, never unseen, never in production."""

from datetime import timedelta

import pytest
import time_machine

from apps.accounts.models import AuditEvent, Code, Session, User
from core.clock import now
from tests.conftest import Api

SEND, VERIFY = "/api/accounts/otp/send/", "/api/accounts/otp/verify/"
PHONE, OTHER = "+966512345678", "+966512345679"
KEY = "a long random secret of the testers"
pytestmark = pytest.mark.django_db


@pytest.fixture
def staging(settings):
    settings.ENVIRONMENT, settings.IS_DEVELOPMENT = "staging", False
    settings.OTP_COOLDOWN_SECONDS = 0
    return settings


@pytest.fixture
def bypass(staging):
    staging.OTP_APP_BYPASS, staging.OTP_APP_BYPASS_ALLOWLIST = True, ["00966 51 234 5678"]
    return staging


@pytest.fixture
def test_mode(staging):
    staging.OTP_TEST_KEY, staging.OTP_TEST_CODE = KEY, ""
    return staging


def send(api, phone=PHONE, **headers):
    return api.send("POST", SEND, {"phone": phone}, headers=headers)


def verify(api, code, phone=PHONE, **headers):
    return api.send("POST", VERIFY, {"phone": phone, "code": code}, headers=headers)


def test_the_testers_walk_of_the_document(api, bypass):
    assert send(api).json() == {"ok": True}
    signed_in = verify(api, "1234").json()
    assert {"access", "refresh"} <= set(signed_in)
    assert Api(signed_in["access"]).send("GET", "/api/accounts/me/").json()["phone"] == PHONE


@pytest.mark.parametrize("code", ["1234", "123456"])
def test_each_bypass_is_in_the_audit_log_with_phone_and_address(api, bypass, code):
    send(api)
    assert verify(api, code).status_code == 200
    event = AuditEvent.objects.get(action="code_bypassed")
    assert (event.subject, event.address) == (PHONE, "127.0.0.1")


def nothing_moved():
    return not (User.objects.exists() or Session.objects.exists() or AuditEvent.objects.filter(action="code_bypassed"))


def test_the_bypass_is_for_the_phones_of_the_list(api, bypass):
    send(api, OTHER)
    assert verify(api, "1234", OTHER).status_code == 400
    assert nothing_moved()


def test_the_bypass_needs_a_code_that_was_sent(api, bypass):
    assert verify(api, "1234").json()["code"] == "code_rejected"
    assert nothing_moved()


def test_the_bypass_needs_a_code_that_is_still_valid(api, bypass):
    send(api)
    with time_machine.travel(now() + timedelta(seconds=bypass.OTP_TTL_SECONDS + 1)):
        assert verify(api, "1234").json()["code"] == "code_rejected"
    assert nothing_moved()


def test_the_bypass_spends_the_code(api, bypass):
    send(api)
    assert verify(api, "1234").status_code == 200
    assert verify(api, "1234").json()["code"] == "code_rejected"
    assert Session.objects.count() == 1


@pytest.mark.parametrize("code", ["12345", "123", "1234567", "12 34", "abcd", "١٢٣٤", "12３4", ""])
def test_the_bypass_takes_four_ascii_digits_or_as_many_as_a_code_has(api, bypass, code):
    send(api)
    assert verify(api, code).status_code == 400
    assert nothing_moved()


def test_without_a_list_the_bypass_is_for_all(api, bypass):
    bypass.OTP_APP_BYPASS_ALLOWLIST = []
    send(api, OTHER)
    assert verify(api, "1234", OTHER).status_code == 200


def test_the_bypass_is_behind_one_door_only(api, bypass):
    send(api)
    reply = api.send("POST", "/api/users/verify-otp/", {"phone": PHONE, "otp": "123456"})
    assert reply.status_code == 400
    assert nothing_moved()


def test_without_the_switch_there_is_no_bypass(api, bypass):
    send(api)
    bypass.OTP_APP_BYPASS = False
    assert verify(api, "1234").status_code == 400
    assert nothing_moved()


def test_the_header_shows_the_code(api, test_mode):
    code = send(api, **{"X-OTP-TEST-KEY": KEY}).json()["dev_code"]
    assert verify(api, code).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-OTP-TEST-KEY": ""}, {"X-OTP-TEST-KEY": KEY[:-1]}, {"X-Other": KEY}])
def test_without_the_header_no_code_is_shown(api, test_mode, headers):
    assert send(api, **headers).json() == {"ok": True}


def test_without_a_key_no_header_opens_anything(api, bypass):
    bypass.OTP_TEST_KEY = ""
    assert send(api, **{"X-OTP-TEST-KEY": ""}).json() == {"ok": True}


def test_the_header_has_the_name_that_was_set(api, test_mode):
    test_mode.OTP_TEST_HEADER = "X-QA"
    assert "dev_code" not in send(api, **{"X-OTP-TEST-KEY": KEY}).json()
    assert "dev_code" in send(api, **{"X-QA": KEY}).json()


def test_the_fixed_code_is_sent_to_who_shows_the_header_and_to_nobody_else(api, test_mode):
    test_mode.OTP_TEST_CODE = "0000"
    send(api, OTHER)
    assert verify(api, "0000", OTHER).status_code == 400
    assert send(api, **{"X-OTP-TEST-KEY": KEY}).json() == {"ok": True, "dev_code": "0000"}
    assert verify(api, "0000").status_code == 200


def test_the_fixed_code_signs_nobody_in_without_a_send(api, test_mode):
    test_mode.OTP_TEST_CODE = "0000"
    assert verify(api, "0000", **{"X-OTP-TEST-KEY": KEY}).status_code == 400
    assert not Code.objects.exists()
    assert nothing_moved()


def test_the_fixed_code_keeps_to_the_limits(api, test_mode):
    test_mode.OTP_TEST_CODE, test_mode.OTP_COOLDOWN_SECONDS = "0000", 60
    send(api, **{"X-OTP-TEST-KEY": KEY})
    assert send(api, **{"X-OTP-TEST-KEY": KEY}).status_code == 429
