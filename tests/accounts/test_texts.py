import subprocess
import sys
import time

import pytest
import time_machine
from django.core.cache import cache
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisAway

from apps.accounts import texts
from apps.accounts.callers import Caller
from apps.accounts.errors import CountryNotServed, NumberCannotReceive, TextNotSent, TextRefused
from apps.accounts.models import AuditEvent, CodeSend, DevelopmentMessage
from apps.accounts.services import send_code
from apps.accounts.texts import DevelopmentInbox, Taken, providers, send_text
from config.env import ROOT

PHONE, BODY = "+966512345678", "Your Hanout verification code is: 483920"


class Scripted:
    """A provider that does as it is told and remembers what it was given."""

    def __init__(self, name, outcome="reference"):
        self.name, self.outcome, self.given = name, outcome, []

    def send(self, *, phone, body):
        self.given.append((phone, body))
        if isinstance(self.outcome, str):
            return self.outcome
        raise self.outcome


@pytest.fixture
def pair(monkeypatch):
    """Two providers in the place of those the settings name."""
    first, second = Scripted("first", "from-first"), Scripted("second", "from-second")
    monkeypatch.setattr(texts, "providers", lambda: [first, second])
    return first, second


def counted(provider, outcome):
    return REGISTRY.get_sample_value("hanout_texts_total", {"provider": provider, "outcome": outcome}) or 0


def test_the_first_provider_that_takes_a_text_is_the_only_one_asked(pair):
    first, second = pair
    assert send_text(phone=PHONE, body=BODY) == Taken("first", "from-first")
    assert (first.given, second.given) == ([(PHONE, BODY)], [])


@pytest.mark.parametrize("failure", [TextNotSent, TextRefused])
def test_the_second_takes_over_where_the_first_fails(pair, failure):
    first, _ = pair
    first.outcome = failure()
    before = (counted("first", failure.code), counted("second", "taken"))
    assert send_text(phone=PHONE, body=BODY) == Taken("second", "from-second")
    assert (counted("first", failure.code), counted("second", "taken")) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("reason", [NumberCannotReceive, CountryNotServed])
def test_a_number_that_cannot_be_texted_is_tried_once(pair, reason):
    first, second = pair
    first.outcome = reason()
    with pytest.raises(reason):
        send_text(phone=PHONE, body=BODY)
    assert second.given == []
    first.outcome = "reference"
    assert send_text(phone=PHONE, body=BODY).provider == "first"  # it is not the provider that failed


def test_a_provider_that_failed_is_tried_last_for_half_a_minute(pair):
    first, second = pair
    first.outcome = TextNotSent()
    send_text(phone=PHONE, body=BODY)
    first.outcome = "back"
    assert send_text(phone=PHONE, body=BODY).provider == "second"
    second.outcome = TextNotSent()
    assert send_text(phone=PHONE, body=BODY).provider == "first"
    with time_machine.travel(time.time() + texts.DISTRUST_SECONDS + 1):
        assert send_text(phone=PHONE, body=BODY).provider == "first"


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (TextNotSent, TextNotSent, TextNotSent),
        (TextRefused, TextNotSent, TextRefused),
        (TextNotSent, TextRefused, TextRefused),
        (TextNotSent, NumberCannotReceive, NumberCannotReceive),
    ],
)
def test_when_nobody_takes_it_the_most_telling_reason_is_told(pair, one, other, told):
    first, second = pair
    first.outcome, second.outcome = one(), other()
    with pytest.raises(TextNotSent if told is not NumberCannotReceive else told) as failed:
        send_text(phone=PHONE, body=BODY)
    assert type(failed.value) is told
    assert len(first.given) == len(second.given) == 1


def test_a_cache_that_is_down_stops_no_text(pair, monkeypatch, written):
    def away(*args, **kwargs):
        raise RedisAway("gone")

    monkeypatch.setattr(cache, "get_many", away)
    monkeypatch.setattr(cache, "set", away)
    first, _ = pair
    first.outcome = TextNotSent()
    assert send_text(phone=PHONE, body=BODY).provider == "second"
    assert "text_trust_unknown" in written()


@pytest.mark.django_db
def test_development_keeps_texts_even_with_an_account(settings):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_PHONE_NUMBER = "AC1", "t", "+15005550006"
    settings.PUBLIC_URL = "https://api.shop.test"
    assert [type(provider) for provider in providers()] == [DevelopmentInbox]
    assert texts.twilio() is None
    send_text(phone=PHONE, body=BODY)
    assert DevelopmentMessage.objects.get().body == BODY


def test_without_a_provider_it_is_said_that_nothing_was_sent(deployed, written):
    with pytest.raises(TextNotSent):
        send_text(phone=PHONE, body=BODY)
    assert "text_provider_missing" in written()


def test_twilio_comes_before_bulksms_and_each_is_made_once(deployed):
    deployed.BULKSMS_API_URL, deployed.BULKSMS_API_KEY, deployed.BULKSMS_SENDER_ID = "https://sms.test/api", "k", "s"
    assert [provider.name for provider in providers()] == ["bulksms"]
    deployed.TWILIO_ACCOUNT_SID, deployed.TWILIO_AUTH_TOKEN = "AC1", "t"
    assert [provider.name for provider in providers()] == ["bulksms"]
    deployed.TWILIO_PHONE_NUMBER = "+15005550006"
    assert [provider.name for provider in providers()] == ["twilio", "bulksms"]
    assert providers() == providers()


def test_who_texts_nobody_does_not_load_the_parties_libraries():
    probe = (
        "import django, sys; django.setup(); import config.urls, apps.accounts.texts;"
        "print([name for name in ('twilio', 'requests') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "config.settings.tests"},
    )  # fmt: skip
    assert shown.stdout.strip() == "[]"


@pytest.fixture
def through_bulksms(deployed, party):
    """The real way out, to a party on this machine."""
    deployed.BULKSMS_API_URL, deployed.BULKSMS_API_KEY, deployed.BULKSMS_SENDER_ID = party.url, "a-key", "a-sender"
    party.said = {"response_code": 202, "message_id": 7}
    return party


@pytest.mark.django_db
def test_a_code_leaves_by_the_provider_and_is_found_under_its_reference(through_bulksms):
    sent = send_code(recipient=PHONE, purpose="sign_in", caller=Caller("203.0.113.9"))
    assert sent.digits in through_bulksms.asked[0].form["message"]
    send = CodeSend.objects.get()
    assert (send.state, send.provider, send.reference) == ("sent", "bulksms", "7")
    assert not DevelopmentMessage.objects.exists()


@pytest.mark.django_db
def test_a_code_nobody_took_is_said_to_have_failed_and_counts_against_nothing(through_bulksms, written):
    through_bulksms.status = 500
    with pytest.raises(TextNotSent):
        send_code(recipient=PHONE, purpose="sign_in", caller=Caller("203.0.113.9"))
    assert (CodeSend.objects.get().state, CodeSend.objects.get().reference) == ("failed", "")
    through_bulksms.status = 200
    sent = send_code(recipient=PHONE, purpose="sign_in", caller=Caller("203.0.113.9"))
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == ["code_not_sent", "code_sent"]
    for secret in (sent.digits, PHONE[1:], "a-key"):
        assert secret not in written()
