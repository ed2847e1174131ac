"""Django's settings, derived from `config.env`; the environment modules only choose which environment."""

from config.console import unfold_settings
from config.database import database
from config.env import ROOT, Environment, current
from config.secrets import secret_key
from core.logging import logging_config

ENV = current()
ENVIRONMENT = ENV.environment
IS_DEVELOPMENT = ENVIRONMENT is Environment.DEVELOPMENT
DEBUG = IS_DEVELOPMENT and ENV.debug
SECRET_KEY = secret_key(ENV)
VERSION = "0.1.0"

INSTALLED_APPS = [
    "apps.operations",  # before unfold: it brings the console's front page
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "ninja",
    "core",
    "apps.accounts",
    "apps.products",
    "apps.orders",
    "apps.campaigns",
    "apps.health",
]
MIDDLEWARE = [
    "core.middleware.request_context.RequestContextMiddleware",
    "core.middleware.metrics.MetricsMiddleware",
    "core.middleware.probe_host.ProbeHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.middleware.contract_errors.ContractErrorsMiddleware",
    "core.middleware.input_bounds.InputBoundsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
# The documents write some paths with and some without a final slash; each answers exactly as written.
APPEND_SLASH = False
ALLOWED_HOSTS = list(ENV.allowed_hosts)
DATA_DIR = ENV.data_dir
DATABASES = {"default": database(ENV)}
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

AUTH_USER_MODEL = "accounts.User"
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
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = IS_DEVELOPMENT
WHITENOISE_AUTOREFRESH = False

TRUSTED_PROXY_COUNT = ENV.trusted_proxy_count
CORS_ALLOWED_ORIGINS = list(ENV.cors_allowed_origins)
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Retry-After"]
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
METRICS_TOKEN = ENV.metrics_token.get_secret_value()

LOGGING_CONFIG = "core.logging.configure"
LOGGING = logging_config(level=ENV.log_level, environment=ENVIRONMENT, readable=IS_DEVELOPMENT)
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"] if IS_DEVELOPMENT else []

OTP_CODE_LENGTH = ENV.otp_code_length
OTP_TTL_SECONDS = ENV.otp_ttl_seconds
OTP_MAX_ATTEMPTS = ENV.otp_max_attempts
OTP_IDENTITY_HOURLY_GUESSES = ENV.otp_identity_hourly_guesses
OTP_COOLDOWN_SECONDS = ENV.otp_cooldown_seconds
OTP_PHONE_HOURLY_LIMIT = ENV.otp_phone_hourly_limit
OTP_PHONE_DAILY_LIMIT = ENV.otp_phone_daily_limit
OTP_IP_HOURLY_LIMIT = ENV.otp_ip_hourly_limit
JWT_ACCESS_SECONDS = ENV.jwt_access_min * 60
SESSION_ABSOLUTE_DAYS = ENV.jwt_refresh_days
SESSION_IDLE_DAYS = ENV.session_idle_days
SHOP_CURRENCY = ENV.shop_currency
SHOP_TAX_PERCENT = ENV.tax_percent
SHOP_SHIPPING_FEE = ENV.shipping_fee
SHOP_FREE_SHIPPING_FROM = ENV.free_shipping_from
RESERVATION_MINUTES = ENV.reservation_minutes

UNFOLD = unfold_settings()
