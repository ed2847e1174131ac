"""Whether production starts with the settings given, and what in them is weaker than it should be."""

import json
import os
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
from django.conf import settings

from apps.operations.preflight.children import last_lines, run_python
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, bad, counted, doubtful, good
from apps.operations.preflight.registry import Part, check

CHECK_SECONDS, ANSWER_SECONDS = 60, 5
LEAST_DIGITS = 6
_PRODUCTION = "config.settings.production"
# What a browser or a proxy will see; read in a process that has these settings, and no others.
_FIGURES = """
import json, django
django.setup()
from django.conf import settings as s
print(json.dumps({
    "TLS redirect": s.SECURE_SSL_REDIRECT, "secure session cookie": s.SESSION_COOKIE_SECURE,
    "secure CSRF cookie": s.CSRF_COOKIE_SECURE, "hidden session cookie": s.SESSION_COOKIE_HTTPONLY,
    "HSTS for 30 days": s.SECURE_HSTS_SECONDS >= 30 * 86400, "debug off": not s.DEBUG,
    "CORS by list": bool(s.CORS_ALLOWED_ORIGINS) and not getattr(s, "CORS_ALLOW_ALL_ORIGINS", False),
    "CORS by https": all(o.startswith("https://") for o in s.CORS_ALLOWED_ORIGINS),
}))
"""


@check(
    "environment",
    Part.SETTINGS,
    "The settings are complete and strong enough for production.",
    hint="Set what is listed in the environment of the release; .env.example explains every variable.",
)
def environment(flight: Flight) -> Seen:
    try:
        flight.given.loaded(type(settings.ENVIRONMENT).PRODUCTION)
    except CannotCheck as refused:
        lines = str(refused).splitlines()
        problems = [line.removeprefix("  - ") for line in lines if line.startswith("  - ")] or lines
        return bad(f"Production would not start with {flight.given.source}: {_amount(problems)}.", *problems)
    called = flight.given.environment
    if called not in {"production", "prod", "staging"}:
        return doubtful(f"{flight.given.source} would do, but says ENVIRONMENT={called}: set ENVIRONMENT=production.")
    return good(f"Production starts with {flight.given.source}.")


def _amount(problems: list[str]) -> str:
    return counted(len(problems), "problem")


@check(
    "deploy-settings",
    Part.SETTINGS,
    "TLS, cookies and CORS are as production needs them.",
    hint="Set what is listed; a warning that is accepted stays a warning.",
)
def deploy_settings(flight: Flight) -> Seen:
    environ = {**flight.given.values, "DJANGO_SETTINGS_MODULE": _PRODUCTION, "ENVIRONMENT": "production"}
    for name in ("PATH", "HOME"):
        environ[name] = os.environ.get(name, "")
    for other in ("ENV", "DJANGO_ENV"):
        environ.pop(other, None)
    told = run_python(flight.root, "-c", _FIGURES, seconds=CHECK_SECONDS, environ=environ)
    try:
        figures: dict[str, bool] = json.loads(told.stdout)
    except ValueError:
        raise CannotCheck("Production's settings cannot be loaded: see the check `environment`.") from None
    if wrong := [name for name, is_right in figures.items() if not is_right]:
        return bad(f"Not as it should be: {', '.join(wrong)}.")
    deploy = ("manage.py", "check", "--deploy", "--fail-level")
    done = run_python(flight.root, *deploy, "ERROR", seconds=CHECK_SECONDS, environ=environ)
    said = _issues(done.stdout + done.stderr)
    if done.returncode:
        return bad("`manage.py check --deploy` finds errors.", *(said or last_lines(done.stderr)))
    listed = ", ".join(figures)
    return doubtful(f"{listed}; {counted(len(said), 'warning')}.", *said) if said else good(f"{listed}.")


def _issues(output: str) -> list[str]:
    return [line.removeprefix("?: ") for line in last_lines(output, 40) if line.startswith(("?: ", "apps.", "core."))]


@check(
    "short-codes",
    Part.SETTINGS,
    "Texted codes have six digits or more.",
    hint="Unset OTP_ALLOW_SHORT_CODES and OTP_CODE_LENGTH once the clients take six digits.",
)
def short_codes(flight: Flight) -> Seen:
    word = flight.given.word("OTP_CODE_LENGTH") or str(LEAST_DIGITS)
    length = int(word) if word.isdecimal() else LEAST_DIGITS
    if length >= LEAST_DIGITS:
        return good(f"Codes have {length} digits.")
    allowed = "allowed by OTP_ALLOW_SHORT_CODES" if flight.given.is_on("OTP_ALLOW_SHORT_CODES") else "and not allowed"
    return doubtful(
        f"Codes have {length} digits, {allowed}: each guess is {10 ** (LEAST_DIGITS - length)} times better."
    )


@check(
    "sentry",
    Part.SETTINGS,
    "Errors are reported to somebody: Sentry answers.",
    hint="Set SENTRY_DSN, or see to it that somebody reads the errors in the log.",
)
def sentry(flight: Flight) -> Seen:
    here = "" if flight.given.is_file else getattr(settings, "SENTRY_DSN", "")
    dsn = flight.given.word("SENTRY_DSN") or str(here)
    if not dsn:
        return doubtful("SENTRY_DSN is not set: errors stay in the log.")
    # The key in it is a secret; its host is asked for nothing but an answer.
    parts = urlsplit(dsn)
    if parts.scheme not in {"https", "http"} or not parts.hostname or not parts.username:
        return bad("SENTRY_DSN is no address of Sentry: write it as https://KEY@HOST/PROJECT.")
    host = parts.hostname + (f":{parts.port}" if parts.port else "")
    try:
        status: int = requests.head(
            f"{parts.scheme}://{host}/", timeout=ANSWER_SECONDS, allow_redirects=False
        ).status_code
    except requests.RequestException as error:
        return bad(f"{host} does not answer: {type(error).__name__}.")
    return bad(f"{host} answers {status}.") if status >= HTTPStatus.INTERNAL_SERVER_ERROR else good(f"{host} answers.")
