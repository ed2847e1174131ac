"""Google sign-in believes Google's signature and nothing else."""

import itertools
import time
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.accounts import google
from apps.accounts.callers import Caller
from apps.accounts.models import Session, User
from apps.accounts.services import PASSCODE, set_up_secret, start_session
from core.clock import now
from tests.conftest import Api

CLIENT = "shop.apps.googleusercontent.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pytestmark = pytest.mark.django_db


class Keys:
    """Google's published keys, one of them."""

    def get_signing_key_from_jwt(self, token):
        return SimpleNamespace(key=KEY.public_key())


@pytest.fixture(autouse=True)
def _google(settings, monkeypatch):
    settings.GOOGLE_OAUTH_CLIENT_ID = CLIENT
    monkeypatch.setattr(google, "google_keys", Keys)


def id_token(key=KEY, algorithm="RS256", **changes):
    claims = {
        "iss": "https://accounts.google.com", "aud": CLIENT, "sub": "1078", "email": "Nora@Gmail.com",
        "email_verified": True, "given_name": "Nora", "family_name": "Haddad",
        "iat": int(time.time()), "exp": int(time.time()) + 3600,
    }  # fmt: skip
    return jwt.encode({name: value for name, value in (claims | changes).items() if value is not None}, key, algorithm)


def sign_in(api, token):
    return api.send("POST", "/api/users/google/", {"id_token": token, "uid": "1", "email": "victim@shop.test"})


def test_a_new_person_is_registered_with_a_proved_email(api):
    reply = sign_in(api, id_token())
    assert (reply.status_code, reply.json()["created"]) == (200, True)
    user = User.objects.get()
    assert (user.email, user.google_uid, user.full_name) == ("nora@gmail.com", "1078", "Nora Haddad")
    assert user.email_verified_at
    assert sign_in(api, id_token()).json()["created"] is False
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "token",
    [
        "",
        "1078",
        "x.y.z",
        id_token(aud="another.client"),
        id_token(iss="https://evil.test"),
        id_token(exp=int(time.time()) - 10),
        id_token(email_verified=False),
        id_token(email_verified=None),
        id_token(email=None),
        id_token(sub=None),
        id_token(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        id_token(key="a secret of thirty-two characters", algorithm="HS256"),
        jwt.encode({"sub": "1078", "aud": CLIENT}, None, algorithm="none"),
    ],
    ids=itertools.count(),
)
def test_what_google_does_not_vouch_for_signs_nobody_in(api, token):
    User.objects.create_user(email="victim@shop.test", google_uid="1")
    reply = sign_in(api, token)
    assert (reply.status_code, reply.json()["code"]) == (400, "google_token_rejected")
    assert not Session.objects.exists()


def test_where_it_is_not_set_up_it_says_so(api, settings):
    settings.GOOGLE_OAUTH_CLIENT_ID = ""
    assert sign_in(api, id_token()).json()["code"] == "google_unavailable"


def test_google_out_of_reach_signs_nobody_in(api, monkeypatch):
    class Unreachable:
        def get_signing_key_from_jwt(self, token):
            raise jwt.PyJWKClientConnectionError("no route")

    monkeypatch.setattr(google, "google_keys", Unreachable)
    assert sign_in(api, id_token()).json()["code"] == "google_unavailable"
    assert not User.objects.exists()


def test_an_account_whose_email_was_proved_is_linked_and_keeps_its_keys(api):
    user = User.objects.create_user(email="nora@gmail.com", password="a long enough phrase", email_verified_at=now())
    assert sign_in(api, id_token()).json()["user"]["id"] == user.pk
    user.refresh_from_db()
    assert user.check_password("a long enough phrase")


def test_who_set_an_account_up_for_an_email_of_others_loses_every_key_to_it(api):
    """Registered by a stranger with Nora's email, and waiting for her to use it."""
    trap = User.objects.create_user(email="nora@gmail.com", password="the stranger's phrase")
    set_up_secret(user=trap, kind=PASSCODE, value="836251", caller=Caller())
    trap.refresh_from_db()
    stranger = start_session(user=trap, caller=Caller())
    assert sign_in(api, id_token()).status_code == 200
    trap.refresh_from_db()
    assert (trap.passcode, trap.has_usable_password()) == ("", False)
    assert Api(stranger.access).send("GET", "/api/users/profile/").status_code == 401


def test_an_email_written_by_mistake_beside_a_proved_phone_gives_nobody_else_the_account(api):
    owner = User.objects.create_user(phone="+966512345678", phone_verified_at=now(), email="nora@gmail.com")
    reply = sign_in(api, id_token()).json()
    assert (reply["created"], reply["user"]["id"] != owner.pk) == (True, True)
    owner.refresh_from_db()
    assert (owner.phone, owner.email) == ("+966512345678", None)


def test_a_closed_account_stays_closed(api):
    User.objects.create_user(email="nora@gmail.com", google_uid="1078", is_active=False)
    assert sign_in(api, id_token()).json()["code"] == "account_inactive"
    assert not Session.objects.exists()


def test_v1_registers_by_google_without_a_code_or_a_phone(api):
    form = {"email": "nora@gmail.com", "first_name": "Nora", "last_name": "Haddad", "oauth_provider": "google"}
    begun = api.send("POST", "/api/v1/onboarding/register/initiate", {**form, "auth_id": id_token()}).json()
    assert begun["message"] == "Registration Initialized"
    last = {
        "session_id": begun["data"]["session_id"], "password": "a long enough phrase", "country": "SA",
        "state": "Riyadh", "address": "1 Street", "dob": "1990-05-17",
    }  # fmt: skip
    done = api.send("POST", "/api/v1/onboarding/register/complete", last)
    assert (done.status_code, done.json()["data"]["user"]["is_verified"]) == (200, True)
    assert User.objects.get().google_uid == "1078"


def test_v1_believes_no_google_id_without_a_token(api):
    form = {"email": "victim@shop.test", "first_name": "N", "last_name": "H", "oauth_provider": "google"}
    reply = api.send("POST", "/api/v1/onboarding/register/initiate", {**form, "auth_id": "107812345"})
    assert (reply.status_code, reply.json()["code"]) == (400, "google_token_rejected")
