"""S2: registering, one's own account, getting back in."""

import re

import pytest
from django.core import mail

from apps.accounts.callers import Caller
from apps.accounts.models import AuditEvent, Link, Profile, Session, User
from apps.accounts.services import delete_account
from core.clock import now
from core.outbox import run_due_jobs
from tests.conftest import Api
from tests.races import race

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough phrase"
LAYLA = {
    "email": "Layla@Shop.Test",
    "username": "layla",
    "password": PASSWORD,
    "password2": PASSWORD,
    "first_name": "<b>Layla</b>",
    "last_name": "Haddad",
    "phone": "00966 51 234 5678",
}


@pytest.fixture
def layla():
    return User.objects.create_user(
        email="layla@shop.test", password=PASSWORD, username="layla", email_verified_at=now()
    )


@pytest.fixture
def me(sign_in, layla):
    client = sign_in(layla)
    client.path = f"/api/auth/users/{layla.public_id}/"
    return client


def register(api, **changes):
    return api.send("POST", "/api/auth/register/", LAYLA | changes)


def mailed_token():
    """The token of the newest mail, as somebody who follows its link sends it."""
    run_due_jobs()
    return re.search(r"token=([\w=-]+)", mail.outbox[-1].body).group(1)


def test_registering_answers_with_the_account_and_signs_nobody_in(api):
    reply = register(api)
    assert reply.status_code == 201
    user = User.objects.get()
    assert reply.json() == {
        "id": str(user.public_id),
        "email": "layla@shop.test",
        "username": "layla",
        "first_name": "Layla",
        "last_name": "Haddad",
        "phone": "+966512345678",
    }
    assert (user.phone, user.claimed_phone) == (None, "+966512345678")
    assert not Session.objects.exists()
    assert AuditEvent.objects.get().action == "registered"


def test_the_mailed_link_proves_the_email_once(api):
    register(api)
    token = mailed_token()
    assert mail.outbox[-1].to == ["layla@shop.test"]
    replies = [api.send("POST", "/api/auth/users/verify_email/", {"token": token}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 400]
    assert replies[1].json()["code"] == "link_rejected"
    assert User.objects.get().email_verified_at is not None


def test_where_no_mail_can_leave_one_can_register_all_the_same(api, settings):
    settings.EMAIL_BACKEND = "apps.accounts.mails.NoBackend"
    assert register(api).status_code == 201
    assert not Link.objects.exists()


def test_registering_and_leaving_again_and_again_mails_five_times_an_hour(api):
    for _ in range(6):
        assert register(api).status_code == 201
        delete_account(user=User.objects.get(is_active=True), caller=Caller())
    assert Link.objects.count() == 5


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"password2": "another long phrase"}, "password2", "invalid_input"),
        ({"password": "12345678", "password2": "12345678"}, "password", "invalid_input"),
        ({"password": "layla@shop.test", "password2": "layla@shop.test"}, "password", "invalid_input"),
        ({"password": "x" * 129, "password2": "x" * 129}, "password", "invalid_input"),
        ({"password": "x" * 900_000, "password2": "x" * 900}, "password", "invalid_input"),
        ({"email": "nobody"}, "email", "invalid_input"),
        ({"email": "x" * 300 + "@shop.test"}, "email", "invalid_input"),
        ({"username": "<b>"}, "username", "invalid_input"),
        ({"username": "😀"}, "username", "invalid_input"),
        ({"username": ""}, "username", "invalid_input"),
        ({"first_name": "x" * 151}, "first_name", "invalid_input"),
        ({"phone": "12"}, "phone", "invalid_phone"),
        ({"phone": ["+966512345678"]}, "phone", "invalid_input"),
        ({"first_name": "a\0b"}, None, "malformed_request"),
    ],
)
def test_what_cannot_be_an_account_is_refused(api, changes, field, code):
    reply = register(api, **changes)
    assert (reply.status_code, reply.json()["code"]) == (400, code)
    assert field is None or field in reply.json()["errors"]
    assert not User.objects.exists()
    assert not Link.objects.exists()


def test_a_body_of_a_megabyte_is_not_read(api):
    assert register(api, password="x" * 2**20).status_code == 413


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("<script>alert(1)</script>Layla", "alert(1)Layla"),
        ("  Layla \n al-Haddad ", "Layla al-Haddad"),
        ("I <3 you & 😀", "I <3 you & 😀"),
        ("<<b>b>Layla", "Layla"),
        ("ليلى", "ليلى"),
        (None, ""),
    ],
)
def test_tags_are_taken_out_of_names_and_nothing_else(api, name, kept):
    assert register(api, first_name=name).json()["first_name"] == kept


@pytest.mark.parametrize("name", ["<" * 60 + "a" + ">" * 60, "<a" * 60 + ">" * 30, "<" * 70 + "a>" * 40, "<!--" * 37])
def test_half_tags_without_end_do_no_harm(api, name):
    reply = register(api, first_name=name)
    assert reply.status_code == 201
    assert not re.search("<[a-z]+>", reply.json()["first_name"])


@pytest.mark.parametrize(
    ("known", "field"),
    [
        ({"email": "layla@shop.test"}, "email"),
        ({"username": "layla"}, "username"),
        ({"claimed_phone": "+966512345678"}, "phone"),
        ({"phone": "+966512345678"}, "phone"),
    ],
)
def test_what_somebody_has_is_refused_and_named(api, known, field):
    User.objects.create_user(**known)
    reply = register(api)
    assert (reply.status_code, reply.json()["code"]) == (400, "already_registered")
    assert list(reply.json()["errors"]) == [field]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_register_one_email_at_once_one_does():
    replies = race(lambda number: register(Api(), username=f"layla{number}", phone=None).status_code, threads=8)
    assert sorted(replies) == [201, *[400] * 7]
    assert User.objects.count() == 1


def test_outside_development_an_address_registers_ten_times_an_hour(api, settings):
    settings.ENVIRONMENT = "staging"
    replies = [register(api).status_code for _ in range(11)]
    assert replies == [201, *[400] * 9, 429]


def test_a_living_token_verifies_and_an_ended_one_does_not(api, layla):
    pair = api.send("POST", "/api/auth/login/", {"email": "layla@shop.test", "password": PASSWORD}).json()

    def verified():
        tokens = (pair["access"], pair["refresh"])
        return [api.send("POST", "/api/auth/token/verify/", {"token": token}) for token in tokens]

    assert [(reply.status_code, reply.json()) for reply in verified()] == [(200, {})] * 2
    Session.objects.update(ended_at=now(), end_reason="revoked")
    assert [reply.status_code for reply in verified()] == [401] * 2


def test_a_refresh_token_that_would_be_refused_does_not_verify_and_ends_nothing(api):
    User.objects.create_user(email="sara@shop.test", password="a long enough phrase")
    body = {"email": "sara@shop.test", "password": "a long enough phrase"}
    tokens = [api.send("POST", "/api/auth/login/", body).json()["refresh"]]
    for _ in range(2):
        tokens.append(api.send("POST", "/api/auth/token/refresh/", {"refresh": tokens[-1]}).json()["refresh"])
    replies = [api.send("POST", "/api/auth/token/verify/", {"token": token}).status_code for token in tokens]
    assert replies == [401, 200, 200]
    assert Session.objects.get().ended_at is None


@pytest.mark.parametrize("token", ["x", "a.b.c", "hr1.x.y", "hr1." + "A" * 27 + ".x", "😀", "hr1.😀.x"])
def test_a_token_that_is_none_does_not_verify(api, token):
    assert api.send("POST", "/api/auth/token/verify/", {"token": token}).status_code == 401


@pytest.mark.parametrize("token", ["", "x" * 2001, None, 7])
def test_what_cannot_be_a_token_is_malformed(api, token):
    assert api.send("POST", "/api/auth/token/verify/", {"token": token}).status_code == 400


def test_the_list_of_users_is_oneself(me, layla):
    User.objects.create_user(email="other@shop.test")
    page = me.send("GET", "/api/auth/users/").json()
    assert (page["count"], page["next"], page["previous"]) == (1, None, None)
    assert page["results"] == [me.send("GET", me.path).json()]
    assert page["results"][0]["id"] == str(layla.public_id)
    assert page["results"] == [me.send("GET", "/api/auth/users/me/").json()]


def test_an_account_shows_what_is_known_of_a_person(me):
    body = me.send("GET", me.path).json()
    assert (body["email_verified"], body["date_of_birth"], body["bio"], body["avatar_url"]) == (True, None, "", None)
    assert body["profile"] == {
        "newsletter_subscribed": False,
        "sms_notifications": False,
        "preferred_language": "en",
        "preferred_currency": "USD",
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "user_id", ["theirs", "1", "x", "😀", "%00", "00000000-0000-0000-0000-000000000000", "9" * 400]
)
def test_other_peoples_accounts_do_not_exist(me, method, user_id):
    other = User.objects.create_user(email="other@shop.test", first_name="Omar")
    path = f"/api/auth/users/{other.public_id if user_id == 'theirs' else user_id}/"
    assert me.send(method, path, {"first_name": "Mallory"}).status_code in {400, 404}
    other.refresh_from_db()
    assert (other.first_name, other.is_active) == ("Omar", True)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_keeps_what_it_does_not_name(me, layla, method):
    me.send("PATCH", me.path, {"last_name": "Haddad", "bio": "I sell <i>mugs</i> & cups"})
    changed = me.send(method, me.path, {"first_name": "Layla", "date_of_birth": "1990-02-28"}).json()
    assert (changed["first_name"], changed["last_name"]) == ("Layla", "Haddad")
    assert (changed["date_of_birth"], changed["bio"]) == ("1990-02-28", "I sell mugs & cups")
    layla.refresh_from_db()
    assert layla.email == "layla@shop.test"


def test_null_and_blank_clear(me, layla):
    me.send("PATCH", me.path, {"first_name": "Layla", "phone": "+966512345678", "date_of_birth": "1990-02-28"})
    cleared = me.send("PATCH", me.path, {"first_name": None, "phone": "", "date_of_birth": None, "bio": None}).json()
    assert [cleared[name] for name in ("first_name", "phone", "date_of_birth", "bio")] == ["", None, None, ""]


@pytest.mark.parametrize(
    "change",
    [
        {"date_of_birth": "2999-01-01"},
        {"date_of_birth": "1899-12-31"},
        {"date_of_birth": "soon"},
        {"bio": "x" * 1001},
        {"first_name": ["Layla"]},
        {"phone": "hello"},
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(me, change):
    before = me.send("GET", me.path).json()
    assert me.send("PATCH", me.path, {"last_name": "Moved"} | change).status_code == 400
    assert me.send("GET", me.path).json() == before


def test_nobody_makes_themselves_staff_or_takes_an_email_in_passing(me, layla):
    told = {"is_staff": True, "is_superuser": True, "email": "x@shop.test", "role_state": "staff", "id": 1}
    assert me.send("PATCH", me.path, told).status_code == 200
    layla.refresh_from_db()
    assert (layla.is_staff, layla.is_superuser, layla.email) == (False, False, "layla@shop.test")


def test_a_phone_given_here_is_a_claim(me, layla):
    assert me.send("PATCH", me.path, {"phone": "٠٠٩٦٦٥١٢٣٤٥٦٧٨"}).json()["phone"] == "+966512345678"
    layla.refresh_from_db()
    assert (layla.phone, layla.claimed_phone) == (None, "+966512345678")


def test_a_proved_phone_is_not_replaced_by_a_claim(me, layla):
    User.objects.filter(pk=layla.pk).update(phone="+966512345678", phone_verified_at=now())
    same = me.send("PATCH", me.path, {"phone": "00966512345678"})
    other = me.send("PATCH", me.path, {"phone": "+966512345679", "first_name": "Moved"})
    assert (same.status_code, other.status_code) == (200, 400)
    assert list(other.json()["errors"]) == ["phone"]
    layla.refresh_from_db()
    assert (layla.phone, layla.claimed_phone, layla.first_name) == ("+966512345678", None, "")


def test_a_phone_of_somebody_else_cannot_be_claimed(me, layla):
    User.objects.create_user(phone="+966512345678")
    assert me.send("PATCH", me.path, {"phone": "+966512345678"}).json()["code"] == "already_registered"
    layla.refresh_from_db()
    assert layla.claimed_phone is None


def test_deleting_the_account_takes_the_person_out_of_it(me, layla, api):
    assert me.send("DELETE", me.path).status_code == 204
    layla.refresh_from_db()
    assert (layla.email, layla.is_active) == (None, False)
    assert me.send("GET", "/api/auth/users/me/").status_code == 401
    assert register(api).status_code == 201


def test_a_changed_password_ends_the_other_sessions_and_is_told(me, layla, sign_in):
    other, new = sign_in(layla), "another long phrase"
    body = {"old_password": PASSWORD, "new_password": new, "new_password2": new}
    assert me.send("POST", "/api/auth/users/change_password/", body).status_code == 200
    assert me.send("GET", me.path).status_code == 200
    assert other.send("GET", me.path).status_code == 401
    run_due_jobs()
    assert mail.outbox[-1].to == ["layla@shop.test"]
    login = {"email": "layla@shop.test", "password": new}
    assert Api().send("POST", "/api/auth/login/", login).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"old_password": "wrong"}, "old_password"),
        ({"new_password2": "differs entirely"}, "new_password2"),
        ({"new_password": "12345678", "new_password2": "12345678"}, "new_password"),
        ({"new_password": "", "new_password2": ""}, "new_password"),
    ],
)
def test_a_password_is_not_changed_by_who_does_not_know_it_or_to_a_bad_one(me, layla, body, field):
    new = "another long phrase"
    told = {"old_password": PASSWORD, "new_password": new, "new_password2": new} | body
    reply = me.send("POST", "/api/auth/users/change_password/", told)
    assert reply.status_code == 400
    assert field in reply.json()["errors"]
    layla.refresh_from_db()
    assert layla.check_password(PASSWORD)
    assert not mail.outbox


def test_preferences_change_one_by_one(me):
    path = "/api/auth/users/update_preferences/"
    me.send("PATCH", path, {"newsletter_subscribed": True})
    body = me.send("PATCH", path, {"preferred_language": "ZH-hant-tw", "preferred_currency": "sar"}).json()
    assert body == {
        "newsletter_subscribed": True,
        "sms_notifications": False,
        "preferred_language": "zh-Hant-TW",
        "preferred_currency": "SAR",
    }
    assert me.send("GET", me.path).json()["profile"] == body


@pytest.mark.parametrize(
    "wish",
    [
        {"preferred_currency": "XXX"},
        {"preferred_currency": "US"},
        {"preferred_currency": "😀"},
        {"preferred_language": "english"},
        {"preferred_language": "e"},
        {"preferred_language": "en_GB"},
        {"preferred_language": ""},
        {"newsletter_subscribed": "perhaps"},
        {"sms_notifications": None},
        {"preferred_language": None},
    ],
)
def test_a_preference_nobody_can_have_is_refused(me, wish):
    reply = me.send("PATCH", "/api/auth/users/update_preferences/", wish)
    assert (reply.status_code, list(reply.json()["errors"])) == (400, list(wish))
    assert not Profile.objects.exists()


def test_the_verification_can_be_mailed_again_until_it_is_done(me, layla, api):
    User.objects.filter(pk=layla.pk).update(email_verified_at=None)
    path = "/api/auth/users/resend_verification/"
    assert me.send("POST", path).status_code == 200
    api.send("POST", "/api/auth/users/verify_email/", {"token": mailed_token()})
    assert "already" in me.send("POST", path).json()["message"]
    run_due_jobs()
    assert len(mail.outbox) == 1


def test_five_verification_mails_an_hour_are_enough(me, layla):
    User.objects.filter(pk=layla.pk).update(email_verified_at=None)
    replies = [me.send("POST", "/api/auth/users/resend_verification/").status_code for _ in range(6)]
    assert replies == [200] * 5 + [429]


def test_without_an_email_there_is_nothing_to_verify(shopper):
    reply = shopper.send("POST", "/api/auth/users/resend_verification/")
    assert (reply.status_code, reply.json()["code"]) == (400, "no_email")


def test_a_forgotten_password_is_set_by_the_mailed_link_once(api, me, layla):
    ask = api.send("POST", "/api/auth/password-reset/request_reset/", {"email": "LAYLA@shop.test"})
    assert ask.status_code == 200
    token = mailed_token()
    body = {"token": token, "new_password": "12345678", "new_password2": "12345678"}
    path = "/api/auth/password-reset/confirm_reset/"
    weak = api.send("POST", path, body)
    body |= {"new_password": "another long phrase", "new_password2": "another long phrase"}
    good, again = (api.send("POST", path, body) for _ in range(2))
    assert [weak.status_code, good.status_code, again.status_code] == [400, 200, 400]
    assert me.send("GET", me.path).status_code == 401
    login = {"email": "layla@shop.test", "password": "another long phrase"}
    assert api.send("POST", "/api/auth/login/", login).status_code == 200


def test_who_asks_for_a_reset_does_not_learn_who_is_known(api, layla):
    path = "/api/auth/password-reset/request_reset/"
    known, unknown = (api.send("POST", path, {"email": f"{name}@shop.test"}) for name in ("layla", "nobody"))
    assert known.content == unknown.content
    run_due_jobs()
    assert [message.to for message in mail.outbox] == [["layla@shop.test"]]


def test_outside_development_an_address_asks_for_five_resets_an_hour(api, settings):
    settings.ENVIRONMENT = "staging"
    path = "/api/auth/password-reset/request_reset/"
    replies = [api.send("POST", path, {"email": f"a{number}@shop.test"}).status_code for number in range(6)]
    assert replies == [200] * 5 + [429]


def test_a_link_opens_only_what_it_was_made_for(api, me, layla):
    User.objects.filter(pk=layla.pk).update(email_verified_at=None)
    me.send("POST", "/api/auth/users/resend_verification/")
    body = {"token": mailed_token(), "new_password": "another long phrase", "new_password2": "another long phrase"}
    assert api.send("POST", "/api/auth/password-reset/confirm_reset/", body).status_code == 400
    layla.refresh_from_db()
    assert layla.check_password(PASSWORD)
    assert Link.objects.get().used_at is None


@pytest.mark.parametrize("token", ["x", "😀", "A" * 64, "=" * 64, "-_" * 32])
def test_a_link_that_is_none_is_refused(api, token):
    assert api.send("POST", "/api/auth/users/verify_email/", {"token": token}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "users/"),
        ("GET", "users/me/"),
        ("POST", "users/change_password/"),
        ("POST", "users/upload_avatar/"),
        ("PATCH", "users/update_preferences/"),
        ("POST", "users/resend_verification/"),
        ("GET", "addresses/"),
        ("POST", "addresses/"),
    ],
)
def test_without_a_token_nothing_of_this_answers(api, method, path):
    assert api.send(method, f"/api/auth/{path}", {}).status_code == 401


def test_outside_development_an_address_asks_about_ten_phones_an_hour(me, layla, settings):
    settings.ENVIRONMENT = "staging"
    path = f"/api/auth/users/{layla.public_id}/"
    replies = [me.send("PATCH", path, {"phone": f"+9665000000{number:02}"}).status_code for number in range(11)]
    assert replies == [200] * 10 + [429]
