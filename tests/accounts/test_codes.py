from datetime import timedelta

import pytest
import time_machine

from apps.accounts.errors import CodeRejected, TextNotSent, TooManyGuesses, TooManyTexts
from apps.accounts.models import Code, DevelopmentText, Guess, Session, User
from apps.accounts.services import forget_old_codes, send_code, sign_in_with_code, verify_code
from apps.accounts.texts import NoProvider
from core.clock import now
from core.errors import InvalidInput
from tests.races import race

PHONE = "+966512345678"
pytestmark = pytest.mark.django_db


def send(phone=PHONE, address="203.0.113.9", **kwargs):
    return send_code(phone=phone, purpose="sign_in", address=address, **kwargs)


def guess(code, phone=PHONE):
    verify_code(phone=phone, purpose="sign_in", guess=code)


def wrong(code):
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def later(**by):
    return time_machine.travel(now() + timedelta(**by), tick=True)


def test_a_code_is_texted_in_the_documents_words():
    code = send()
    assert DevelopmentText.objects.get(phone=PHONE).body == (
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
    assert Code.objects.get().attempts == 1
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
    assert Code.objects.get().attempts == 0
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


def test_a_new_code_ends_the_one_before(settings):
    first = send()
    with later(seconds=settings.OTP_COOLDOWN_SECONDS + 1):
        second = send()
        with pytest.raises(CodeRejected):
            guess(first if first != second else wrong(first))
        guess(second)


def test_a_code_is_bound_to_its_phone():
    code = send()
    send("+966500000009")
    with pytest.raises(CodeRejected):
        guess(code if code != send_digits("+966500000009") else wrong(code), phone="+966500000009")


def send_digits(phone):
    return DevelopmentText.objects.filter(phone=phone).latest("pk").body.split(": ")[1][:6]


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
    assert Code.objects.count() == DevelopmentText.objects.count() == limit


def test_a_text_that_did_not_leave_is_not_counted():
    with pytest.raises(TextNotSent):
        send(provider=NoProvider())
    code = send()  # no cooldown: nothing was sent
    guess(code)


def test_a_code_that_was_never_sent_cannot_be_used():
    with pytest.raises(TextNotSent):
        send(provider=NoProvider())
    with pytest.raises(CodeRejected):
        guess("000000")
    assert not Guess.objects.exists()


def test_old_codes_are_forgotten_after_a_week():
    code = send()
    guess(code)
    assert forget_old_codes() == 0
    with later(days=8):
        assert forget_old_codes() == 2


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_with_the_right_code_open_one_session():
    code = send()

    def attempt(_):
        return sign_in_with_code(phone=PHONE, guess=code, address="203.0.113.9", user_agent="")

    outcomes = race(attempt)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert all(isinstance(o, CodeRejected | TooManyGuesses) for o in outcomes if isinstance(o, Exception))
    assert Session.objects.count() == User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_asking_for_a_code_send_one_text():
    outcomes = race(lambda _: send())
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert DevelopmentText.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_wrong_guesses_never_exceed_the_attempts(settings):
    code = send()
    race(lambda _: guess(wrong(code)), threads=30)
    assert Code.objects.get().attempts == Guess.objects.count() == settings.OTP_MAX_ATTEMPTS
