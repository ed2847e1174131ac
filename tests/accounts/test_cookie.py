"""S4: signing in with a form, and the refresh token as a cookie that no other site can use."""

from datetime import timedelta

import pytest
import time_machine

from apps.accounts.models import Session, User
from config.api import contract_schema, s4
from core.clock import now
from tests.conftest import Api

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough phrase"
FORM = {"username": "Ana@acme.test", "password": PASSWORD}
FRONT, OWN, EVIL = "http://localhost:5173", "http://testserver", "https://evil.test"
HOST_COOKIE = "__Host-refresh_token"
DOORS = ["token", "refresh", "logout"]


@pytest.fixture(autouse=True)
def ana():
    return User.objects.create_user(email="ana@acme.test", password=PASSWORD)


@pytest.fixture
def browser(api):
    """Somebody who signed in."""
    assert sign_in(api).status_code == 200
    return api


def sign_in(api, form=None, **headers):
    return api.post("/auth/token", form or FORM, **headers)


def test_the_form_answers_with_a_token_and_a_cookie(api):
    reply = sign_in(api)
    assert (reply.status_code, set(reply.json()), reply.json()["token_type"]) == (
        200,
        {"access_token", "token_type"},
        "bearer",
    )
    assert reply["Cache-Control"] == "no-store"
    assert Api(reply.json()["access_token"]).get("/auth/me").json()["email"] == "ana@acme.test"
    cookie = reply.cookies["refresh_token"]
    assert (cookie["httponly"], cookie["path"], cookie["domain"], cookie["samesite"]) == (True, "/", "", "Lax")
    assert not cookie["secure"]
    assert abs(cookie["max-age"] - 30 * 86_400) <= 5


@pytest.mark.parametrize(
    ("fronts", "same_site"),
    [
        (["https://app.example"], "None"),
        (["https://testserver", "https://www.testserver"], "Lax"),
        (["https://www.testserver", "https://app.example"], "None"),
        ([], "Lax"),
    ],
)
def test_outside_development_the_cookie_belongs_to_this_host_alone(api, settings, fronts, same_site):
    settings.IS_DEVELOPMENT, settings.CORS_ALLOWED_ORIGINS = False, fronts
    reply = sign_in(api, secure=True)
    assert set(reply.cookies) == {HOST_COOKIE}
    cookie = reply.cookies[HOST_COOKIE]
    assert (cookie["secure"], cookie["httponly"], cookie["path"], cookie["domain"]) == (True, True, "/", "")
    assert cookie["samesite"] == same_site
    gone = api.post("/auth/logout", secure=True).cookies[HOST_COOKIE]
    assert (gone["secure"], gone["max-age"], gone["path"]) == (True, 0, "/")


def test_a_neighbour_cannot_plant_the_plain_cookie(browser, settings):
    settings.IS_DEVELOPMENT = False
    assert browser.post("/auth/refresh", secure=True).status_code == 401


@pytest.mark.parametrize("form", [FORM | {"password": "wrong"}, FORM | {"username": "nobody@acme.test"}])
def test_a_wrong_pair_is_refused_in_the_documents_words(api, form):
    reply = sign_in(api, form)
    assert (reply.status_code, reply.json()["detail"]) == (401, "Incorrect username or password")
    assert not reply.cookies
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"username": "ana@acme.test"},
        {"password": PASSWORD},
        FORM | {"username": ""},
        FORM | {"password": ""},
        FORM | {"username": "x" * 255},
        FORM | {"password": "x" * 129},
        FORM | {"password": "x" * 900_000},
        FORM | {"username": "ana@acme.test\0"},
        FORM | {"password": PASSWORD + "\0"},
    ],
)
def test_a_form_that_cannot_be_right_is_refused_before_anything_is_hashed(api, form, monkeypatch):
    monkeypatch.setattr(User, "check_password", lambda *_: pytest.fail("hashed"))
    reply = api.post(
        "/auth/token",
        "&".join(f"{k}={v}".replace("\0", "%00") for k, v in form.items()),
        "application/x-www-form-urlencoded",
    )
    assert reply.status_code == 422
    assert {"detail", "code", "errors"} <= set(reply.json())
    assert not Session.objects.exists()


def test_a_form_of_a_megabyte_is_not_read(api):
    body = f"username=ana@acme.test&password={'x' * 2**20}"
    assert api.post("/auth/token", body, "application/x-www-form-urlencoded").status_code == 413


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("%ff=%fe&username=%ed%a0%80", "application/x-www-form-urlencoded"),
        ("😀=😀", "application/x-www-form-urlencoded; charset=utf-7"),
        ("&".join(f"a{n}=1" for n in range(2000)), "application/x-www-form-urlencoded"),
        ("--x\r\nbroken", "multipart/form-data; boundary=x"),
        ("", "multipart/form-data"),
        ('{"username": "ana@acme.test", "password": "a long enough phrase"}', "application/json"),
    ],
)
def test_a_body_that_is_no_form_is_refused(api, body, kind):
    assert api.generic("POST", "/auth/token", body, content_type=kind).status_code in {400, 422}


def test_the_form_has_the_limits_of_every_door(api, settings):
    for _ in range(10):
        sign_in(api, FORM | {"password": "wrong"})
    assert (sign_in(api).status_code, Session.objects.count()) == (429, 0)
    settings.ENVIRONMENT = "staging"
    replies = [sign_in(api, FORM | {"username": f"a{number}@b.test"}).status_code for number in range(6)]
    assert replies == [401] * 5 + [429]


def test_somebody_whose_account_is_closed_does_not_get_in(api, ana):
    User.objects.update(is_active=False)
    assert sign_in(api).status_code == 401


def test_the_cookie_is_renewed_and_the_old_ones_end_the_session(browser):
    first = browser.cookies["refresh_token"].value
    replies = [browser.post("/auth/refresh") for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert len({first, *(reply.cookies["refresh_token"].value for reply in replies)}) == 3
    assert Api(replies[1].json()["access_token"]).get("/auth/me").status_code == 200
    browser.cookies["refresh_token"] = first
    assert browser.post("/auth/refresh").status_code == 401
    assert Session.objects.get().end_reason == "reused_token"


def test_the_cookie_lives_no_longer_than_its_session(browser):
    with time_machine.travel(now() + timedelta(days=10), tick=True):
        left = browser.post("/auth/refresh").cookies["refresh_token"]["max-age"]
    assert abs(left - 20 * 86_400) <= 5


@pytest.mark.parametrize("value", ["", "x", "hr1.x.y", "ð\x9f\x98\x80", "x" * 4000, "hr1." + "A" * 27 + ".x"])
def test_a_cookie_that_opens_nothing_is_refused_and_can_be_cleared(api, value):
    api.cookies["refresh_token"] = value
    reply = api.post("/auth/refresh")
    assert (reply.status_code, reply.json()["detail"]) == (401, "Could not validate credentials")
    assert api.post("/auth/logout").json() == {"ok": True}


def test_signing_out_ends_the_session_and_clears_the_cookie(browser):
    access = browser.post("/auth/refresh").json()["access_token"]
    reply = browser.post("/auth/logout")
    assert (reply.status_code, reply.json()) == (200, {"ok": True})
    assert reply.cookies["refresh_token"]["max-age"] == 0
    assert Session.objects.get().end_reason == "signed_out"
    assert Api(access).get("/auth/me").status_code == 401
    assert browser.post("/auth/refresh").status_code == 401
    assert Api().post("/auth/logout").json() == {"ok": True}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": EVIL},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": ""},
        {"HTTP_ORIGIN": "https://testserver"},  # our host, but not how it was reached
        {"HTTP_ORIGIN": "http://testserver.evil.test"},
        {"HTTP_ORIGIN": "http://localhost:51730"},
        {"HTTP_ORIGIN": "https://.shop.test"},
        {"HTTP_ORIGIN": "http://a.shop.test"},
        {"HTTP_ORIGIN": "https://evilshop.test"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_ORIGIN": EVIL, "HTTP_SEC_FETCH_SITE": "same-origin"},
    ],
)
def test_a_page_of_another_site_uses_nobodys_cookie(browser, settings, door, headers):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.shop.test"]
    before = list(Session.objects.values())
    reply = browser.post(f"/auth/{door}", FORM if door == "token" else None, **headers)
    assert (reply.status_code, reply.json()["code"]) == (403, "foreign_origin")
    assert not reply.cookies
    assert list(Session.objects.values()) == before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_ORIGIN": FRONT, "HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_ORIGIN": OWN},
        {"HTTP_ORIGIN": "https://console.test"},
        {"HTTP_ORIGIN": "https://a.shop.test"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "none"},
    ],
)
def test_our_own_pages_and_programs_use_theirs(browser, settings, door, headers):
    settings.CSRF_TRUSTED_ORIGINS = ["https://console.test", "https://*.shop.test"]
    reply = browser.post(f"/auth/{door}", FORM if door == "token" else None, **headers)
    assert reply.status_code == 200


def test_a_listed_front_end_may_read_the_answer(browser):
    reply = browser.post("/auth/refresh", HTTP_ORIGIN=FRONT)
    assert reply["Access-Control-Allow-Origin"] == FRONT
    assert reply["Access-Control-Allow-Credentials"] == "true"


def test_a_listed_front_end_may_send_an_idempotency_key_and_see_a_repetition(browser):
    asked = {"HTTP_ORIGIN": FRONT, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
    allowed = browser.options("/auth/refresh", HTTP_ACCESS_CONTROL_REQUEST_HEADERS="idempotency-key", **asked)
    assert {"idempotency-key", "authorization"} <= set(allowed["Access-Control-Allow-Headers"].split(", "))
    reply = browser.post("/auth/refresh", HTTP_ORIGIN=FRONT)
    assert "Idempotency-Replayed" in reply["Access-Control-Expose-Headers"]


def test_the_cookie_opens_nothing_but_its_two_doors(browser):
    for path in ("/auth/me", "/campaigns/", "/auth/company/members"):
        assert browser.get(path).status_code == 401


def test_the_document_shows_a_form():
    body = contract_schema(s4)["paths"]["/auth/token"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/x-www-form-urlencoded"}
