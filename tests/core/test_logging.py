"""The shape of a log line holds whatever is logged, and no way of logging goes around redaction."""

import io
import json
import logging
import time
import uuid

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from core.logging import configure, logging_config
from core.redaction import MASK, conceal, forget_concealed, redact, redact_value

CODE = "483920"
TOKEN = "eyJhbGciOi.eyJzdWIi.c2ln"
PHONE = "+966512345678"
S2_KEYS = {"timestamp", "level", "logger", "message", "service", "environment", "location", "extra"}


@pytest.fixture(autouse=True)
def _usual_log_again():
    yield
    structlog.contextvars.clear_contextvars()
    configure(logging_config(level="INFO", environment="tests", readable=True))


def start(*, readable):
    configure(logging_config(level="DEBUG", environment="tests", readable=readable))
    stream = io.StringIO()
    logging.getLogger().handlers[0].setStream(stream)
    return stream


@pytest.fixture
def lines():
    """The JSON lines written so far; a line that is no JSON fails."""
    stream = start(readable=False)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture(params=[True, False], ids=["readable", "json"])
def written(request):
    return start(readable=request.param)


def access(**facts):
    structlog.get_logger("access").info("request", **{"method": "GET", "path": "/api/", "status": 200, "ms": 3} | facts)


@pytest.mark.parametrize(
    "sent", ['": "', '"}, {"', "request", "extra", "message", "access", "/api/orders/", "GET", "info"]
)
def test_no_secret_a_client_chooses_bends_or_blanks_the_access_line(lines, sent):
    structlog.contextvars.bind_contextvars(request_id="request-1")
    access(method="GET", path="/api/orders/")
    conceal(sent)
    access(method="GET", path="/api/orders/")
    before, after = lines()
    for line in (before, after):
        del line["timestamp"], line["location"]
    assert after == before


def test_a_client_cannot_blank_the_id_of_its_request(lines):
    structlog.contextvars.bind_contextvars(request_id="chosen-by-client")
    conceal("chosen-by-client")
    access()
    logging.getLogger("library").warning("for chosen-by-client")
    logging.getLogger("library").warning("odd", extra={"request_id": "chosen-by-client"})
    assert [line["request_id"] for line in lines()] == ["chosen-by-client", "chosen-by-client", MASK]
    assert lines()[1]["message"] == f"for {MASK}"


@pytest.mark.parametrize("sent", ["line", "File", "Traceback", "most recent call last", "test_logging.py"])
def test_no_secret_a_client_chooses_blanks_the_frames_of_a_traceback(lines, sent):
    conceal(sent)
    try:
        raise ValueError(f"bad {sent}")
    except ValueError:
        structlog.get_logger("app").exception("failed")
    shown = lines()[0]["exception"]
    assert shown["message"] == f"bad {MASK}"
    assert shown["traceback"].startswith("Traceback (most recent call last):\n  File ")
    assert 'test_logging.py", line ' in shown["traceback"]


def test_keys_named_after_secrets_keep_counts_and_error_codes(lines):
    structlog.get_logger("app").info("x", code=404, refresh_tokens_purged=5, otp=None, pin=4839, password="horse")
    structlog.get_logger("app").info("x", code="not_found", refresh_tokens_purged=48392, otp=CODE, to="0512 345 678")
    extras = [line["extra"] for line in lines()]
    assert extras == [
        {"code": 404, "refresh_tokens_purged": 5, "otp": None, "pin": MASK, "password": MASK},
        {"code": "not_found", "refresh_tokens_purged": 48392, "otp": MASK, "to": "0512 *** *78"},
    ]


@pytest.mark.parametrize("secret", ["pässwort-1234", 'ñandu "horse"', "tab\there-1234", "كلمة-سر"])
def test_a_secret_that_json_would_escape_is_masked(written, secret):
    conceal(secret)
    structlog.get_logger("app").info("tried", guess=secret, tree={"a": [secret]})
    logging.getLogger("library").warning("tried %s and %r", secret, {"guess": secret})
    shown = written.getvalue()
    assert shown.count(MASK) == 4
    for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert form not in shown


class Holder:
    def __repr__(self):
        return f"<Holder {CODE} {PHONE}>"


def fail():
    raise LookupError(f"no {CODE}", Holder())


def by_arguments(log):
    log.warning("about %s %r", CODE, {"phone": PHONE})


def by_mapping(log):
    log.warning("about %(guess)s %(to)s", {"guess": CODE, "to": PHONE})


def by_object(log):
    log.warning(Holder())


def by_extra(log):
    extra = {"guess": Holder(), "level": CODE, "logger": CODE, "timestamp": CODE, "pathname_": [CODE], "event": CODE}
    log.warning("about", extra=extra | {"bytes": CODE.encode(), "set": {CODE}, "nested": {CODE: {PHONE: (CODE,)}}})


def by_exception(log):
    try:
        fail()
    except LookupError:
        log.exception("about %s", CODE)


def by_cause_note_and_group(log):
    try:
        fail()
    except LookupError as error:
        error.add_note(f"note {CODE}")
        log.warning("about", exc_info=ExceptionGroup(f"group {CODE}", [error, ValueError(PHONE)]))


def by_stack(log):
    log.warning("about", stack_info=True)  # 483920 +966512345678


WAYS = [by_arguments, by_mapping, by_object, by_extra, by_exception, by_cause_note_and_group, by_stack]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_a_library_logs_goes_around_redaction(written, way):
    conceal(CODE)
    way(logging.getLogger("library"))
    way(structlog.get_logger("library")) if way is not by_mapping else None
    shown = written.getvalue()
    assert "about" in shown or "<Holder" in shown
    assert CODE not in shown
    assert PHONE not in shown


def test_tokens_are_masked_even_where_a_value_is_kept(written):
    structlog.contextvars.bind_contextvars(request_id=TOKEN)
    access(path=f"/api/{TOKEN}/{PHONE}/")
    logging.getLogger(TOKEN).warning("hello")
    assert TOKEN not in written.getvalue()
    assert PHONE not in written.getvalue()


class Broken:
    def __str__(self):
        raise RuntimeError(CODE)


@pytest.mark.parametrize(("template", "value"), [("code %d", CODE), ("code %s %s", CODE), ("code %s", Broken())])
def test_a_record_that_cannot_be_formatted_says_where_and_nothing_else(written, capsys, template, value):
    record = logging.LogRecord("library", logging.WARNING, "/x.py", 7, template, (value,), None)
    logging.getLogger().handlers[0].handle(record)
    assert "log_record_unreadable" in written.getvalue()
    assert CODE not in written.getvalue() + "".join(capsys.readouterr())


def test_tracebacks_never_carry_local_variables(written):
    def innermost():
        kept_in_a_local = "Zq84" + "kfj2"
        raise ValueError(len(kept_in_a_local))

    try:
        innermost()
    except ValueError as error:
        structlog.get_logger("app").error("failed", exc_info=error)
        logging.getLogger("library").exception("failed")
    shown = written.getvalue()
    assert shown.count("in innermost") == 2
    assert "Zq84kfj2" not in shown
    assert "locals" not in shown


def test_a_json_exception_holds_three_texts_and_no_frames(lines):
    by_exception(structlog.get_logger("app"))
    by_exception(logging.getLogger("library"))
    for line in lines():
        assert set(line["exception"]) == {"type", "message", "traceback"}
        assert all(isinstance(text, str) for text in line["exception"].values())


def test_a_value_with_line_breaks_passes_for_no_line_of_a_readable_log():
    stream = start(readable=True)
    structlog.get_logger("app").info("x", agent="curl\n14:03:22 error forged")
    access(path="/a\n14:03:22 error forged")
    assert len(stream.getvalue().splitlines()) == 2


odd_texts = st.text(max_size=30) | st.sampled_from(["code=404", '"', "\\", "[hidden]", "a: b", PHONE, TOKEN, "\ud800"])
odd_keys = st.sampled_from(["code", "otp", "password", "to", "extra", "message", "exception", "level", "location"])
odd_leaves = st.none() | st.booleans() | st.integers() | st.floats() | odd_texts | st.binary(max_size=8) | st.uuids()
odd_values = st.recursive(
    odd_leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(odd_texts | odd_keys | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(facts=st.dictionaries(odd_keys, odd_values, max_size=4), sent=st.lists(odd_texts, max_size=4), said=odd_texts)
def test_every_json_line_is_one_object_with_our_keys_whatever_is_logged(facts, sent, said):
    stream = start(readable=False)
    forget_concealed()
    for secret in sent:
        conceal(secret)
    structlog.get_logger("app").info(said, **facts)
    logging.getLogger("library").warning("said %s", said, extra={f"x_{key}": value for key, value in facts.items()})
    forget_concealed()
    ours, theirs = (json.loads(line, parse_constant=pytest.fail) for line in stream.getvalue().splitlines())
    assert set(ours) == set(theirs) == S2_KEYS
    assert (ours["level"], ours["logger"], theirs["level"], theirs["logger"]) == ("info", "app", "warning", "library")
    assert set(ours["extra"]) == set(facts) - {"level"}
    assert all(isinstance(line["message"], str) for line in (ours, theirs))


def test_no_more_than_the_latest_secrets_are_kept():
    for number in range(1000):
        conceal(f"secret-{number:04}")
    assert [number for number in range(1000) if redact(f"secret-{number:04}") == MASK] == list(range(968, 1000))


def test_a_lone_surrogate_from_a_client_is_concealed_like_any_other():
    conceal("pass\ud800word")
    assert redact("guess 'pass\ud800word'") == f"guess '{MASK}'"


@pytest.mark.parametrize("key", ["code", "otp", "pin", "passcode"])
def test_a_number_is_masked_where_only_a_code_can_stand(key):
    assert redact_value({key: 483920}) == {key: MASK}
    assert redact_value({key: 404}) == {key: 404}
    assert redact_value({f"{key}s_purged": 483920}) == {f"{key}s_purged": 483920}


def test_keys_which_are_words_stay_and_others_are_checked():
    conceal("request")
    assert redact_value({"request": 1, PHONE: 2}) == {"request": 1, "+966*******78": 2}


def test_what_holds_itself_ends():
    endless: list[object] = []
    endless.append(endless)
    assert "[too deep]" in str(redact_value(endless))


@pytest.mark.parametrize(
    "text", ["eyJ" * 33_000, "-eyJ" * 25_000, "token" * 20_000, "1 " * 50_000, "code:'" * 16_000, "://a:" * 20_000]
)
def test_hostile_text_is_read_in_bounded_time(text):
    started = time.perf_counter()
    redact(text)
    assert time.perf_counter() - started < 1


def test_identifiers_stay_whole(lines):
    number, identity = "ORD-95219746-FVZDY9", uuid.UUID("550e8400-e29b-41d4-a716-446655440000")
    structlog.get_logger("app").info("order_placed", number=number, order=identity, took=483920)
    assert lines()[0]["extra"] == {"number": number, "order": str(identity), "took": 483920}
