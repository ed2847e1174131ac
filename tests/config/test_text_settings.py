"""What the settings of codes, texts and mails may be, and what no process starts with."""

import subprocess
import sys

import pytest
from django.core.checks import run_checks

from apps.accounts import texts
from apps.accounts.switches import TESTING_SWITCHES
from config.env import ROOT, Env, Environment
from config.refusals import SettingsRefused
from tests.config.test_env import GOOD, load, refusal

MAIL = {"EMAIL_HOST": "smtp.shop.test", "FRONTEND_URL": "https://shop.test"}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token", "TWILIO_PHONE_NUMBER": "+15005550006"}
BULKSMS = {"BULKSMS_API_URL": "https://sms.test/api", "BULKSMS_API_KEY": "key", "BULKSMS_SENDER_ID": "8809617000000"}
PASSWORD = {"EMAIL_HOST_USER": "shop", "EMAIL_HOST_PASSWORD": "word"}


def test_production_starts_with_every_way_out_or_none():
    assert load().twilio_account_sid == ""
    everything = load(
        **MAIL, **TWILIO, **BULKSMS, **PASSWORD, PUBLIC_URL="https://api.shop.test", OTP_COUNTRIES="sa, AE"
    )
    assert everything.bulksms_sender_id == "8809617000000"


@pytest.mark.parametrize("together", [TWILIO, BULKSMS, PASSWORD], ids=lambda group: next(iter(group)))
def test_half_an_account_is_refused_by_the_name_of_the_missing_half(together):
    for missing in together:
        message = refusal(**{name: value for name, value in together.items() if name != missing})
        assert f"  - {missing} must be set as well" in message
    for only, value in together.items():
        assert only in refusal(**{only: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRONTEND_URL", None),
        ("FRONTEND_URL", "http://shop.test"),
        ("FRONTEND_URL", "https://localhost:3000"),
        ("FRONTEND_URL", "https://127.0.0.1"),
        ("FRONTEND_URL", "https://[::1"),
        ("ACTIVATION_URL", "http://shop.test/activate/"),
        ("PUBLIC_URL", "http://api.shop.test"),
        ("PUBLIC_URL", "https://localhost"),
        ("BULKSMS_API_URL", "http://sms.test/api"),
    ],
)
def test_an_address_the_world_cannot_trust_is_refused_in_production(name, value):
    assert name in refusal(**{**MAIL, name: value})


def test_without_a_mail_server_nobody_asks_where_mails_lead():
    assert load(FRONTEND_URL="http://shop.test").email_host == ""


@pytest.mark.parametrize("environment", list(Environment))
@pytest.mark.parametrize(
    ("name", "value"), [("OTP_COUNTRIES", "SA,Saudi"), ("OTP_COUNTRIES", "XX"), ("PHONE_REGION", "XX")]
)
def test_a_country_that_is_none_is_refused_everywhere(environment, name, value):
    with pytest.raises(SettingsRefused, match=name):
        Env.load({**GOOD, name: value}, environment=environment)


@pytest.mark.parametrize("environment", [Environment.DEVELOPMENT, Environment.STAGING])
def test_the_test_mode_needs_its_key(environment):
    for name in ("OTP_TEST_MODE", "OTP_DEV_MODE"):
        with pytest.raises(SettingsRefused, match="OTP_TEST_KEY is missing"):
            Env.load({**GOOD, name: "1"}, environment=environment)
        assert Env.load({**GOOD, name: "1", "OTP_TEST_KEY": "k"}, environment=environment).otp_test_mode
    assert not Env.load({**GOOD, "OTP_TEST_MODE": "0"}, environment=environment).otp_test_mode


def test_production_says_that_the_test_mode_is_forbidden_and_not_what_it_lacks():
    assert "OTP_TEST_KEY" not in refusal(OTP_TEST_MODE="1")


def run(*command, **environ):
    base = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "ENVIRONMENT": "production", **GOOD, **environ}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=base, capture_output=True, text=True, timeout=60, check=False
    )


SWITCHES = [
    "OTP_TEST_MODE",
    "OTP_TEST_KEY",
    "OTP_TEST_CODE",
    "OTP_APP_BYPASS",
    "OTP_APP_BYPASS_ALLOWLIST",
    "OTP_DEV_MODE",
    "OTP_DEV_ACCEPT_ANY_CODE",
]


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import config.asgi"),
        ("-c", "import config.wsgi"),
        ("-c", "import config.celery"),
        ("-m", "celery", "-A", "config", "worker"),
        ("-m", "celery", "-A", "config", "beat"),
        ("manage.py", "check", "--deploy"),
        ("manage.py", "serve"),
        ("manage.py", "run_jobs"),
        ("manage.py", "shell", "-c", "print()"),
    ],
    ids=" ".join,
)
def test_no_entry_to_production_opens_with_a_way_around_sign_in(command):
    """Kill test 1 of the mission; the others are in tests/chaos/."""
    ended = run(*command, **dict.fromkeys(SWITCHES, "+966512345678"))
    assert ended.returncode == 1
    for switch in SWITCHES:
        assert f"  - {switch} must not be set at all" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "+966512345678" not in ended.stdout + ended.stderr


def test_check_deploy_warns_of_what_cannot_leave_and_passes():
    ended = run("manage.py", "check", "--deploy")
    assert ended.returncode == 0
    assert "accounts.W001" in ended.stderr
    assert "accounts.W002" in ended.stderr
    ended = run("manage.py", "check", "--deploy", **MAIL, **TWILIO)
    assert "accounts.W003" in ended.stderr
    ended = run("manage.py", "check", "--deploy", **MAIL, **TWILIO, PUBLIC_URL="https://api.shop.test")
    assert "accounts." not in ended.stderr


def problems():
    return [found.id for found in run_checks(include_deployment_checks=True) if found.id.startswith("accounts.")]


@pytest.mark.parametrize("prefix", TESTING_SWITCHES)
def test_a_switch_under_settings_that_are_not_ours_is_an_error_all_the_same(settings, monkeypatch, prefix):
    monkeypatch.setenv(f"{prefix}X", "1")
    assert problems() == []  # the tests are development
    settings.ENVIRONMENT = "production"
    assert problems() == ["accounts.E001"]
    monkeypatch.setenv(f"{prefix}X", " ")
    assert problems() == []


def test_a_provider_that_is_set_up_is_no_problem(settings):
    settings.IS_DEVELOPMENT = False
    assert problems() == ["accounts.W001"]
    settings.BULKSMS_API_URL, settings.BULKSMS_API_KEY, settings.BULKSMS_SENDER_ID = BULKSMS.values()
    assert problems() == []
    texts._provider.cache_clear()
