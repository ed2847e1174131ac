import os
import signal
import subprocess
import sys
import threading
from datetime import time, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import QuerySet

from apps.accounts.callers import Caller
from apps.accounts.models import Session, User
from apps.accounts.services import refresh_session
from apps.accounts.services import start_session as open_session
from apps.accounts.services.housekeeping import stale_sessions
from config.env import ROOT
from core import housekeeping
from core.clock import now
from core.housekeeping import count_stale, delete_stale
from core.outbox import registered_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return User.objects.create_user(phone="+966512345678")


def session(person, *, expired=None, ended=None):
    """A session that expired, or ended, so many days ago."""
    row = open_session(user=person, caller=Caller()).session
    if expired is not None:
        Session.objects.filter(pk=row.pk).update(expires_at=now() - timedelta(days=expired))
    if ended is not None:
        Session.objects.filter(pk=row.pk).update(ended_at=now() - timedelta(days=ended), end_reason="signed_out")
    return row


def left():
    return set(Session.objects.values_list("pk", flat=True))


@pytest.fixture
def five(person):
    kept = {session(person).pk, session(person, expired=29).pk, session(person, ended=6).pk}
    gone = {session(person, expired=31).pk, session(person, ended=8).pk}
    return kept, gone


def test_the_two_settings_say_what_goes(five):
    kept, _ = five
    assert count_stale(stale_sessions) == 2
    assert delete_stale(stale_sessions) == 2
    assert left() == kept


@pytest.mark.parametrize(("days", "count"), [(0, 4), (7, 3), (30, 1), (365, 0)])
def test_older_than_days_counts_for_both_kinds(five, days, count):
    assert count_stale(stale_sessions, days=days) == delete_stale(stale_sessions, days=days) == count


def test_a_dry_run_says_what_the_run_then_does(five, capsys):
    call_command("cleanup_refresh_tokens", "--dry-run")
    assert capsys.readouterr().out == "2 session(s) would be deleted.\n"
    assert len(left()) == 5
    call_command("cleanup_refresh_tokens")
    assert capsys.readouterr().out == "2 session(s) deleted.\n"


@pytest.mark.parametrize("days", ["-1", "x", "3651", "1.5", "٣"])
def test_a_number_of_days_that_is_none_is_refused(five, days):
    with pytest.raises(CommandError, match="is not a number of days"):
        call_command("cleanup_refresh_tokens", f"--older-than-days={days}")
    assert len(left()) == 5


def test_batches_end_where_the_rows_do(person, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for _ in range(5):
        session(person, ended=8)
    alive = session(person)
    assert delete_stale(stale_sessions) == 5
    assert left() == {alive.pk}


def test_a_stopped_run_keeps_what_it_did_and_another_finishes(person, monkeypatch):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for _ in range(5):
        session(person, ended=8)

    class AfterTwo(threading.Event):
        asked = 0

        def is_set(self):
            self.asked += 1
            return self.asked > 2

    assert delete_stale(stale_sessions, stop=AfterTwo()) == 4
    assert delete_stale(stale_sessions) == 1


def impatiently(call):
    """Run the call in a thread with a connection of its own that waits for no lock longer than 100 ms."""
    got = []

    def run():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        got.append(call())
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=60)
    return got


@pytest.mark.django_db(transaction=True)
def test_no_batch_waits_for_a_row_somebody_holds(person):
    held, free = session(person, ended=8), session(person, ended=8)
    with transaction.atomic():
        Session.objects.select_for_update().get(pk=held.pk)
        assert impatiently(lambda: delete_stale(stale_sessions)) == [1]
    assert held.pk in left()
    assert free.pk not in left()


@pytest.mark.django_db(transaction=True)
def test_no_refresh_waits_for_a_batch(person):
    session(person, ended=8)
    alive = open_session(user=person, caller=Caller())
    with transaction.atomic():
        assert delete_stale(stale_sessions) == 1
        assert len(impatiently(lambda: refresh_session(token=alive.refresh))) == 1


@pytest.mark.parametrize("script", ["cleanup_refresh_tokens.py", "cleanup_refresh_tokens.sh"])
def test_the_scripts_of_the_document_are_the_command(script):
    program = [sys.executable] if script.endswith("py") else ["bash"]
    help_ = subprocess.run(
        [*program, ROOT / "scripts" / script, "--help"], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    assert "--dry-run" in help_
    assert "--older-than-days" in help_


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_batch_at_hand(person, monkeypatch, capsys, number):
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    for _ in range(5):
        session(person, ended=8)
    delete = QuerySet.delete

    def interrupted(rows):
        os.kill(os.getpid(), number)
        return delete(rows)

    monkeypatch.setattr(QuerySet, "delete", interrupted)
    call_command("cleanup_refresh_tokens")
    assert capsys.readouterr().out == "2 session(s) deleted; stopped before the end.\n"
    assert len(left()) == 3


def test_the_schedule_cleans_daily_at_three(five):
    job = registered_jobs()["accounts.delete_dead_sessions"]
    assert job.daily_at == time(3)
    job.handler()
    assert left() == five[0]
