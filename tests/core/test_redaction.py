"""Attempts to get a secret out through logs, tracebacks, job errors, metrics and error bodies."""

import io
import json
import logging

import pytest
import structlog
from prometheus_client import generate_latest

from apps.accounts.models import DevelopmentText
from core.logging import configure, logging_config
from core.redaction import conceal, forget_concealed, redact
from tests.conftest import Api, last_code

PHONE = "+966512345678"


@pytest.fixture(params=[True, False], ids=["readable", "json"])
def written(request):
    """Everything the process would write to its log, in both formats."""
    configure(logging_config(level="DEBUG", environment="tests", readable=request.param))
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    handler.setStream(stream)
    yield stream
    configure(logging_config(level="INFO", environment="tests", readable=True))


@pytest.mark.parametrize(
    "text",
    [
        "code=483920",
        "otp: 483920",
        '{"otp": "483920"}',
        "dev_code='483920'",
        "pin=483920",
        "my_password=483920",
        "Authorization: Bearer 483920",
        "refresh_token=483920",
        "passcode = 483920",
        "postgresql://shop:483920@db/shop",
        "cookie: 483920;",
        "X-OTP-TEST-KEY: 483920",
    ],
)
def test_a_named_secret_is_masked(text):
    assert "483920" not in redact(text)
    assert "[hidden]" in redact(text)


@pytest.mark.parametrize("text", ["status_code=404", "code=not_found", "order ORD-12345678-ABCDEF", "took 483920 ms"])
def test_what_is_no_secret_stays_readable(text):
    assert redact(text) == text


def test_tokens_are_masked_wherever_they_stand():
    assert redact("sent eyJhbGciOi.eyJzdWIi.c2ln and hr1.abc.def today") == "sent [hidden] and [hidden] today"


def test_a_phone_keeps_its_country_and_last_digits():
    assert redact(f"texted {PHONE}") == "texted +966*******78"


def test_a_concealed_value_is_masked_until_the_request_ends():
    conceal("483920")
    assert redact("guess 483920 failed") == "guess [hidden] failed"
    forget_concealed()
    assert redact("guess 483920 failed") == "guess 483920 failed"


def test_a_traceback_hides_what_the_exception_said(written):
    conceal("483920")
    try:
        raise ValueError("could not text 483920 to +966512345678")
    except ValueError:
        structlog.get_logger("app").exception("sending_failed", code="483920", phone=PHONE)
        logging.getLogger("library").exception("sending 483920 failed")
    text = written.getvalue()
    assert "sending_failed" in text
    assert "ValueError" in text
    assert "483920" not in text
    assert PHONE not in text


def test_json_lines_have_the_documents_keys():
    configure(logging_config(level="INFO", environment="tests", readable=False))
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)
    structlog.get_logger("app").info("order_placed", number="ORD-1")
    configure(logging_config(level="INFO", environment="tests", readable=True))
    line = json.loads(stream.getvalue())
    assert (line["message"], line["level"], line["logger"], line["extra"]["number"]) == (
        "order_placed",
        "info",
        "app",
        "ORD-1",
    )
    assert (line["service"], line["environment"]) == ("hanout", "tests")
    assert set(line["location"]) == {"file", "line", "function"}
    assert line["timestamp"].endswith("Z")


def test_a_json_exception_has_type_message_and_traceback():
    configure(logging_config(level="INFO", environment="tests", readable=False))
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)
    try:
        raise ValueError("no luck")
    except ValueError:
        logging.getLogger("app").exception("failed")
    configure(logging_config(level="INFO", environment="tests", readable=True))
    shown = json.loads(stream.getvalue())["exception"]
    assert (shown["type"], shown["message"]) == ("ValueError", "no luck")
    assert shown["traceback"].startswith("Traceback")


@pytest.mark.django_db
def test_every_line_of_a_request_carries_its_id_and_probes_leave_none(written, api):
    api.send("GET", "/api/nothing/", HTTP_X_REQUEST_ID="abc-12345")
    api.get("/health/live/")
    api.get("/health/ready/")
    assert "/api/nothing/" in written.getvalue()
    assert "/health" not in written.getvalue()


@pytest.mark.django_db
def test_signing_in_leaves_no_code_token_or_phone_in_log_and_metrics(written, api, monkeypatch):
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    code = last_code(PHONE)
    logging.getLogger("careless").warning("about to check %s for %s", code, PHONE)
    api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": f"{(int(code) + 1) % 1_000_000:06d}"})
    tokens = api.send("POST", "/api/accounts/otp/verify/", {"phone": PHONE, "code": code}).json()
    Api(tokens["access"]).send("GET", f"/api/accounts/me/?token={tokens['access']}")
    everything = written.getvalue() + generate_latest().decode()
    for secret in (tokens["access"], tokens["refresh"], PHONE):
        assert secret not in everything
    assert f'"{code}"' not in everything
    assert f"code={code}" not in everything


@pytest.mark.django_db
def test_a_provider_that_shouts_the_code_is_not_heard(written, api, monkeypatch):
    """An unexpected error whose text carries the code: neither the log nor the answer may repeat it."""
    said = []

    def shout(self, *, phone, body):
        said.append(body)
        raise RuntimeError(f"cannot deliver {body!r} to {phone}")

    monkeypatch.setattr("apps.accounts.texts.DevelopmentInbox.send", shout)
    reply = api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    code = said[0].split(": ")[1][:6]
    assert reply.status_code == 500
    assert reply.json()["code"] == "internal_error"
    assert "unhandled_exception" in written.getvalue()
    assert not DevelopmentText.objects.exists()
    assert code not in written.getvalue() + reply.content.decode()
    assert PHONE not in written.getvalue()
