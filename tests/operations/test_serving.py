"""`manage.py serve`: several workers, lost parts, hostile bytes, SIGTERM."""

import contextlib
import json
import re
import signal
import socket
import time

import psutil
import pytest

from config import embedded_postgres
from tests.processes import Served


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A migrated server of its own, reached through DATABASE_URL like any other."""
    server = embedded_postgres.join(tmp_path_factory.mktemp("database"))
    yield server
    server.leave()


@pytest.fixture(scope="module")
def migrated(database, tmp_path_factory):
    class Migrate(Served):
        command = ("manage.py", "migrate", "--verbosity=0")

    done = Migrate(tmp_path_factory.mktemp("migrate") / "data", DATABASE_URL=database.url)
    assert done.process.wait(timeout=60) == 0, done.log.read_text()
    return database


@pytest.fixture
def served(migrated, tmp_path, redis_server):
    web = Served(tmp_path / "data", DATABASE_URL=migrated.url, REDIS_URL=redis_server.url, WEB_CONCURRENCY="2")
    yield web.wait_until_open()
    if web.process.poll() is None:
        web.interrupt()


def postmaster_of(database):
    for process in psutil.process_iter(["cmdline", "name", "ppid"]):
        command = " ".join(process.info["cmdline"] or [])
        if process.info["name"] == "postgres" and database.params()["host"] in command:
            return process
    raise AssertionError("no server")


def test_metrics_add_up_over_both_workers(served):
    pids = psutil.Process(served.process.pid).children()
    assert len(pids) == 2
    before = counted(served)
    for _ in range(60):
        served.call("/health/live/")
    assert counted(served) - before == 60


def counted(served):
    line = re.search(
        r'hanout_http_requests_total\{method="GET",route="health/live/",status="200"\} (\S+)', served.text("/metrics")
    )
    return float(line.group(1))


def test_two_workers_without_a_shared_cache_are_refused(migrated, tmp_path):
    web = Served(tmp_path / "data", DATABASE_URL=migrated.url, WEB_CONCURRENCY="2")
    assert web.process.wait(timeout=30) == 1
    assert "REDIS_URL" in web.log.read_text()


def test_outside_development_all_but_probes_is_sent_to_tls(migrated, tmp_path):
    web = Served(tmp_path / "data", DATABASE_URL=migrated.url, ENVIRONMENT="staging").wait_until_open()
    sent = web.raw(b"GET /api/products/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert sent.startswith(b"HTTP/1.1 301 ")
    assert b"location: https://localhost/api/products/" in sent
    assert [web.call(path)[0] for path in ("/health/live/", "/health/ready/", "/health/", "/health")] == [200] * 4
    web.interrupt()
    assert json.loads(web.log.read_text().splitlines()[-1])["environment"] == "staging"


def test_sigterm_ends_every_process(served):
    started = [served.process.pid, *(child.pid for child in psutil.Process(served.process.pid).children())]
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=10) == 0
    assert [pid for pid in started if psutil.pid_exists(pid)] == []


def test_a_database_that_hangs_turns_readiness_off_and_comes_back(served, migrated):
    assert served.call("/health/ready/")[0] == 200
    group = [postmaster_of(migrated), *postmaster_of(migrated).children()]
    for process in group:
        process.suspend()
    try:
        started = time.monotonic()
        status, body = served.call("/health/ready/")
        assert time.monotonic() - started < 1.5
        assert (status, body["components"]["db"]["ok"]) == (503, False)
        assert served.call("/health/live/")[0] == 200
    finally:
        for process in group:
            process.resume()
    for _ in range(50):
        if served.answers("/health/ready/"):
            return
        time.sleep(0.1)
    raise AssertionError("readiness did not come back")


def test_redis_lost_turns_readiness_off_and_sign_in_goes_on(served, redis_server):
    redis_server.stop()
    status, body = served.call("/health/ready/")
    assert (status, body["components"]["redis"]) == (503, {"ok": False, "error": "unreachable"})
    assert served.call("/api/accounts/otp/send/", {"phone": f"+9665{time.time_ns() % 10**8:08d}"})[0] == 200
    assert served.call("/api/products/")[0] == 200


@pytest.mark.parametrize(
    ("request_line", "headers", "body"),
    [
        (b"GET /api/products/?search=\xff\xfe HTTP/1.1", b"", b""),
        (b"GET /api/products/\xd9\xa3/ HTTP/1.1", b"", b""),
        (b"GET /api/products/%00/ HTTP/1.1", b"", b""),
        (b"GET /api/products/?search=%00 HTTP/1.1", b"", b""),
        (b"GET /campaigns/%ff%fe HTTP/1.1", b"", b""),
        (b"POST /api/users/send-otp/ HTTP/1.1", b"Content-Length: 99999999999\r\n", b""),
        (b"POST /api/users/send-otp/ HTTP/1.1", b"Content-Length: -5\r\n", b""),
        (b"POST /api/users/send-otp/ HTTP/1.1", b"Transfer-Encoding: chunked\r\n", b'5\r\n{"a":\r\n0\r\n\r\n'),
        (
            b"POST /api/users/send-otp/ HTTP/1.1",
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n",
            b"abc",
        ),
        (
            b"POST /api/users/send-otp/ HTTP/1.1",
            b"Content-Type: application/json; charset=nonsense\r\nContent-Length: 2\r\n",
            b"{}",
        ),
        (b"GET /api/accounts/me/ HTTP/1.1", b"Authorization: Bearer \xff\xfe\r\n", b""),
        (b"GET /api/products/ HTTP/1.1", b"X-Request-ID: \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\r\n", b""),
        (b"GET /api/products/ HTTP/1.1", b"X-Forwarded-For: " + b"1.1.1.1, " * 500 + b"\r\n", b""),
    ],
)
def test_bytes_nobody_should_send_never_meet_a_500(shared, request_line, headers, body):
    answer = shared.raw(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n" + headers + b"\r\n" + body)
    assert re.match(rb"HTTP/1\.1 [24]\d\d ", answer), answer[:300]


@pytest.fixture(scope="module")
def shared(migrated, tmp_path_factory):
    web = Served(tmp_path_factory.mktemp("shared") / "data", DATABASE_URL=migrated.url)
    yield web.wait_until_open()
    web.interrupt()


def test_a_body_without_a_length_is_refused_before_it_is_read(shared):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = b"POST /api/users/send-otp/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as line:
        with contextlib.suppress(ConnectionError):  # it may stop listening, which is an answer too
            line.sendall(head + chunk * 40 + b"0\r\n\r\n")
        answer = line.recv(65536)
    assert answer.startswith(b"HTTP/1.1 411 "), answer[:200]


def test_a_host_that_is_not_served_is_refused(shared):
    assert shared.raw(b"GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")
