import base64
import time
from contextlib import nullcontext

import pytest
from django.http import QueryDict
from twilio.request_validator import RequestValidator

from apps.accounts.errors import CountryNotServed, NumberCannotReceive, TextNotSent, TextRefused
from apps.accounts.punctual_http import Punctual
from apps.accounts.twilio_texts import TwilioTexts, http_client
from core.redaction import conceal

PHONE, BODY, TOKEN = "+966512345678", "Your Hanout verification code is: 483920", "a-token-of-the-account"
CALLBACK = "https://api.shop.test/api/webhooks/texts/twilio/"


class Rerouted(Punctual):
    """Twilio's own client speaks to api.twilio.com and nobody else; this leads what it sends to a test's party."""

    def __init__(self, party, seconds=2):
        super().__init__(seconds)
        self.party = party

    def send(self, request, *args, **kwargs):
        assert request.url.startswith("https://api.twilio.com/")
        request.url = request.url.replace("https://api.twilio.com", self.party.url)
        return super().send(request, *args, **kwargs)


def texts_through(party, *, sender="+15005550006", public_url="", seconds=2):
    client = http_client()
    client.session.mount("https://", Rerouted(party, seconds))
    return TwilioTexts("AC123", TOKEN, sender, public_url, http=client)


@pytest.fixture
def party(party):
    party.status, party.said = 201, {"sid": "SM1", "status": "queued"}
    return party


def test_a_text_is_posted_with_the_accounts_credentials(party):
    assert texts_through(party).send(phone=PHONE, body=BODY) == "SM1"
    (asked,) = party.asked
    assert (asked.method, asked.path) == ("POST", "/2010-04-01/Accounts/AC123/Messages.json")
    assert asked.headers["Authorization"] == f"Basic {base64.b64encode(f'AC123:{TOKEN}'.encode()).decode()}"
    assert asked.form == {"To": PHONE, "From": "+15005550006", "Body": BODY}


def test_a_messaging_service_is_named_as_one(party):
    texts_through(party, sender="MG9876").send(phone=PHONE, body=BODY)
    assert party.asked[0].form == {"To": PHONE, "MessagingServiceSid": "MG9876", "Body": BODY}


def test_twilio_is_told_where_to_report_once_the_world_can_reach_us(party):
    texts_through(party, public_url="https://api.shop.test").send(phone=PHONE, body=BODY)
    assert party.asked[0].form["StatusCallback"] == CALLBACK


@pytest.mark.parametrize("code", [21211, 21214, 21217, 21265, 21266, 21268, 21610, 21612, 21614, 21635])
def test_a_number_that_cannot_be_texted_is_the_numbers_own_fault(party, code):
    party.status, party.said = 400, {"code": code, "message": f"no text to {PHONE}", "status": 400}
    with pytest.raises(NumberCannotReceive):
        texts_through(party).send(phone=PHONE, body=BODY)


def test_a_region_closed_at_twilio_is_a_country_not_served(party):
    party.status, party.said = 400, {"code": 21408, "message": "Permission to send an SMS", "status": 400}
    with pytest.raises(CountryNotServed):
        texts_through(party).send(phone=PHONE, body=BODY)


@pytest.mark.parametrize(
    ("status", "code"), [(401, 20003), (400, 21606), (403, 20403), (404, 20404), (400, 21608), (302, None)]
)
def test_any_other_no_is_a_refusal(party, status, code):
    party.status, party.said = status, {"code": code, "message": f"no, {PHONE}"} if code else "elsewhere"
    party.headers = {"Location": f"{party.url}/elsewhere"} if status == 302 else {}
    with pytest.raises(TextRefused):
        texts_through(party).send(phone=PHONE, body=BODY)
    assert len(party.asked) == 1


def test_a_refusal_in_the_newer_form_of_problem_details_is_understood(party):
    party.status = 400
    party.said = {"type": "about:blank", "title": "Invalid 'To'", "status": 400, "code": 21211}
    with pytest.raises(NumberCannotReceive):
        texts_through(party).send(phone=PHONE, body=BODY)


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, {"code": 20500, "message": "oops"}), (503, "<html>"), (429, {"code": 20429}), (201, "<html>"), (201, {})],
)
def test_a_party_in_trouble_has_not_sent_the_text(party, status, said):
    party.status, party.said = status, said
    with pytest.raises(TextNotSent) as failed:
        texts_through(party).send(phone=PHONE, body=BODY)
    assert type(failed.value) is TextNotSent


def test_a_party_that_does_not_answer_is_given_up_in_time(party):
    party.delay_seconds = 2
    started = time.monotonic()
    with pytest.raises(TextNotSent):
        texts_through(party, seconds=0.2).send(phone=PHONE, body=BODY)
    assert time.monotonic() - started < 1
    assert len(party.asked) == 1  # nothing is repeated: it may have been sent


def test_a_party_that_is_not_there_has_not_sent_the_text(party):
    party.stop()
    with pytest.raises(TextNotSent):
        texts_through(party).send(phone=PHONE, body=BODY)


def test_calls_are_bounded_and_certificates_are_verified():
    session = http_client().session
    adapter = session.get_adapter("https://api.twilio.com/")
    assert isinstance(adapter, Punctual)
    assert (adapter.seconds, adapter.max_retries.total, session.verify) == (5, 0, True)


@pytest.mark.parametrize("status", [201, 400, 500])
def test_neither_text_nor_code_nor_phone_nor_token_is_logged(party, written, status):
    conceal("483920")
    party.status = status
    party.said = {"sid": "SM1", "code": 20001, "message": f"The number {PHONE} with {BODY}"}
    with pytest.raises(TextNotSent) if status != 201 else nullcontext() as failed:
        texts_through(party).send(phone=PHONE, body=BODY)
    if failed:
        assert PHONE not in repr(failed.value)
        assert failed.value.__suppress_context__  # what Twilio said stays out of a traceback
    assert ("twilio_" in written()) == (status != 201)
    for secret in ("483920", PHONE, PHONE[1:], "512345678", TOKEN, BODY):
        assert secret not in written()


def signed(fields, *, url=CALLBACK, token=TOKEN):
    return RequestValidator(token).compute_signature(url, fields)


def read(fields, signature, *, public_url="https://api.shop.test", address="/api/webhooks/texts/twilio/"):
    provider = TwilioTexts("AC123", TOKEN, "+15005550006", public_url)
    return provider.read_report(address=address, fields=fields, signature=signature)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("delivered", "delivered"),
        ("read", "delivered"),
        ("undelivered", "undelivered"),
        ("failed", "undelivered"),
        ("canceled", "undelivered"),
        ("sent", None),
        ("queued", None),
        ("something new", None),
    ],
)
def test_twilios_words_are_ours_or_say_nothing_yet(said, state):
    fields = QueryDict(f"MessageSid=SM1&MessageStatus={said}&ErrorCode=30003&To=%2B966512345678&New=1&New=2")
    report = read(fields, signed(fields))
    assert (report.reference, report.state, report.error) == ("SM1", state, "30003")


def test_a_signature_over_anything_else_is_none():
    fields = QueryDict("MessageSid=SM1&MessageStatus=delivered&New=1&New=2")
    right = signed(fields)
    assert read(fields, right)
    wrong = [
        (fields, ""),
        (fields, right[:-2] + "A="),
        (fields, signed(fields, token="another")),
        (fields, signed(fields, token="")),
        (fields, signed(fields, url="https://other.test/api/webhooks/texts/twilio/")),
        (QueryDict("MessageSid=SM1&MessageStatus=failed&New=1&New=2"), right),
        (QueryDict("MessageSid=SM1&MessageStatus=delivered&New=1"), right),
        (QueryDict("MessageSid=SM1&MessageStatus=delivered&New=1&New=2&More=3"), right),
    ]
    assert [read(*pair) for pair in wrong] == [None] * len(wrong)
    assert read(fields, right, address="/api/webhooks/texts/twilio/?a=1") is None
