"""`deploy/entrypoint.sh`, run for real: production's settings, a real PostgreSQL, a real Redis, no container."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from config.env import ROOT
from tests.operations.containers import Container
from tests.processes import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def start(environ, tmp_path):
    started = []

    def begin(*words, **given):
        wanted = {key: value for key, value in {**environ, **given}.items() if value is not None}
        started.append(Container(tmp_path / f"container-{len(started)}", *words, **wanted))
        return started[-1]

    yield begin
    for container in started:
        if container.process.poll() is None:
            os.killpg(container.process.pid, signal.SIGKILL)
            container.process.wait()


@pytest.fixture(scope="module")
def migrated(environ, tmp_path_factory):
    code, said = Container(tmp_path_factory.mktemp("migrate"), "migrate", **environ).ends(120)
    assert code == 0, said


def visit(web, path):
    request = f"GET {path} HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    return web.raw(request.encode())


def test_production_migrates_opens_serves_and_ends_when_told(start, parts):
    with psycopg.connect(parts[0].url, autocommit=True) as line:
        line.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    web = start("web", RUN_MIGRATIONS="1", WEB_CONCURRENCY="2").wait_until_open()
    assert visit(web, "/api/products/").startswith(b"HTTP/1.1 200 ")
    assert visit(web, "/health/ready/").startswith(b"HTTP/1.1 200 ")
    assert visit(web, "/shop/").startswith(b"HTTP/1.1 404 "), "a sandbox in production"
    plain = web.raw(b"GET /api/products/ HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
    assert plain.startswith(b"HTTP/1.1 301 ")
    page = visit(web, "/admin/login/").lower()
    for header in (b"strict-transport-security: max-age=", b"content-security-policy: ", b"x-frame-options: deny"):
        assert header in page
    assert b"; secure" in page
    assert "accounts.0001_initial" in web.log.read_text()
    web.process.send_signal(signal.SIGTERM)
    assert web.ends()[0] == 0


def test_the_image_asks_the_process_whether_it_is_alive(start, migrated):
    web = start("web", COLLECT_STATIC="0").wait_until_open()
    check = [sys.executable, ROOT / "deploy" / "docker" / "healthcheck.py"]
    assert subprocess.run(check, env={"PORT": str(web.port)}, check=False).returncode == 0
    lost = subprocess.run(check, env={"PORT": str(free_port())}, check=False, capture_output=True)
    assert lost.returncode == 1
    assert lost.stderr.startswith(b"not alive: ")


@pytest.mark.parametrize("role", [("worker", "--concurrency=1"), ("jobs",)])
def test_a_worker_does_what_is_due_and_ends_when_told(start, migrated, parts, role):
    with psycopg.connect(parts[0].url, autocommit=True) as line:
        line.execute("DELETE FROM core_heartbeat")
        worker = start(*role)
        deadline = time.monotonic() + 60
        while not line.execute("SELECT 1 FROM core_heartbeat WHERE kind = 'worker'").fetchone():
            assert time.monotonic() < deadline, worker.log.read_text()
            time.sleep(0.1)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ends()[0] == 0


def test_beat_starts(start, migrated):
    beat = start("beat")
    deadline = time.monotonic() + 60
    while "beat: Starting..." not in beat.log.read_text():
        assert time.monotonic() < deadline, beat.log.read_text()
        time.sleep(0.1)


def test_any_other_word_is_a_command(start, migrated):
    code, said = start("python", "manage.py", "migrate_safely", "--check").ends()
    assert code == 0, said


def test_settings_that_are_missing_or_weak_are_listed_together_and_nothing_starts(start):
    code, said = start("web", SECRET_KEY="short", ALLOWED_HOSTS=None, OTP_TEST_MODE="1").ends()
    assert code == 1
    for name in ("SECRET_KEY is too short", "ALLOWED_HOSTS is missing", "OTP_TEST_MODE must not be set"):
        assert name in said
    assert "Traceback" not in said


def test_production_and_another_environment_contradict_each_other(start):
    code, said = start("web", ENVIRONMENT="staging").ends()
    assert code == 2
    assert "contradict each other" in said


def test_a_migration_that_cannot_be_done_starts_no_server(start):
    code, said = start("web", RUN_MIGRATIONS="1", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing").ends()
    assert code == 2
    assert "Traceback" not in said
