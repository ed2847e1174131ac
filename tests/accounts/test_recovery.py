"""Getting back in by mail, and who may."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from apps.accounts.callers import Caller
from apps.accounts.errors import CodeRejected, InvalidCredentials, LinkRejected, TooManyMails
from apps.accounts.models import CodeSend, Link, Session, User
from apps.accounts.services import (
    request_password_reset,
    reset_password,
    reset_password_with_code,
    send_code,
    send_verification,
    start_session,
    verify_email,
)
from core.clock import now
from core.errors import InvalidInput
from core.outbox import run_due_jobs
from tests.races import race

HERE = Caller("203.0.113.9")
NEW = "another long phrase"
pytestmark = pytest.mark.django_db


@pytest.fixture
def nora():
    return User.objects.create_user(email="nora@shop.test", password="a long enough phrase", email_verified_at=now())


def mailed(pattern=r"token=([\w=-]+)"):
    run_due_jobs()
    return next(found[1] for sent in reversed(mail.outbox) if (found := re.search(pattern, sent.body)))


def test_the_link_sets_a_new_password_and_ends_every_session(nora):
    start_session(user=nora, caller=HERE)
    request_password_reset(email=nora.email)
    reset_password(token=mailed(), password=NEW, caller=HERE)
    nora.refresh_from_db()
    assert nora.check_password(NEW)
    assert not Session.objects.filter(ended_at=None).exists()
    run_due_jobs()
    assert "password" in mail.outbox[-1].subject.lower()


def test_a_link_works_once(nora):
    request_password_reset(email=nora.email)
    token = mailed()
    reset_password(token=token, password=NEW, caller=HERE)
    with pytest.raises(LinkRejected):
        reset_password(token=token, password="a third long phrase", caller=HERE)
    nora.refresh_from_db()
    assert nora.check_password(NEW)


def test_a_weak_password_leaves_the_link_unspent(nora):
    request_password_reset(email=nora.email)
    token = mailed()
    with pytest.raises(InvalidInput):
        reset_password(token=token, password="12345678", caller=HERE)
    reset_password(token=token, password=NEW, caller=HERE)


def test_a_link_is_good_for_an_hour_and_for_its_purpose(nora):
    request_password_reset(email=nora.email)
    token = mailed()
    with pytest.raises(LinkRejected):
        verify_email(token=token)
    with time_machine.travel(now() + timedelta(hours=1, seconds=1)), pytest.raises(LinkRejected):
        reset_password(token=token, password=NEW, caller=HERE)
    assert Link.objects.get().used_at is None


@pytest.mark.parametrize("token", ["", "x", "A" * 64, "é" * 64, "\0", "=" * 200])
def test_a_token_that_is_none_is_refused(nora, token):
    with pytest.raises(LinkRejected):
        reset_password(token=token, password=NEW, caller=HERE)


def test_a_forged_token_for_a_known_row_is_refused(nora):
    request_password_reset(email=nora.email)
    token = mailed()
    forged = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
    with pytest.raises(LinkRejected):
        reset_password(token=forged, password=NEW, caller=HERE)


def test_no_secret_of_a_link_stands_in_the_database(nora):
    request_password_reset(email=nora.email)
    token = mailed()
    assert token not in str(list(Link.objects.values()))


def test_an_unknown_email_is_counted_alike_and_gets_no_mail(nora):
    for email in (nora.email, "nobody@shop.test"):
        for _ in range(5):
            request_password_reset(email=email)
        with pytest.raises(TooManyMails):
            request_password_reset(email=email)
    run_due_jobs()
    assert {recipient for sent in mail.outbox for recipient in sent.to} == {nora.email}


def test_a_code_for_an_unknown_email_is_counted_alike_and_gets_no_mail(nora):
    send_code(recipient="nobody@shop.test", purpose="reset", caller=HERE)
    run_due_jobs()
    assert not mail.outbox
    assert CodeSend.objects.get().state == "sent"
    with pytest.raises(CodeRejected):
        reset_password_with_code(email="nobody@shop.test", guess="000000", password=NEW, caller=HERE)


@pytest.mark.parametrize(
    "proof", [{"phone": "+966512345678", "phone_verified_at": now()}, {"google_uid": "1078"}], ids=["phone", "google"]
)
def test_an_unproved_email_beside_another_proof_gets_its_owner_an_account_of_their_own(proof):
    """Written by mistake, or to keep the address from its owner: neither gets anybody into the other's account."""
    holder = User.objects.create_user(email="nora@shop.test", password="the holder's phrase", **proof)
    request_password_reset(email="nora@shop.test")
    reset_password(token=mailed(), password=NEW, caller=HERE)
    holder.refresh_from_db()
    assert (holder.email, holder.check_password("the holder's phrase")) == (None, True)
    owner = User.objects.get(email="nora@shop.test")
    assert owner.check_password(NEW)
    assert owner.email_verified_at
    assert (owner.phone, owner.google_uid) == (None, None)


def test_who_proves_the_email_of_an_account_that_proves_nothing_gets_it_without_older_keys():
    trap = User.objects.create_user(
        email="nora@shop.test", password="the stranger's phrase", claimed_phone="+966512345678"
    )
    User.objects.update(passcode="x", pin="y")
    request_password_reset(email=trap.email)
    reset_password(token=mailed(), password=NEW, caller=HERE)
    trap.refresh_from_db()
    assert (trap.passcode, trap.pin, trap.claimed_phone) == ("", "", None)
    assert trap.email_verified_at
    assert trap.check_password(NEW)


def test_an_email_is_verified_by_its_link():
    user = User.objects.create_user(email="nora@shop.test")
    send_verification(user=user)
    verify_email(token=mailed(), caller=HERE)
    user.refresh_from_db()
    assert user.email_verified_at


def test_a_link_verifies_the_address_it_was_sent_to_and_no_later_one():
    user = User.objects.create_user(email="old@shop.test")
    send_verification(user=user)
    token = mailed()
    User.objects.update(email="new@shop.test")
    with pytest.raises(LinkRejected):
        verify_email(token=token, caller=HERE)
    user.refresh_from_db()
    assert user.email_verified_at is None


def test_a_link_proves_an_address_for_who_asked_and_for_nobody_else():
    """Two people asked for one address; the link of the first says nothing about the second."""
    first = User.objects.create_user(email="first@shop.test", pending_email="nora@shop.test")
    second = User.objects.create_user(email="nora@shop.test")
    send_verification(user=first)
    verify_email(token=mailed(), caller=HERE)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.email, first.email_verified_at is None) == ("nora@shop.test", False)
    assert (second.email, second.email_verified_at) == (None, None)


def test_a_proved_address_yields_to_nobody(nora):
    rival = User.objects.create_user(email="rival@shop.test", pending_email=nora.email)
    send_verification(user=rival)
    with pytest.raises(LinkRejected):
        verify_email(token=mailed(), caller=HERE)
    rival.refresh_from_db()
    assert rival.email == "rival@shop.test"


@pytest.mark.django_db(transaction=True)
def test_of_people_who_prove_one_address_at_once_one_has_it():
    people = [User.objects.create_user(email=f"p{n}@shop.test", pending_email="nora@shop.test") for n in range(4)]
    tokens = []
    for person in people:
        send_verification(user=person)
        tokens.append(mailed())
    outcomes = race(lambda number: verify_email(token=tokens[number], caller=HERE), threads=4)
    assert sum(isinstance(outcome, LinkRejected) for outcome in outcomes) == 3
    assert User.objects.filter(email="nora@shop.test").count() == 1


def test_other_links_and_codes_for_a_new_password_are_spent_with_the_first(nora):
    request_password_reset(email=nora.email)
    first = mailed()
    request_password_reset(email=nora.email)
    second = mailed()
    reset_password(token=second, password=NEW, caller=HERE)
    with pytest.raises(LinkRejected):
        reset_password(token=first, password="a third long phrase", caller=HERE)


def test_a_reset_clears_passcode_and_pin_and_lowers_the_limits_for_a_day(nora):
    User.objects.update(passcode="x", pin="y")
    request_password_reset(email=nora.email)
    reset_password(token=mailed(), password=NEW, caller=HERE)
    nora.refresh_from_db()
    assert (nora.passcode, nora.pin) == ("", "")
    assert nora.limits_restricted_until > now() + timedelta(hours=23)


@pytest.mark.parametrize("email", ["nora@shop.test", "nobody@shop.test"])
def test_a_password_like_the_person_tells_nothing_before_the_code(nora, email):
    with pytest.raises(CodeRejected):
        reset_password_with_code(email=email, guess="000000", password=email, caller=HERE)


@pytest.mark.django_db(transaction=True)
def test_a_session_opened_with_the_old_password_does_not_outlive_the_reset(nora):
    """The password was looked at before the reset, the session opened after it."""
    looked_at = User.objects.get(pk=nora.pk)
    request_password_reset(email=nora.email)
    reset_password(token=mailed(), password=NEW, caller=HERE)
    with pytest.raises(InvalidCredentials):
        start_session(user=looked_at, caller=HERE)
    assert not Session.objects.filter(ended_at=None).exists()
