"""How web processes come and go: the gate they pass, the signal that ends them, what they depend on dying."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException

import psycopg
import pytest

from config import embedded_postgres
from tests.chaos.conftest import STAGING
from tests.chaos.doors import Door, until
from tests.processes import manage

SHELF = "/api/products/"


@pytest.fixture
def start(environ, tmp_path):
    """Starts servers of one test by name; what it leaves behind is ended."""
    started = []

    def begin(name, **given):
        started.append(Door(tmp_path / name, **{**environ, **STAGING, **given}))
        return started[-1]

    yield begin
    for door in started:
        door.end()


def head_of(door, path):
    line = door.line()
    try:
        line.request("GET", path, headers={"X-Forwarded-Proto": "https"})
        reply = line.getresponse()
        reply.read()
        return reply.status, reply.headers.get("Connection", "")
    finally:
        line.close()


@contextmanager
def stuck(door, database):
    """A request that waits for a table, and who holds it."""
    with ThreadPoolExecutor(1) as client, psycopg.connect(database.url) as holder:
        holder.execute("LOCK TABLE products_product IN ACCESS EXCLUSIVE MODE")
        begun = client.submit(door.ask, "GET", SHELF)
        until(lambda: holder.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0], "nobody waits")
        yield begun, holder


@pytest.mark.slow
def test_told_to_end_a_server_says_so_serves_on_and_finishes_what_it_began(start, database):
    delay, grace = 6, 30  # all that is asked in between must be answered in time on a slow machine too
    door = start("web", WEB_CONCURRENCY="2", SHUTDOWN_DELAY_SECONDS=str(delay), SHUTDOWN_GRACE_SECONDS=str(grace))
    door.wait_until_open()
    assert head_of(door, SHELF) == (200, "")
    with stuck(door, database) as (begun, holder):
        told = time.monotonic()
        door.process.send_signal(signal.SIGTERM)
        until(lambda: door.ask("GET", "/health/ready/")[1]["status"] == "stopping", "it stays ready")
        # Those who still come are served, and asked to come back by another door.
        assert head_of(door, "/api/products/categories/") == (200, "close")
        assert door.ask("GET", "/health/live/")[0] == 200
        time.sleep(max(0, told + delay + 1 - time.monotonic()))
        assert door.process.poll() is None, "it did not wait for what it began"
        holder.rollback()
        assert begun.result(timeout=60)[0] == 200
    assert door.process.wait(timeout=60) == 0
    assert time.monotonic() - told <= grace + 1


@pytest.mark.slow
def test_a_request_that_never_ends_does_not_keep_a_server_beyond_its_grace(start, database):
    door = start("web", SHUTDOWN_DELAY_SECONDS="0", SHUTDOWN_GRACE_SECONDS="2").wait_until_open()
    with stuck(door, database) as (lost, _):
        told = time.monotonic()
        door.process.send_signal(signal.SIGTERM)
        door.process.wait(timeout=60)
        assert time.monotonic() - told < 10
        with pytest.raises((OSError, HTTPException)):
            lost.result(timeout=60)


def test_a_delay_as_long_as_the_grace_is_refused(start):
    door = start("web", SHUTDOWN_DELAY_SECONDS="9", SHUTDOWN_GRACE_SECONDS="9")
    assert door.process.wait(timeout=60) == 1
    assert "SHUTDOWN_DELAY_SECONDS must be less than SHUTDOWN_GRACE_SECONDS" in door.log.read_text()


@pytest.mark.slow
def test_behind_the_gate_a_release_is_alive_once_it_could_serve_and_stays_so(start, tmp_path):
    home = tmp_path / "database"
    server = embedded_postgres.join(home)
    try:
        door = start("web", DATABASE_URL=server.url, HEALTH_STARTUP_GATE="1")
        until(door.listens, "it does not start")
        status, body = door.ask("GET", "/health/live/")
        assert (status, body["status"], body["waiting_for"]) == (503, "starting", ["migrations"])
        manage(tmp_path / "migrate", "migrate", DATABASE_URL=server.url)
        until(lambda: door.ask("GET", "/health/live/")[0] == 200, "it stays behind the gate")
    finally:
        server.leave()
    until(lambda: door.ask("GET", "/health/ready/")[0] == 503, "it is ready without a database")
    assert door.ask("GET", "/health/live/")[0] == 200
