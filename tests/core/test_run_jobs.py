"""`manage.py run_jobs`: a worker process beside the web."""

import signal
import time
import urllib.error
import urllib.request

import psycopg
import pytest

from config import embedded_postgres
from tests.processes import Served, free_port, manage


class Worker(Served):
    command = ("manage.py", "run_jobs")


@pytest.fixture
def database(tmp_path):
    server = embedded_postgres.join(tmp_path / "database")
    manage(tmp_path / "migrate", "migrate", DATABASE_URL=server.url)
    yield server
    server.leave()


def test_a_worker_plans_the_schedule_runs_it_and_ends_on_sigterm(database, tmp_path):
    worker = Worker(tmp_path / "worker", DATABASE_URL=database.url)
    with psycopg.connect(database.url, autocommit=True) as connection:
        for _ in range(600):
            done = connection.execute(
                "SELECT count(*) FROM core_outboxjob WHERE repeats_every IS NOT NULL AND due_at > now()"
            ).fetchone()[0]
            if done >= 2:
                break
            time.sleep(0.1)
        assert connection.execute("SELECT kind FROM core_heartbeat").fetchall() == [("worker",)]
    assert done >= 2, worker.log.read_text()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(timeout=60) == 0


def test_a_worker_shows_what_it_counts_to_this_machine(database, tmp_path):
    port = free_port()

    class Counted(Served):
        command = ("manage.py", "run_jobs", "--metrics-port", str(port))

    worker = Counted(tmp_path / "worker", DATABASE_URL=database.url)
    for _ in range(600):
        if 'hanout_jobs_total{name="' in metrics(port):
            break
        time.sleep(0.1)
    else:
        raise AssertionError(worker.log.read_text())
    second = Counted(tmp_path / "second", DATABASE_URL=database.url)
    assert second.process.wait(timeout=60) == 1
    assert "Choose another --metrics-port." in second.log.read_text()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(timeout=60) == 0


def metrics(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
            return reply.read().decode()
    except urllib.error.URLError:
        return ""
