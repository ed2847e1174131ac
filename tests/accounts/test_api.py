import json

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import Code, Session, User
from tests.conftest import Api, last_code

PHONE = "+966512345678"
pytestmark = pytest.mark.django_db


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_s0_walks_from_phone_to_profile(api):
    assert api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE}).json() == {"ok": True}
    reply = api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": last_code(PHONE)})
    body = reply.json()
    assert reply.status_code == 200
    assert (body["ok"], body["is_new_user"], body["role_state"], body["needs_completion"]) == (
        True,
        True,
        "phone_only",
        True,
    )
    me = Api(body["access"]).send("GET", "/api/accounts/me/").json()
    assert (me["id"], me["phone"], me["has_provider_profile"]) == (body["user_id"], PHONE, False)


def test_the_answer_to_send_is_the_same_for_known_and_unknown_phones(api):
    User.objects.create_user(phone=PHONE)
    known = api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    unknown = api.send("POST", "/api/accounts/otp/send/", {"phone": "+966500000009"})
    assert known.content == unknown.content
    assert known.status_code == unknown.status_code == 200


def test_s3_shows_the_code_in_development_only(api, settings):
    settings.DEBUG = True
    body = api.send("POST", "/api/users/send-otp/", {"phone": "+801719159900"}).json()
    assert body["otp"] == last_code("+801719159900")
    assert (body["phone"], body["expires_in_seconds"]) == ("+801719159900", 120)


def test_s3_without_debug_has_no_otp_key(api):
    body = api.send("POST", "/api/users/send-otp/", {"phone": PHONE}).json()
    assert body == {
        "success": True,
        "phone": PHONE,
        "message": "OTP sent to your phone number",
        "expires_in_seconds": 120,
    }


def test_s3_registers_then_logs_in(api, settings):
    settings.OTP_COOLDOWN_SECONDS = 0
    seen = []
    for _ in range(2):
        api.send("POST", "/api/users/send-otp/", {"phone": PHONE})
        body = {"phone": PHONE, "otp": last_code(PHONE), "first_name": "Layla"}
        seen.append(api.send("POST", "/api/users/verify-otp/", body).json())
    assert [(reply["message"], reply["created"]) for reply in seen] == [
        ("Registration successful", True),
        ("Login successful", False),
    ]
    assert seen[1]["user"]["full_name"] == "Layla"
    assert seen[1]["user"]["is_verified"] is True
    assert set(seen[1]["tokens"]) == {"access", "refresh"}


def test_a_code_verifies_the_phone_of_somebody_who_was_there_before(api):
    User.objects.create_user(phone=PHONE)
    api.send("POST", "/api/users/send-otp/", {"phone": PHONE})
    body = api.send("POST", "/api/users/verify-otp/", {"phone": PHONE, "otp": last_code(PHONE)}).json()
    assert body["user"]["is_verified"] is True
    assert User.objects.get().role_state == "phone_only"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_site_cannot_send_texts_through_its_visitors(api, kind):
    reply = api.generic(
        "POST", "/api/users/send-otp/", json.dumps({"phone": PHONE}), content_type=kind, HTTP_ORIGIN="https://evil.test"
    )
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_media_type")
    assert not Code.objects.exists()


def test_a_wrong_code_is_400_in_both_shapes_and_opens_nothing(api):
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    bad = wrong(last_code(PHONE))
    s0 = api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": bad})
    s3 = api.send("POST", "/api/users/verify-otp/", {"phone": PHONE, "otp": bad})
    assert (s0.status_code, s0.json()["code"]) == (400, "code_rejected")
    assert (s3.status_code, s3.json()["otp"]) == (400, [s3.json()["detail"]])
    assert not Session.objects.exists()
    assert not User.objects.exists()


def test_the_cooldown_is_429_with_retry_after(api):
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    again = api.send("POST", "/api/users/send-otp/", {"phone": "00966512345678"})
    assert again.status_code == 429
    assert 0 < int(again["Retry-After"]) <= 61
    assert Code.objects.count() == 1


def test_a_text_that_cannot_be_sent_is_503(api, settings):
    settings.IS_DEVELOPMENT = False
    reply = api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    assert (reply.status_code, reply.json()["code"]) == (503, "text_not_sent")


def test_an_inactive_account_gets_no_session(api):
    User.objects.create_user(phone=PHONE, is_active=False)
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    reply = api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": last_code(PHONE)})
    assert (reply.status_code, reply.json()["code"]) == (403, "account_inactive")
    assert not Session.objects.exists()


def test_the_operator_signs_in_with_a_password(api, operator):
    reply = api.send("POST", "/api/auth/login/", {"email": " Operator@Shop.Test", "password": "a long enough phrase"})
    assert reply.status_code == 200
    assert reply.json()["user"]["email"] == "operator@shop.test"
    assert Api(reply.json()["access"]).send("GET", "/api/auth/users/me/").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"), [("operator@shop.test", "wrong"), ("nobody@shop.test", "a long enough phrase")]
)
def test_a_wrong_password_and_an_unknown_email_look_alike(api, operator, email, password):
    reply = api.send("POST", "/api/auth/login/", {"email": email, "password": password})
    assert reply.status_code == 401
    assert reply.json()["code"] == "invalid_credentials"
    assert not Session.objects.exists()


def test_ten_passwords_in_a_row_are_enough(api, operator):
    for _ in range(10):
        api.send("POST", "/api/auth/login/", {"email": "operator@shop.test", "password": "wrong"})
    reply = api.send("POST", "/api/auth/login/", {"email": "operator@shop.test", "password": "a long enough phrase"})
    assert reply.status_code == 429
    assert not Session.objects.exists()


def test_outside_development_an_address_knocks_five_times_a_minute(api, settings):
    settings.ENVIRONMENT = "staging"
    replies = [api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": "000000"}) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [400] * 5 + [429]


@pytest.mark.parametrize(
    ("path", "limit", "body"),
    [
        ("/api/auth/login/", 5, {"email": "a@shop.test", "password": "x"}),
        ("/api/accounts/token/refresh/", 60, {"refresh": "hr1.x.y"}),
    ],
)
def test_outside_development_each_door_has_its_limit_per_address(api, settings, path, limit, body):
    settings.ENVIRONMENT = "staging"
    replies = [api.send("POST", path, body).status_code for _ in range(limit + 1)]
    assert replies == [401] * limit + [429]


def test_send_and_verify_share_one_count_per_address(api, settings):
    settings.ENVIRONMENT, settings.OTP_COOLDOWN_SECONDS = "staging", 0
    paths = ["/api/accounts/otp/send/", "/api/users/verify-otp/"] * 3
    replies = [api.send("POST", path, {"phone": PHONE, "otp": "000000"}).status_code for path in paths]
    assert replies[-1] == 429
    assert 429 not in replies[:-1]


def test_probes_are_never_limited(api, settings):
    settings.ENVIRONMENT = "staging"
    assert {api.get("/health/live/").status_code for _ in range(100)} == {200}


def test_a_phone_and_an_email_belong_to_one_account():
    User.objects.create_user(phone=PHONE, email="layla@shop.test")
    for clash in ({"phone": PHONE}, {"email": "Layla@Shop.Test"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(**clash)
    assert User.objects.count() == 1


def test_a_spoofed_forwarded_address_does_not_change_the_limit(api, settings):
    settings.ENVIRONMENT = "staging"
    replies = [
        api.send(
            "POST",
            "/api/accounts/otp/verify/",
            {"phone": PHONE, "code": "000000"},
            HTTP_X_FORWARDED_FOR=f"198.51.100.{n}",
        )
        for n in range(6)
    ]
    assert replies[-1].status_code == 429


@pytest.mark.parametrize(
    "path", ["/api/accounts/token/refresh/", "/api/users/token/refresh/", "/api/auth/token/refresh/"]
)
def test_every_contract_refreshes(api, sign_in, path):
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    tokens = api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": last_code(PHONE)}).json()
    renewed = api.send("POST", path, {"refresh": tokens["refresh"]})
    assert Api(renewed.json()["access"]).send("GET", "/api/accounts/me/").status_code == 200


@pytest.mark.parametrize("path", ["/api/accounts/logout/", "/api/users/logout/"])
def test_signing_out_ends_the_access_token_at_once(shopper, path):
    assert shopper.send("POST", path).status_code == 200
    reply = shopper.send("GET", "/api/accounts/me/")
    assert (reply.status_code, reply.json()["code"]) == (401, "token_rejected")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic abc", "Bearer a.b.c", "bearer " + "x" * 5000])
def test_without_a_token_there_is_no_profile(db, header):
    reply = Api(HTTP_AUTHORIZATION=header).send("GET", "/api/accounts/me/")
    assert reply.status_code == 401
    assert reply["WWW-Authenticate"] == "Bearer"


def test_the_inbox_is_a_development_page(api, settings):
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    assert last_code(PHONE) in api.get("/inbox/").content.decode()
    settings.IS_DEVELOPMENT = False
    assert api.get("/inbox/").status_code == 404
