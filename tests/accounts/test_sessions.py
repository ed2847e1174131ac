import base64
import json
import random
from datetime import timedelta

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.accounts import tokens
from apps.accounts.callers import Caller
from apps.accounts.errors import TokenRejected
from apps.accounts.models import AuditEvent, Session, SigningKey, User
from apps.accounts.services import end_session, end_sessions_of, refresh_session, start_session
from apps.accounts.tokens import session_id_of
from core.clock import now
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in():
    return start_session(user=User.objects.create_user(phone="+966512345678"), caller=Caller("203.0.113.9", "t"))


def later(**by):
    return time_machine.travel(now() + timedelta(**by), tick=True)


def test_a_refresh_moves_the_counter_by_one(signed_in):
    renewed = refresh_session(token=signed_in.refresh)
    assert renewed.refresh != signed_in.refresh
    assert Session.objects.get().counter == 1


def test_a_lost_answer_can_be_asked_for_again_an_hour_later(signed_in):
    first = refresh_session(token=signed_in.refresh)
    with later(hours=1):
        again = refresh_session(token=signed_in.refresh)
    assert again.refresh == first.refresh
    assert Session.objects.get().counter == 1


def test_a_client_that_keeps_its_first_token_stays_signed_in(signed_in):
    for _ in range(5):
        assert refresh_session(token=signed_in.refresh).access


def test_a_token_older_than_the_parent_ends_the_session(signed_in):
    child = refresh_session(token=signed_in.refresh)
    refresh_session(token=child.refresh)
    with pytest.raises(TokenRejected):
        refresh_session(token=signed_in.refresh)
    ended = Session.objects.get()
    assert ended.end_reason == "reused_token"
    assert AuditEvent.objects.get(action="token_reused").user == ended.user
    with pytest.raises(TokenRejected):
        refresh_session(token=child.refresh)


def test_an_ended_session_refreshes_no_more(signed_in):
    end_session(session=signed_in.session.pk)
    with pytest.raises(TokenRejected):
        refresh_session(token=signed_in.refresh)


@pytest.mark.parametrize("by", [{"days": 15}, {"days": 31}])
def test_an_idle_or_old_session_is_over(signed_in, by):
    with later(**by), pytest.raises(TokenRejected):
        refresh_session(token=signed_in.refresh)


@pytest.mark.parametrize(
    "token", ["", "hr1", "hr1..", "hr1.AAAA.BBBB", "hr2.x.y", "…", "hr1." + "A" * 27 + ".x", "x" * 5000]
)
def test_a_token_that_is_none_is_refused(db, token):
    with pytest.raises(TokenRejected):
        refresh_session(token=token)


def test_a_forged_counter_is_refused(signed_in):
    refresh_session(token=signed_in.refresh)
    prefix, body, signature = signed_in.refresh.split(".")
    forged = f"{prefix}.{body[:-2]}AE.{signature}"
    with pytest.raises(TokenRejected):
        refresh_session(token=forged)
    assert Session.objects.get().ended_at is None


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_refreshes_all_succeed_on_one_chain(signed_in):
    outcomes = race(lambda _: refresh_session(token=signed_in.refresh).refresh, threads=20)
    assert len(set(outcomes)) == 1
    assert Session.objects.get().counter == 1


def test_an_access_token_names_its_session(signed_in):
    assert session_id_of(signed_in.access) == signed_in.session.pk


def test_a_refresh_token_is_no_access_token(signed_in):
    with pytest.raises(TokenRejected):
        session_id_of(signed_in.refresh)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_another_algorithm_is_refused(signed_in):
    key = SigningKey.objects.get()
    header = {"kid": key.kid}
    claims = claims_of(signed_in.access)
    for forged in (
        jwt.encode(claims, bytes(key.public_key), algorithm="HS256", headers=header),
        jwt.encode(claims, None, algorithm="none", headers=header),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=header),
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "unknown"}),
    ):
        with pytest.raises(TokenRejected):
            session_id_of(forged)


@pytest.mark.parametrize("kid", ["a\0b", "\ud800", "x" * 5000, 7, None, ["a"], "0" * 15, "00000000000000Zz"])
def test_a_key_id_no_key_can_have_is_refused(db, kid):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    with pytest.raises(TokenRejected):
        session_id_of(f"{part({'alg': 'EdDSA', 'typ': 'JWT', 'kid': kid})}.{part({'sub': 'x'})}.c2ln")


def test_an_expired_access_token_is_refused(signed_in, settings):
    with later(seconds=settings.JWT_ACCESS_SECONDS + 1), pytest.raises(TokenRejected):
        session_id_of(signed_in.access)


def test_a_changed_secret_key_replaces_the_signing_key_and_keeps_people_signed_in(signed_in, settings):
    settings.SECRET_KEY = "another secret of a sensible length, made for this test only"
    tokens.forget_keys()
    renewed = refresh_session(token=signed_in.refresh)
    assert SigningKey.objects.filter(retired_at=None).count() == 1
    assert SigningKey.objects.count() == 2
    assert session_id_of(renewed.access) == session_id_of(signed_in.access)


def test_ending_the_others_keeps_the_one_in_hand(signed_in):
    user = signed_in.user
    other = start_session(user=user, caller=Caller("198.51.100.1"))
    stranger = start_session(user=User.objects.create_user(phone="+966512345679"), caller=Caller())
    assert end_sessions_of(user=user, reason="revoked", keep=signed_in.session.pk) == 1
    alive = set(Session.objects.filter(ended_at=None).values_list("pk", flat=True))
    assert alive == {signed_in.session.pk, stranger.session.pk}
    assert AuditEvent.objects.get(action="session_ended").details["session"] == str(other.session.pk)


@pytest.mark.django_db(transaction=True)
def test_a_rotated_key_fails_no_request(signed_in, settings):
    """Tokens signed before, during and after a rotation are all accepted, in every thread."""

    def refresh_or_rotate(number):
        if number == 10:
            return tokens.rotate_signing_key()
        return session_id_of(refresh_session(token=signed_in.refresh).access)

    outcomes = race(refresh_or_rotate, threads=20)
    assert sum(outcome == signed_in.session.pk for outcome in outcomes) == 19
    assert session_id_of(signed_in.access) == signed_in.session.pk
    assert SigningKey.objects.filter(retired_at=None).count() == 1
    with later(seconds=settings.JWT_ACCESS_SECONDS - 60):
        assert session_id_of(signed_in.access) == signed_in.session.pk
    with later(days=1):
        tokens.rotate_signing_key()
        assert SigningKey.objects.count() == 2  # the first one can prove nothing any more


def test_a_compromised_key_proves_nothing_within_half_a_minute(signed_in):
    assert session_id_of(signed_in.access) == signed_in.session.pk
    tokens.rotate_signing_key(compromised=True)
    with later(seconds=tokens.KEY_CACHE_SECONDS), pytest.raises(TokenRejected):
        session_id_of(signed_in.access)
    renewed = refresh_session(token=signed_in.refresh)
    assert session_id_of(renewed.access) == signed_in.session.pk


@pytest.mark.django_db(transaction=True)
def test_ten_thousand_mobile_refreshes_revoke_nobody_and_fork_no_chain():
    """Phones that lose answers, ask twice at once, and come back later with the token they still have."""
    dice = random.Random(7)
    phones = [
        start_session(user=User.objects.create_user(phone=f"+9665000000{number:02}"), caller=Caller())
        for number in range(25)
    ]

    def live(number):
        luck, kept = random.Random(number), phones[number].refresh
        for _ in range(240):
            answers = {refresh_session(token=kept).refresh for _ in range(luck.choice([1, 1, 1, 2, 3]))}
            assert len(answers) == 1
            if luck.random() > 0.2:  # one answer in five is lost
                kept = answers.pop()
        return kept

    def twice_at_once(token):
        return race(lambda _: refresh_session(token=token).refresh, threads=2)

    kept = race(live, threads=25)
    for token in dice.sample(kept, 10):
        assert len(set(twice_at_once(token))) == 1
    assert not Session.objects.exclude(ended_at=None).exists()
    assert not AuditEvent.objects.filter(action="token_reused").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"aud": None},
        {"aud": ["hanout", 7]},
        {"iss": "another"},
        {"typ": "refresh"},
        {"typ": None},
        {"sid": None},
        {"sid": "no uuid"},
        {"sid": 7},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"nbf": 99_999_999_999},
    ],
)
def test_a_claim_that_is_wrong_is_refused_though_our_own_key_signed_it(signed_in, change):
    key = SigningKey.objects.get()
    private = tokens._private_key(bytes(key.private_key))
    claims = {name: value for name, value in (claims_of(signed_in.access) | change).items() if value is not None}
    forged = jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key.kid})
    with pytest.raises(TokenRejected):
        session_id_of(forged)


def test_a_retired_key_of_long_ago_proves_nothing(signed_in, settings):
    key = SigningKey.objects.get()
    private = tokens._private_key(bytes(key.private_key))
    SigningKey.objects.update(retired_at=now() - timedelta(days=1))
    claims = claims_of(signed_in.access) | {"exp": claims_of(signed_in.access)["exp"] + 10_000}
    with pytest.raises(TokenRejected):
        session_id_of(jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key.kid}))
