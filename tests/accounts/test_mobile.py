"""V2: signing up and in, passcode and PIN, sessions."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from apps.accounts.callers import Caller
from apps.accounts.models import AuditEvent, Lockout, Session, User
from apps.accounts.services import PASSCODE, PIN, set_up_secret, start_session
from core.clock import now
from core.outbox import run_due_jobs
from tests.conftest import Api, last_code
from tests.races import race

V2 = "/api/v2/auth/"
PASSWORD = "a long enough phrase"
PASSCODE_, PIN_ = "836251", "8362"
SIGN_UP = {
    "email": "Nora@Shop.Test",
    "password": PASSWORD,
    "password_confirmation": PASSWORD,
    "first_name": "Nora",
    "last_name": "Haddad",
    "phone": "00966512345678",
    "device_id": "phone-1",
    "device_name": "Nora's phone",
    "device_type": "ios",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def nora(db):
    return User.objects.create_user(email="nora@shop.test", password=PASSWORD, email_verified_at=now())


@pytest.fixture
def secured(nora):
    """Somebody with passcode and PIN, seen in one network before."""
    caller = Caller("203.0.113.9")
    set_up_secret(user=nora, kind=PASSCODE, value=PASSCODE_, caller=caller)
    set_up_secret(user=nora, kind=PIN, value=PIN_, caller=caller)
    nora.refresh_from_db()
    return nora


@pytest.fixture
def app(secured):
    return Api(start_session(user=secured, caller=Caller("203.0.113.9", "app", device_id="phone-1")).access)


def sign_in(api, address="127.0.0.1", **secret):
    return api.send("POST", f"{V2}signin", {"email": "nora@shop.test", **secret}, REMOTE_ADDR=address)


def test_signing_up_makes_an_account_and_a_session_with_all_five_token_keys(api):
    reply = api.send("POST", f"{V2}signup", SIGN_UP)
    assert reply.status_code == 200
    data = reply.json()["data"]
    tokens = data["tokens"]
    assert set(tokens) == {"access", "refresh", "access_token", "refresh_token", "expires_in"}
    assert (tokens["access"], tokens["refresh"]) == (tokens["access_token"], tokens["refresh_token"])
    assert tokens["expires_in"] == 3600
    assert data["user"]["phone"] == "+966512345678"
    assert (data["user"]["is_verified"], data["user"]["verification_status"]) == (False, "pending")
    assert Session.objects.get().device_name == "Nora's phone"
    assert User.objects.get().phone is None  # a claim until it is proved
    run_due_jobs()
    assert "nora@shop.test" in mail.outbox[0].to


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password_confirmation": "another phrase"}, "password_confirmation"),
        ({"password": "12345678", "password_confirmation": "12345678"}, "password"),
        ({"email": "none"}, "email"),
        ({"first_name": ""}, "first_name"),
        ({"device_type": "fridge"}, "device_type"),
    ],
)
def test_a_form_that_is_wrong_names_the_field(api, change, field):
    reply = api.send("POST", f"{V2}signup", {**SIGN_UP, **change})
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert field in reply.json()["errors"]
    assert not User.objects.exists()


def test_an_email_signs_up_once_in_any_letter_case(api):
    api.send("POST", f"{V2}signup", SIGN_UP)
    again = api.send("POST", f"{V2}signup", {**SIGN_UP, "email": "nora@shop.test", "phone": "+966512345679"})
    assert (again.status_code, again.json()["code"]) == (400, "ALREADY_REGISTERED")
    assert User.objects.count() == 1


def test_password_and_passcode_both_sign_in(api, secured):
    for secret in ({"password": PASSWORD}, {"passcode": PASSCODE_}):
        reply = sign_in(api, **secret)
        assert reply.status_code == 200, secret
        assert reply.json()["data"]["user"]["has_passcode"] is True


@pytest.mark.parametrize("secret", [{}, {"password": PASSWORD, "passcode": PASSCODE_}])
def test_exactly_one_secret_is_sent(api, secured, secret):
    assert sign_in(api, **secret).status_code == 422


@pytest.mark.parametrize("email", ["nora@shop.test", "nobody@shop.test"])
@pytest.mark.parametrize("secret", [{"password": "wrong"}, {"passcode": "000001"}])
def test_wrong_secret_and_unknown_email_look_alike(api, nora, email, secret):
    """Nora has no passcode: that looks like a wrong one too."""
    reply = api.send("POST", f"{V2}signin", {"email": email, **secret})
    body = reply.json()
    assert (reply.status_code, body["code"]) == (401, "AUTH_INVALID_CREDENTIALS")
    assert body["message"] == "No active account fits this email and password."
    assert not Session.objects.exists()


def test_a_refresh_answers_under_every_name_and_takes_either(api, nora):
    first = sign_in(api, password=PASSWORD).json()["data"]["tokens"]
    second = api.send("POST", f"{V2}refresh", {"refresh_token": first["refresh"]}).json()
    third = api.send("POST", f"{V2}refresh", {"refresh": second["refresh_token"]})
    assert third.status_code == 200
    assert third.json()["access"] == third.json()["access_token"]
    refused = api.send("POST", f"{V2}refresh", {"refresh": first["access"]})
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_TOKEN_INVALID")


def test_an_expired_access_token_says_so(api, nora):
    access = sign_in(api, password=PASSWORD).json()["data"]["tokens"]["access"]
    with time_machine.travel(now() + timedelta(hours=2)):
        reply = Api(access).send("GET", f"{V2}pin/status")
    assert (reply.status_code, reply.json()["code"]) == (401, "AUTH_TOKEN_EXPIRED")


@pytest.mark.parametrize("provider", ["google", "apple"])
def test_oauth_says_it_is_not_there_yet(api, provider):
    reply = api.send("POST", f"{V2}oauth/{provider}", {"id_token": "x"})
    assert (reply.status_code, reply.json()["success"]) == (501, False)
    assert reply.json()["endpoint"] == f"{V2}oauth/{provider}"


def test_logout_ends_the_session_of_a_token_a_device_or_all(api, nora):
    def devices():
        return set(Session.objects.filter(ended_at=None).values_list("device_id", flat=True))

    tokens = {name: start_session(user=nora, caller=Caller(device_id=name)) for name in ("one", "two", "three", "four")}
    app = Api(tokens["four"].access)
    assert app.send("POST", f"{V2}logout", {"refresh_token": tokens["one"].refresh}).status_code == 200
    assert devices() == {"two", "three", "four"}
    assert app.send("POST", f"{V2}logout", {"device_id": "two"}).status_code == 200
    assert devices() == {"three", "four"}
    assert app.send("POST", f"{V2}logout", {}).status_code == 200
    assert devices() == set()
    assert app.send("GET", f"{V2}pin/status").status_code == 401


def test_nobody_logs_somebody_else_out(nora, shopper):
    mine = start_session(user=nora, caller=Caller(device_id="phone-1"))
    assert shopper.send("POST", f"{V2}logout", {"refresh_token": mine.refresh}).status_code == 404
    assert shopper.send("DELETE", f"/api/v2/profile/sessions/{mine.session.pk}").status_code == 404
    shopper.send("POST", f"{V2}logout", {"device_id": "phone-1"})
    assert Session.objects.get(pk=mine.session.pk).ended_at is None


def test_sessions_are_listed_and_ended_one_or_all(app, secured):
    other = start_session(user=secured, caller=Caller("198.51.100.4", "tablet", device_id="tablet"))
    third = start_session(user=secured, caller=Caller())
    listed = app.send("GET", "/api/v2/profile/sessions").json()["data"]
    assert (listed["total_sessions"], listed["active_sessions"]) == (3, 3)
    assert [row["device_id"] for row in listed["sessions"] if row["is_current"]] == ["phone-1"]
    assert app.send("DELETE", f"/api/v2/profile/sessions/{other.session.pk}").status_code == 200
    ended = app.send("DELETE", "/api/v2/profile/sessions/all").json()["data"]
    assert ended == {"sessions_terminated": 1, "remaining_sessions": 1}
    for gone in (other, third):
        assert Api(gone.access).send("GET", f"{V2}pin/status").status_code == 401
    assert app.send("GET", f"{V2}pin/status").status_code == 200


@pytest.mark.parametrize("session", ["x", "00000000-0000-4000-8000-000000000000", "1"])
def test_a_session_that_is_none_is_4xx(app, session):
    assert 400 <= app.send("DELETE", f"/api/v2/profile/sessions/{session}").status_code < 500
    assert Session.objects.filter(ended_at=None).count() == 1


WEAK_PASSCODES = [
    "12345",
    "1234567",
    "123456",
    "654321",
    "111111",
    "121212",
    "abcdef",
    "١٢٣٤٥٧",
    "83 251",
    "🔑🔑🔑🔑🔑🔑",
]
WEAK_PINS = ["123", "1234567", "1234", "4321", "0000", "1212", "abcd", "2580", "٨٣٦٢"]


@pytest.mark.parametrize(
    ("kind", "value"), [*(("passcode", v) for v in WEAK_PASSCODES), *(("pin", v) for v in WEAK_PINS)]
)
def test_what_is_easy_to_guess_is_refused(sign_in, nora, kind, value, request):
    app = Api(start_session(user=nora, caller=Caller()).access)
    reply = app.send("POST", f"{V2}{kind}/setup", {kind: value, f"{kind}_confirmation": value})
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    nora.refresh_from_db()
    assert getattr(nora, kind) == ""


@pytest.mark.parametrize(
    ("kind", "value"), [("passcode", PASSCODE_), ("pin", "83625"), ("pin", "8362"), ("pin", "836251")]
)
def test_a_secret_is_set_once_and_never_overwritten(nora, kind, value):
    app = Api(start_session(user=nora, caller=Caller()).access)
    body = {kind: value, f"{kind}_confirmation": value}
    assert app.send("POST", f"{V2}{kind}/setup", body).json()["data"] == {f"has_{kind}": True}
    nora.refresh_from_db()
    kept = getattr(nora, kind)
    assert value not in kept
    other = "947135" if kind == "passcode" else "9471"
    again = app.send("POST", f"{V2}{kind}/setup", {kind: other, f"{kind}_confirmation": other})
    assert (again.status_code, again.json()["code"]) == (400, "ALREADY_SET")
    nora.refresh_from_db()
    assert getattr(nora, kind) == kept


@pytest.mark.django_db(transaction=True)
def test_two_setups_at_once_set_one(nora):
    app = Api(start_session(user=nora, caller=Caller()).access)
    values = [f"8{number}6259" for number in range(10)]
    replies = race(
        lambda n: app.send("POST", f"{V2}passcode/setup", {"passcode": values[n], "passcode_confirmation": values[n]}),
        threads=10,
    )
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 9


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("old", ["old", "current"])
@pytest.mark.parametrize(("kind", "becomes"), [("passcode", "947135"), ("pin", "9471")])
def test_a_change_is_understood_in_every_spelling(app, secured, method, old, kind, becomes):
    is_ = PASSCODE_ if kind == "passcode" else PIN_
    other = start_session(user=secured, caller=Caller("198.51.100.4"))
    body = {f"{old}_{kind}": is_, f"new_{kind}": becomes, f"new_{kind}_confirmation": becomes}
    reply = app.send(method, f"{V2}{kind}/change", body)
    assert reply.status_code == 200, reply.content
    data = reply.json()["data"]
    assert (data["is_restricted"], data["restriction_applied"], data["restricted_limit"]) == (True, True, 1_000_000)
    assert data["restricted_until"]
    assert data[f"has_{kind}"] is True
    assert app.send("POST", f"{V2}{kind}/verify", {kind: becomes}).json()["data"]["verified"] is True
    assert Api(other.access).send("GET", f"{V2}pin/status").status_code == 401
    run_due_jobs()
    assert any(secured.email in sent.to for sent in mail.outbox)
    assert AuditEvent.objects.filter(action=f"{kind}_changed", details__first=False).count() == 1


def change(current, new, again):
    return {"current_passcode": current, "new_passcode": new, "new_passcode_confirmation": again}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (change("000001", "947135", "947135"), 400, "PASSCODE_INVALID"),
        (change(PASSCODE_, PASSCODE_, PASSCODE_), 422, "VALIDATION_ERROR"),
        (change(PASSCODE_, "123456", "123456"), 422, "VALIDATION_ERROR"),
        (change(PASSCODE_, "947135", "947136"), 422, "VALIDATION_ERROR"),
        ({"new_passcode": "947135", "new_passcode_confirmation": "947135"}, 422, "VALIDATION_ERROR"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(app, secured, body, status, code):
    reply = app.send("PUT", f"{V2}passcode/change", body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    before = secured.passcode
    secured.refresh_from_db()
    assert (secured.passcode, secured.limits_restricted_until) == (before, None)


@pytest.mark.parametrize(("kind", "code"), [("passcode", "PASSCODE_LOCKED"), ("pin", "PIN_LOCKED")])
def test_five_wrong_tries_lock_for_a_quarter_of_an_hour(app, secured, kind, code):
    right = PASSCODE_ if kind == "passcode" else PIN_
    for _ in range(5):
        assert app.send("POST", f"{V2}{kind}/verify", {kind: "000001"[-len(right) :]}).status_code == 400
    for _ in range(3):
        locked = app.send("POST", f"{V2}{kind}/verify", {kind: right})
        assert (locked.status_code, locked.json()["code"]) == (429, code)
    assert 0 < int(locked["Retry-After"]) <= 15 * 60 + 1
    with time_machine.travel(now() + timedelta(minutes=15, seconds=1)):
        access = start_session(user=secured, caller=Caller()).access
        assert Api(access).send("POST", f"{V2}{kind}/verify", {kind: right}).status_code == 200
    assert AuditEvent.objects.filter(action="locked").count() == 1


def test_the_right_secret_forgets_the_wrong_ones(app):
    for _ in range(3):
        for _ in range(4):
            app.send("POST", f"{V2}pin/verify", {"pin": "0001"})
        assert app.send("POST", f"{V2}pin/verify", {"pin": PIN_}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_parallel_tries_are_counted_one_by_one(app):
    replies = race(lambda _: app.send("POST", f"{V2}pin/verify", {"pin": "0001"}).status_code, threads=20)
    assert sorted(replies) == [400] * 5 + [429] * 15


def test_a_locked_secret_locks_no_other_way_in_and_nobody_else(api, secured, settings):
    """Strangers lock the passcode; password, phone code, PIN, other people, and Nora at home go on."""
    User.objects.filter(pk=secured.pk).update(phone="+966512345678", phone_verified_at=now())
    start_session(user=secured, caller=Caller("203.0.113.9"))  # her own network
    for number in range(8):
        sign_in(api, f"198.51.100.{number}", passcode="000001")
    assert sign_in(api, "198.51.100.77", passcode=PASSCODE_).json()["code"] == "PASSCODE_LOCKED"
    assert sign_in(api, "203.0.113.50", passcode=PASSCODE_).status_code == 200
    assert sign_in(api, "198.51.100.77", password=PASSWORD).status_code == 200
    api.send("POST", "/api/accounts/otp/send/", {"phone": "+966512345678"})
    by_code = api.send(
        "POST", "/api/accounts/otp/verify/", {"phone": "+966512345678", "code": last_code("+966512345678")}
    )
    assert by_code.status_code == 200
    assert Api(by_code.json()["access"]).send("POST", f"{V2}pin/verify", {"pin": PIN_}).status_code == 200
    other = User.objects.create_user(email="other@shop.test", password=PASSWORD)
    set_up_secret(user=other, kind=PASSCODE, value=PASSCODE_, caller=Caller())
    reply = api.send("POST", f"{V2}signin", {"email": other.email, "passcode": PASSCODE_}, REMOTE_ADDR="198.51.100.1")
    assert reply.status_code == 200


def test_unknown_emails_are_locked_like_known_ones(api, db):
    replies = [
        api.send("POST", f"{V2}signin", {"email": "nobody@shop.test", "passcode": "000001"}).status_code
        for _ in range(6)
    ]
    assert replies == [401] * 5 + [429]
    assert "nobody" not in str(list(Lockout.objects.values()))


def test_the_pin_status_says_whether_one_is_set(app, nora):
    assert app.send("GET", f"{V2}pin/status").json()["transaction_pin_set"] is True
    User.objects.update(pin="")
    reply = app.send("GET", f"{V2}pin/status").json()
    assert (reply["transaction_pin_set"], reply["data"]) == (False, {"has_pin": False})


def test_what_is_not_set_up_cannot_be_verified(nora):
    app = Api(start_session(user=nora, caller=Caller()).access)
    reply = app.send("POST", f"{V2}pin/verify", {"pin": PIN_})
    assert (reply.status_code, reply.json()["code"]) == (400, "NOT_SET")


@pytest.mark.parametrize("value", ["🔑🔑🔑🔑🔑🔑", "abcdef", "٨٣٦٢٥١", "83 25 1"])
def test_what_cannot_be_a_passcode_costs_a_try_and_no_hash(app, secured, value, monkeypatch):
    monkeypatch.setattr("apps.accounts.services.secrets.matches", lambda *_: pytest.fail("hashed"))
    reply = app.send("POST", f"{V2}passcode/verify", {"passcode": value})
    assert (reply.status_code, reply.json()["code"]) == (400, "PASSCODE_INVALID")
    assert Lockout.objects.get().tries == 1
