"""Why a process does not start: every missing, weak and forbidden setting in one message."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from pydantic import ValidationError

from apps.accounts.switches import TESTING_SWITCHES
from config.backup_refusals import unscheduled_problems
from config.message_refusals import sending_problems
from config.payment_refusals import charging_problems

_SCHEMES = {
    "DATABASE_URL": {"postgres", "postgresql"},
    "REDIS_URL": {"redis", "rediss", "unix"},
    "CELERY_BROKER_URL": {"redis", "rediss", "redis+socket", "amqp", "amqps", "pyamqp"},
}
_URL_ADVICE = {
    "DATABASE_URL": "DATABASE_URL is no address of PostgreSQL, and Hanout runs on PostgreSQL only: write it as "
    "postgresql://user:password@host:5432/name, with %23 for # and %40 for @ in the password; or leave it unset "
    "in development.",
    "CELERY_BROKER_URL": "CELERY_BROKER_URL is not an address of Redis or RabbitMQ: write it as "
    "redis://:password@host:6379/0 or amqp://user:password@host:5672//; or leave it unset for REDIS_URL.",
    "REDIS_URL": "REDIS_URL is not an address of Redis: write it as redis://:password@host:6379/0.",
}
SERVICE_SECRETS = tuple(f"SERVICE_AUTH_SECRET_{name}" for name in ("DJANGO_BACKEND", "API_GATEWAY", "CELERY_WORKER"))
_WEAK_WORDS = re.compile(r"insecure|change|django-secret|secret-key|example|password", re.IGNORECASE)
LEAST_DIGITS = 6
LEAST_SECRET = 43  # 256 bits in base64, which is what Render makes up
_OFF = {"", "0", "false", "no", "off"}


class SettingsRefused(SystemExit):
    """The process must not start; printed to stderr without a traceback, exit code 1."""


class Problems(list[str]):
    """Sentences, one a problem."""

    def raise_if_any(self, environment: str) -> None:
        """Refuse to start with all of them in one message."""
        if self:
            listed = "\n".join(f"  - {problem}" for problem in self)
            raise SettingsRefused(
                f"Hanout does not start: {len(self)} setting(s) are not right for {environment}.\n{listed}\n"
                "Every variable is explained in .env.example."
            )


def value_problems(error: ValidationError) -> Iterator[str]:
    """Name each variable whose value does not fit its type; the value itself may be a secret and stays out."""
    for item in error.errors():
        yield f"{item['loc'][0]}: {item['msg'][0].lower()}{item['msg'][1:]}."


def production_problems(values: Mapping[str, str]) -> Iterator[str]:
    """What production demands and forbids, judged on the raw variables."""
    yield from _missing(values)
    yield from _weak(values)
    yield from _forbidden(values)
    yield from sending_problems(values)
    yield from charging_problems(values)
    yield from unscheduled_problems(values)


def _first(values: Mapping[str, str], *names: str) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def url_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Addresses of servers that cannot be read; they hold passwords, so their values stay out."""
    for name, schemes in _SCHEMES.items():
        if not (value := values.get(name, "")):
            continue
        try:
            parts = urlsplit(value)
            is_right = parts.scheme in schemes and (parts.port is None or parts.port > 0)
        except ValueError:
            is_right = False
        if not is_right:
            yield _URL_ADVICE[name]


def _missing(values: Mapping[str, str]) -> Iterator[str]:
    required = {
        "SECRET_KEY": _first(values, "SECRET_KEY", "DJANGO_SECRET_KEY"),
        "ALLOWED_HOSTS": _parts(_first(values, "ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS")),
        "DATABASE_URL (or DB_NAME, DB_USER, DB_PASSWORD, DB_HOST)": _database(values),
        "REDIS_URL": values.get("REDIS_URL", ""),
        "FRONTEND_ORIGINS (or CORS_ALLOWED_ORIGINS)": _parts(_origins(values)),
        **{name: values.get(name, "") for name in SERVICE_SECRETS},
    }
    yield from (f"{name} is missing." for name, value in required.items() if not value)
    for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
        if not _first(values, name, "REDIS_URL"):
            yield f"{name} is missing (it defaults to REDIS_URL)."


def _parts(listed: str) -> list[str]:
    return [part for part in (part.strip() for part in listed.split(",")) if part]


def _database(values: Mapping[str, str]) -> str:
    parts = [values.get(name, "") for name in ("DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST")]
    return values.get("DATABASE_URL", "") or ("set" if all(parts) else "")


def _origins(values: Mapping[str, str]) -> str:
    return _first(values, "FRONTEND_ORIGINS", "CORS_ALLOWED_ORIGINS", "DJANGO_CORS_ALLOWED_ORIGINS")


def _weak(values: Mapping[str, str]) -> Iterator[str]:
    yield from _weak_secret("SECRET_KEY", _first(values, "SECRET_KEY", "DJANGO_SECRET_KEY"), least=LEAST_SECRET)
    for name in SERVICE_SECRETS:
        yield from _weak_secret(name, values.get(name, ""), least=32)
    yield from _weak_secret("METRICS_TOKEN", values.get("METRICS_TOKEN", ""), least=16)
    given = [values[name] for name in ("SECRET_KEY", *SERVICE_SECRETS) if values.get(name)]
    if len(set(given)) < len(given):
        yield f"SECRET_KEY, {', '.join(SERVICE_SECRETS)} must differ from one another."
    if any("*" in host for host in _parts(_first(values, "ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS"))):
        yield "ALLOWED_HOSTS must name the hosts served; '*' is none."
    if "*" in _first(values, "CSRF_TRUSTED_ORIGINS", "DJANGO_CSRF_TRUSTED_ORIGINS"):
        yield "CSRF_TRUSTED_ORIGINS must list origins; '*' lets every site post forms."
    yield from _weak_origins(_parts(_origins(values)))
    yield from _short_code(values)


def _weak_secret(name: str, value: str, *, least: int) -> Iterator[str]:
    if value and _WEAK_WORDS.search(value):
        yield f"{name} looks like a sample value; use random characters."
    elif value and (len(value) < least or len(set(value)) < 10):  # noqa: PLR2004
        yield f"{name} is too short or too simple: at least {least} random characters."


def _weak_origins(origins: Iterable[str]) -> Iterator[str]:
    for origin in origins:
        parts = urlsplit(origin)
        if "*" in origin:
            yield "FRONTEND_ORIGINS / CORS_ALLOWED_ORIGINS must list origins; '*' lets every site in."
        elif parts.scheme not in {"https", "http"} or not parts.netloc or parts.path:
            yield "FRONTEND_ORIGINS / CORS_ALLOWED_ORIGINS: write each as https://shop.test, without a path."


def _short_code(values: Mapping[str, str]) -> Iterator[str]:
    length = values.get("OTP_CODE_LENGTH", "6")
    if length.isdecimal() and int(length) < LEAST_DIGITS and values.get("OTP_ALLOW_SHORT_CODES", "").lower() in _OFF:
        yield "OTP_CODE_LENGTH below 6 needs OTP_ALLOW_SHORT_CODES=1."


def _forbidden(values: Mapping[str, str]) -> Iterator[str]:
    for name in ("DEBUG", "DJANGO_DEBUG", "TESTING", "CORS_ALLOW_ALL"):
        if values.get(name, "").lower() not in _OFF:
            yield f"{name} must be off."
    for name, value in sorted(values.items()):
        if name.startswith(TESTING_SWITCHES) and value:
            yield f"{name} must not be set at all: it opens sign-in for testing."
