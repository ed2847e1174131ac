"""The schedule: declared in code, kept in two tables, switched off by people."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from core import outbox_registry
from core.clock import now
from core.models import OutboxJob
from core.outbox import job, plan_schedule, run_due_jobs, run_scheduled
from core.outbox_relay import RUN_SCHEDULED, run_job
from core.outbox_relay import run_scheduled as beats_task
from tests.races import race

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 3, 1, 3, tzinfo=UTC)


@pytest.fixture
def done(monkeypatch):
    """A registry of the test's own, and what its jobs did."""
    monkeypatch.setattr(outbox_registry, "_registry", {})
    done = []
    declare("tests.sweep", done, every=timedelta(minutes=5))
    declare("tests.nightly", done, queue="reports", daily_at=time(3))
    return done


def declare(name, done, **when):
    job(name, **when)(lambda: done.append(name))


def row(name):
    return OutboxJob.objects.get(name=name)


def entry(name):
    return PeriodicTask.objects.get(name=name)


def test_each_repeating_job_has_a_row_and_an_entry_of_beat(done):
    plan_schedule()
    assert {job.name: job.queue for job in OutboxJob.objects.all()} == {
        "tests.sweep": "default",
        "tests.nightly": "reports",
    }
    sweep, nightly = entry("tests.sweep"), entry("tests.nightly")
    assert (sweep.task, sweep.args, str(sweep.interval)) == (RUN_SCHEDULED, '["tests.sweep"]', "every 5 minutes")
    assert (nightly.queue, nightly.crontab.hour, nightly.crontab.minute, str(nightly.crontab.timezone)) == (
        "reports", "3", "0", "UTC",
    )  # fmt: skip


def test_a_changed_declaration_changes_both_and_a_removed_one_leaves_neither(done):
    with time_machine.travel(NIGHT - timedelta(hours=2), tick=False):
        plan_schedule()
        run_due_jobs()
        declare("tests.nightly", done, daily_at=time(5, 30))
        declare("tests.sweep", done, every=timedelta(seconds=90), queue="low_priority")
        plan_schedule()
        assert row("tests.nightly").due_at == NIGHT + timedelta(hours=2, minutes=30)
        assert row("tests.sweep").due_at == now() + timedelta(seconds=90)
        assert (row("tests.sweep").queue, str(entry("tests.sweep").interval)) == ("low_priority", "every 90 seconds")
        outbox_registry._registry.pop("tests.sweep")
        plan_schedule()
    assert [job.name for job in OutboxJob.objects.all()] == ["tests.nightly"]
    assert [task.name for task in PeriodicTask.objects.all()] == ["tests.nightly"]


def test_planning_twice_writes_nothing_new(done, django_assert_num_queries):
    plan_schedule()
    before = entry("tests.sweep").date_changed
    plan_schedule()
    assert entry("tests.sweep").date_changed == before
    assert IntervalSchedule.objects.count() == 1


def test_a_job_that_became_daily_has_no_interval_left(done):
    plan_schedule()
    declare("tests.sweep", done, daily_at=time(4))
    plan_schedule()
    assert entry("tests.sweep").interval is None
    assert entry("tests.sweep").crontab.hour == "4"


def test_what_a_person_switched_off_stays_off_and_is_run_by_nobody(done):
    plan_schedule()
    PeriodicTask.objects.filter(name="tests.sweep").update(enabled=False)
    declare("tests.sweep", done, every=timedelta(minutes=6))
    plan_schedule()
    assert not entry("tests.sweep").enabled
    OutboxJob.objects.filter(name="tests.sweep").update(due_at=now())
    assert (run_due_jobs(), run_scheduled("tests.sweep")) == (0, False)
    PeriodicTask.objects.filter(name="tests.sweep").update(enabled=True)
    assert (run_due_jobs(), done) == (1, ["tests.sweep"])


def test_a_daily_job_runs_at_its_hour_and_not_when_it_is_deployed(done):
    with time_machine.travel(NIGHT - timedelta(hours=15), tick=False):
        plan_schedule()
        run_due_jobs()
        assert row("tests.nightly").due_at == NIGHT
    with time_machine.travel(NIGHT + timedelta(seconds=7), tick=False):
        run_due_jobs()
        assert row("tests.nightly").due_at == NIGHT + timedelta(days=1)
    assert done.count("tests.nightly") == 1


def test_runs_keep_to_their_grid_however_late_or_failed_one_was(done):
    with time_machine.travel(NIGHT, tick=False):
        plan_schedule()
        OutboxJob.objects.update(created_at=NIGHT)
        run_due_jobs()
    with time_machine.travel(NIGHT + timedelta(minutes=17, seconds=40), tick=False):
        assert (run_scheduled("tests.sweep"), run_scheduled("tests.sweep")) == (True, False)
    assert row("tests.sweep").due_at == NIGHT + timedelta(minutes=20)


def test_ticks_of_any_number_of_beats_make_one_run(done):
    plan_schedule()
    for _ in range(3):
        beats_task.run("tests.sweep")
    assert done == ["tests.sweep"]


def test_a_message_of_a_row_that_is_gone_does_nothing(done):
    run_job.run(404)
    assert done == []


@pytest.mark.parametrize(
    "wrong",
    [{"queue": "fast"}, {"every": timedelta(milliseconds=1500)}, {"every": timedelta(hours=1), "daily_at": time(3)}],
)
def test_a_declaration_that_makes_no_sense_is_refused_at_once(wrong):
    with pytest.raises(ValueError, match=r"tests\.wrong: "):
        job("tests.wrong", **wrong)


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_together_plan_one_schedule(done):
    assert race(lambda _: plan_schedule(), threads=6) == [None] * 6
    assert (OutboxJob.objects.count(), PeriodicTask.objects.count(), IntervalSchedule.objects.count()) == (2, 2, 1)


def test_the_console_switches_an_entry_off_and_changes_nothing_else(done, client, operator):
    client.force_login(operator)
    plan_schedule()
    page = reverse("admin:django_celery_beat_periodictask_change", args=[entry("tests.sweep").pk])
    assert "every 5 minutes" in client.get(page).content.decode()
    assert client.post(page, {"name": "mine", "task": "os.system"}).status_code == 302
    changed = PeriodicTask.objects.get(name="tests.sweep")
    assert (changed.enabled, changed.task) == (False, RUN_SCHEDULED)
    listed = client.get(reverse("admin:django_celery_beat_periodictask_changelist")).content.decode()
    assert "tests.nightly" in listed


def test_the_console_lets_nobody_add_or_remove_an_entry(done, client, operator):
    client.force_login(operator)
    plan_schedule()
    assert client.get(reverse("admin:django_celery_beat_periodictask_add")).status_code == 403
    gone = reverse("admin:django_celery_beat_periodictask_delete", args=[entry("tests.sweep").pk])
    assert client.post(gone, {"post": "yes"}).status_code == 403
