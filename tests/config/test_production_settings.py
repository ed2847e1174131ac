"""What the production and staging settings derive, read in a process of their own."""

import json
import subprocess
import sys

import pytest

from config.env import ROOT
from tests.config.test_env import GOOD

WANTED = """
import json
from django.conf import settings
names = %r
print(json.dumps({name: getattr(settings, name, None) for name in names}, default=str))
"""


def settings_of(*names, environment="production", **environ):
    done = subprocess.run(
        [sys.executable, "-c", WANTED % (names,)],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={
            "PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "config.settings", "ENVIRONMENT": environment,
            **GOOD, **environ,
        },
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_tls_cookies_and_frames_are_strict(environment):
    found = settings_of(
        "DEBUG", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
        "X_FRAME_OPTIONS", "SECURE_REFERRER_POLICY", environment=environment,
    )  # fmt: skip
    assert found == {
        "DEBUG": False, "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 30 * 24 * 3600,
        "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True,
        "X_FRAME_OPTIONS": "DENY", "SECURE_REFERRER_POLICY": "same-origin",
    }  # fmt: skip


def test_the_forwarded_protocol_counts_behind_a_trusted_proxy_only():
    assert settings_of("SECURE_PROXY_SSL_HEADER")["SECURE_PROXY_SSL_HEADER"] is None
    assert settings_of("SECURE_PROXY_SSL_HEADER", TRUSTED_PROXY_COUNT="1")["SECURE_PROXY_SSL_HEADER"]


def test_front_ends_are_those_listed_and_may_send_credentials():
    found = settings_of("CORS_ALLOWED_ORIGINS", "CORS_ALLOW_CREDENTIALS")
    assert found == {"CORS_ALLOWED_ORIGINS": ["https://shop.test"], "CORS_ALLOW_CREDENTIALS": True}


def test_passwords_are_hashed_with_argon2_first():
    assert "Argon2" in settings_of("PASSWORD_HASHERS")["PASSWORD_HASHERS"][0]


def test_logs_are_json_outside_development_and_counters_are_shared():
    found = settings_of("LOGGING", "CACHES")
    assert found["LOGGING"]["formatters"]["line"]["readable"] is False
    assert found["CACHES"]["default"]["BACKEND"].endswith("RedisCache")


def test_a_dotenv_file_counts_in_development_alone(tmp_path):
    probe = (
        "import config.env as env, pathlib, sys; env.ROOT = pathlib.Path(sys.argv[1]);"
        "env.select(env.Environment(sys.argv[2])); print(env.current().shop_currency)"
    )
    (tmp_path / ".env").write_text("SHOP_CURRENCY=SAR\n")
    for environment, expected in (("development", "SAR"), ("staging", "USD"), ("production", "USD")):
        done = subprocess.run(
            [sys.executable, "-c", probe, str(tmp_path), environment],
            cwd=ROOT, env={"PATH": "/usr/bin:/bin", **GOOD}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == expected
