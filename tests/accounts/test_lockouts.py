from datetime import timedelta

import pytest
import time_machine

from apps.accounts.callers import Caller
from apps.accounts.errors import InvalidCredentials, PasscodeLocked, PasswordLocked
from apps.accounts.models import AuditEvent, Device, Lockout, User
from apps.accounts.services import change_password, check_password, note_device, start_session
from apps.accounts.services.lockouts import LOCKED_FOR, count_try
from apps.accounts.services.passwords import require_own_password
from apps.accounts.services.unlocking import subjects_of
from core.clock import now
from core.errors import InvalidInput
from tests.races import race

PASSWORD = "a long enough phrase"
HOME, STRANGER = Caller("203.0.113.9"), Caller("198.51.100.7")
PASSCODE = {"subject": "user:1", "kind": Lockout.Kind.PASSCODE}
pytestmark = pytest.mark.django_db


@pytest.fixture
def sara():
    return User.objects.create_user(email="sara@shop.test", password=PASSWORD, claimed_phone="+966512345678")


def wrong(caller=STRANGER, **login):
    with pytest.raises(InvalidCredentials):
        check_password(password="wrong", caller=caller, **login)


def tries_of_days(count, *, is_familiar):
    """Passcodes tried whenever the quarter of an hour is over; how many were compared."""
    compared, at = 0, now()
    for _ in range(count):
        with time_machine.travel(at, tick=False):
            for _ in range(5):
                try:
                    count_try(**PASSCODE, is_familiar=is_familiar, caller=STRANGER)
                    compared += 1
                except PasscodeLocked:
                    break
        at += LOCKED_FOR + timedelta(seconds=1)
    return compared


def test_strangers_have_forty_tries_at_a_passcode_a_day():
    assert tries_of_days(20, is_familiar=False) == 40
    row = Lockout.objects.get()
    with time_machine.travel(row.expires_at + timedelta(hours=1), tick=False), pytest.raises(PasscodeLocked) as refused:
        count_try(**PASSCODE, is_familiar=False, caller=STRANGER)
    assert 20 * 3600 < refused.value.retry_after < 24 * 3600
    with time_machine.travel(row.day_expires_at + timedelta(seconds=1), tick=False):
        count_try(**PASSCODE, is_familiar=False, caller=STRANGER)
    assert (Lockout.objects.get().tries, Lockout.objects.get().day_tries) == (1, 1)


def test_the_days_budget_of_strangers_is_not_the_owners():
    assert tries_of_days(10, is_familiar=True) == 50


def test_a_try_that_is_refused_prolongs_nothing():
    for _ in range(5):
        count_try(**PASSCODE, is_familiar=False, caller=STRANGER)
    before = Lockout.objects.values().get()
    with pytest.raises(PasscodeLocked):
        count_try(**PASSCODE, is_familiar=False, caller=STRANGER)
    assert Lockout.objects.values().get() == before
    assert AuditEvent.objects.filter(action="locked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_thirty_threads_get_no_more_tries_than_one():
    outcomes = race(lambda _: count_try(**PASSCODE, is_familiar=False, caller=STRANGER), threads=30)
    assert sum(outcome is None for outcome in outcomes) == 5


def test_email_and_phone_are_doors_to_one_count(sara):
    for _ in range(5):
        wrong(email="sara@shop.test")
        wrong(phone="+966512345678")
    with pytest.raises(PasswordLocked):
        check_password(email="sara@shop.test", password=PASSWORD, caller=STRANGER)
    assert Lockout.objects.get().subject == f"user:{sara.pk}"


def test_a_claimed_phone_is_known_at_home(sara):
    start_session(user=sara, caller=HOME)
    for _ in range(10):
        wrong(phone="+966512345678")
    with pytest.raises(PasswordLocked):
        check_password(phone="+966512345678", password=PASSWORD, caller=STRANGER)
    assert check_password(phone="+966512345678", password=PASSWORD, caller=HOME) == sara


def test_known_and_unknown_logins_take_the_same_queries(sara, django_assert_num_queries):
    for login in ({"email": "nobody@shop.test"}, {"email": "sara@shop.test"}, {"phone": "+966500000009"}):
        with django_assert_num_queries(4):  # the person, the network, the count, the note
            wrong(**login)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("my secret phrase", ""), ("Nobody@Shop.Test", "nobody@shop.test"), ("+966512345678", "+966512345678")],
)
def test_only_what_is_plainly_a_login_is_written_down(typed, kept):
    wrong(email=typed)
    assert AuditEvent.objects.get(action="sign_in_refused").subject == kept


def test_locks_of_every_kind_are_found_by_email_and_phone(sara):
    count_try(subject=f"user:{sara.pk}", kind=Lockout.Kind.PIN, is_familiar=True, caller=HOME)
    wrong(email="sara@shop.test")
    for login in ("Sara@Shop.Test", "+966512345678"):
        assert Lockout.objects.filter(subject__in=subjects_of(login)).count() == 2


def test_an_empty_password_is_never_set(sara):
    before = sara.password
    with pytest.raises(ValueError, match="empty"):
        change_password(user=sara, password="")
    sara.refresh_from_db()
    assert sara.password == before
    assert not AuditEvent.objects.filter(action="password_changed").exists()


def test_a_person_keeps_the_twenty_devices_seen_last(sara):
    for number in range(23):
        with time_machine.travel(now() + timedelta(minutes=number), tick=False):
            note_device(user=sara, caller=Caller(device_id=f"web-{number}"))
    assert set(Device.objects.values_list("device_id", flat=True)) == {f"web-{number}" for number in range(3, 23)}


def test_a_wrong_old_password_counts_at_the_door_too(sara):
    start_session(user=sara, caller=HOME)
    for _ in range(5):
        with pytest.raises(InvalidInput):
            require_own_password(user=sara, password="wrong", caller=HOME, field="old_password")
        wrong(HOME, email="sara@shop.test")
    with pytest.raises(PasswordLocked):
        check_password(email="sara@shop.test", password=PASSWORD, caller=HOME)
