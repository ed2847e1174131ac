import time

import pytest

from apps.accounts.bulksms_texts import BulkSmsTexts
from apps.accounts.errors import NumberCannotReceive, TextNotSent, TextRefused
from apps.accounts.punctual_http import Punctual
from core.redaction import conceal

PHONE, ABROAD, BODY, KEY = "+8801712345678", "+966512345678", "Your code: 483920", "a-key-of-the-account"
ACCEPTED = {
    "response_code": 202,
    "message_id": 13145326,
    "success_message": "SMS Submitted Successfully",
    "error_message": "",
}


@pytest.fixture
def party(party):
    party.said = ACCEPTED
    return party


@pytest.fixture
def texts(party):
    return BulkSmsTexts(f"{party.url}/api/smsapi", KEY, "8809617000000")


def test_a_text_is_posted_with_the_key_in_the_body_and_not_in_the_address(party, texts):
    assert texts.send(phone=PHONE, body=BODY) == "13145326"
    (asked,) = party.asked
    assert (asked.method, asked.path) == ("POST", "/api/smsapi")
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.form == {
        "api_key": KEY, "type": "text", "number": "8801712345678", "senderid": "8809617000000", "message": BODY,
    }  # fmt: skip


def test_a_code_written_as_text_is_a_code_all_the_same(party, texts):
    party.said = {"response_code": "202"}
    assert texts.send(phone=PHONE, body=BODY) == ""


def test_an_invalid_number_of_its_own_country_is_the_numbers_fault(party, texts):
    party.said = {"response_code": 1001, "error_message": "Invalid Number"}
    with pytest.raises(NumberCannotReceive):
        texts.send(phone=PHONE, body=BODY)


def test_a_number_abroad_which_it_does_not_know_may_be_a_phone_all_the_same(party, texts):
    party.said = {"response_code": 1001, "error_message": "Invalid Number"}
    with pytest.raises(TextRefused):
        texts.send(phone=ABROAD, body=BODY)


@pytest.mark.parametrize("code", [1002, 1003, 1006, 1007, 1011, 1012, 1032, "balance low"])
def test_any_other_code_under_status_200_is_a_refusal(party, texts, code):
    party.said = {"response_code": code, "error_message": f"no text to {PHONE}"}
    with pytest.raises(TextRefused):
        texts.send(phone=PHONE, body=BODY)


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404])
def test_a_refused_or_redirected_call_is_a_refusal_and_is_not_followed(party, texts, status):
    party.status, party.headers = status, {"Location": f"{party.url}/elsewhere"}
    with pytest.raises(TextRefused):
        texts.send(phone=PHONE, body=BODY)
    assert len(party.asked) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, ACCEPTED), (502, "<html>"), (429, {}), (200, "<html>"), (200, {"response_code": 1005})],
)
def test_a_party_in_trouble_has_not_sent_the_text(party, texts, status, said):
    party.status, party.said = status, said
    with pytest.raises(TextNotSent) as failed:
        texts.send(phone=PHONE, body=BODY)
    assert type(failed.value) is TextNotSent


@pytest.mark.parametrize("said", [[], "[]", "null", "12", {}])
def test_an_answer_that_accepts_nothing_is_a_refusal(party, texts, said):
    party.said = said
    with pytest.raises(TextRefused):
        texts.send(phone=PHONE, body=BODY)


def test_a_party_that_does_not_answer_is_given_up_in_time(party, texts):
    party.delay_seconds = 2
    texts._session.mount("http://", Punctual(0.2))
    started = time.monotonic()
    with pytest.raises(TextNotSent):
        texts.send(phone=PHONE, body=BODY)
    assert time.monotonic() - started < 1


def test_calls_are_bounded_and_certificates_are_verified(texts):
    adapter = texts._session.get_adapter("https://bulksmsbd.net/")
    assert (adapter.seconds, adapter.max_retries.total, texts._session.verify) == (5, 0, True)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_neither_text_nor_code_nor_phone_nor_key_is_logged(party, texts, written, status):
    conceal("483920")
    party.status, party.said = status, {"response_code": 1007, "error_message": f"{PHONE} {BODY}"}
    with pytest.raises(TextNotSent) as failed:
        texts.send(phone=PHONE, body=BODY)
    assert "bulksms_" in written()
    for secret in ("483920", PHONE[1:], KEY, BODY):
        assert secret not in written()
        assert secret not in repr(failed.value)
