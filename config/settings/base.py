"""Django's settings, derived from `config.env`; the environment modules only choose which environment."""

from corsheaders.defaults import default_headers

from config.backup_refusals import decoded
from config.backup_store import backup_store, program_folders
from config.call_budgets import call_budgets
from config.console import unfold_settings
from config.database import database
from config.database.migrating import migration_database
from config.env import ROOT, Environment, current
from config.picture_storage import media_url, picture_storage
from config.secrets import derived_secret, parts, secret_key
from core.logging import logging_config

ENV = current()
ENVIRONMENT = ENV.environment
IS_DEVELOPMENT = ENVIRONMENT is Environment.DEVELOPMENT
DEBUG = IS_DEVELOPMENT and ENV.debug
SECRET_KEY = secret_key(ENV)
VERSION = "0.1.0"

INSTALLED_APPS = [
    "apps.operations",  # before unfold: it brings the console's front page
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "apps.accounts.console.ConsoleConfig",  # django.contrib.admin, with our door
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_otp",
    "django_celery_beat",  # before core, which brings its page of the console
    "ninja",
    "core",
    "apps.accounts",
    "apps.onboarding",
    "apps.products",
    "apps.orders",
    "apps.payments",
    "apps.campaigns",
    "apps.health",
]
MIDDLEWARE = [
    "core.middleware.request_context.RequestContextMiddleware",
    "core.middleware.metrics.MetricsMiddleware",
    "core.middleware.head_requests.HeadMiddleware",
    "core.middleware.probe_host.ProbeHostMiddleware",
    "core.middleware.page_policy.PagePolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.middleware.deprecation.DeprecationMiddleware",
    "apps.accounts.call_budget.CallBudgetMiddleware",
    "core.middleware.contract_errors.ContractErrorsMiddleware",
    "core.middleware.input_bounds.InputBoundsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "apps.accounts.second_door.SecondDoorMiddleware",
    "apps.operations.closed_door.MaintenanceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "core.page_context.console",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ADMIN_PATH = ENV.admin_path
# The documents write some paths with and some without a final slash; each answers exactly as written.
APPEND_SLASH = False
ALLOWED_HOSTS = list(ENV.allowed_hosts)
DATA_DIR = ENV.data_dir
DATABASES = {"default": database(ENV)}
MIGRATION_DATABASE = migration_database(ENV)
MIGRATION_ATTEMPTS = ENV.migration_attempts
MIGRATION_WAIT_SECONDS = ENV.migration_wait_seconds
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = ENV.redis_url.get_secret_value()
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "hanout",
        "TIMEOUT": 300,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# Web processes never connect to these: jobs leave through the outbox, core/outbox_relay.py publishes them.
CELERY_BROKER_URL = ENV.celery_broker_url.get_secret_value() or REDIS_URL
CELERY_RESULT_BACKEND = ENV.celery_result_backend.get_secret_value() or REDIS_URL
JOBS_REPUBLISH_SECONDS = 60
JOBS_SCHEDULE_GRACE_SECONDS = 30

AUTH_USER_MODEL = "accounts.User"
CONSOLE_SECOND_FACTOR = not IS_DEVELOPMENT if ENV.console_second_factor is None else ENV.console_second_factor
PASSWORD_HASHERS = [
    "apps.accounts.hashers.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATIC_ROOT = None if IS_DEVELOPMENT else ROOT / "staticfiles"
MEDIA_URL = media_url(ENV)
MEDIA_ROOT = DATA_DIR / "media"
PICTURE_ORIGIN = "" if MEDIA_URL.startswith("/") else "/".join(MEDIA_URL.split("/")[:3])
STORAGES = {
    "default": picture_storage(ENV),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
BACKUP_STORE = backup_store(ENV)
BACKUP_KEY = decoded(ENV.backup_encryption_key.get_secret_value())
BACKUP_KEYS = [key for key in (BACKUP_KEY, *map(decoded, parts(ENV.backup_previous_keys))) if key]
BACKUP_KEEP_DAYS = ENV.backup_keep_days
BACKUP_IS_SCHEDULED = bool(ENV.backup_target) if ENV.backup_schedule is None else ENV.backup_schedule
BACKUP_MAINTENANCE_DATABASE = ENV.backup_maintenance_database
PG_BIN_DIR = ENV.pg_bin_dir
PG_BIN_DIRS = program_folders()
WHITENOISE_USE_FINDERS = IS_DEVELOPMENT
WHITENOISE_AUTOREFRESH = False

# Mails leave by SMTP where a server is named; a laptop keeps them in /inbox/; elsewhere sending says that none is.
EMAIL_BACKEND = ENV.email_backend or (
    "django.core.mail.backends.smtp.EmailBackend"
    if ENV.email_host
    else "apps.accounts.mails.DevelopmentBackend"
    if IS_DEVELOPMENT
    else "apps.accounts.mails.NoBackend"
)
EMAIL_HOST, EMAIL_PORT = ENV.email_host, ENV.email_port
EMAIL_HOST_USER = ENV.email_host_user
EMAIL_HOST_PASSWORD = ENV.email_host_password.get_secret_value()
EMAIL_USE_SSL = ENV.email_port == 465  # noqa: PLR2004  # "submissions" (RFC 8314)
EMAIL_USE_TLS = ENV.email_use_tls and not EMAIL_USE_SSL
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV.default_from_email

TRUSTED_PROXY_COUNT = ENV.trusted_proxy_count
ANONYMOUS_CALLS_PER_MINUTE, PERSON_CALLS_PER_MINUTE = call_budgets(ENV)
CORS_ALLOWED_ORIGINS = list(ENV.cors_allowed_origins)
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "x-cart-token"]
CORS_EXPOSE_HEADERS = [
    "X-Request-ID",
    "Retry-After",
    "Idempotency-Replayed",
    *(f"X-RateLimit-{part}" for part in ("Limit", "Remaining", "Reset")),
]
CSRF_TRUSTED_ORIGINS = list(ENV.csrf_trusted_origins)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_DEVELOPMENT
SESSION_COOKIE_HTTPONLY = True
if not IS_DEVELOPMENT:
    SECURE_SSL_REDIRECT = True
    # Probes and scrapes reach the process without TLS, from inside the platform.
    SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics/?$"]
    SECURE_HSTS_SECONDS = 30 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if TRUSTED_PROXY_COUNT:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MAX_UPLOAD_BYTES = 5 * 1024 * 1024
HEALTH_STARTUP_GATE = ENV.health_startup_gate
SENTRY_DSN = ENV.sentry_dsn.get_secret_value()
SENTRY_ENVIRONMENT = ENV.sentry_environment or ENVIRONMENT
SENTRY_TRACES_RATE = ENV.sentry_traces_rate
METRICS_TOKEN = ENV.metrics_token.get_secret_value()

LOGGING_CONFIG = "core.logging.configure"
LOGGING = logging_config(level=ENV.log_level, environment=ENVIRONMENT, readable=IS_DEVELOPMENT)
# W009 wants 50 characters of a key; config/refusals.py judges it by what it is worth.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"] if IS_DEVELOPMENT else ["security.W009"]

OTP_CODE_LENGTH = ENV.otp_code_length
OTP_TTL_SECONDS = ENV.otp_ttl_seconds
OTP_MAX_ATTEMPTS = ENV.otp_max_attempts
OTP_IDENTITY_HOURLY_GUESSES = ENV.otp_identity_hourly_guesses
OTP_COOLDOWN_SECONDS = ENV.otp_cooldown_seconds
OTP_PHONE_HOURLY_LIMIT = ENV.otp_phone_hourly_limit
OTP_PHONE_DAILY_LIMIT = ENV.otp_phone_daily_limit
OTP_IP_HOURLY_LIMIT = ENV.otp_ip_hourly_limit
OTP_IDENTITY_DAILY_GUESSES = ENV.otp_identity_daily_guesses
OTP_PROJECT_HOURLY_TEXTS = ENV.otp_project_hourly_texts
OTP_BLOCKED_RANGE_LEAST_TEXTS = ENV.otp_blocked_range_least_texts
OTP_COUNTRIES = frozenset(country.upper() for country in ENV.otp_countries)
PHONE_REGION = ENV.phone_region
# Production refuses to start with any of these set; should one slip through, it is off here as well (S0).
_STAGING = ENVIRONMENT is not Environment.PRODUCTION
OTP_TEST_KEY = ENV.otp_test_key.get_secret_value() if _STAGING and ENV.otp_test_mode else ""
OTP_TEST_CODE = ENV.otp_test_code if OTP_TEST_KEY else ""
OTP_TEST_HEADER = ENV.otp_test_header
OTP_APP_BYPASS = _STAGING and ENV.otp_app_bypass
OTP_APP_BYPASS_ALLOWLIST = list(ENV.otp_app_bypass_allowlist) if _STAGING else []
TWILIO_ACCOUNT_SID = ENV.twilio_account_sid
TWILIO_AUTH_TOKEN = ENV.twilio_auth_token.get_secret_value()
TWILIO_PHONE_NUMBER = ENV.twilio_phone_number
BULKSMS_API_KEY = ENV.bulksms_api_key.get_secret_value()
BULKSMS_SENDER_ID = ENV.bulksms_sender_id
BULKSMS_API_URL = ENV.bulksms_api_url
GOOGLE_OAUTH_CLIENT_ID = ENV.google_oauth_client_id
V1_DEPRECATED_ON, V1_SUNSET_ON = ENV.v1_deprecated_on, ENV.v1_sunset_on
PUBLIC_URL = ENV.public_url.rstrip("/")
FRONTEND_URL = ENV.frontend_url.rstrip("/")
ACTIVATION_URL = ENV.activation_url or f"{FRONTEND_URL}/activate?token="
JWT_ACCESS_SECONDS = ENV.jwt_access_min * 60
SESSION_ABSOLUTE_DAYS = ENV.jwt_refresh_days
SESSION_IDLE_DAYS = ENV.session_idle_days
KEEP_EXPIRED_DAYS = ENV.keep_expired_days
KEEP_REVOKED_DAYS = ENV.keep_revoked_days
SHOP_CURRENCY = ENV.shop_currency
SHOP_TAX_PERCENT = ENV.tax_percent
SHOP_SHIPPING_FEE = ENV.shipping_fee
SHOP_FREE_SHIPPING_FROM = ENV.free_shipping_from
RESERVATION_MINUTES = ENV.reservation_minutes
ELASTICSEARCH_URL = ENV.elasticsearch_url.get_secret_value()
ELASTICSEARCH_INDEX = ENV.elasticsearch_index
STRIPE_SECRET_KEY = ENV.stripe_secret_key.get_secret_value()
STRIPE_PUBLISHABLE_KEY = ENV.stripe_publishable_key
STRIPE_WEBHOOK_SECRETS = parts(ENV.stripe_webhook_secret)
WEBHOOK_SECRETS = {provider: parts(secret) for provider, secret in ENV.webhook_secrets.items()}
LATE_PAYMENTS = ENV.late_payments
# Without a key, people pay in a sandbox; production takes no money it would not get.
PAYMENT_GATEWAY = (
    "apps.payments.stripe_gateway.StripeGateway"
    if STRIPE_SECRET_KEY
    else "apps.payments.sandbox_gateway.SandboxGateway"
    if _STAGING
    else ""
)
# Tells this shop's payments from those of others on the same account at the gateway.
SHOP_ID = derived_secret(SECRET_KEY, "shop")[:16]
PAYS_IN_SANDBOX = PAYMENT_GATEWAY.endswith("SandboxGateway")
SANDBOX_WEBHOOK_SECRET = derived_secret(SECRET_KEY, "sandbox")
SANDBOX_POSTS_TO = PUBLIC_URL or f"http://127.0.0.1:{ENV.port}"

UNFOLD = unfold_settings()
