"""What /metrics tells of the jobs, queue by queue."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from core.celery_config import PRIORITIES
from core.clock import now
from core.models import OutboxJob

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(client):
    """The figures of jobs by name and queue."""

    def read():
        lines = client.get("/metrics").content.decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    return read


def add(**fields):
    return OutboxJob.objects.create(**{"name": "tests.note", "due_at": now()} | fields)


def test_each_known_queue_is_there_from_the_start(read):
    shown = read()
    for figure in ("waiting", "oldest_age_seconds", "failing", "dead"):
        assert [shown[f'hanout_jobs_{figure}{{queue="{queue}"}}'] for queue in PRIORITIES] == [0] * len(PRIORITIES)


def test_depth_age_failures_and_dead_letters_are_counted_by_queue(read):
    add(queue="email", due_at=now() - timedelta(minutes=2))
    add(queue="email", attempts=2)
    add(queue="email", attempts=1, due_at=now() + timedelta(minutes=1))
    add(queue="email", state="dead", attempts=8)
    add(queue="reports", due_at=now() + timedelta(hours=1))
    add(queue="of another release")
    shown = read()
    assert shown['hanout_jobs_waiting{queue="email"}'] == 2
    assert 120 <= shown['hanout_jobs_oldest_age_seconds{queue="email"}'] < 130
    assert shown['hanout_jobs_failing{queue="email"}'] == 2
    assert shown['hanout_jobs_dead{queue="email"}'] == 1
    assert shown['hanout_jobs_waiting{queue="reports"}'] == 0
    assert shown['hanout_jobs_waiting{queue="of another release"}'] == 1


def test_a_job_that_was_switched_off_raises_no_alarm(read):
    add(name="tests.sweep", repeats_every=timedelta(hours=1), due_at=now() - timedelta(days=1))
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(name="tests.sweep", interval=hourly, enabled=False)
    assert read()['hanout_jobs_oldest_age_seconds{queue="default"}'] == 0


def test_they_are_there_beside_the_counters_of_several_processes(read, monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    add(queue="email")
    assert read()['hanout_jobs_waiting{queue="email"}'] == 1


def test_a_database_that_is_away_costs_these_figures_only(client):
    def away(*_):
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(away):
        reply = client.get("/metrics")
    assert reply.status_code == 200
    assert b"hanout_jobs_waiting" not in reply.content
    assert b"python_info" in reply.content
