import re
import subprocess
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import InterfaceError, transaction
from django.urls import reverse

from apps.products.models import Category
from config.env import ROOT
from core import outbox, outbox_registry
from core.clock import now
from core.models import OutboxJob
from core.outbox import count_lost, enqueue, job, plan_schedule, registered_jobs, run_due_jobs
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(monkeypatch):
    """A registry of the test's own, and what its jobs did."""
    monkeypatch.setattr(outbox_registry, "_registry", {})
    done = []

    @job("tests.note")
    def note(word):
        done.append(word)

    @job("tests.fail")
    def fail():
        Category.objects.create(name="half done", slug="half-done")
        raise RuntimeError("no luck")

    @job("tests.mail", queue="email")
    def mail():
        done.append("mail")

    @job("tests.tick", every=timedelta(minutes=5))
    def tick():
        done.append("tick")

    return done


def test_a_job_runs_once_after_its_cause(jobs):
    enqueue("tests.note", word="hello")
    assert (run_due_jobs(), run_due_jobs()) == (1, 0)
    assert jobs == ["hello"]
    assert not OutboxJob.objects.exists()


def test_a_job_whose_cause_is_rolled_back_never_was(jobs):
    with transaction.atomic():
        enqueue("tests.note", word="hello")
        transaction.set_rollback(True)
    assert run_due_jobs() == 0
    assert jobs == []


def test_a_job_waits_until_it_is_due(jobs):
    enqueue("tests.note", word="later", delay=timedelta(minutes=1))
    assert run_due_jobs() == 0
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert run_due_jobs() == 1


def test_a_failed_job_leaves_nothing_half_done_and_is_tried_again_later(jobs):
    enqueue("tests.fail")
    assert run_due_jobs() == 1
    row = OutboxJob.objects.get()
    assert (row.attempts, row.state, row.last_error) == (1, "waiting", "RuntimeError: no luck")
    assert row.due_at > now()
    assert not Category.objects.exists()


def test_a_job_that_keeps_failing_is_given_up_visibly(jobs):
    enqueue("tests.fail")
    for _ in range(outbox.MAX_ATTEMPTS):
        OutboxJob.objects.update(due_at=now())
        run_due_jobs()
    assert OutboxJob.objects.get().state == "dead"
    assert run_due_jobs() == 0


def test_one_that_gave_up_is_run_again_by_hand(jobs, client, operator):
    client.force_login(operator)
    for word in ("one", "two"):
        OutboxJob.objects.create(
            name="tests.note", key="once", payload={"word": word}, state="dead", attempts=8, due_at=now()
        )
    chosen = {"action": "run_again", "_selected_action": [row.pk for row in OutboxJob.objects.all()]}
    page = client.post(reverse("admin:core_outboxjob_changelist"), chosen, follow=True).content.decode()
    assert "1 job(s) will run within moments. 1 left alone" in page
    assert run_due_jobs() == 1
    assert OutboxJob.objects.get().state == "dead"


def test_the_console_shows_the_queue_and_filters_by_it(jobs, client, operator):
    client.force_login(operator)
    enqueue("tests.mail")
    listed = client.get(reverse("admin:core_outboxjob_changelist"), {"queue": "email"}).content.decode()
    assert "tests.mail" in listed


def test_a_job_waits_in_the_queue_it_was_declared_for(jobs):
    enqueue("tests.mail")
    enqueue("tests.note", word="hello")
    assert dict(OutboxJob.objects.values_list("name", "queue")) == {"tests.mail": "email", "tests.note": "default"}


def test_a_second_job_of_a_key_does_nothing_while_the_first_waits(jobs):
    for word in ("first", "second"):
        enqueue("tests.note", key="order 7", word=word)
    enqueue("tests.note", key="order 8", word="other")
    run_due_jobs()
    enqueue("tests.note", key="order 7", word="later")
    run_due_jobs()
    assert jobs == ["first", "other", "later"]


def test_a_broken_reference_fails_the_job_that_left_it_and_no_other(jobs):
    @job("tests.dangle")
    def dangle():
        Category.objects.create(name="orphan", slug="orphan", parent_id=404)

    enqueue("tests.dangle")
    enqueue("tests.note", word="hello")
    assert run_due_jobs() == 2
    assert "IntegrityError" in OutboxJob.objects.get().last_error
    assert jobs == ["hello"]


def test_a_run_that_took_its_process_with_it_is_an_attempt(jobs):
    enqueue("tests.note", word="hello")
    count_lost(OutboxJob.objects.all(), RuntimeError("killed"))
    count_lost(OutboxJob.objects.all(), RuntimeError("killed"))  # put back already, so not lost again
    row = OutboxJob.objects.get()
    assert (row.attempts, row.last_error) == (1, "RuntimeError: killed")


def test_a_job_nobody_knows_is_kept(jobs):
    enqueue("tests.unheard_of")
    run_due_jobs()
    assert "KeyError" in OutboxJob.objects.get().last_error


def test_the_schedule_is_what_the_code_declares(jobs):
    OutboxJob.objects.create(name="tests.gone", repeats_every=timedelta(hours=1), due_at=now())
    for _ in range(2):
        plan_schedule()
    assert [row.name for row in OutboxJob.objects.all()] == ["tests.tick"]


def test_a_missed_run_is_caught_up_once(jobs):
    plan_schedule()
    with time_machine.travel(now() + timedelta(days=3)):
        assert (run_due_jobs(), run_due_jobs()) == (1, 0)
        assert OutboxJob.objects.get().due_at > now()
    assert jobs == ["tick"]


def test_every_name_that_is_enqueued_has_a_job():
    written = subprocess.run(
        ["git", "grep", "-hoE", r'enqueue\(\s*"[a-z_.]+"', "--", "apps", "core"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = set(re.findall(r'"([a-z_.]+)"', written))
    assert {"orders.announce_placed", "orders.expire"} <= names <= set(registered_jobs())


@pytest.mark.django_db(transaction=True)
def test_of_eight_that_enqueue_one_key_at_once_one_does(jobs):
    assert race(lambda number: enqueue("tests.note", key="once", word=number), threads=8) == [None] * 8
    assert OutboxJob.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_workers_run_each_job_once(jobs):
    for number in range(40):
        enqueue("tests.note", word=number)
    race(lambda _: run_due_jobs(), threads=8)
    assert sorted(jobs) == list(range(40))
    assert not OutboxJob.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", [RuntimeError("no server"), InterfaceError("connection already closed")])
def test_a_worker_outlives_whatever_one_round_meets(jobs, monkeypatch, trouble):
    stop, rounds = threading.Event(), []

    def run():
        rounds.append(1)
        if len(rounds) == 1:
            raise trouble
        stop.set()
        return 0

    monkeypatch.setattr(outbox, "run_due_jobs", run)
    outbox.work(stop, pause_seconds=0.01)
    assert len(rounds) == 2
