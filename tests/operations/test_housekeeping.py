"""`manage.py housekeeping`: everything that counts no more, by one command."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command

from apps.accounts.models import Guess
from apps.orders.models import Cart
from core import housekeeping
from core.clock import now
from core.housekeeping import registered_chores
from core.models import IdempotentAnswer, OutboxJob
from core.outbox import registered_jobs, run_due_jobs

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def rubbish():
    """One of a kind of four, and of each a fresh one."""
    for age in (timedelta(0), 400 * DAY):
        moment, token = now() - age, str(age).encode()
        Session.objects.create(session_key=str(age), session_data="", expire_date=moment + timedelta(hours=1))
        guess(age)
        IdempotentAnswer.objects.create(key=token, fingerprint=b"", status=200, sealed=b"", created_at=moment)
        cart = Cart.objects.create(token_digest=token)
        Cart.objects.filter(pk=cart.pk).update(updated_at=moment)


def guess(age):
    Guess.objects.create(recipient="+966500000009", purpose="sign_in", created_at=now() - age)


def counted(output):
    """Chore by chore, from the table a person reads."""
    return {line.split()[0]: int(line.split()[1]) for line in output.splitlines()[1:]}


def everything():
    return [model.objects.count() for model in (Session, Guess, IdempotentAnswer, Cart)]


def test_a_dry_run_says_what_the_run_then_does(rubbish, capsys):
    call_command("housekeeping", "--dry-run")
    promised = counted(capsys.readouterr().out)
    assert everything() == [2, 2, 2, 2]
    call_command("housekeeping")
    assert counted(capsys.readouterr().out) == promised
    found = {name: count for name, count in promised.items() if count}
    assert found == dict.fromkeys(("answers", "carts", "codes", "console"), 1)
    assert everything() == [1, 1, 1, 1]


def test_one_chore_alone_leaves_the_rest(rubbish, capsys):
    call_command("housekeeping", "--only", "carts")
    assert counted(capsys.readouterr().out) == {"carts": 1}
    assert everything() == [2, 2, 2, 1]


def test_a_chore_nobody_knows_is_named_with_those_that_are_known(rubbish):
    with pytest.raises(CommandError, match=r"no chore 'cart'. Known are: answers, audit, carts"):
        call_command("housekeeping", "--only", "cart")
    assert everything() == [2, 2, 2, 2]


@pytest.mark.parametrize(("days", "gone"), [("0", 2), ("1", 2), ("7", 1), ("500", 0)])
def test_s1s_command_keeps_codes_as_long_as_it_is_told_and_a_day_at_least(capsys, days, gone):
    for age in (timedelta(hours=20), 2 * DAY, 8 * DAY):
        guess(age)
    call_command("cleanup_expired_otps", "--days", days, "--dry-run")
    call_command("cleanup_expired_otps", "--days", days)
    assert capsys.readouterr().out == f"{gone} row(s) would be deleted.\n{gone} row(s) deleted.\n"
    assert Guess.objects.count() == 3 - gone


def test_every_chore_says_in_words_what_it_takes():
    assert len(registered_chores()) >= 8
    assert all(chore.says for chore in registered_chores().values())


def test_a_job_takes_a_share_and_leaves_the_rest_to_another(monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    monkeypatch.setattr(housekeeping, "SWEEP", 4)
    for _ in range(7):
        guess(8 * DAY)
    registered_jobs()["accounts.forget_old_codes"].handler()
    assert Guess.objects.count() == 3
    while run_due_jobs():
        pass
    assert Guess.objects.count() == 0
    assert not OutboxJob.objects.filter(name="core.sweep").exists()
