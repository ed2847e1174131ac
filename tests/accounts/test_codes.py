from datetime import timedelta

import pytest
import time_machine

from apps.accounts.callers import Caller
from apps.accounts.errors import (
    CodeRejected,
    CountryNotServed,
    ShopBusy,
    TextNotSent,
    TextsPaused,
    TooManyGuesses,
    TooManyTexts,
)
from apps.accounts.models import AuditEvent, Code, CodeSend, DevelopmentMessage, Guess, Session, User
from apps.accounts.services import send_code, sign_in_with_code, verify_code
from apps.accounts.services.housekeeping import stale_codes
from apps.accounts.texts import Taken
from core.clock import now
from core.errors import InvalidInput
from core.housekeeping import delete_stale
from tests.races import race

PHONE = "+966512345678"
pytestmark = pytest.mark.django_db


def send(phone=PHONE, address="203.0.113.9"):
    return send_code(recipient=phone, purpose="sign_in", caller=Caller(address)).digits


def guess(code, phone=PHONE, address="198.51.100.7"):
    verify_code(recipient=phone, purpose="sign_in", guess=code, caller=Caller(address))


def wrong(code):
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def later(**by):
    return time_machine.travel(now() + timedelta(**by), tick=True)


def test_a_code_is_texted_in_the_documents_words():
    code = send()
    assert DevelopmentMessage.objects.get(recipient=PHONE).body == (
        f"Your Hanout verification code is: {code}\n\nThis code will expire in 2 minutes."
    )
    assert len(code) == 6
    assert code.isdigit()


def test_the_code_itself_is_not_stored():
    code = send()
    stored = Code.objects.get()
    assert code.encode() not in bytes(stored.digest)
    assert len(bytes(stored.digest)) == 32


def test_every_digit_comes_from_the_system_generator(monkeypatch):
    monkeypatch.setattr("apps.accounts.services.codes.secrets.choice", lambda digits: digits[7])
    assert send() == "777777"


def test_the_right_code_works_once():
    code = send()
    guess(code)
    with pytest.raises(CodeRejected):
        guess(code)


def test_a_wrong_code_costs_an_attempt():
    code = send()
    with pytest.raises(CodeRejected):
        guess(wrong(code))
    assert Guess.objects.count() == 1


def test_five_wrong_guesses_end_the_code(settings):
    code = send()
    for _ in range(settings.OTP_MAX_ATTEMPTS):
        with pytest.raises(CodeRejected):
            guess(wrong(code))
    with pytest.raises(TooManyGuesses) as refused:
        guess(code)
    assert 0 < refused.value.retry_after <= settings.OTP_TTL_SECONDS + 1
    assert Code.objects.get().used_at is None


@pytest.mark.parametrize("spelling", ["{0} {1}", "{0}-{1}", " {0}{1} "])
def test_a_code_is_read_as_people_type_it(spelling):
    code = send()
    guess(spelling.format(code[:3], code[3:]))


def test_arabic_digits_are_digits():
    guess(send().translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")))


@pytest.mark.parametrize("typed", ["", "abcdef", "12345", "1234567", "12a456", '": "', "½½½½½½"])
def test_what_cannot_be_a_code_costs_nothing(typed):
    code = send()
    with pytest.raises(InvalidInput):
        guess(typed)
    assert not Guess.objects.exists()
    guess(code)


def test_addresses_of_one_ipv6_line_share_the_limit(settings):
    settings.OTP_IP_HOURLY_LIMIT = 2
    for number in range(2):
        send(f"+96650000000{number}", address=f"2001:db8:1:2::{number}")
    with pytest.raises(TooManyTexts):
        send("+966500000009", address="2001:db8:1:2:ffff::1")
    send("+966500000009", address="2001:db8:1:3::1")


def test_an_expired_code_is_refused(settings):
    code = send()
    with later(seconds=settings.OTP_TTL_SECONDS + 1), pytest.raises(CodeRejected):
        guess(code)


def test_a_code_sent_again_while_it_is_valid_is_the_same(settings):
    first = send()
    with later(seconds=settings.OTP_COOLDOWN_SECONDS + 1):
        assert send() == first
    with later(seconds=settings.OTP_TTL_SECONDS + settings.OTP_COOLDOWN_SECONDS - 1):
        guess(first)  # the second text promised two minutes from then


def test_a_code_sent_again_and_again_dies_of_old_age(settings):
    settings.OTP_PHONE_HOURLY_LIMIT = settings.OTP_PHONE_DAILY_LIMIT = 0
    started, first = now(), send()
    for seconds in range(90, 550, 90):
        with time_machine.travel(started + timedelta(seconds=seconds), tick=False):
            send()
    assert Code.objects.count() == 1
    assert Code.objects.get().expires_at <= started + timedelta(minutes=10, seconds=1)
    with later(minutes=10), pytest.raises(CodeRejected):
        guess(first)


def test_a_code_after_the_validity_of_the_one_before_is_new(settings):
    send()
    with later(seconds=settings.OTP_TTL_SECONDS + 1):
        send()
    assert Code.objects.count() == 2


def test_a_worn_code_is_replaced_when_asked_for_again(settings):
    code = send()
    for _ in range(settings.OTP_MAX_ATTEMPTS):
        with pytest.raises(CodeRejected):
            guess(wrong(code))
    with later(seconds=settings.OTP_COOLDOWN_SECONDS + 1):
        guess(send())


def test_the_digits_of_a_used_code_are_gone():
    guess(send())
    assert Code.objects.get().sealed is None


def test_a_code_is_bound_to_its_phone():
    code = send()
    send("+966500000009")
    with pytest.raises(CodeRejected):
        guess(code if code != send_digits("+966500000009") else wrong(code), phone="+966500000009")


def send_digits(phone):
    return DevelopmentMessage.objects.filter(recipient=phone).latest("pk").body.split(": ")[1][:6]


def test_a_new_code_does_not_refill_the_guess_budget(settings):
    settings.OTP_COOLDOWN_SECONDS = settings.OTP_PHONE_HOURLY_LIMIT = settings.OTP_PHONE_DAILY_LIMIT = 0
    for _ in range(settings.OTP_IDENTITY_HOURLY_GUESSES // settings.OTP_MAX_ATTEMPTS):
        code = send()
        for _ in range(settings.OTP_MAX_ATTEMPTS):
            with pytest.raises(CodeRejected):
                guess(wrong(code))
    code = send()
    with pytest.raises(TooManyGuesses):
        guess(code)
    with later(hours=1, seconds=1):
        guess(send())


def test_the_day_has_a_guess_budget_too(settings):
    settings.OTP_COOLDOWN_SECONDS = settings.OTP_PHONE_HOURLY_LIMIT = settings.OTP_PHONE_DAILY_LIMIT = 0
    settings.OTP_IDENTITY_HOURLY_GUESSES, settings.OTP_IDENTITY_DAILY_GUESSES = 5, 5
    code = send()
    for _ in range(5):
        with pytest.raises(CodeRejected):
            guess(wrong(code))
    with later(hours=2), pytest.raises(TooManyGuesses) as refused:
        guess(send())
    assert refused.value.retry_after > 20 * 3600


def test_who_asked_has_a_first_guess_that_strangers_cannot_spend(settings):
    code = send(address="203.0.113.9")
    for number in range(settings.OTP_MAX_ATTEMPTS):
        with pytest.raises(CodeRejected):
            guess(wrong(code), address=f"198.51.100.{number}")
    with pytest.raises(TooManyGuesses):
        guess(code, address="198.51.100.77")
    guess(code, address="203.0.113.9")


def test_the_reserve_of_first_guesses_is_bounded(settings):
    """Even with every limit on texts off, asking again and again buys no more guesses."""
    settings.OTP_COOLDOWN_SECONDS = settings.OTP_PHONE_HOURLY_LIMIT = 0
    settings.OTP_PHONE_DAILY_LIMIT = settings.OTP_IP_HOURLY_LIMIT = 0
    settings.OTP_IDENTITY_DAILY_GUESSES, settings.OTP_BLOCKED_RANGE_LEAST_TEXTS = 5, 0
    for number in range(60):
        code = send(address=f"203.0.113.{number}")
        with pytest.raises((CodeRejected, TooManyGuesses)):
            guess(wrong(code), address=f"203.0.113.{number}")
    assert Guess.objects.count() == 15


def test_strangers_spend_their_own_budget_and_not_the_owners(settings):
    code = send(address="203.0.113.9")
    sign_in_with_code(phone=PHONE, guess=code, caller=Caller("203.0.113.9"))
    settings.OTP_COOLDOWN_SECONDS = 0
    for round_ in range(settings.OTP_PHONE_HOURLY_LIMIT - 1):  # the owner sent the first
        stolen = send(address=f"198.51.100.{round_}")
        for number in range(settings.OTP_MAX_ATTEMPTS):
            with pytest.raises((CodeRejected, TooManyGuesses)):
                guess(wrong(stolen), address=f"192.0.2.{round_ * 10 + number}")
    with pytest.raises(TooManyTexts):
        send(address="192.0.2.200")
    mine = send(address="203.0.113.200")  # another address of the owner's network
    guess(mine, address="203.0.113.201")


def test_a_country_that_is_not_served_gets_no_text(settings):
    settings.OTP_COUNTRIES = frozenset({"AE"})
    with pytest.raises(CountryNotServed):
        send()
    assert not Code.objects.exists()
    send("+971501234567")


def test_the_breaker_opens_before_the_bill_grows(settings):
    settings.OTP_PROJECT_HOURLY_TEXTS = 3
    for number in range(3):
        send(f"+96650000000{number}", address=f"203.0.113.{number}")
    with pytest.raises(ShopBusy):
        send("+966500000009", address="203.0.113.99")
    assert DevelopmentMessage.objects.count() == 3
    with later(hours=1, seconds=1):
        send("+966500000009", address="203.0.113.99")


def test_a_range_whose_codes_nobody_enters_is_blocked_and_reported_once(settings):
    settings.OTP_BLOCKED_RANGE_LEAST_TEXTS = 20
    for number in range(20):
        send(f"+9665123000{number:02}", address=f"203.0.{number}.1")
    for number in range(2):
        with pytest.raises(TextsPaused):
            send("+966512399999", address=f"203.0.113.{number}")
    send("+966555555555", address="203.0.113.9")  # another range
    assert AuditEvent.objects.filter(action="range_blocked", subject="+966512").count() == 1
    assert DevelopmentMessage.objects.count() == 21


def test_one_visitor_closes_no_range(settings):
    settings.OTP_BLOCKED_RANGE_LEAST_TEXTS, settings.OTP_IP_HOURLY_LIMIT = 20, 0
    for number in range(30):
        send(f"+9665123000{number:02}", address=f"203.0.113.{number % 9}")
    send("+966512399999", address="198.51.100.7")
    assert not AuditEvent.objects.filter(action="range_blocked").exists()
    # That was the tenth address whose code nobody entered.
    with pytest.raises(TextsPaused):
        send("+966512399998", address="198.51.100.8")


def test_the_hour_belongs_to_the_phone_whatever_it_is_texted_for(settings):
    settings.OTP_COOLDOWN_SECONDS, settings.OTP_PHONE_HOURLY_LIMIT = 60, 2
    for purpose in ("sign_in", "phone_change"):  # the wait between two is per purpose
        send_code(recipient=PHONE, purpose=purpose, caller=Caller("203.0.113.9"))
    with pytest.raises(TooManyTexts) as refused:
        send_code(recipient=PHONE, purpose="register", caller=Caller("203.0.113.9"))
    assert refused.value.retry_after > 3000
    assert CodeSend.objects.count() == DevelopmentMessage.objects.count() == 2


def test_a_text_to_change_a_phone_says_so():
    code = send_code(recipient=PHONE, purpose="phone_change", caller=Caller("203.0.113.9")).digits
    assert DevelopmentMessage.objects.get().body == (
        f"Your Hanout code to change an account's phone number is: {code}\n\nThis code will expire in 2 minutes."
    )


@pytest.mark.parametrize(("reference", "kept"), [("r" * 80, ["r" * 64, ""]), ("again", ["again", ""])])
def test_a_text_that_left_is_sent_whatever_its_provider_calls_it(monkeypatch, reference, kept):
    monkeypatch.setattr("apps.accounts.services.codes.send_text", lambda **_: Taken("odd", reference))
    for phone in (PHONE, "+966500000009"):
        guess(send(phone), phone=phone)
    sends = CodeSend.objects.order_by("pk").values_list("state", "provider", "reference")
    assert list(sends) == [("sent", "odd", name) for name in kept]


def test_a_range_whose_codes_are_entered_stays_open(settings):
    settings.OTP_BLOCKED_RANGE_LEAST_TEXTS = 20
    for number in range(20):
        phone = f"+9665123000{number:02}"
        code = send(phone, address=f"203.0.{number}.1")
        if number < 2:
            guess(code, phone=phone)
    send("+966512399999")


def test_every_send_and_guess_is_in_the_audit_log():
    code = send()
    with pytest.raises(CodeRejected):
        guess(wrong(code))
    guess(code)
    with pytest.raises(TooManyTexts):
        send()
    events = AuditEvent.objects.order_by("pk").values_list("action", "subject", "address")
    assert list(events) == [
        ("code_sent", PHONE, "203.0.113.9"),
        ("code_rejected", PHONE, "198.51.100.7"),
        ("code_accepted", PHONE, "198.51.100.7"),
        ("code_refused", PHONE, "203.0.113.9"),
    ]
    assert code not in str(list(AuditEvent.objects.values()))


def test_the_cooldown_says_how_long_to_wait(settings):
    send()
    with pytest.raises(TooManyTexts) as refused:
        send()
    assert 0 < refused.value.retry_after <= settings.OTP_COOLDOWN_SECONDS + 1
    assert Code.objects.count() == 1


@pytest.mark.parametrize(
    ("limit", "setting"), [(2, "OTP_PHONE_HOURLY_LIMIT"), (2, "OTP_PHONE_DAILY_LIMIT"), (2, "OTP_IP_HOURLY_LIMIT")]
)
def test_each_limit_of_the_document_holds(settings, limit, setting):
    settings.OTP_COOLDOWN_SECONDS = settings.OTP_PHONE_HOURLY_LIMIT = 0
    settings.OTP_PHONE_DAILY_LIMIT = settings.OTP_IP_HOURLY_LIMIT = 0
    setattr(settings, setting, limit)
    for _ in range(limit):
        send()
    with pytest.raises(TooManyTexts):
        send()
    assert CodeSend.objects.count() == DevelopmentMessage.objects.count() == limit


def test_a_text_that_did_not_leave_is_not_counted(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("apps.accounts.texts.providers", list)
        with pytest.raises(TextNotSent):
            send()
    assert CodeSend.objects.get().state == "failed"
    guess(send())  # no cooldown: nothing was sent


def test_old_codes_are_forgotten_after_a_week():
    code = send()
    guess(code)
    assert delete_stale(stale_codes) == 0
    with later(days=8):
        assert delete_stale(stale_codes) == 3  # the code, its send, its guess


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_with_the_right_code_open_one_session():
    code = send()

    def attempt(_):
        return sign_in_with_code(phone=PHONE, guess=code, caller=Caller("203.0.113.9"))

    outcomes = race(attempt)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert all(isinstance(o, CodeRejected | TooManyGuesses) for o in outcomes if isinstance(o, Exception))
    assert Session.objects.count() == User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_asking_for_a_code_send_one_text():
    outcomes = race(lambda _: send())
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert DevelopmentMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_wrong_guesses_never_exceed_the_attempts(settings):
    code = send()
    race(lambda _: guess(wrong(code)), threads=30)
    assert Guess.objects.count() == settings.OTP_MAX_ATTEMPTS
