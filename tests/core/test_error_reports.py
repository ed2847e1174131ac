"""What leaves for Sentry: a real report, received by a server of ours, read as they would read it."""

import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from config.env import ROOT
from core.reporting import _listeners, listen_for_errors, report_error

MAIL = "mona@shop.test"
PHONE, CODE, TOKEN = "+966512345678", "483920", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
SCRIPT = f"""
from unittest import mock
from django.test import RequestFactory
import sentry_sdk
from config.wsgi import application
from core.redaction import conceal

def fail(*_, **__):
    said = f"could not text {{conceal('{CODE}')}} to {PHONE} with {TOKEN}, mail <{MAIL}>"
    raise RuntimeError(said + "\\nDETAIL:  Key (email)=({MAIL}x) is Mona")

path, body = "/api/accounts/otp/send/?phone={PHONE}", {{"phone": "{PHONE}"}}
headers = {{"HTTP_AUTHORIZATION": "Bearer {TOKEN}", "HTTP_COOKIE": "sessionid=hunter2"}}
request = RequestFactory().post(path, body, content_type="application/json", **headers)
with mock.patch("apps.accounts.services.send_code", fail):
    application(request.environ, lambda status, _: print(status[:3]))
sentry_sdk.flush(10)
"""


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):  # the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Silence."""


@pytest.fixture
def sentry():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(folder, script, **environ):
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-v", "0", "-c", script],
        cwd=ROOT,
        env={**kept, "HANOUT_DATA_DIR": str(folder), "TESTING": "1", "ALLOWED_HOSTS": "testserver", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_an_unexpected_error_is_reported_without_anything_that_must_not_be_read(sentry, tmp_path):
    dsn = f"http://public@127.0.0.1:{sentry.server_port}/1"
    done = run(tmp_path, SCRIPT, SENTRY_DSN=dsn, SENTRY_ENVIRONMENT="rehearsal")
    assert done.stdout.strip() == "500", done.stdout + done.stderr
    (envelope,) = sentry.got
    event = next(json.loads(line) for line in envelope.splitlines() if b'"exception"' in line)
    assert event["environment"] == "rehearsal"
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert event["request"] == {"method": "POST", "url": "http://testserver/api/accounts/otp/send/"}
    for secret in (PHONE, PHONE[1:], CODE, TOKEN, MAIL, "Mona", "hunter2"):
        assert secret.encode() not in envelope, secret
    assert "vars" not in json.dumps(event["exception"])


@pytest.mark.slow
def test_a_sentry_that_is_away_costs_the_report_alone(tmp_path):
    done = run(tmp_path, SCRIPT.replace("flush(10)", "flush(1)"), SENTRY_DSN="http://public@127.0.0.1:1/1")
    assert done.stdout.strip() == "500", done.stdout + done.stderr


def test_without_a_dsn_its_library_is_not_even_loaded(tmp_path):
    done = run(tmp_path, "import sys; print('sentry_sdk' in sys.modules)")
    assert done.stdout.strip() == "False", done.stdout + done.stderr


def test_who_listens_hears_of_an_error_that_was_answered():
    heard, error = [], RuntimeError("gone")
    listen_for_errors(heard.append)
    report_error(error)
    _listeners.remove(heard.append)
    assert heard == [error]
