"""Attempts to get a secret out through logs, tracebacks, job errors, metrics and error bodies."""

import io
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
import structlog
from prometheus_client import generate_latest

from apps.accounts.models import DevelopmentMessage
from core.logging import configure, logging_config
from core.redaction import MASK, conceal, forget_concealed, redact, redact_value
from tests.conftest import Api, last_code

PHONE = "+966512345678"
NAMED = r"""
code=483920
otp: 483920
{"otp": "483920"}
dev_code='483920'
pin=483920
my_password=483920
Authorization: Bearer 483920
refresh_token=483920
passcode = 483920
postgresql://shop:483920@db/shop
cookie: 483920;
X-OTP-TEST-KEY: 483920
Authorization: Basic 483920
Cookie: theme=dark; session=483920
password='correct horse 483920'
password=b483920
accessToken=483920
('authorization', 'Bearer 483920')
(b'password', b'483920')
{\"otp\": \"483920\"}
said 'hello\ncode=483920'
Key (token)=(483920) already exists
postgresql://shop:p@ss483920@db/shop
"""

READABLE = r"""
status_code=404
code=404
code=not_found
{"code": "not_found"}
otp=None
refresh_tokens_purged=5
footprint=48392
order ORD-12345678-ABCDEF
order ORD-95219746-FVZDY9
order ORD-952197461-FVZDY9
took 483920 ms
took 483920123 ns
127.0.0.1:51234
2026-11-21
at 12:00 2026-11-21
2026-11-21T01:00:46.560963Z
2026-11-21 01:00:46.560963+00:00
[21/Nov/2026:01:00:46 +0000] 12345
20261121010046
1763686846.560963
0.1234567890123
550e8400-e29b-41d4-a716-446655440000
<Order object at 0x712345678901>
"""


@pytest.fixture(params=[True, False], ids=["readable", "json"])
def written(request):
    """Everything the process would write to its log, in both formats."""
    configure(logging_config(level="DEBUG", environment="tests", readable=request.param))
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    handler.setStream(stream)
    yield stream
    configure(logging_config(level="INFO", environment="tests", readable=True))


@pytest.mark.parametrize("text", NAMED.strip().splitlines())
def test_a_named_secret_is_masked(text):
    assert "483920" not in redact(text)
    assert "[hidden]" in redact(text)


@pytest.mark.parametrize("text", READABLE.strip().splitlines())
def test_what_is_no_secret_stays_readable(text):
    assert redact(text) == text


def test_tokens_are_masked_wherever_they_stand():
    assert redact("sent eyJhbGciOi.eyJzdWIi.c2ln and hr1.abc.def today") == "sent [hidden] and [hidden] today"


def test_a_phone_keeps_its_country_and_last_digits():
    assert redact(f"texted {PHONE}") == "texted +966*******78"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("00966512345678", "0096********78"),
        ("+966 51 234 5678", "+966 ** *** **78"),
        ("+966-51-234-5678", "+966-**-***-**78"),
        ("+966 (0)51 234 5678", "+966 (*)** *** **78"),
        ("00966 51 234 5678", "0096* ** *** **78"),
        ("+٩٦٦٥١٢٣٤٥٦٧٨", "+٩٦٦*******٧٨"),
        ("٠٠٩٦٦٥١٢٣٤٥٦٧٨", "٠٠٩٦********٧٨"),
        ("٠٥١٢٣٤٥٦٧٨", "٠٥١٢****٧٨"),
        ("966512345678", "9665******78"),
        ("0512345678", "0512****78"),
        ("512345678", "*******78"),
        ("+1234567", "+*****67"),
        ("%2B966512345678", "%2B9*********78"),
    ],
)
def test_a_phone_is_cut_however_it_is_written(text, shown):
    assert redact(f"texted {text}, then slept") == f"texted {shown}, then slept"


@pytest.mark.parametrize("key", ["phone", "msisdn", "mobile", "to", "from", "user_phone", "phone_number"])
@pytest.mark.parametrize("value", ["512 3456", "5123456", 5123456, "٥١٢٣٤٥٦", "(051) 23-456", "966512345678"])
def test_a_value_named_after_a_phone_is_cut_whatever_its_form(key, value):
    digits = "".join(filter(str.isdecimal, redact_value(value, key)))
    assert digits in {"56", "٥٦", "966578"}


@pytest.mark.parametrize("value", ["pending", "2026-11-21", "10.20.30.40", "ORD-95219746-FVZDY9"])
def test_where_something_goes_from_and_to_stays_readable(value):
    assert redact_value({"from": value, "to": value}) == {"from": value, "to": value}


@pytest.mark.parametrize("key", ["password", "passcode", "client_secret", "token", "otp", "dev_code", "code", "pin"])
@pytest.mark.parametrize("value", ["Zq84-kfj", "483920", b"483920"])
def test_a_value_named_after_a_secret_is_masked(key, value):
    assert redact_value({"deep": [{key: value}], "held": {key: [value]}}) == {
        "deep": [{key: MASK}],
        "held": {key: [MASK]},
    }


@pytest.mark.parametrize("key", ["authorization", "Cookie", "access", "refresh", "HTTP_AUTHORIZATION", "accessToken"])
def test_headers_and_tokens_are_masked_by_name_and_inside_what_they_name(key):
    assert redact_value({key: "abcdef"}) == {key: MASK}
    assert redact_value({key: {"sid": "abcdef"}}) == {key: {"sid": MASK}}
    assert redact_value([(key, "abcdef")]) == [[key, MASK]]


def test_an_error_code_or_status_stays_readable():
    codes = {"code": ["not_found", "404", 404, None, True, ""]}
    assert redact_value(codes) == codes


@pytest.mark.parametrize(
    "secret", ["pässwort-1234", 'ñandu "horse"', "tab\there", "back\\slash", 'it\'s "both"', "كلمة سر"]
)
@pytest.mark.parametrize("written_as", [str, repr, ascii, json.dumps, quote, quote_plus])
def test_a_concealed_secret_is_found_however_python_json_or_a_url_writes_it(secret, written_as):
    conceal(secret)
    assert redact(f"refused <{written_as(secret)}> today").replace('"', "").replace("'", "") == (
        f"refused <{MASK}> today"
    )


def test_only_whole_occurrences_are_masked():
    conceal("483920")
    conceal("horse")
    assert redact("14839201 horses seahorse horse_power") == "14839201 horses seahorse horse_power"
    assert redact(r"x483920y 'said\nhorse'") == rf"x{MASK}y 'said\n{MASK}'"


def test_of_two_secrets_the_longer_is_masked_first():
    conceal("horse-battery-staple")
    conceal("horse")
    assert redact("horse-battery-staple") == MASK


@pytest.mark.parametrize("value", ["", "abc", "    ", "\n\n\n\n\n", "x" * 4001])
def test_what_is_too_short_too_long_or_blank_is_not_concealed(value):
    assert conceal(value) == value
    assert redact(f"<{value}>") == f"<{value}>"


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


@pytest.fixture
def line():
    """The one JSON line written so far."""
    configure(logging_config(level="INFO", environment="tests", readable=False))
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)
    yield lambda: json.loads(stream.getvalue())
    configure(logging_config(level="INFO", environment="tests", readable=True))


def test_json_lines_have_the_documents_keys(line):
    structlog.get_logger("app").info("order_placed", number="ORD-1", request_id="req-1")
    shown = line()
    timestamp, location = shown.pop("timestamp"), shown.pop("location")
    assert shown == {
        "level": "info",
        "logger": "app",
        "message": "order_placed",
        "service": "hanout",
        "environment": "tests",
        "request_id": "req-1",
        "extra": {"number": "ORD-1"},
    }
    assert set(location) == {"file", "line", "function"}
    assert timestamp.endswith("Z")


def test_a_json_exception_has_type_message_and_traceback(line):
    try:
        raise ValueError("no luck")
    except ValueError:
        logging.getLogger("app").exception("failed")
    shown = line()["exception"]
    assert set(shown) == {"type", "message", "traceback"}
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
    assert "about to check" in written.getvalue()
    assert code not in written.getvalue()
    assert f'"{code}"' not in generate_latest().decode()


@pytest.mark.django_db
def test_it_is_conceal_that_keeps_the_code_out_of_a_careless_line(written, api, monkeypatch):
    """The control of the test above: without `conceal` it would fail."""
    monkeypatch.setattr("apps.accounts.services.codes.conceal", lambda value: value)
    monkeypatch.setattr("apps.accounts.texts.conceal", lambda value: value)
    api.send("POST", "/api/accounts/otp/send/", {"phone": PHONE})
    code = last_code(PHONE)
    logging.getLogger("careless").warning("about to check %s for %s", code, PHONE)
    assert code in written.getvalue()


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
    assert not DevelopmentMessage.objects.exists()
    assert code not in written.getvalue() + reply.content.decode()
    assert PHONE not in written.getvalue()
