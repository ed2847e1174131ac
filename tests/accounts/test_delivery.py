from datetime import timedelta
from itertools import permutations, product
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from prometheus_client import REGISTRY
from twilio.request_validator import RequestValidator

from apps.accounts.callers import Caller
from apps.accounts.errors import TooManyTexts
from apps.accounts.models import Code, CodeSend
from apps.accounts.services import send_code
from apps.accounts.services.delivery import settle_text
from apps.accounts.texts import TWILIO_REPORTS, Report
from core.clock import now
from tests.races import race

TOKEN, PUBLIC_URL, SID = "a-token-of-the-account", "https://api.shop.test", "SM0123456789abcdef"
PHONE = "+966512345678"
pytestmark = pytest.mark.django_db


@pytest.fixture
def send():
    """A text that Twilio took."""
    code = Code.objects.create(
        recipient=PHONE, purpose="sign_in", digest=b"", created_at=now(), expires_at=now() + timedelta(minutes=2)
    )
    return written_down(code, state="sent", provider="twilio", reference=SID)


def written_down(code, **facts):
    about = {"recipient": PHONE, "purpose": "sign_in", "is_familiar": False, "country": "SA", "created_at": now()}
    return CodeSend.objects.create(code=code, **about, **facts)


@pytest.fixture
def shop(deployed, api):
    """A deployment with a Twilio account, which reports to it."""
    deployed.PUBLIC_URL = PUBLIC_URL
    deployed.TWILIO_ACCOUNT_SID, deployed.TWILIO_AUTH_TOKEN = "AC1", TOKEN
    deployed.TWILIO_PHONE_NUMBER = "+15005550006"
    return api


def report(shop, state, *, sid=SID, token=TOKEN, error="", signature=None, **fields):
    body = urlencode({"MessageSid": sid, "MessageStatus": state, "ErrorCode": error, "To": PHONE, **fields}, doseq=True)
    right = RequestValidator(token).compute_signature(f"{PUBLIC_URL}{TWILIO_REPORTS}", QueryDict(body))
    headers = {"X-Twilio-Signature": right if signature is None else signature}
    return shop.post(TWILIO_REPORTS, body, content_type="application/x-www-form-urlencoded", headers=headers)


def state_of(send):
    send.refresh_from_db()
    return send.state, send.error


def counted(outcome):
    labels = {"outcome": outcome, "country": "SA"}
    return REGISTRY.get_sample_value("hanout_text_deliveries_total", labels) or 0


@pytest.mark.parametrize(
    ("said", "error", "kept"),
    [
        ("delivered", "", ("delivered", "")),
        ("undelivered", "30005", ("undelivered", "30005")),
        ("failed", "30003", ("undelivered", "30003")),
        ("sent", "", ("sent", "")),
    ],
)
def test_a_signed_report_is_written_down(shop, send, said, error, kept):
    before = counted(kept[0])
    answer = report(shop, said, error=error, Added=["by Twilio", "one day"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert state_of(send) == kept
    assert (send.settled_at is not None) == (said != "sent")
    assert counted(kept[0]) == before + (said != "sent")


@pytest.mark.parametrize("signature", ["", "bm9wZQ==", "x" * 28, "é"])
def test_a_report_somebody_else_signed_is_refused_and_changes_nothing(shop, send, signature):
    answer = report(shop, "delivered", signature=signature)
    assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (403, "not_allowed", True)
    assert report(shop, "delivered", token="another").status_code == 403
    assert report(shop, "delivered", token="").status_code == 403
    assert state_of(send) == ("sent", "")


def test_a_report_without_a_signature_is_refused(shop, send):
    answer = shop.post(TWILIO_REPORTS, {"MessageSid": SID, "MessageStatus": "delivered"})
    assert answer.status_code == 403
    assert state_of(send) == ("sent", "")


@pytest.mark.parametrize("missing", ["PUBLIC_URL", "TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"])
def test_where_twilio_is_not_set_up_nothing_is_there(shop, send, deployed, missing):
    setattr(deployed, missing, "")
    for token in (TOKEN, ""):
        answer = report(shop, "delivered", token=token)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert state_of(send) == ("sent", "")


def test_only_a_post_is_a_report(shop):
    assert (shop.get(TWILIO_REPORTS).status_code, shop.get(TWILIO_REPORTS)["Allow"]) == (405, "POST")


@pytest.mark.parametrize("sid", ["SMunknown", ""])
def test_a_report_about_a_text_we_do_not_know_changes_nothing(shop, send, sid):
    written_down(send.code)  # has no reference yet
    assert report(shop, "delivered", sid=sid).status_code == 204
    assert not CodeSend.objects.filter(state="delivered").exists()


def test_a_reference_of_another_provider_is_not_meant(shop, send):
    CodeSend.objects.update(provider="bulksms")
    report(shop, "delivered")
    assert state_of(send) == ("sent", "")


def test_in_any_order_and_however_often_the_reports_end_in_one_state(send):
    said = [("", None), ("30003", "undelivered"), ("", "delivered")]
    for order in permutations(said):
        for repeats in product((1, 2), repeat=len(order)):
            CodeSend.objects.update(state="sent", error="")
            for (error, state), times in zip(order, repeats, strict=True):
                for _ in range(times):
                    settle(state, error)
            assert state_of(send) == ("delivered", "")


def settle(state, error=""):
    found = CodeSend.State(state) if state else None
    settle_text(provider="twilio", report=Report(reference=SID, state=found, error=error))


def test_a_late_word_does_not_take_back_the_loss_of_a_text(send):
    settle("undelivered", "30003")
    settle(None)
    settle("undelivered", "30005")
    assert state_of(send) == ("undelivered", "30003")


def test_a_text_that_never_left_is_not_delivered(send):
    CodeSend.objects.update(state="failed")
    settle("delivered")
    settle("undelivered")
    assert state_of(send) == ("failed", "")


def test_a_text_lost_on_its_way_counts_against_the_limits(shop, send):
    report(shop, "failed", error="30003")
    with pytest.raises(TooManyTexts):
        send_code(recipient=PHONE, purpose="sign_in", caller=Caller("203.0.113.9"))
    assert CodeSend.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_report_at_the_same_moment_counts_once(send):
    before = counted("delivered")
    race(lambda _: settle("delivered"), threads=8)
    assert counted("delivered") == before + 1


def test_a_report_leaves_no_phone_in_the_log(shop, send, written):
    report(shop, "undelivered", error="30005")
    assert "text_settled" in written()
    assert PHONE[1:] not in written()
