"""Celery as it is deployed: real workers and beats on a real Redis, killed, stopped and cut off."""

import random
import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import psutil
import pytest
import redis
from django.db import connection, transaction
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from core.clock import now
from core.models import OutboxJob
from core.outbox import enqueue
from tests.processes import CeleryBeat, CeleryWorker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class OneByOne(CeleryWorker):
    options = ("--concurrency=1",)


class ThreeAtOnce(CeleryWorker):
    options = ("--concurrency=3",)


class ForReports(CeleryWorker):
    options = ("--concurrency=1", "-Q", "reports")


@pytest.fixture
def start(redis_server, tmp_path):
    """Start Celery's processes on this test's database and broker; none outlives the test."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE rehearsal_effect (id bigserial, trace text, made_at timestamptz DEFAULT now())")
    server, started = connection.get_connection_params(), []
    (tmp_path / "metrics").mkdir()
    environ = {
        "DATABASE_URL": f"postgresql://{server['user']}@/{server['dbname']}?host={server['host']}&port={server['port']}",
        "REDIS_URL": redis_server.url,
        "DJANGO_SETTINGS_MODULE": "tests.core.rehearsal.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
    }

    def start(kind):
        started.append(kind(tmp_path / f"process-{len(started)}", **environ))
        return started[-1]

    yield start
    for process in started:
        process.kill()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE rehearsal_effect")


@pytest.fixture
def broker(redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        yield client


def traces():
    with connection.cursor() as cursor:
        cursor.execute("SELECT trace FROM rehearsal_effect ORDER BY id")
        return [trace for (trace,) in cursor]


def waiting():
    return OutboxJob.objects.filter(repeats_every=None)


def wait_until(true, *processes, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, [process.log.read_text()[-3000:] for process in processes]
        time.sleep(0.05)


def test_of_a_thousand_jobs_none_is_lost_or_repeated_while_workers_are_killed(start):
    with transaction.atomic():
        for number in range(1000):
            enqueue("rehearsal.note", trace=str(number))
    workers = [start(CeleryWorker).wait_until_open(), start(CeleryWorker)]
    kills, deadline = 0, time.monotonic() + 60
    while waiting().exists() and time.monotonic() < deadline:
        time.sleep(random.uniform(0.1, 0.5))
        for number, worker in enumerate(workers):
            if worker.process.poll() is not None:
                workers[number] = start(CeleryWorker)
        crews = [worker.crew() for worker in workers if worker.is_open()]
        if crews and kills < 16:
            main, *children = random.choice(crews)
            victim = main if not children or kills % 6 == 3 else random.choice(children)
            with suppress(psutil.NoSuchProcess):
                victim.kill()
                kills += 1
    made = Counter(trace for trace in traces() if trace != "tick")
    assert {trace: count for trace, count in made.items() if count != 1} == {}
    assert set(made) == {str(number) for number in range(1000)}
    assert kills >= 8


def test_a_transaction_that_rolls_back_sends_nothing(start, broker):
    with transaction.atomic():
        enqueue("rehearsal.note", trace="never")
        transaction.set_rollback(True)
    enqueue("rehearsal.note", trace="after")
    worker = start(OneByOne)
    wait_until(lambda: traces() == ["after"] and not waiting().exists(), worker)
    assert broker.llen("hanout-jobs:default") == 0


def test_what_workers_count_is_shared_with_the_web(start, tmp_path):
    for _ in range(3):
        enqueue("rehearsal.note", trace="counted")
    wait_until(lambda: not waiting().exists(), start(CeleryWorker))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path / "metrics"))
    counted = {"name": "rehearsal.note", "outcome": "done"}
    wait_until(lambda: registry.get_sample_value("hanout_jobs_total", counted) == 3)


def test_sigterm_lets_the_running_job_finish_and_returns_the_others(start, broker, tmp_path):
    enqueue("rehearsal.long", started=str(tmp_path / "started"), seconds=1.5)
    worker = start(OneByOne)
    wait_until((tmp_path / "started").exists, worker)
    for number in range(8):
        enqueue("rehearsal.note", trace=str(number))
    wait_until(lambda: not waiting().filter(published_at=None).exists(), worker)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(timeout=60) == 0
    done = traces()
    assert done[0] == "long"
    assert waiting().count() == 9 - len(done)
    assert broker.llen("hanout-jobs:default") >= waiting().count() > 0
    assert broker.hlen("hanout-jobs:unacked") == 0


def test_a_job_that_kills_its_process_or_takes_too_long_counts_an_attempt_and_leaves_nothing(start, tmp_path):
    enqueue("rehearsal.crash")
    enqueue("rehearsal.endless")
    enqueue("rehearsal.long", started=str(tmp_path / "started"), seconds=60)
    worker = start(ThreeAtOnce)
    wait_until(lambda: waiting().filter(attempts__gte=1).count() == 3, worker)
    errors = dict(waiting().values_list("name", "last_error"))
    assert "WorkerLostError" in errors["rehearsal.crash"]
    assert errors["rehearsal.endless"].startswith("TimeLimitExceeded")
    assert "SoftTimeLimitExceeded" in errors["rehearsal.long"]
    assert traces() == []


def test_two_beats_run_each_tick_once_and_catch_up_a_missed_one_once(start):
    beats = [start(CeleryBeat), start(CeleryBeat)]
    for beat in beats:
        beat.wait_until_open()
    row = OutboxJob.objects.filter(name="rehearsal.tick")
    row.update(created_at=now() - timedelta(hours=1), due_at=now() - timedelta(hours=1))
    begun = time.monotonic()
    worker = start(OneByOne)
    wait_until(lambda: len(traces()) >= 4, *beats, worker)
    elapsed = time.monotonic() - begun
    # One run a second of a fixed grid and no more, whatever an hour of missed ones and two beats ask for.
    assert len(traces()) <= elapsed + 1
    grid = row.get().created_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT floor(extract(epoch FROM made_at - %s)) FROM rehearsal_effect", [grid])
        slots = [slot for (slot,) in cursor]
    assert len(slots) == len(set(slots))


def test_an_emptied_broker_and_one_that_is_down_cost_a_delay_only(start, broker, redis_server):
    for number in range(20):
        enqueue("rehearsal.note", trace=str(number))
    start(ForReports)  # sends all rows, runs none of these
    wait_until(lambda: broker.llen("hanout-jobs:default") >= 20)
    broker.flushall()
    worker = start(OneByOne)
    wait_until(lambda: not waiting().exists(), worker)
    # Not asked after the loss: cut off in the middle of a command, Celery itself may print where it was.
    assert "Traceback" not in worker.log.read_text()

    redis_server.stop()
    enqueue("rehearsal.note", trace="cut off")
    wait_until(lambda: "Cannot connect to redis" in worker.log.read_text(), worker)
    assert waiting().count() == 1
    redis_server.start()
    wait_until(lambda: not waiting().exists(), worker)
    assert sorted(traces()) == sorted([*map(str, range(20)), "cut off"])
    assert "Warning" not in worker.log.read_text().replace("SecurityWarning", "")


def test_a_worker_survives_a_broker_lost_in_the_middle_of_its_job(start, redis_server, tmp_path):
    enqueue("rehearsal.long", started=str(tmp_path / "started"), seconds=2)
    worker = start(OneByOne)
    wait_until((tmp_path / "started").exists, worker)
    redis_server.stop()
    redis_server.start()
    enqueue("rehearsal.note", trace="after")
    wait_until(lambda: not waiting().exists(), worker)
    assert traces() == ["long", "after"]
    assert worker.process.poll() is None


def test_what_is_more_urgent_goes_first(start):
    for queue in ("low_priority", "default", "high_priority"):
        for _ in range(10):
            enqueue("rehearsal.note", trace=queue)
        waiting().filter(payload__trace=queue).update(queue=queue)
    wait_until(lambda: not waiting().exists(), start(OneByOne))
    done = traces()
    assert done.index("low_priority") > 20 - 5  # at most what was fetched ahead
    assert done[:10].count("high_priority") >= 5
