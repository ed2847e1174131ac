"""Getting back in by mail, and who may."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from apps.accounts.callers import Caller
from apps.accounts.errors import CodeRejected, LinkRejected, TooManyMails
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
    request_password_reset(email=nora.email, caller=HERE)
    reset_password(token=mailed(), password=NEW, caller=HERE)
    nora.refresh_from_db()
    assert nora.check_password(NEW)
    assert not Session.objects.filter(ended_at=None).exists()
    run_due_jobs()
    assert "password" in mail.outbox[-1].subject.lower()


def test_a_link_works_once(nora):
    request_password_reset(email=nora.email, caller=HERE)
    token = mailed()
    reset_password(token=token, password=NEW, caller=HERE)
    with pytest.raises(LinkRejected):
        reset_password(token=token, password="a third long phrase", caller=HERE)
    nora.refresh_from_db()
    assert nora.check_password(NEW)


def test_a_weak_password_leaves_the_link_unspent(nora):
    request_password_reset(email=nora.email, caller=HERE)
    token = mailed()
    with pytest.raises(InvalidInput):
        reset_password(token=token, password="12345678", caller=HERE)
    reset_password(token=token, password=NEW, caller=HERE)


def test_a_link_is_good_for_an_hour_and_for_its_purpose(nora):
    request_password_reset(email=nora.email, caller=HERE)
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
    request_password_reset(email=nora.email, caller=HERE)
    token = mailed()
    forged = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
    with pytest.raises(LinkRejected):
        reset_password(token=forged, password=NEW, caller=HERE)


def test_no_secret_of_a_link_stands_in_the_database(nora):
    request_password_reset(email=nora.email, caller=HERE)
    token = mailed()
    assert token not in str(list(Link.objects.values()))


def test_an_unknown_email_is_counted_alike_and_gets_no_mail(nora):
    for email in (nora.email, "nobody@shop.test"):
        for _ in range(5):
            request_password_reset(email=email, caller=HERE)
        with pytest.raises(TooManyMails):
            request_password_reset(email=email, caller=HERE)
    run_due_jobs()
    assert {recipient for sent in mail.outbox for recipient in sent.to} == {nora.email}


def test_a_code_for_an_unknown_email_is_counted_alike_and_gets_no_mail(nora):
    send_code(recipient="nobody@shop.test", purpose="reset", caller=HERE)
    run_due_jobs()
    assert not mail.outbox
    assert CodeSend.objects.get().state == "sent"
    with pytest.raises(CodeRejected):
        reset_password_with_code(email="nobody@shop.test", guess="000000", password=NEW, caller=HERE)


def test_an_unproved_email_beside_a_proved_phone_gets_nobody_in():
    owner = User.objects.create_user(
        phone="+966512345678", phone_verified_at=now(), email="typo@shop.test", password="a long enough phrase"
    )
    request_password_reset(email=owner.email, caller=HERE)
    send_code(recipient=owner.email, purpose="reset", caller=HERE)
    run_due_jobs()
    assert not mail.outbox


def test_who_proves_the_email_of_an_account_that_proves_nothing_gets_it_without_older_keys():
    trap = User.objects.create_user(
        email="nora@shop.test", password="the stranger's phrase", claimed_phone="+966512345678"
    )
    User.objects.update(passcode="x", pin="y")
    request_password_reset(email=trap.email, caller=HERE)
    reset_password(token=mailed(), password=NEW, caller=HERE)
    trap.refresh_from_db()
    assert (trap.passcode, trap.pin, trap.claimed_phone) == ("", "", None)
    assert trap.email_verified_at
    assert trap.check_password(NEW)


def test_an_email_is_verified_by_its_link():
    user = User.objects.create_user(email="nora@shop.test")
    send_verification(user=user, caller=HERE)
    verify_email(token=mailed(), caller=HERE)
    user.refresh_from_db()
    assert user.email_verified_at


def test_a_link_verifies_the_address_it_was_sent_to_and_no_later_one():
    user = User.objects.create_user(email="old@shop.test")
    send_verification(user=user, caller=HERE)
    token = mailed()
    User.objects.update(email="new@shop.test")
    verify_email(token=token, caller=HERE)
    user.refresh_from_db()
    assert user.email_verified_at is None
