import subprocess
import sys

import pytest

import config.env as env_module
from config.database import database
from config.env import ROOT, Env, Environment, environment_of
from config.refusals import SettingsRefused
from tests.production import GOOD


def load(**changes):
    values = {**GOOD, **changes}
    return Env.load(
        {key: value for key, value in values.items() if value is not None}, environment=Environment.PRODUCTION
    )


def refusal(**changes):
    with pytest.raises(SettingsRefused) as refused:
        load(**changes)
    return str(refused.value)


def test_a_complete_environment_starts():
    assert load().allowed_hosts == ("shop.test", "www.shop.test")


def test_an_empty_environment_is_refused_with_one_message_that_lists_everything():
    with pytest.raises(SettingsRefused) as refused:
        Env.load({}, environment=Environment.PRODUCTION)
    message = str(refused.value)
    for name in (*GOOD, "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "DB_NAME"):
        assert name in message, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "django-insecure-" + "x1y2z3" * 12),
        ("SECRET_KEY", "change-me-" + "x1y2z3" * 12),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 60),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "shop.test, *"),
        ("ALLOWED_HOSTS", " , "),
        ("FRONTEND_ORIGINS", " , "),
        ("CSRF_TRUSTED_ORIGINS", "https://*"),
        ("METRICS_TOKEN", "a"),
        ("OTP_CODE_LENGTH", "04"),
        ("REDIS_URL", "localhost:6379"),
        ("SERVICE_AUTH_SECRET_API_GATEWAY", GOOD["SECRET_KEY"]),
        ("FRONTEND_ORIGINS", "*"),
        ("FRONTEND_ORIGINS", "shop.test"),
        ("FRONTEND_ORIGINS", "https://shop.test/path"),
        ("SERVICE_AUTH_SECRET_API_GATEWAY", "CHANGE_ME_" + "x1y2z3" * 8),
        ("SERVICE_AUTH_SECRET_API_GATEWAY", "only-31-characters-0123456789ab"),
        ("SERVICE_AUTH_SECRET_API_GATEWAY", GOOD["SERVICE_AUTH_SECRET_DJANGO_BACKEND"]),
        ("DEBUG", "1"),
        ("DJANGO_DEBUG", "true"),
        ("TESTING", "1"),
        ("CORS_ALLOW_ALL", "1"),
        ("OTP_TEST_MODE", "1"),
        ("OTP_TEST_KEY", "k"),
        ("OTP_TEST_CODE", "0000"),
        ("OTP_TEST_HEADER", "X"),
        ("OTP_APP_BYPASS", "1"),
        ("OTP_APP_BYPASS_ALLOWLIST", "+966512345678"),
        ("OTP_DEV_ACCEPT_ANY_CODE", "1"),
        ("OTP_DEV_MODE", "1"),
        ("OTP_CODE_LENGTH", "4"),
        ("OTP_TTL_SECONDS", "601"),
        ("PORT", "eighty"),
    ],
)
def test_a_weak_forbidden_or_misfit_value_is_refused_by_name(name, value):
    message = refusal(**{name: value})
    assert name in message
    assert len(value) < 13 or value not in message  # what is refused may be a secret


def test_all_problems_come_at_once():
    message = refusal(SECRET_KEY="short", DEBUG="1", OTP_TEST_CODE="0000", REDIS_URL=None, PORT="x")
    assert all(
        name in message for name in ("SECRET_KEY", "DEBUG", "OTP_TEST_CODE", "REDIS_URL", "PORT", "CELERY_BROKER_URL")
    )


def test_short_codes_need_to_be_allowed_explicitly():
    assert load(OTP_CODE_LENGTH="4", OTP_ALLOW_SHORT_CODES="1").otp_code_length == 4


def test_the_documents_other_names_work():
    env = load(
        SECRET_KEY=None,
        DJANGO_SECRET_KEY=GOOD["SECRET_KEY"],
        ALLOWED_HOSTS=None,
        DJANGO_ALLOWED_HOSTS="a.test",
        FRONTEND_ORIGINS=None,
        CORS_ALLOWED_ORIGINS="https://b.test",
        ACCESS_TOKEN_EXPIRE_MINUTES="15",
        REFRESH_TOKEN_EXPIRE_DAYS="7",
        DJANGO_LOG_LEVEL="DEBUG",
    )
    assert (env.allowed_hosts, env.cors_allowed_origins) == (("a.test",), ("https://b.test",))
    assert (env.jwt_access_min, env.jwt_refresh_days, env.log_level) == (15, 7, "DEBUG")


def test_the_environment_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1


def test_secrets_do_not_print():
    assert GOOD["SECRET_KEY"] not in repr(load())
    assert "pa%40ss" not in str(load())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "development"),
        ({"ENVIRONMENT": "production"}, "production"),
        ({"ENV": "production"}, "production"),
        ({"DJANGO_ENV": "prod"}, "production"),
        ({"ENVIRONMENT": "staging"}, "staging"),
        ({"DJANGO_ENV": "dev"}, "development"),
        ({"ENV": "Production "}, "production"),
    ],
)
def test_each_documents_switch_selects_the_environment(values, expected):
    assert environment_of(values) == expected


def test_contradictory_switches_are_refused():
    with pytest.raises(SettingsRefused, match="different environments"):
        environment_of({"ENVIRONMENT": "development", "ENV": "production"})


def test_an_environment_named_in_dotenv_is_refused(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("ENVIRONMENT=production\n")
    monkeypatch.setattr(env_module, "ROOT", tmp_path)
    with pytest.raises(SettingsRefused, match="does nothing"):
        env_module._with_dotenv(Environment.DEVELOPMENT)


def test_a_database_url_that_cannot_be_read_does_not_print_its_password():
    message = refusal(DATABASE_URL="postgres://shop:S3cret#pw@db.test/shop", REDIS_URL="localhost:6379")
    assert "DATABASE_URL" in message
    assert "REDIS_URL" in message
    assert "S3cret" not in message


def test_options_in_the_url_keep_the_statement_timeout():
    entry = database(load(DATABASE_URL="postgres://u:p@h/d?options=-c%20lock_timeout%3D5s"))
    assert entry["OPTIONS"]["options"] == "-c statement_timeout=30000 -c lock_timeout=5s"


def test_a_misspelt_environment_is_refused():
    with pytest.raises(SettingsRefused, match="prodution"):
        environment_of({"ENVIRONMENT": "prodution"})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_database_url_is_read_whole(scheme):
    entry = database(load(DATABASE_URL=f"{scheme}://shop:pa%40ss@db.internal:5433/shop?sslmode=verify-full"))
    assert [entry[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "shop",
        "shop",
        "pa@ss",
        "db.internal",
        "5433",
    ]
    assert entry["OPTIONS"]["sslmode"] == "verify-full"


def test_production_demands_tls_of_the_database_unless_told_otherwise():
    parts = {"DATABASE_URL": None, "DB_NAME": "shop", "DB_USER": "u", "DB_PASSWORD": "p", "DB_HOST": "db.internal"}
    assert database(load(**parts))["OPTIONS"]["sslmode"] == "require"
    assert "sslmode" not in database(load(**parts, DB_SSL_REQUIRE="0"))["OPTIONS"]


@pytest.mark.parametrize("url", ["sqlite:///./campaigns.db", "mysql://u:p@h/d", "nonsense"])
def test_another_database_is_refused_with_what_to_do(url):
    with pytest.raises(SettingsRefused, match="PostgreSQL only"):
        database(load(DATABASE_URL=url))


def start(*command, **environ):
    base = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environ}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=base, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "serve"),
        ("manage.py", "run_jobs"),
        ("manage.py", "runserver"),
        ("manage.py", "run"),
        ("manage.py", "migrate"),
        ("-c", "import config.asgi"),
        ("-c", "import config.wsgi"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "switch",
    [{"ENVIRONMENT": "production"}, {"ENV": "production"}, {"DJANGO_SETTINGS_MODULE": "config.settings.production"}],
)
def test_no_process_starts_in_production_half_configured(command, switch):
    ended = start(*command, **switch, OTP_TEST_CODE="0000")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "OTP_TEST_CODE" in ended.stderr
    assert "SECRET_KEY" in ended.stderr


def test_wsgi_alone_means_production():
    assert "not right for production" in start("-c", "import config.wsgi").stderr


@pytest.mark.parametrize(
    ("module", "environment"),
    [("development", "development"), ("staging", "staging"), ("tests", "development"), ("e2e_test", "development")],
)
def test_a_settings_module_may_be_named_directly(module, environment, tmp_path):
    shown = start(
        "-c",
        "from django.conf import settings; print(settings.ENVIRONMENT.value, settings.DEBUG)",
        DJANGO_SETTINGS_MODULE=f"config.settings.{module}",
        HANOUT_DATA_DIR=str(tmp_path),
        SECRET_KEY=GOOD["SECRET_KEY"],
    )
    assert shown.stdout.split()[0] == environment, shown.stderr
