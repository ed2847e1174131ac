import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError, connection

from apps.accounts.models import AuditEvent, Device, Link, Profile, Session, User
from apps.onboarding.models import Registration
from apps.onboarding.services import stale_registrations
from core.clock import now
from core.housekeeping import delete_stale
from core.models import IdempotentAnswer, OutboxJob
from core.outbox import run_due_jobs
from tests.conftest import last_code
from tests.contracts.replay import masked
from tests.races import race

V1 = "/api/v1/onboarding/"
FORM = {"email": "new@shop.test", "phone": "+966512345678", "first_name": "Nora", "last_name": "Haddad"}
PASSWORD = "a long enough phrase"
pytestmark = pytest.mark.django_db


def last_form(session, **changes):
    return {
        "session_id": session,
        "password": PASSWORD,
        "country": "Saudi Arabia",
        "state": "Riyadh",
        "address": "1 King Fahd Road",
        "dob": "1990-05-17",
        "device_id": "web-1",
        **changes,
    }


def mailed(pattern):
    """What the newest mail holds that fits."""
    run_due_jobs()
    return next(found[1] for sent in reversed(mail.outbox) if (found := re.search(pattern, sent.body)))


def mailed_token():
    return mailed(r"token=([\w=-]+)")


@pytest.fixture
def proved(api):
    """A registration whose email was proved by its code."""
    session = api.send("POST", f"{V1}register/initiate", FORM).json()["data"]["session_id"]
    code = mailed(r"\b(\d{6})\b")
    assert api.send("POST", f"{V1}register/verify-otp", {"session_id": session, "otp": code}).status_code == 200
    return session


def traces():
    """Everything a completed registration leaves, counted."""
    return {model.__name__: model.objects.count() for model in (User, Profile, Device)}


@contextmanager
def crash_at(statement):
    """Lose the database at the nth statement; says afterwards whether there was one."""
    seen = [0]

    def execute(run, sql, params, many, context):
        seen[0] += 1
        if seen[0] == statement:
            raise OperationalError("the connection was lost")
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield lambda: seen[0] >= statement


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}], ids=["without a key", "with a key"])
def test_a_crash_at_any_statement_leaves_everything_or_nothing_and_the_repetition_succeeds(api, proved, key):
    """Each statement of register/complete in turn is its last; then the client sends the form again."""
    statement, crashed, before = 0, True, traces()
    while crashed:
        statement += 1
        with crash_at(statement) as happened:
            reply = api.send("POST", f"{V1}register/complete", last_form(proved), headers=key)
            crashed = happened()
        assert reply.status_code == (503 if crashed else 200), reply.content
        assert traces() in (before, {"User": 1, "Profile": 1, "Device": 1})
        assert Registration.objects.filter(completed_at=None).exists() == (traces() == before)
    assert statement > 15
    golden = masked(reply.content.decode())
    again = api.send("POST", f"{V1}register/complete", last_form(proved), headers=key)
    assert (again.status_code, masked(again.content.decode())) == (200, golden)
    assert traces() == {"User": 1, "Profile": 1, "Device": 1}


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_completions_make_one_account(api, proved):
    replies = race(lambda _: api.send("POST", f"{V1}register/complete", last_form(proved)), threads=20)
    assert {reply.status_code for reply in replies} == {200}
    assert User.objects.count() == Profile.objects.count() == Device.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_completions_with_one_key_are_done_once(api, proved):
    key = {"Idempotency-Key": "once"}
    replies = race(lambda _: api.send("POST", f"{V1}register/complete", last_form(proved), headers=key), threads=20)
    assert {reply.status_code for reply in replies} <= {200, 409}
    assert len({reply.content for reply in replies if reply.status_code == 200}) == 1
    assert Session.objects.count() == 1


@pytest.mark.parametrize("keyed", [False, True])
def test_repeating_the_last_form_is_no_way_to_guess_the_password(api, proved, keyed):
    assert api.send("POST", f"{V1}register/complete", last_form(proved)).status_code == 200
    codes = []
    for number in range(12):
        headers = {"Idempotency-Key": str(number)} if keyed else {}
        form = last_form(proved, password=f"{PASSWORD} {number}")
        codes.append(api.send("POST", f"{V1}register/complete", form, headers=headers).json()["code"])
    assert codes == ["registration_refused"] * 10 + ["password_locked"] * 2
    assert api.send("POST", f"{V1}register/complete", last_form(proved)).status_code == 429
    login = {"email": FORM["email"], "phone": "", "password": PASSWORD, "login_with": "email", "device_id": "web-1"}
    assert api.send("POST", f"{V1}login", login).status_code == 429
    assert Session.objects.count() == User.objects.count() == 1


def test_an_address_repeats_the_last_form_ten_times_an_hour(api, settings):
    settings.ENVIRONMENT = "staging"
    replies = [api.send("POST", f"{V1}register/complete", last_form(str(uuid.uuid4()))) for _ in range(11)]
    assert [reply.status_code for reply in replies] == [400] * 10 + [429]


def test_the_kept_answer_shows_no_token(api, proved):
    reply = api.send("POST", f"{V1}register/complete", last_form(proved), headers={"Idempotency-Key": "once"})
    kept = bytes(IdempotentAnswer.objects.get().sealed)
    assert reply.json()["data"]["token"]["access"].encode() not in kept


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
def test_an_idempotency_key_that_is_none_is_refused(api, proved, key):
    reply = api.send("POST", f"{V1}register/complete", last_form(proved), headers={"Idempotency-Key": key})
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_idempotency_key")
    assert not User.objects.exists()


def test_a_key_is_good_for_a_day(api, proved):
    key = {"Idempotency-Key": "once"}
    first = api.send("POST", f"{V1}register/complete", last_form(proved), headers=key)
    assert api.send("POST", f"{V1}register/complete", last_form(proved), headers=key).content == first.content
    Registration.objects.update(expires_at=now() + timedelta(days=3))
    with time_machine.travel(now() + timedelta(days=1, seconds=1)):
        later = api.send("POST", f"{V1}register/complete", last_form(proved), headers=key)
    assert later.status_code == 200
    assert later.content != first.content


def test_somebody_who_took_the_email_meanwhile_is_told_and_nothing_moves(api, proved):
    User.objects.create_user(email="new@shop.test", password=PASSWORD, email_verified_at=now())
    reply = api.send("POST", f"{V1}register/complete", last_form(proved))
    assert (reply.status_code, reply.json()["code"]) == (400, "already_registered")
    assert User.objects.count() == 1
    assert not Session.objects.exists()
    assert Registration.objects.get().completed_at is None


@pytest.mark.parametrize("path", ["register/verify-otp", "register/complete"])
@pytest.mark.parametrize("session", ["x", "", "1" * 40, None, 7, ["a"], "00000000-0000-4000-8000-00000000000g"])
def test_a_session_id_that_is_none_is_4xx(api, path, session):
    reply = api.send("POST", f"{V1}{path}", last_form(session, otp="123456"))
    assert reply.status_code == 422
    assert not User.objects.exists()


@pytest.mark.parametrize("password", ["🔑" * 200, "with\0nul and more", "x" * 1_000_000])
def test_a_password_no_one_types_is_refused_before_it_is_hashed(api, proved, password, monkeypatch):
    monkeypatch.setattr("apps.accounts.services.people.make_password", lambda _: pytest.fail("hashed"))
    reply = api.send("POST", f"{V1}register/complete", last_form(proved, password=password))
    assert 400 <= reply.status_code < 500
    assert not User.objects.exists()


def test_an_email_is_verified_by_its_own_link_and_by_nothing_before(api, proved):
    user = api.send("POST", f"{V1}register/complete", last_form(proved)).json()["data"]["user"]
    assert (user["is_verified"], user["email_verified"]) == (False, False)
    refused = api.send("POST", f"{V1}register/email/activation", {"session_id": proved})
    assert refused.status_code == 400
    token = mailed_token()
    assert api.send("POST", f"{V1}register/email/activation", {"token": token}).status_code == 200
    assert User.objects.get().email_verified_at
    again = api.send("POST", f"{V1}register/email/activation", {"token": token})
    assert (again.status_code, again.json()["code"]) == (400, "link_rejected")


def test_a_link_followed_before_the_account_exists_counts_once_it_does(api, proved):
    assert api.send("POST", f"{V1}register/email/activation", {"token": mailed_token()}).status_code == 200
    user = api.send("POST", f"{V1}register/complete", last_form(proved)).json()["data"]["user"]
    assert user["is_verified"] is True


def test_an_expired_link_activates_nothing(api, proved):
    token = mailed_token()
    Link.objects.update(created_at=now() - timedelta(days=9), expires_at=now() - timedelta(seconds=1))
    assert api.send("POST", f"{V1}register/email/activation", {"token": token}).status_code == 400
    assert Registration.objects.get().activated_at is None


def test_a_registration_is_over_after_a_day_and_forgotten_after_a_week(api, proved):
    with time_machine.travel(now() + timedelta(hours=25)):
        assert api.send("POST", f"{V1}register/complete", last_form(proved)).status_code == 400
        assert delete_stale(stale_registrations) == 0
    with time_machine.travel(now() + timedelta(days=9)):
        assert delete_stale(stale_registrations) == 1
    assert not User.objects.exists()


def test_a_claimed_phone_yields_to_who_proves_it(api, proved):
    api.send("POST", f"{V1}register/complete", last_form(proved))
    registered = User.objects.get()
    api.send("POST", "/api/users/send-otp/", {"phone": FORM["phone"]})
    reply = api.send("POST", "/api/users/verify-otp/", {"phone": FORM["phone"], "otp": last_code(FORM["phone"])})
    assert reply.json()["created"] is True
    assert reply.json()["user"]["id"] != registered.pk
    registered.refresh_from_db()
    assert (registered.phone, registered.claimed_phone) == (None, None)


def test_a_new_device_is_the_one_messages_are_pushed_to(api, proved):
    api.send("POST", f"{V1}register/complete", last_form(proved))
    login = {"email": FORM["email"], "phone": "", "password": PASSWORD, "login_with": "email", "device_id": "web-2"}
    assert api.send("POST", f"{V1}login", login).status_code == 200
    assert dict(Device.objects.values_list("device_id", "is_active")) == {"web-1": False, "web-2": True}


def test_who_registered_is_in_the_audit_log(api, proved):
    api.send("POST", f"{V1}register/complete", last_form(proved))
    assert AuditEvent.objects.get(action="registered").subject == "new@shop.test"
    assert PASSWORD not in str(list(AuditEvent.objects.values()) + list(OutboxJob.objects.values()))


def test_an_unknown_session_is_refused_like_a_wrong_one(api):
    reply = api.send("POST", f"{V1}register/complete", last_form(str(uuid.uuid4())))
    assert (reply.status_code, reply.json()["code"]) == (400, "registration_refused")
