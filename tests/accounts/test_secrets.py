"""Changes of one secret at once: one of them knew the current one, for the others it was the current one no more."""

import pytest

from apps.accounts.callers import Caller
from apps.accounts.errors import PasscodeInvalid, PinInvalid
from apps.accounts.models import AuditEvent, Lockout, User
from apps.accounts.services import (
    PASSCODE,
    PIN,
    change_own_password,
    change_secret,
    check_secret,
    set_up_secret,
    start_session,
)
from core.errors import InvalidInput
from core.outbox import run_due_jobs
from tests.conftest import Api
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough phrase"
OLD = {"passcode": "836251", "pin": "8362"}
NEW = {"passcode": ["947131", "947132", "947133", "947135"], "pin": ["9471", "9472", "9473", "9475"]}


@pytest.fixture
def nora():
    user = User.objects.create_user(email="nora@shop.test", password=PASSWORD)
    for kind in (PASSCODE, PIN):
        set_up_secret(user=user, kind=kind, value=OLD[kind.name], caller=Caller())
    user.refresh_from_db()
    return user


@pytest.fixture
def session(nora):
    return start_session(user=nora, caller=Caller("127.0.0.1")).session.pk


def at_once(nora, change, new):
    """Each with the person as its own request read them, and a secret of its own; the index of the one that held."""
    read = [User.objects.get(pk=nora.pk) for _ in new]
    outcomes = race(lambda number: change(read[number], new[number]), threads=len(new))
    held = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert len(held) == 1, outcomes
    return held[0], [outcome for outcome in outcomes if outcome is not None]


@pytest.mark.parametrize(("kind", "refused"), [(PASSCODE, PasscodeInvalid), (PIN, PinInvalid)])
def test_of_many_changes_of_a_secret_at_once_one_holds(nora, session, kind, refused):
    def change(user, new):
        return change_secret(user=user, kind=kind, current=OLD[kind.name], new=new, caller=Caller(), keep=session)

    held, others = at_once(nora, change, NEW[kind.name])
    assert {type(error) for error in others} == {refused}
    Lockout.objects.all().delete()
    nora.refresh_from_db()
    check_secret(user=nora, kind=kind, value=NEW[kind.name][held], caller=Caller())
    assert nora.limits_restricted_until
    assert AuditEvent.objects.filter(action=f"{kind.name}_changed", details__first=False).count() == 1


def test_of_many_changes_of_a_passcode_the_one_that_held_signs_in(nora, session):
    def change(user, new):
        return change_secret(user=user, kind=PASSCODE, current="836251", new=new, caller=Caller(), keep=session)

    held, _ = at_once(nora, change, NEW["passcode"])
    for number, passcode in enumerate(NEW["passcode"]):
        reply = Api().send("POST", "/api/v2/auth/signin", {"email": nora.email, "passcode": passcode})
        assert reply.status_code == (200 if number == held else 401)


def test_of_many_changes_of_a_password_at_once_one_holds_and_signs_in(nora, session):
    new = [f"another long phrase {number}" for number in range(6)]

    def change(user, password):
        return change_own_password(user=user, old=PASSWORD, new=password, caller=Caller(), keep=session)

    held, others = at_once(nora, change, new)
    assert {type(error) for error in others} == {InvalidInput}
    assert {tuple(error.fields) for error in others} == {("old_password",)}
    for number, password in enumerate([*new, PASSWORD]):
        reply = Api().send("POST", "/api/auth/login/", {"email": nora.email, "password": password})
        assert reply.status_code == (200 if number == held else 401)
    assert AuditEvent.objects.filter(action="password_changed").count() == 1
    run_due_jobs()


def test_an_outdated_hash_is_not_renewed_over_a_password_that_was_changed_meanwhile(nora, session, settings):
    read = [User.objects.get(pk=nora.pk) for _ in range(2)]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    new = "another long phrase"
    change_own_password(user=read[0], old=PASSWORD, new=new, caller=Caller(), keep=session)
    with pytest.raises(InvalidInput):
        change_own_password(user=read[1], old=PASSWORD, new="a third long phrase", caller=Caller(), keep=session)
    nora.refresh_from_db()
    assert nora.check_password(new)
