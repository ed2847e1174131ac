"""Django's DATABASES entry for this environment: a server that was named, or the embedded one."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.env import Env, Environment

STATEMENT_TIMEOUT_MS = 30_000


def database(env: Env) -> dict[str, Any]:
    """The `default` entry of DATABASES."""
    if url := env.database_url.get_secret_value():
        named = _from_url(url)
    elif env.db_name:
        named = {
            "NAME": env.db_name,
            "USER": env.db_user,
            "PASSWORD": env.db_password.get_secret_value(),
            "HOST": env.db_host,
            "PORT": str(env.db_port),
            "OPTIONS": {},
        }
    else:
        return {
            **_common(),
            "ENGINE": "config.database.embedded",
            "NAME": "hanout",
            "OPTIONS": _with_limits({}),
            "EMBEDDED": env,
        }
    if env.environment is Environment.PRODUCTION and env.db_ssl_require and not named["HOST"].startswith("/"):
        named["OPTIONS"].setdefault("sslmode", "require")
    named["OPTIONS"] = _with_limits(named["OPTIONS"])
    return {**_common(), "ENGINE": "django.db.backends.postgresql", **named}


def _common() -> dict[str, Any]:
    # Threads of a WSGI worker keep their connection; the health check replaces one the server dropped.
    return {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}


def _with_limits(options: dict[str, str]) -> dict[str, str]:
    # A statement that takes half a minute is lost; it must not also hold its locks. Ours first: a given one wins.
    given = options.get("options", "")
    return {**options, "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} {given}".rstrip()}


def _from_url(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": options.pop("port", None) or str(parts.port or ""),
        "OPTIONS": options,
    }
