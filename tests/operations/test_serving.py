"""`manage.py serve`: several workers, lost parts, hostile bytes, SIGTERM."""

import contextlib
import json
import os
import re
import signal
import socket
import time

import psutil
import pytest
from django.core.management.base import CommandError

from apps.operations.web_static import MANIFEST, collect_static
from config import embedded_postgres
from config.env import ROOT
from tests.processes import Served, manage


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A migrated server of its own, reached through DATABASE_URL like any other."""
    server = embedded_postgres.join(tmp_path_factory.mktemp("database"))
    yield server
    server.leave()


@pytest.fixture(scope="module")
def migrated(database, tmp_path_factory):
    manage(tmp_path_factory.mktemp("migrate") / "data", "migrate", DATABASE_URL=database.url)
    return database


@pytest.fixture
def served(migrated, tmp_path, redis_server):
    web = Served(tmp_path / "data", DATABASE_URL=migrated.url, REDIS_URL=redis_server.url, WEB_CONCURRENCY="2")
    yield web.wait_until_open()
    if web.process.poll() is None:
        web.interrupt()


@pytest.fixture
def serve(migrated, tmp_path):
    """Starts servers by name, and ends those a failed test leaves behind."""
    started = []

    def start(name, **environ):
        started.append(Served(tmp_path / name, DATABASE_URL=migrated.url, TMPDIR=str(tmp_path), **environ))
        return started[-1].wait_until_open()

    yield start
    for web in started:
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
    assert served.process.wait(timeout=60) == 0
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


CHUNKED = b"POST /api/users/send-otp/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
JSON = b"Content-Type: application/json\r\n\r\n"


def test_a_body_in_chunks_is_read_like_any_other(shared):
    body = json.dumps({"phone": f"+9665{time.time_ns() % 10**8:08d}"}).encode()
    answer = shared.raw(CHUNKED + JSON + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:300]


def test_a_body_in_chunks_is_read_only_as_far_as_a_body_may_go(shared):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as line:
        with contextlib.suppress(ConnectionError):  # it may stop listening, which is an answer too
            line.sendall(CHUNKED + JSON + chunk * 40 + b"0\r\n\r\n")
        answer = line.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:200]


def test_bodies_that_never_come_stop_nobody_else(shared):
    stuck = b"POST /api/users/verify-otp/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(socket.create_connection(("127.0.0.1", shared.port))).sendall(stuck)
        time.sleep(0.5)
        started = time.monotonic()
        assert shared.call("/health/live/")[0] == 200
        assert shared.call("/api/products/")[0] == 200
        assert time.monotonic() - started < 2


def test_a_host_that_is_not_served_is_refused(shared):
    assert shared.raw(b"GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_head_is_the_head_of_get_and_no_body_follows_it(shared):
    asked = b" /api/products/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    (head, body), (wanted, sent) = (shared.raw(method + asked).split(b"\r\n\r\n", 1) for method in (b"HEAD", b"GET"))
    length = next(line for line in wanted.lower().splitlines() if line.startswith(b"content-length"))
    assert head.startswith(b"HTTP/1.1 200")
    assert (length in head.lower(), body, len(sent) > 0) == (True, b"", True)


def test_outside_development_pages_find_their_static_files_without_a_step_before(serve):
    (ROOT / "staticfiles" / MANIFEST).unlink(missing_ok=True)
    web = serve("data", ENVIRONMENT="staging", TRUSTED_PROXY_COUNT="1")
    head = b" HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    pages = [web.raw(b"GET " + path + head) for path in (b"/admin/login/", b"/api/docs/")]
    assert [page[:12] for page in pages] == [b"HTTP/1.1 200"] * 2
    style = re.search(rb'"(/static/[^"]+\.css)"', pages[0]).group(1)
    assert web.raw(b"GET " + style + head).startswith(b"HTTP/1.1 200 ")
    assert listens_on(web) == {"0.0.0.0"}  # noqa: S104  # what a deployment is


def test_static_files_are_left_alone_when_the_image_brings_them(serve):
    manifest = ROOT / "staticfiles" / MANIFEST
    manifest.unlink(missing_ok=True)
    serve("image", ENVIRONMENT="staging", COLLECT_STATIC="0")
    assert not manifest.exists()


def test_static_files_that_cannot_be_written_are_one_sentence(tmp_path, settings):
    (tmp_path / "file").write_text("where a folder should be")
    settings.STATIC_ROOT = tmp_path / "file" / "static"
    with pytest.raises(CommandError, match=r"^Static files cannot be written to .* is built\.$"):
        collect_static()


def test_in_development_it_is_open_to_this_machine_only(shared):
    assert "open to this machine only: http://127.0.0.1:" in shared.log.read_text()
    assert listens_on(shared) == {"127.0.0.1"}


def listens_on(web):
    workers = psutil.Process(web.process.pid).children()
    return {line.laddr.ip for worker in workers for line in worker.net_connections() if line.status == "LISTEN"}


def test_counters_of_a_killed_server_are_swept_and_those_of_a_living_one_kept(serve, tmp_path):
    killed = serve("killed")
    os.killpg(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    (left,) = tmp_path.glob("metrics-*")
    first = serve("first")
    assert not left.exists()
    second = serve("second")
    assert len(list(tmp_path.glob("metrics-*"))) == 2
    assert 'route="health/live/"' in first.text("/metrics")
    first.interrupt()
    second.interrupt()
    assert list(tmp_path.glob("*metrics-*")) == []
