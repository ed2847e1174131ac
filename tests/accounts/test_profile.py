"""S0 and S3: completing, changing and leaving."""

import re
from datetime import timedelta

import pytest
from django.core import mail

from apps.accounts.callers import Caller
from apps.accounts.errors import TokenRejected
from apps.accounts.models import (
    Address,
    AuditEvent,
    Code,
    Company,
    DevelopmentMessage,
    Guess,
    Membership,
    Session,
    User,
)
from apps.accounts.services import Changes, change_person, delete_account, start_session
from apps.orders.models import Cart
from core.clock import now
from core.outbox import run_due_jobs
from tests.conftest import Api, last_code
from tests.factories.products import ProductFactory
from tests.races import race

S0 = "/api/accounts/"
PHONE, NEW = "+966512345678", "+966512345679"
FORM = {
    "first_name": "نورة",
    "last_name": "Haddad",
    "username": "nora.h",
    "email": "Nora@Shop.Test",
    "password": "a long enough phrase",
    "password_confirm": "a long enough phrase",
    "accept_terms": True,
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def nora(db):
    return User.objects.create_user(phone=PHONE, role_state="phone_only", phone_verified_at=now())


@pytest.fixture
def app(nora):
    return Api(start_session(user=nora, caller=Caller("127.0.0.1")).access)


def test_completing_makes_a_client(app, nora):
    assert app.send("POST", f"{S0}complete/", FORM).json() == {"ok": True, "role_state": "client"}
    nora.refresh_from_db()
    assert (nora.email, nora.pending_email) == (None, "nora@shop.test")  # until its link is followed
    assert (nora.username, nora.first_name) == ("nora.h", "نورة")
    assert nora.terms_accepted_at
    assert Api().send("POST", f"{S0}token/", {"phone": PHONE, "password": FORM["password"]}).status_code == 200


def test_completing_again_changes_nothing_least_of_all_the_password(app, nora):
    app.send("POST", f"{S0}complete/", FORM)
    again = {
        **FORM,
        "password": "a phrase of the thief",
        "password_confirm": "a phrase of the thief",
        "username": "x.y",
    }
    assert app.send("POST", f"{S0}complete/", again).json() == {"ok": True, "role_state": "client"}
    nora.refresh_from_db()
    assert nora.check_password(FORM["password"])
    assert nora.username == "nora.h"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"accept_terms": False}, "accept_terms"),
        ({"first_name": "R2D2"}, "first_name"),
        ({"first_name": "<b>"}, "first_name"),
        ({"username": "a b"}, "username"),
        ({"email": "none"}, "email"),
        ({"password": "short", "password_confirm": "short"}, "password"),
        ({"password_confirm": "another phrase"}, "password_confirm"),
        ({"username": "taken"}, "username"),
    ],
)
def test_a_form_that_is_refused_names_the_field_and_changes_nothing(app, nora, change, field):
    User.objects.create_user(email="taken@shop.test", username="taken")
    reply = app.send("POST", f"{S0}complete/", {**FORM, **change})
    assert reply.status_code == 400
    assert field in reply.json()
    nora.refresh_from_db()
    assert (nora.role_state, nora.email, nora.has_usable_password()) == ("phone_only", None, False)


@pytest.mark.parametrize("role", ["provider", "staff", "client"])
def test_a_role_never_steps_back(nora, role):
    User.objects.filter(pk=nora.pk).update(role_state=role)
    app = Api(start_session(user=nora, caller=Caller()).access)
    assert app.send("POST", f"{S0}complete/", FORM).json()["role_state"] == role


@pytest.mark.parametrize(("phone", "password"), [(PHONE, "wrong"), ("+966500000009", "a long enough phrase")])
def test_a_wrong_password_and_an_unknown_phone_look_alike(app, phone, password):
    app.send("POST", f"{S0}complete/", FORM)
    reply = Api().send("POST", f"{S0}token/", {"phone": phone, "password": password})
    assert (reply.status_code, reply.json()["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize("name", ["nora.h", "Nora.H", "NEW_1"])
def test_a_username_is_free_or_taken(app, api, name):
    app.send("POST", f"{S0}complete/", FORM)
    reply = api.send("GET", f"{S0}username-availability/?username={name}").json()
    assert (reply["ok"], reply["available"]) == (True, name == "NEW_1")


@pytest.mark.parametrize("name", ["ab", "a b c", "é" * 5, "x" * 51, ""])
def test_a_username_that_cannot_be_is_refused(api, name):
    assert api.send("GET", f"{S0}username-availability/?username={name}").status_code == 400


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_is_sent_changes_and_what_is_absent_stays(app, nora, method):
    app.send("POST", f"{S0}complete/", FORM)
    reply = app.send(method, f"{S0}me/", {"first_name": "Nora", "last_name": None, "username": ""}).json()
    assert (reply["first_name"], reply["last_name"], reply["username"], reply["email"]) == (
        "Nora",
        "",
        None,
        "nora@shop.test",
    )
    assert reply["phone"] == PHONE


def test_a_new_phone_needs_a_code_sent_to_it_and_the_old_one_is_told(app, nora, settings):
    other = start_session(user=nora, caller=Caller())
    asked = app.send("PATCH", f"{S0}me/", {"phone": "00966 51 234 5679", "first_name": "Nora"})
    assert (asked.status_code, asked.json()["code"]) == (400, "phone_code_needed")
    assert asked.json()["phone"]
    nora.refresh_from_db()
    assert (nora.phone, nora.first_name) == (PHONE, "")
    reply = app.send("PATCH", f"{S0}me/", {"phone": NEW, "first_name": "Nora", "code": last_code(NEW)})
    assert (reply.status_code, reply.json()["phone"], reply.json()["first_name"]) == (200, NEW, "Nora")
    assert Api(other.access).send("GET", f"{S0}me/").status_code == 401
    run_due_jobs()
    assert "another phone number" in DevelopmentMessage.objects.get(recipient=PHONE).body
    assert AuditEvent.objects.get(action="phone_changed").subject == NEW


def test_a_sign_in_code_does_not_change_a_phone(app, api, nora):
    api.send("POST", f"{S0}otp/send/", {"phone": NEW})
    reply = app.send("PATCH", f"{S0}me/", {"phone": NEW, "code": last_code(NEW)})
    assert reply.status_code == 400
    nora.refresh_from_db()
    assert nora.phone == PHONE


def test_a_number_of_somebody_else_is_refused_to_who_holds_it_only(app, nora):
    User.objects.create_user(phone=NEW)
    asked = app.send("PATCH", f"{S0}me/", {"phone": NEW})
    assert asked.json()["code"] == "phone_code_needed"
    reply = app.send("PATCH", f"{S0}me/", {"phone": NEW, "code": last_code(NEW)})
    assert (reply.status_code, next(iter(reply.json()))) == (400, "phone")
    nora.refresh_from_db()
    assert nora.phone == PHONE


def test_wrong_codes_for_a_new_phone_are_counted(app, nora, settings):
    app.send("PATCH", f"{S0}me/", {"phone": NEW})
    right = last_code(NEW)
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(settings.OTP_MAX_ATTEMPTS):
        app.send("PATCH", f"{S0}me/", {"phone": NEW, "code": wrong})
    assert Guess.objects.count() == settings.OTP_MAX_ATTEMPTS
    assert app.send("PATCH", f"{S0}me/", {"phone": NEW, "code": right}).status_code == 429


def mailed_token():
    run_due_jobs()
    return next(found[1] for sent in reversed(mail.outbox) if (found := re.search(r"token=([\w=-]+)", sent.body)))


def test_a_new_email_waits_until_its_link_is_followed_and_the_old_one_is_told(app, nora):
    User.objects.filter(pk=nora.pk).update(email="old@shop.test", email_verified_at=now())
    assert app.send("PATCH", f"{S0}me/", {"email": "new@shop.test"}).json()["email"] == "new@shop.test"
    nora.refresh_from_db()
    assert (nora.email, nora.pending_email) == ("old@shop.test", "new@shop.test")
    assert Api().send("POST", "/api/auth/users/verify_email/", {"token": mailed_token()}).status_code == 200
    nora.refresh_from_db()
    assert (nora.email, nora.pending_email, nora.email_verified_at is None) == ("new@shop.test", "", False)
    run_due_jobs()
    assert {recipient for sent in mail.outbox for recipient in sent.to} == {"old@shop.test", "new@shop.test"}
    assert AuditEvent.objects.filter(action="email_changed", user=nora).count() == 2  # asked for, and done


@pytest.mark.parametrize("holder", [{}, {"email_verified_at": now()}], ids=["unproved", "proved"])
def test_asking_for_an_email_somebody_has_tells_nothing_and_takes_nothing(app, nora, holder):
    other = User.objects.create_user(email="taken@shop.test", **holder)
    reply = app.send("PATCH", f"{S0}me/", {"email": "taken@shop.test", "first_name": "Nora"})
    assert reply.status_code == 200
    nora.refresh_from_db()
    other.refresh_from_db()
    assert (nora.email, other.email) == (None, "taken@shop.test")


@pytest.mark.parametrize("change", [{"email": "new@shop.test"}, {"email": None}, {"phone": NEW}])
def test_a_session_that_is_not_new_changes_neither_phone_nor_email(app, nora, change):
    User.objects.filter(pk=nora.pk).update(email="old@shop.test", email_verified_at=now())
    Session.objects.update(created_at=now() - timedelta(minutes=16))
    for body in (change, {**change, "password": "a phrase nobody set"}):
        reply = app.send("PATCH", f"{S0}me/", {**body, "first_name": "Thief"})
        assert (reply.status_code, reply.json()["code"]) == (403, "fresh_sign_in_needed")
    nora.refresh_from_db()
    assert (nora.phone, nora.email, nora.pending_email, nora.first_name) == (PHONE, "old@shop.test", "", "")
    assert not Code.objects.exists()
    assert app.send("PATCH", f"{S0}me/", {"first_name": "Nora"}).status_code == 200


def test_the_password_stands_for_a_fresh_sign_in(app, nora):
    nora.set_password("a long enough phrase")
    nora.save()
    Session.objects.update(created_at=now() - timedelta(days=1))
    wrong = app.send("PATCH", f"{S0}me/", {"email": "new@shop.test", "password": "a wrong phrase"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_input")
    right = app.send("PATCH", f"{S0}me/", {"email": "new@shop.test", "password": "a long enough phrase"})
    assert right.status_code == 200


def test_the_link_of_a_waiting_email_can_be_mailed_again(app, nora):
    app.send("PATCH", f"{S0}me/", {"email": "new@shop.test"})
    mailed_token()
    mail.outbox.clear()
    assert app.send("POST", "/api/auth/users/resend_verification/").status_code == 200
    Api().send("POST", "/api/auth/users/verify_email/", {"token": mailed_token()})
    nora.refresh_from_db()
    assert nora.email == "new@shop.test"


def test_nobody_mails_the_world_by_changing_their_email(app, nora):
    for number in range(12):
        assert app.send("PATCH", f"{S0}me/", {"email": f"stranger{number}@shop.test"}).status_code == 200
    run_due_jobs()
    assert len(mail.outbox) == 5


@pytest.mark.django_db(transaction=True)
def test_a_change_of_name_beside_a_change_of_email_proves_nothing(app, nora):
    """What was read before the other request changed it must not be written back."""
    for round_ in range(5):
        User.objects.filter(pk=nora.pk).update(email="own@shop.test", email_verified_at=now(), pending_email="")
        bodies = [{"email": f"victim{round_}@shop.test"}, {"first_name": "N"}, {"last_name": "H"}, {"username": "nora"}]
        race(lambda number, bodies=bodies: app.send("PATCH", f"{S0}me/", bodies[number]), threads=4)
        nora.refresh_from_db()
        assert nora.email == "own@shop.test"
        assert nora.email_verified_at
        assert (nora.first_name, nora.last_name, nora.username) == ("N", "H", "nora")


def test_who_left_meanwhile_writes_nothing(nora):
    stale, session = User.objects.get(pk=nora.pk), start_session(user=nora, caller=Caller())
    delete_account(user=nora, caller=Caller())
    with pytest.raises(TokenRejected):
        change_person(
            user=stale, changes=Changes(fields={"first_name": "Ghost"}), caller=Caller(), session=session.session.pk
        )
    nora.refresh_from_db()
    assert nora.first_name == ""


@pytest.mark.django_db(transaction=True)
def test_of_completions_at_once_the_first_sets_the_password(app, nora):
    forms = [{**FORM, "password": f"a long phrase {n}", "password_confirm": f"a long phrase {n}"} for n in range(4)]
    replies = race(lambda number: app.send("POST", f"{S0}complete/", forms[number]).status_code, threads=4)
    assert replies == [200] * 4
    assert AuditEvent.objects.filter(action="password_changed").count() == 1


def test_a_taken_username_leaves_the_phone_where_it_was(app, nora):
    User.objects.create_user(username="taken")
    app.send("PATCH", f"{S0}me/", {"phone": NEW})
    reply = app.send("PATCH", f"{S0}me/", {"phone": NEW, "code": last_code(NEW), "username": "taken"})
    assert (reply.status_code, reply.json()["code"]) == (400, "already_registered")
    nora.refresh_from_db()
    assert (nora.phone, nora.username) == (PHONE, None)


@pytest.mark.parametrize("path", ["me/", "delete/"])
def test_leaving_takes_the_person_out_and_keeps_the_books(app, nora, path):
    app.send("POST", f"{S0}complete/", FORM)
    product = ProductFactory(stock=5)
    order = {
        "items": [{"product_id": str(product.pk), "quantity": 1}],
        "shipping_address": {
            "full_name": "Nora", "email": "n@shop.test", "phone": PHONE, "address_line1": "1 Street",
            "city": "Riyadh", "state": "Riyadh", "country": "SA", "postal_code": "1",
        },
    }  # fmt: skip
    placed = app.send("POST", "/api/orders/", order)
    assert placed.status_code == 201, placed.content
    app.send("POST", "/api/orders/cart/add_item/", {"product_id": str(product.pk), "quantity": 1})
    Address.objects.create(
        user=nora, full_name="Nora", phone=PHONE, address_line1="1", city="R", state="R", country="SA", postal_code="1"
    )
    assert app.send("DELETE", f"{S0}{path}").json() == {"ok": True}
    run_due_jobs()
    nora.refresh_from_db()
    assert (nora.phone, nora.email, nora.username, nora.full_name) == (None, None, None, "")
    assert not nora.is_active
    assert nora.deleted_at
    assert nora.orders.count() == 1
    assert not Address.objects.exists()
    assert not Cart.objects.exists()
    assert app.send("GET", f"{S0}me/").status_code == 401
    assert not Session.objects.filter(ended_at=None).exists()


def test_who_left_may_come_back_as_somebody_new(app, api, nora):
    app.send("DELETE", f"{S0}me/")
    api.send("POST", f"{S0}otp/send/", {"phone": PHONE})
    reply = api.send("POST", f"{S0}otp/verify/", {"phone": PHONE, "code": last_code(PHONE)}).json()
    assert reply["is_new_user"] is True
    assert reply["user_id"] != nora.pk


def test_leaving_refills_no_budget(app):
    elsewhere = Api(REMOTE_ADDR="198.51.100.7")
    elsewhere.send("POST", f"{S0}otp/send/", {"phone": PHONE})
    app.send("DELETE", f"{S0}me/")
    assert elsewhere.send("POST", f"{S0}otp/send/", {"phone": PHONE}).status_code == 429
    assert Code.objects.count() == 1


def test_who_alone_owns_a_company_of_several_hands_it_over_first(app, nora):
    company = Company.objects.create(name="Acme")
    Membership.objects.create(user=nora, company=company, role="owner")
    colleague = User.objects.create_user(email="ana@shop.test")
    theirs = Membership.objects.create(user=colleague, company=company, role="viewer")
    refused = app.send("DELETE", f"{S0}me/")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    nora.refresh_from_db()
    assert (nora.phone, nora.is_active) == (PHONE, True)
    theirs.delete()
    assert app.send("DELETE", f"{S0}me/").status_code == 200
    assert not Membership.objects.exists()
    assert not Company.objects.exists()


def test_an_operator_does_not_leave_by_this_door(operator):
    app = Api(start_session(user=operator, caller=Caller()).access)
    assert app.send("DELETE", f"{S0}me/").status_code == 403
    operator.refresh_from_db()
    assert operator.is_active


def test_the_profile_of_s3_changes_too(app, nora):
    reply = app.send("PATCH", "/api/users/profile/", {"first_name": "Nora", "email": "nora@shop.test"})
    assert reply.status_code == 200
    body = reply.json()
    assert (body["success"], body["message"]) == (True, "Profile updated successfully")
    assert (body["user"]["first_name"], body["user"]["email"]) == ("Nora", "nora@shop.test")


def test_an_email_told_while_signing_in_is_asked_for_and_taken_from_nobody(api):
    for phone, email in ((PHONE, "first@shop.test"), (NEW, "first@shop.test")):
        api.send("POST", "/api/users/send-otp/", {"phone": phone})
        body = {"phone": phone, "otp": last_code(phone), "email": email}
        reply = api.send("POST", "/api/users/verify-otp/", body)
        assert reply.json()["user"]["email"] == "first@shop.test"
    assert set(User.objects.values_list("email", "pending_email")) == {(None, "first@shop.test")}


@pytest.mark.parametrize(
    "written",
    ["0512345678", "512345678", "٠٥١٢٣٤٥٦٧٨", "966512345678", "00966512345678", "+966 51 234-5678", "+٩٦٦٥١٢٣٤٥٦٧٨"],
)
def test_every_spelling_of_a_phone_is_one_identity_and_one_budget(api, settings, written):
    settings.PHONE_REGION = "SA"
    api.send("POST", f"{S0}otp/send/", {"phone": PHONE})
    assert api.send("POST", f"{S0}otp/send/", {"phone": written}).status_code == 429
    assert Code.objects.count() == 1
    reply = api.send("POST", f"{S0}otp/verify/", {"phone": written, "code": last_code(PHONE)})
    assert reply.status_code == 200
    assert User.objects.get().phone == PHONE


def test_a_national_number_without_a_region_is_refused(api):
    assert api.send("POST", f"{S0}otp/send/", {"phone": "0512345678"}).status_code == 400


def test_a_forgotten_session_is_idle_after_two_weeks(app, nora):
    Session.objects.update(refreshed_at=now() - timedelta(days=15))
    assert app.send("GET", f"{S0}me/").status_code == 401
