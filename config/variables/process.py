"""How a process runs: environment, servers, secrets, mail, logs."""

from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from config.variables.naming import CommaList, Variables, named

ROOT = Path(__file__).resolve().parent.parent.parent
SWITCHES = ("ENVIRONMENT", "ENV", "DJANGO_ENV")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class ProcessVariables(Variables):
    environment: Environment = named(
        Environment.DEVELOPMENT,
        *SWITCHES,
        help="development, staging or production. ENV=production and DJANGO_ENV=prod are understood.",
    )
    debug: bool = named(True, "DEBUG", "DJANGO_DEBUG", help="Development only; production refuses it.")
    testing: bool = named(False, "TESTING", help="1 uses a throwaway database that ends with the process.")
    secret_key: SecretStr = named(
        SecretStr(""),
        "SECRET_KEY",
        "DJANGO_SECRET_KEY",
        help="At least 43 random characters (256 bits in base64). Made up in development.",
    )
    allowed_hosts: CommaList = named(
        ("localhost", "127.0.0.1", "[::1]"),
        "ALLOWED_HOSTS",
        "DJANGO_ALLOWED_HOSTS",
        help="Host names served, comma list.",
    )
    port: int = named(8000, "PORT", help="The port the web process listens on.", ge=1, le=65535)
    bind_address: str = named(
        "",
        "BIND_ADDRESS",
        help="The address the web process listens on; unset: this machine only in development, all others elsewhere.",
        pattern=r"^[0-9a-fA-F:.]*$",
    )
    web_concurrency: int = named(
        1, "WEB_CONCURRENCY", help="Worker processes of the web server; more than 1 needs REDIS_URL.", ge=1, le=256
    )
    shutdown_grace_seconds: float = named(
        25,
        "SHUTDOWN_GRACE_SECONDS",
        help="From SIGTERM to the end of the web process at most; less than what your platform waits before it kills.",
        ge=1,
        le=300,
    )
    shutdown_delay_seconds: float = named(
        5,
        "SHUTDOWN_DELAY_SECONDS",
        help="The first part of it, unready and still serving, until load balancers know. 0 in development, and where "
        "the platform takes the process out before SIGTERM (Render).",
        ge=0,
        le=120,
    )
    health_startup_gate: bool = named(
        False,
        "HEALTH_STARTUP_GATE",
        help="1 answers /health/live/ with 503 until the process has been ready once, for platforms that probe one "
        "path both to admit a release and to restart it (Render).",
    )
    collect_static: bool = named(
        True,
        "COLLECT_STATIC",
        help="0 when the image already collected its static files; serve then leaves them alone.",
    )
    data_dir: Path = named(
        ROOT / ".hanout", "HANOUT_DATA_DIR", help="Where the embedded database and development secrets live."
    )

    database_url: SecretStr = named(
        SecretStr(""),
        "DATABASE_URL",
        help="postgres:// or postgresql://. Unset outside production: an embedded PostgreSQL is started.",
    )
    db_engine: str = named(
        "django.db.backends.postgresql", "DB_ENGINE", help="PostgreSQL's engine; there is no other.", pattern="postgres"
    )
    db_name: str = named("", "DB_NAME", help="Alternative to DATABASE_URL, with the DB_* below.")
    db_user: str = named("", "DB_USER", help="See DB_NAME.")
    db_password: SecretStr = named(SecretStr(""), "DB_PASSWORD", help="See DB_NAME.")
    db_host: str = named("", "DB_HOST", help="See DB_NAME.")
    db_port: int = named(5432, "DB_PORT", help="See DB_NAME.", ge=1, le=65535)
    db_ssl_require: bool = named(
        True, "DB_SSL_REQUIRE", help="Production: refuse a PostgreSQL server without TLS. Not applied to unix sockets."
    )
    redis_url: SecretStr = named(
        SecretStr(""), "REDIS_URL", help="Cache and counters shared by all processes. Required in production."
    )
    celery_broker_url: SecretStr = named(
        SecretStr(""), "CELERY_BROKER_URL", help="Where jobs are queued; REDIS_URL when unset."
    )
    celery_result_backend: SecretStr = named(
        SecretStr(""), "CELERY_RESULT_BACKEND", help="Where job results go; REDIS_URL when unset."
    )

    cors_allowed_origins: CommaList = named(
        ("http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:5173"),
        "FRONTEND_ORIGINS",
        "CORS_ALLOWED_ORIGINS",
        "DJANGO_CORS_ALLOWED_ORIGINS",
        help="Web front ends that may call the API, comma list of origins; never '*' in production.",
    )
    csrf_trusted_origins: CommaList = named(
        (), "CSRF_TRUSTED_ORIGINS", "DJANGO_CSRF_TRUSTED_ORIGINS", help="Origins allowed to post forms (the console)."
    )
    trusted_proxy_count: int = named(
        0, "TRUSTED_PROXY_COUNT", help="Proxies of yours in front; X-Forwarded-For counts only that far.", ge=0, le=10
    )
    metrics_token: SecretStr = named(
        SecretStr(""),
        "METRICS_TOKEN",
        help="Bearer token for /metrics; without it only this machine and staff may read it.",
    )
    log_level: str = named(
        "INFO",
        "LOG_LEVEL",
        "DJANGO_LOG_LEVEL",
        help="DEBUG, INFO, WARNING or ERROR.",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
    )

    public_url: str = named(
        "",
        "PUBLIC_URL",
        help="Where the world reaches this API, such as https://api.shop.test; providers report there.",
        pattern="^(https?://[^/]+)?/?$",
    )
    frontend_url: str = named(
        "http://localhost:3000",
        "FRONTEND_URL",
        help="The web front end that mailed links lead to.",
        pattern="^https?://",
    )
    activation_url: str = named(
        "",
        "ACTIVATION_URL",
        help="Where V1's activation mail leads, the token appended; FRONTEND_URL/activate?token= when unset.",
        pattern="^(https?://.+)?$",
    )
    email_backend: str = named(
        "", "EMAIL_BACKEND", help="A Django mail backend; SMTP when EMAIL_HOST is set, /inbox/ in development."
    )
    email_host: str = named("", "EMAIL_HOST", help="The SMTP server mails leave through.")
    email_port: int = named(587, "EMAIL_PORT", help="See above.", ge=1, le=65535)
    email_use_tls: bool = named(True, "EMAIL_USE_TLS", help="STARTTLS; implicit TLS on port 465.")
    email_host_user: str = named("", "EMAIL_HOST_USER", help="See above.")
    email_host_password: SecretStr = named(SecretStr(""), "EMAIL_HOST_PASSWORD", help="See above.")
    default_from_email: str = named("Hanout <shop@localhost>", "DEFAULT_FROM_EMAIL", help="The sender of all mails.")

    v1_deprecated_on: date | None = named(
        None, "V1_DEPRECATED_ON", help="A date such as 2027-01-31: V1's answers say since when it is deprecated."
    )
    v1_sunset_on: date | None = named(
        None, "V1_SUNSET_ON", help="A date such as 2027-12-31: V1's answers say when it will be switched off."
    )

    service_auth_secret_django_backend: SecretStr = named(
        SecretStr(""),
        "SERVICE_AUTH_SECRET_DJANGO_BACKEND",
        help="32 random characters or more, different for each service.",
    )
    service_auth_secret_api_gateway: SecretStr = named(
        SecretStr(""), "SERVICE_AUTH_SECRET_API_GATEWAY", help="See above."
    )
    service_auth_secret_celery_worker: SecretStr = named(
        SecretStr(""), "SERVICE_AUTH_SECRET_CELERY_WORKER", help="See above."
    )
