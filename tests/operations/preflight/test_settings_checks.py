import pytest

from apps.operations.preflight.checks.given import deploy_settings, environment, sentry, short_codes
from apps.operations.preflight.errors import CannotCheck, PreflightRefused
from apps.operations.preflight.given import given_by
from tests.operations.preflight.conftest import PRODUCTION
from tests.operations.preflight.test_web_checks import Answering


def test_settings_production_starts_with_pass(look):
    seen = look(environment)
    assert (seen.outcome, seen.sentence) == ("ok", "Production starts with the tests.")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("SECRET_KEY", "short", "SECRET_KEY is too short"),
        ("SERVICE_AUTH_SECRET_API_GATEWAY", "changeme", "SERVICE_AUTH_SECRET_API_GATEWAY looks like a sample"),
        ("FRONTEND_ORIGINS", "*", "FRONTEND_ORIGINS / CORS_ALLOWED_ORIGINS must list origins"),
        ("DEBUG", "1", "DEBUG must be off"),
        ("OTP_TEST_MODE", "1", "OTP_TEST_MODE must not be set at all"),
        ("DATABASE_URL", "sqlite:///campaigns.db", "DATABASE_URL is no address of PostgreSQL"),
        ("OTP_CODE_LENGTH", "4", "OTP_CODE_LENGTH below 6"),
    ],
)
def test_a_setting_production_refuses_fails_by_name_and_without_its_value(look, name, value, problem):
    seen = look(environment, given={**PRODUCTION, name: value})
    assert seen.outcome == "failed"
    assert seen.lines[0].startswith(problem)
    assert PRODUCTION["SECRET_KEY"] not in str(seen)


def test_what_is_missing_is_listed_at_once(look):
    seen = look(environment, given={})
    assert seen.sentence.startswith("Production would not start with the tests: 10 problems")


def test_good_settings_that_do_not_say_production_are_a_warning(look):
    given = {name: value for name, value in PRODUCTION.items() if name != "ENVIRONMENT"}
    assert look(environment, given=given).outcome == "warning"


@pytest.mark.slow
def test_tls_cookies_and_cors_are_read_as_production_has_them(look):
    seen = look(deploy_settings)
    assert seen.outcome == "warning"
    assert "TLS redirect, secure session cookie" in seen.sentence
    assert "accounts.W001" in seen.lines[0]
    insecure = look(deploy_settings, given={**PRODUCTION, "FRONTEND_ORIGINS": "http://shop.test"})
    assert (insecure.outcome, insecure.sentence) == ("failed", "Not as it should be: CORS by https.")


def test_settings_that_cannot_be_loaded_have_no_verdict(look):
    with pytest.raises(CannotCheck, match="see the check `environment`"):
        look(deploy_settings, given={})


def test_short_codes_are_a_warning_even_where_they_are_allowed(look):
    assert look(short_codes).sentence == "Codes have 6 digits."
    seen = look(short_codes, given={**PRODUCTION, "OTP_CODE_LENGTH": "4", "OTP_ALLOW_SHORT_CODES": "1"})
    assert (seen.outcome, seen.sentence) == (
        "warning",
        "Codes have 4 digits, allowed by OTP_ALLOW_SHORT_CODES: each guess is 100 times better.",
    )


def test_without_sentry_somebody_should_know(look, settings):
    settings.SENTRY_DSN = ""
    assert look(sentry).outcome == "warning"


def test_sentry_is_asked_whether_it_is_there_and_its_key_is_not_shown(look):
    with Answering({"/": (200, "")}) as host:
        seen = look(sentry, given={"SENTRY_DSN": f"http://a-secret-key@{host}/7"})
    assert (seen.outcome, seen.sentence) == ("ok", f"{host} answers.")
    seen = look(sentry, given={"SENTRY_DSN": f"http://a-secret-key@{host}/7"})
    assert (seen.outcome, seen.sentence) == ("failed", f"{host} does not answer: ConnectionError.")
    assert look(sentry, given={"SENTRY_DSN": "a-secret-key"}).outcome == "failed"


def test_a_file_of_settings_is_read_as_it_is_written(tmp_path):
    file = tmp_path / "production.env"
    file.write_text("# ours\nSECRET_KEY=a$b#c\nexport DEBUG=0\nEMPTY=\n")
    assert given_by(file).values == {"SECRET_KEY": "a$b#c", "DEBUG": "0"}


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"", "sets nothing"), (b"A=\xff", "it is no text")]
)
def test_a_file_that_is_none_is_refused(tmp_path, content, why):
    file = tmp_path / "production.env"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PreflightRefused, match=why):
        given_by(file)
