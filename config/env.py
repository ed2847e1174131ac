"""Every environment variable Hanout reads, typed and frozen.

The names are those of the five documents; where two documents name one thing, both names work and the
first listed wins. `.env.example` is generated from this class (`make snapshots`).
"""

import os
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from config.refusals import Problems, SettingsRefused, production_problems, url_problems, value_problems

ROOT = Path(__file__).resolve().parent.parent
SWITCHES = ("ENVIRONMENT", "ENV", "DJANGO_ENV")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]


def _named(default: Any, /, *names: str, help: str, **limits: Any) -> Any:  # noqa: A002
    """A variable with its accepted names and the sentence `.env.example` prints for it."""
    return Field(default, validation_alias=AliasChoices(*names), description=help, **limits)


class Env(BaseModel):
    """The process environment, read once at start."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    environment: Environment = _named(
        Environment.DEVELOPMENT,
        *SWITCHES,
        help="development, staging or production. ENV=production and DJANGO_ENV=prod are understood.",
    )
    debug: bool = _named(True, "DEBUG", "DJANGO_DEBUG", help="Development only; production refuses it.")
    testing: bool = _named(False, "TESTING", help="1 uses a throwaway database that ends with the process.")
    secret_key: SecretStr = _named(
        SecretStr(""), "SECRET_KEY", "DJANGO_SECRET_KEY", help="At least 50 random characters. Made up in development."
    )
    allowed_hosts: CommaList = _named(
        ("localhost", "127.0.0.1", "[::1]"),
        "ALLOWED_HOSTS",
        "DJANGO_ALLOWED_HOSTS",
        help="Host names served, comma list.",
    )
    port: int = _named(8000, "PORT", help="The port the web process listens on.", ge=1, le=65535)
    web_concurrency: int = _named(
        1, "WEB_CONCURRENCY", help="Worker processes of the web server; more than 1 needs REDIS_URL.", ge=1, le=256
    )
    collect_static: bool = _named(
        True,
        "COLLECT_STATIC",
        help="0 when the image already collected its static files; serve then leaves them alone.",
    )
    data_dir: Path = _named(
        ROOT / ".hanout", "HANOUT_DATA_DIR", help="Where the embedded database and development secrets live."
    )

    database_url: SecretStr = _named(
        SecretStr(""),
        "DATABASE_URL",
        help="postgres:// or postgresql://. Unset outside production: an embedded PostgreSQL is started.",
    )
    db_engine: str = _named(
        "django.db.backends.postgresql", "DB_ENGINE", help="PostgreSQL's engine; there is no other.", pattern="postgres"
    )
    db_name: str = _named("", "DB_NAME", help="Alternative to DATABASE_URL, with the DB_* below.")
    db_user: str = _named("", "DB_USER", help="See DB_NAME.")
    db_password: SecretStr = _named(SecretStr(""), "DB_PASSWORD", help="See DB_NAME.")
    db_host: str = _named("", "DB_HOST", help="See DB_NAME.")
    db_port: int = _named(5432, "DB_PORT", help="See DB_NAME.", ge=1, le=65535)
    db_ssl_require: bool = _named(
        True, "DB_SSL_REQUIRE", help="Production: refuse a PostgreSQL server without TLS. Not applied to unix sockets."
    )
    redis_url: SecretStr = _named(
        SecretStr(""), "REDIS_URL", help="Cache and counters shared by all processes. Required in production."
    )
    celery_broker_url: SecretStr = _named(
        SecretStr(""), "CELERY_BROKER_URL", help="Where jobs are queued; REDIS_URL when unset."
    )
    celery_result_backend: SecretStr = _named(
        SecretStr(""), "CELERY_RESULT_BACKEND", help="Where job results go; REDIS_URL when unset."
    )

    cors_allowed_origins: CommaList = _named(
        ("http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:5173"),
        "FRONTEND_ORIGINS",
        "CORS_ALLOWED_ORIGINS",
        "DJANGO_CORS_ALLOWED_ORIGINS",
        help="Web front ends that may call the API, comma list of origins; never '*' in production.",
    )
    csrf_trusted_origins: CommaList = _named(
        (), "CSRF_TRUSTED_ORIGINS", "DJANGO_CSRF_TRUSTED_ORIGINS", help="Origins allowed to post forms (the console)."
    )
    trusted_proxy_count: int = _named(
        0, "TRUSTED_PROXY_COUNT", help="Proxies of yours in front; X-Forwarded-For counts only that far.", ge=0, le=10
    )
    metrics_token: SecretStr = _named(
        SecretStr(""),
        "METRICS_TOKEN",
        help="Bearer token for /metrics; without it only this machine and staff may read it.",
    )
    log_level: str = _named(
        "INFO",
        "LOG_LEVEL",
        "DJANGO_LOG_LEVEL",
        help="DEBUG, INFO, WARNING or ERROR.",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
    )

    service_auth_secret_django_backend: SecretStr = _named(
        SecretStr(""),
        "SERVICE_AUTH_SECRET_DJANGO_BACKEND",
        help="32 random characters or more, different for each service.",
    )
    service_auth_secret_api_gateway: SecretStr = _named(
        SecretStr(""), "SERVICE_AUTH_SECRET_API_GATEWAY", help="See above."
    )
    service_auth_secret_celery_worker: SecretStr = _named(
        SecretStr(""), "SERVICE_AUTH_SECRET_CELERY_WORKER", help="See above."
    )

    otp_code_length: int = _named(6, "OTP_CODE_LENGTH", help="Digits of a texted code.", ge=4, le=8)
    otp_allow_short_codes: bool = _named(
        False, "OTP_ALLOW_SHORT_CODES", help="1 lets production use codes of fewer than 6 digits."
    )
    otp_ttl_seconds: int = _named(120, "OTP_TTL_SECONDS", help="How long a code is good for.", ge=30, le=600)
    otp_max_attempts: int = _named(5, "OTP_MAX_ATTEMPTS", help="Wrong guesses one code survives.", ge=1, le=10)
    otp_identity_hourly_guesses: int = _named(
        15,
        "OTP_IDENTITY_HOURLY_GUESSES",
        help="Guesses per phone and rolling hour; a new code does not refill it.",
        ge=1,
        le=100,
    )
    otp_cooldown_seconds: int = _named(
        60, "OTP_COOLDOWN_SECONDS", help="Wait between two texts to a phone.", ge=0, le=3600
    )
    otp_phone_hourly_limit: int = _named(
        5, "OTP_PHONE_HOURLY_LIMIT", help="Texts per phone and hour; 0 is no limit.", ge=0
    )
    otp_phone_daily_limit: int = _named(
        10, "OTP_PHONE_DAILY_LIMIT", help="Texts per phone and day; 0 is no limit.", ge=0
    )
    otp_ip_hourly_limit: int = _named(
        50, "OTP_IP_HOURLY_LIMIT", help="Texts per client address and hour; 0 is no limit.", ge=0
    )

    jwt_access_min: int = _named(
        60, "JWT_ACCESS_MIN", "ACCESS_TOKEN_EXPIRE_MINUTES", help="Minutes an access token lives.", ge=1, le=1440
    )
    jwt_refresh_days: int = _named(
        30, "JWT_REFRESH_DAYS", "REFRESH_TOKEN_EXPIRE_DAYS", help="Days a session lives at most.", ge=1, le=365
    )
    session_idle_days: int = _named(
        14, "SESSION_IDLE_DAYS", help="Days without a refresh that end a session.", ge=1, le=365
    )

    shop_currency: str = _named("USD", "SHOP_CURRENCY", help="ISO 4217 code of all prices.", pattern="^[A-Z]{3}$")
    tax_percent: int = _named(10, "SHOP_TAX_PERCENT", help="Tax on the subtotal.", ge=0, le=100)
    shipping_fee: Decimal = _named(
        Decimal(10), "SHOP_SHIPPING_FEE", help="Shipping of a small order, in major units.", ge=0, le=100_000
    )
    free_shipping_from: Decimal = _named(
        Decimal(50), "SHOP_FREE_SHIPPING_FROM", help="Subtotal from which shipping is free, in major units.", ge=0
    )
    reservation_minutes: int = _named(
        30, "RESERVATION_MINUTES", help="How long an unpaid order keeps its goods.", ge=1, le=10080
    )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, *, environment: Environment | None = None) -> Self:
        """Read the environment; raise `SettingsRefused` naming every problem at once.

        `environment` is what a directly named settings module stands for, whatever ENVIRONMENT says.
        """
        given = os.environ if environ is None else environ
        values = {key: value.strip() for key, value in given.items() if value.strip()}
        chosen = environment or environment_of(values)
        values["ENVIRONMENT"] = chosen
        problems = Problems(url_problems(values))
        try:
            env = cls.model_validate(values)
        except ValidationError as error:
            problems.extend(value_problems(error))
        if chosen is Environment.PRODUCTION:
            problems.extend(production_problems(values))
        problems.raise_if_any(chosen)
        return env


_SPELLINGS = {
    "": Environment.DEVELOPMENT,
    "dev": Environment.DEVELOPMENT,
    "development": Environment.DEVELOPMENT,
    "base": Environment.DEVELOPMENT,
    "local": Environment.DEVELOPMENT,
    "test": Environment.DEVELOPMENT,
    "testing": Environment.DEVELOPMENT,
    "staging": Environment.STAGING,
    "prod": Environment.PRODUCTION,
    "production": Environment.PRODUCTION,
}


def environment_of(values: Mapping[str, str]) -> Environment:
    """Which environment the variables select; a misspelt one is refused, or a typo would open production."""
    named = {name: word for name in SWITCHES if (word := values.get(name, "").strip().lower())}
    if unknown := [name for name, word in named.items() if word not in _SPELLINGS]:
        raise SettingsRefused(f"{unknown[0]} is {named[unknown[0]]!r}: use development, staging or production.")
    if len({_SPELLINGS[word] for word in named.values()}) > 1:
        raise SettingsRefused(f"{' and '.join(named)} name different environments: set one of them.")
    return _SPELLINGS[next(iter(named.values()), "")]


_current: list[Env] = []


def select(environment: Environment) -> None:
    """Fix the environment for this process; a settings module calls it before it imports the base."""
    _current[:] = [Env.load(_with_dotenv(environment), environment=environment)]


def current() -> Env:
    """The environment of this process, chosen by ENVIRONMENT unless a settings module chose before."""
    if not _current:
        select(environment_of(os.environ))
    return _current[0]


def _with_dotenv(environment: Environment) -> Mapping[str, str]:
    """The process environment over `.env`, which counts in development alone."""
    if environment is not Environment.DEVELOPMENT:
        return os.environ
    kept = {key: value for key, value in dotenv_values(ROOT / ".env").items() if value}
    if environment_of(kept) is not Environment.DEVELOPMENT:
        raise SettingsRefused("ENVIRONMENT in .env does nothing: .env is read in development only. Set it outside.")
    return {**kept, **os.environ}
